"""Which detections of one shot are the same object: linked, put right, and joined again where they broke off.

Pictures come about two a second while things move, and none while nothing does: a step between two pictures is short,
or nothing has moved in it. So a step's length in seconds says nothing about how far a thing has gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from reelseek.records import Box, Detection
from reelseek.tracks import EDGES

SURE = 0.5
"""Confidence from which a single detection is believed."""
DOUBTFUL = 0.25
"""Confidence under which a detection only continues an object and never begins one."""
SAME_PLACE = 0.7
"""Two boxes of one picture that overlap more are one object with two labels."""

_BUFFER = 0.3
_OVERLAP = 0.15
"""Least overlap of buffered boxes in two pictures."""
_OTHER_LABEL = 0.5
"""Least overlap of the boxes themselves where the labels differ."""
_GAP = 3.0
"""Seconds for which an object may be out of sight."""
_STEP = 1.5
"""Seconds beyond which a step was a standstill: what moved before it does not move on."""
_STANDS = 0.6
"""Overlap of boxes from which an object that was missed in between has stood still."""
_NEAR = 0.7
"""How far, in its own size, an object that was lost may be found from where it is expected."""
EDGE = 0.02
"""What is nearer to the picture's edge than this touches it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A detection with where it comes from and what else the detector called it.

    Attributes:
        picture: index of the picture among those of the shot.
        votes: label to confidence.
    """

    picture: int
    time: float
    detection: Detection
    votes: Mapping[str, float]

    @property
    def box(self) -> Box:
        """Its box."""
        return self.detection.box


@dataclass(slots=True)
class Trail:
    """The showings of one object, in order."""

    seen: list[Seen] = field(default_factory=list)
    votes: dict[str, float] = field(default_factory=dict)

    def add(self, *items: Seen, before: bool = False) -> None:
        """Take in showings after those it has, or before them."""
        if before:
            self.seen[:0] = items
        else:
            self.seen.extend(items)
        for item in items:
            for label, confidence in item.votes.items():
                self.votes[label] = self.votes.get(label, 0.0) + confidence

    @property
    def label(self) -> str:
        """What it was called most surely most often."""
        return max(sorted(self.votes), key=lambda label: self.votes[label])

    @property
    def peak(self) -> float:
        """The surest detection's confidence."""
        return max(item.detection.confidence for item in self.seen)

    @property
    def mean(self) -> float:
        """The mean confidence of its detections."""
        return sum(item.detection.confidence for item in self.seen) / len(self.seen)


def merged(detections: Sequence[Detection], picture: int, time: float) -> list[Seen]:
    """The detections of one picture, those of one thing under several labels made one, most confident first."""
    kept: list[tuple[Detection, dict[str, float]]] = []
    for item in sorted(detections, key=lambda found: -found.confidence):
        same = next((votes for other, votes in kept if other.box.iou(item.box) >= SAME_PLACE), None)
        if same is None:
            kept.append((item, {item.label: item.confidence}))
        elif item.label not in same:
            same[item.label] = item.confidence
        else:
            kept.append((item, {item.label: item.confidence}))
    return [Seen(picture, time, item, votes) for item, votes in kept]


def by_overlap(times: Sequence[float], pictures: Sequence[Sequence[Seen]]) -> list[list[int]]:
    """Link by where a thing is expected and how its box overlaps, best pairs over all (the Hungarian method).

    A moving thing is expected where its last step would take it. Boxes are made larger before they are compared, so
    that what moves by its own size still meets itself (buffered IoU, Yang et al. 2023, arXiv 2211.14317).

    Args:
        times: of the pictures, also of those that show nothing.
        pictures: what each shows.

    Returns:
        For each picture and detection the number of its object, or -1 for doubtful ones that continue nothing.
    """
    live: dict[int, Trail] = {}
    numbers: list[list[int]] = []
    count = 0
    for index, (time, picture) in enumerate(zip(times, pictures, strict=True)):
        live = {number: trail for number, trail in live.items() if _is_live(trail.seen[-1], index, time)}
        given = [-1] * len(picture)
        names = list(live)
        for row, column in _assigned([live[name] for name in names], picture):
            given[column] = names[row]
        for column, item in enumerate(picture):
            if given[column] < 0 and item.detection.confidence >= DOUBTFUL:
                given[column], count = count, count + 1
            if given[column] >= 0:
                live.setdefault(given[column], Trail()).add(item)
        numbers.append(given)
    return numbers


