"""A video's subtitles, beside its file and in it, and which of them its words come from."""

from __future__ import annotations

from pathlib import Path

from ingest.bitmap_subtitles import BITMAP
from ingest.storage import typed
from ingest.subtitles import EMBEDDED, SIDECAR, choose_sidecar, choose_track, sidecars
from library.records import VideoEntry
from reelseek.records import JsonObject, VideoInfo
from reelseek.setting_groups import IngestSettings

_KINDS = {EMBEDDED: "text", BITMAP: "picture"}


def subtitle_tracks(video: VideoEntry, settings: IngestSettings) -> list[JsonObject]:
    """The subtitle files beside a video, then the tracks in it.

    Returns:
        For each `file` (its name; empty for a track), `index` (the number in the file; None for a file beside it),
        `language` (BCP 47, or empty), `title`, `role` (`forced`, `sounds`, `commentary`, or empty), `kind` (`text` or
        `picture`), and `chosen`: the words of the video come from it.
    """
    source = video.channels.get("speech")
    place = next((Path(place.path) for place in video.locations if Path(place.path).is_file()), None)
    found: list[JsonObject] = []
    if place is not None:
        beside = choose_sidecar(place, settings.language) if source == SIDECAR else None
        for item in sidecars(place):
            role = "forced" if item.forced else "sounds" if item.sounds else ""
            told: JsonObject = {"file": item.path.name, "index": None, "language": item.language, "title": ""}
            found.append({**told, "role": role, "kind": "text", "chosen": item == beside})
    if not video.info:
        return found
    info = typed(VideoInfo, [video.info])[0]
    inside = choose_track(info, settings.language, _KINDS[source]) if source in _KINDS else None
    for track in info.subtitle_tracks:
        told = {name: track.get(name, "") for name in ("language", "title", "role", "kind")}
        found.append({"file": "", "index": int(track["index"]), **told, "chosen": track == inside})
    return found
