"""The objects of a segment, as the index holds them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from reelseek.records import Box, ObjectTrack, PathPoint
from reelseek.tracks import lasting


@dataclass(frozen=True, slots=True)
class Scene:
    """The objects of a segment, `[start, end)`.

    Attributes:
        counts: the largest numbers at once, for a segment whose tracks are not known (an older index).
    """

    video_id: str
    start: float
    end: float
    tracks: tuple[ObjectTrack, ...] = ()
    counts: dict[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Showing:
    """A stretch in which the numbers of what is looked for stay the same."""

    video_id: str
    start: float
    end: float
    counts: Counter[str]
    tracks: tuple[ObjectTrack, ...]

    def certainty(self, label: str) -> float:
        """The detector's surest find of a label, 0 without one."""
        return max((track.confidence for track in self.tracks if track.label == label), default=0.0)


def tracks_from(text: str) -> tuple[ObjectTrack, ...]:
    """Tracks as the index holds them."""
    return tuple(
        ObjectTrack(**{**item, "path": tuple(PathPoint(point["time"], Box(**point["box"])) for point in item["path"])})
        for item in json.loads(text or "[]")
    )


def showings(scene: Scene, labels: Iterable[str]) -> Iterator[Showing]:
    """A scene cut wherever the number of one of the labels changes."""
    wanted = frozenset(labels)
    if scene.counts is not None:
        counts = Counter({label: count for label, count in scene.counts.items() if label in wanted})
        yield Showing(scene.video_id, scene.start, scene.end, counts, ())
        return
    tracks = [track for track in lasting(scene.tracks) if track.label in wanted]
    times = {scene.start, scene.end}
    times |= {time for track in tracks for time in (track.start, track.end) if scene.start < time < scene.end}
    for start, end in pairwise(sorted(times)):
        there = tuple(track for track in tracks if track.start <= start and track.end >= end)
        yield Showing(scene.video_id, start, end, Counter(track.label for track in there), there)


def whole(parts: Iterable[ObjectTrack]) -> list[ObjectTrack]:
    """Each track once, its path put together from those of its segments; in order of their first showing."""
    known: dict[int, ObjectTrack] = {}
    for part in parts:
        before = known.get(part.number)
        path = part.path if before is None else (*before.path, *part.path)
        known[part.number] = replace(part, path=tuple(sorted(set(path), key=lambda point: point.time)))
    return [known[number] for number in sorted(known)]