def _is_live(last: Seen, index: int, time: float) -> bool:
    return last.picture >= index - 2 or time - last.time <= _GAP


def _assigned(trails: Sequence[Trail], picture: Sequence[Seen]) -> list[tuple[int, int]]:
    from scipy.optimize import linear_sum_assignment

    if not trails or not picture:
        return []
    likeness: npt.NDArray[np.float64] = np.zeros((len(trails), len(picture)))
    for row, trail in enumerate(trails):
        last, expected, label = trail.seen[-1].box, _expected(trail.seen, picture[0].time), trail.label
        for column, item in enumerate(picture):
            likeness[row, column] = _likeness(last, expected, item, label)
    rows, columns = linear_sum_assignment(-likeness)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if likeness[row, column] > 0]


def _likeness(last: Box, expected: Box, item: Seen, label: str) -> float:
    """0 for what cannot be the same object, up to 2."""
    plain = max(last.iou(item.box), expected.iou(item.box))
    wide = max(buffered(last).iou(buffered(item.box)), buffered(expected).iou(buffered(item.box)))
    doubtful = item.detection.confidence < DOUBTFUL
    if label not in item.votes and plain < _OTHER_LABEL:
        return 0.0
    if wide < (_OTHER_LABEL if doubtful else _OVERLAP):
        return 0.0
    return wide + (1.0 if label in item.votes else 0.0)


def buffered(box: Box) -> Box:
    """The box made larger on each side."""
    wide, high = _BUFFER * (box.right - box.left), _BUFFER * (box.bottom - box.top)
    return Box(box.left - wide, box.top - high, box.right + wide, box.bottom + high)


def _expected(trail: Sequence[Seen], time: float) -> Box:
    """Where an object is expected: a step further, where its last step was short and so is this one."""
    last = trail[-1]
    if len(trail) < 2 or abs(time - last.time) > _STEP or abs(last.time - trail[-2].time) > _STEP:
        return last.box
    return moved(last.box, drift(trail[-2], last), time - last.time)


def drift(first: Seen, second: Seen) -> tuple[float, float]:
    """How far the middle of a box moves in a second, `(x, y)`; either may come first."""
    seconds = second.time - first.time or 1e-3
    (ax, ay), (bx, by) = first.box.centre, second.box.centre
    return (bx - ax) / seconds, (by - ay) / seconds


def moved(box: Box, speed: tuple[float, float], seconds: float) -> Box:
    """The box, so many seconds on; what of it leaves the picture is cut off, as a detector would."""
    x, y = speed[0] * seconds, speed[1] * seconds
    return Box(*(min(1.0, max(0.0, side)) for side in (box.left + x, box.top + y, box.right + x, box.bottom + y)))


def trails_of(
    times: Sequence[float], pictures: Sequence[Sequence[Seen]], numbers: Sequence[Sequence[int]]
) -> list[Trail]:
    """What a tracker linked, put right: parted where it joined two things, joined where one broke, without flicker.

    Args:
        times: of the pictures, also of those that show nothing.
        pictures: what each shows.
        numbers: which object each of these is, by a tracker; -1 for none.
    """
    groups: dict[int, Trail] = {}
    for picture, given in zip(pictures, numbers, strict=True):
        for item, number in zip(picture, given, strict=True):
            if number >= 0:
                groups.setdefault(number, Trail()).add(item)
    parted = [part for trail in groups.values() for part in _parted(trail)]
    _lengthen(parted, pictures)
    joined = _joined(sorted(parted, key=lambda trail: (trail.seen[0].time, -trail.peak)))
    return [trail for trail in joined if trail.mean >= DOUBTFUL and not _flickers(trail, times)]


