"""What was found in a video, and where its bytes are: read from the catalogue and the artefacts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from reelseek.errors import NotFound
from reelseek.records import Channel, Chapter, ObjectTrack, Segment, TimedText
from reelseek.tracks import counts_over_time
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


def tracks(served: Backend, video_id: str) -> tuple[ObjectTrack, ...]:
    """The objects as they were followed, in order of their first showing. Raises `NotFound`."""
    served.catalogue.video(video_id)
    return served.service.tracks(video_id)


@dataclass(frozen=True, slots=True)
class Lane:
    """One label over a video's time.

    Attributes:
        most: the largest number at once.
        pieces: `(start, end, count)` wherever it is seen.
    """

    label: str
    most: int
    pieces: tuple[tuple[float, float, int], ...]

    @property
    def first(self) -> float:
        """When it is first seen."""
        return self.pieces[0][0]


def lanes(found: Sequence[ObjectTrack], segments: Sequence[Segment]) -> list[Lane]:
    """When how many of each label are seen, what is seen longest first.

    Args:
        found: the tracks; where there are none, the segments say it less exactly.
    """
    pieces: dict[str, list[tuple[float, float, int]]] = {}
    for label, steps in counts_over_time(found).items():
        pieces[label] = [(a.time, b.time, a.count) for a, b in pairwise(steps) if a.count]
    if not found:
        for segment in segments:
            for label, count in segment.object_counts.items():
                if count > 0:
                    pieces.setdefault(label, []).append((segment.start, segment.end, count))
    made = [Lane(label, max(count for *_, count in each), tuple(each)) for label, each in pieces.items() if each]
    return sorted(made, key=lambda lane: (-sum(end - start for start, end, _ in lane.pieces), lane.label))
