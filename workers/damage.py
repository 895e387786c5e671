"""What was broken in a video's pictures when they were decoded."""

from __future__ import annotations

from ingest.storage import FRAMES, RESULT
from reelseek.artefacts import ArtefactStore
from reelseek.settings import Settings


def damage_of(settings: Settings, video_id: str) -> str:
    """What a person should know of a video's pictures: broken packets, an early end, a clock that jumps; or empty."""
    store = ArtefactStore(settings.artefacts_url)
    key = store.current(video_id).get(FRAMES)
    if key is None or not store.has(video_id, FRAMES, key):
        return ""
    return str(store.read_json(video_id, FRAMES, key, RESULT[FRAMES])["note"])