def _parted(trail: Trail) -> list[Trail]:
    """Parts between which the object was away for long, or became another thing somewhere else."""
    parts = [Trail()]
    parts[0].add(trail.seen[0])
    for before, item in pairwise(trail.seen):
        missed = item.picture - before.picture - 1
        overlap = max(before.box.iou(item.box), _expected(parts[-1].seen, item.time).iou(item.box))
        away = missed > 0 and item.time - before.time > _GAP and not (missed == 1 and overlap >= _STANDS)
        other = not set(before.votes) & set(item.votes) and overlap < _OTHER_LABEL
        if away or other:
            parts.append(Trail())
        parts[-1].add(item)
    return parts


def _lengthen(trails: Sequence[Trail], pictures: Sequence[Sequence[Seen]]) -> None:
    """Take in what nobody claims right before and after a trail: an object that comes or goes is seen in doubt."""
    claimed = {id(item) for trail in trails for item in trail.seen}
    for step in (-1, 1):
        for trail in sorted(trails, key=lambda item: -item.peak):
            while True:
                ordered = trail.seen[-2:] if step > 0 else trail.seen[1::-1]
                at = ordered[-1].picture + step
                free = [item for item in pictures[at] if id(item) not in claimed] if 0 <= at < len(pictures) else []
                likeness = [
                    _likeness(ordered[-1].box, _expected(ordered, item.time), item, trail.label) for item in free
                ]
                if max(likeness, default=0.0) <= 0:
                    break
                found = free[likeness.index(max(likeness))]
                claimed.add(id(found))
                trail.add(found, before=step < 0)


def _joined(trails: Sequence[Trail]) -> list[Trail]:
    """Join a trail that ends with one of the same label that begins soon after, about where it would have gone.

    Args:
        trails: in order of their first showing.
    """
    result: list[Trail] = []
    recent: list[Trail] = []
    for trail in trails:
        recent = [other for other in recent if trail.seen[0].time - other.seen[-1].time <= _GAP]
        fitting = [
            (distance, number)
            for number, other in enumerate(recent)
            if other.label == trail.label and (distance := _distance(other, trail)) is not None
        ]
        if fitting:
            recent[min(fitting)[1]].add(*trail.seen)
        else:
            result.append(trail)
            recent.append(trail)
    return result


def _distance(before: Trail, after: Trail) -> float | None:
    """How far, in its own sizes, a trail begins from where another would have gone by then; None where too far."""
    last, first = before.seen[-1], after.seen[0]
    seconds = first.time - last.time
    if not 0 < seconds <= _GAP:
        return None
    sharing = [side for side in EDGES if max(room(last.box, side), room(first.box, side)) <= EDGE]
    if sharing:  # both are cut off by the same edge: their sizes and middles across it say nothing
        wide, high = _apart(last.box, first.box)
        along = min(high if side in ("left", "right") else wide for side in sharing)
        return along if along <= _NEAR else None
    places = [last.box]
    if len(before.seen) > 1 and last.time - before.seen[-2].time <= _STEP:
        places.append(moved(last.box, drift(before.seen[-2], last), seconds))
    if not 0.4 <= (first.box.area + 1e-9) / (last.box.area + 1e-9) <= 2.5:
        return None
    nearest = min(max(_apart(place, first.box)) for place in places)
    return nearest if nearest <= _NEAR else None


def room(box: Box, side: str) -> float:
    """What is free between a box and an edge of the picture."""
    return {"left": box.left, "right": 1 - box.right, "top": box.top, "bottom": 1 - box.bottom}[side]


def _apart(a: Box, b: Box) -> tuple[float, float]:
    """How far two middles are apart, across and down, in the mean of their sizes."""
    wide = (a.right - a.left + b.right - b.left) / 2
    high = (a.bottom - a.top + b.bottom - b.top) / 2
    (ax, ay), (bx, by) = a.centre, b.centre
    return abs(ax - bx) / max(wide, 1e-6), abs(ay - by) / max(high, 1e-6)


def _flickers(trail: Trail, times: Sequence[float]) -> bool:
    """Whether an unsure thing was seen in one picture only, though another shows the same moment without it."""
    if len(trail.seen) > 1 or trail.peak >= SURE:
        return False
    at = trail.seen[0].picture
    return any(abs(time - times[at]) <= _STEP for time in (*times[max(0, at - 1) : at], *times[at + 1 : at + 2]))
