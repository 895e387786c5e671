"""A video's sound tracks, and which of them is listened to."""

from __future__ import annotations

from ingest.audio_tracks import audio_choice
from ingest.storage import typed
from library.records import VideoEntry
from reelseek.records import JsonObject, VideoInfo
from reelseek.setting_groups import IngestSettings


def sound_tracks(video: VideoEntry, settings: IngestSettings) -> list[JsonObject]:
    """The sound tracks of a video as its file lists them.

    Returns:
        For each `index` (the number in the file), `codec`, `language` (BCP 47, or empty), `title`, `channels`, `kind`
        (`main`, or `beside`: a commentary, a description), `default`, `chosen`, and the `rule` that chose it.
    """
    if not video.info:
        return []
    info = typed(VideoInfo, [video.info])[0]
    choice = audio_choice(info, settings)
    found: list[JsonObject] = []
    for track in info.audio_tracks:
        chosen = choice is not None and choice.track["index"] == track["index"]
        numbers = {"index": int(track["index"]), "channels": int(track["channels"])}
        said = {
            "default": track["default"] == "yes",
            "chosen": chosen,
            "rule": choice.rule if choice and chosen else "",
        }
        found.append({**track, **numbers, **said})
    return found
