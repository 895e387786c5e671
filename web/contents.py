"""What was found in a video, and where its bytes are: read from the catalogue and the artefacts."""

from __future__ import annotations

from pathlib import Path

from reelseek.errors import NotFound
from reelseek.records import Channel, Chapter, Segment, TimedText
from web.backend import Backend

_MEDIA = "media"


def file_of(served: Backend, video_id: str) -> Path:
    """The video's file, where the catalogue prefers it.

    Raises:
        NotFound: there is no such video, or its file is not there now.
    """
    video = served.catalogue.video(video_id)
    path = Path(video.path) if video.path else None
    if path is None or not path.is_file():
        raise NotFound(
            f"The file of {video.title!r} is not there just now.",
            hint="It was moved or deleted, or its disk is not connected; a scan finds it again.",
        )
    return path


def media_file(served: Backend, video_id: str, name: str) -> tuple[str, bytes]:
    """A picture or track made at the ingest: a tag that changes with it, and its bytes. Raises `NotFound`."""
    key = served.store.current(video_id).get(_MEDIA)
    if key is None:
        raise NotFound("The video has no pictures yet.", hint="They come when it is indexed.")
    return key, served.store.read_bytes(video_id, _MEDIA, key, name)


def lines(served: Backend, video_id: str, channel: Channel) -> tuple[TimedText, ...]:
    """What is said, or stands on screen, in order of time. Raises `NotFound`."""
    served.catalogue.video(video_id)
    return served.service.lines(video_id, channel)


def chapters(served: Backend, video_id: str) -> tuple[Chapter, ...]:
    """The chapters in order. Raises `NotFound`."""
    served.catalogue.video(video_id)
    return served.service.chapters(video_id)


def segments(served: Backend, video_id: str) -> tuple[Segment, ...]:
    """The segments in order. Raises `NotFound`."""
    served.catalogue.video(video_id)
    return served.service.segments(video_id)


def objects(found: tuple[Segment, ...]) -> list[tuple[str, int, float]]:
    """Each label with the most seen at once and the first segment's time, the most frequent first."""
    most: dict[str, tuple[int, float]] = {}
    spread: dict[str, int] = {}
    for segment in found:
        for label, count in segment.object_counts.items():
            if count > 0:
                before, first = most.get(label, (0, segment.start))
                most[label] = max(before, count), first
                spread[label] = spread.get(label, 0) + 1
    ordered = sorted(most, key=lambda label: (-spread[label], label))
    return [(label, *most[label]) for label in ordered]
