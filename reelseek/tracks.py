"""What followed objects say at a time: how many, where, how they came and went."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from reelseek.records import Box, CountStep, ObjectTrack, PathPoint
from reelseek.timecode import format_time

EDGES = ("left", "right", "top", "bottom")
"""The sides of the picture over which an object can come and go."""

BRIEF = 0.5
"""What reaches into a stretch of time for less than this (s) and for less than half of either is not counted there."""

_BESIDE = 0.02
"""How far apart (share of the picture) two middles must be to be beside or above one another."""

_TOLD = 6
"""Comings and goings that are told of one stretch of time."""

_FROM = {edge: f"from the {edge}" for edge in EDGES}
_TO = {edge: f"to the {edge}" for edge in EDGES}


@dataclass(frozen=True, slots=True)
class Event:
    """An object comes into the picture or goes out of it."""

    time: float
    kind: str
    side: str
    track: ObjectTrack

    @property
    def text(self) -> str:
        """`person enters at 0:12 from the left`."""
        return " ".join(filter(None, (self.track.label, self.kind, "at", format_time(self.time), self.way)))

    @property
    def way(self) -> str:
        """`from the left`, `to the right`; empty where it was no edge of the picture."""
        return (_FROM if self.kind == "enters" else _TO).get(self.side, "")


def came_in(track: ObjectTrack) -> bool:
    """Whether its coming was seen: it was not there when the shot began."""
    return track.entered != "start"


def went_out(track: ObjectTrack) -> bool:
    """Whether its going was seen: it was not there when the shot ended."""
    return track.left != "end"


def events(tracks: Iterable[ObjectTrack]) -> list[Event]:
    """All comings and goings in order of time, but for what is there for a moment only."""
    found = []
    for track in lasting(tracks):
        if came_in(track):
            found.append(Event(track.start, "enters", track.entered, track))
        if went_out(track):
            found.append(Event(track.end, "leaves", track.left, track))
    return sorted(found, key=lambda event: (event.time, event.track.number))


def lasting(tracks: Iterable[ObjectTrack]) -> list[ObjectTrack]:
    """The tracks without those that are there for a moment only, but where the shot is no longer."""
    return [
        track
        for track in tracks
        if track.end - track.start >= BRIEF or (track.entered == "start" and track.left == "end")
    ]


def counts_over_time(tracks: Iterable[ObjectTrack]) -> dict[str, tuple[CountStep, ...]]:
    """Label to how many are there at once: the steps at which that changes. Before the first step it is 0."""
    changes: dict[str, Counter[float]] = {}
    for track in lasting(tracks):
        of_label = changes.setdefault(track.label, Counter())
        of_label[track.start] += 1
        of_label[track.end] -= 1
    curves = {}
    for label, deltas in sorted(changes.items()):
        steps, count = [], 0
        for time in sorted(deltas):
            if deltas[time]:
                count += deltas[time]
                steps.append(CountStep(time, count))
        curves[label] = tuple(steps)
    return curves


def counts_within(
    curves: Mapping[str, Sequence[CountStep]], start: float, end: float
) -> tuple[dict[str, int], dict[str, int]]:
    """The largest and the typical number of each label in a stretch of time.

    The typical number is the median over time: at least half of the time there are that many or more. What is there for
    only a moment does not count, unless the stretch is no longer than that.
    """
    most: dict[str, int] = {}
    typical: dict[str, int] = {}
    for label, steps in curves.items():
        pieces = [
            (count, min(last, end) - max(first, start), last - first)
            for first, last, count in _pieces(steps)
            if first < end and last > start
        ]
        shown = [count for count, inside, whole in pieces if inside >= min(BRIEF, whole / 2, (end - start) / 2)]
        if max(shown, default=0) > 0:
            most[label] = max(shown)
            median = _median([(count, inside) for count, inside, _ in pieces], end - start)
            if median:
                typical[label] = median
    return most, typical


def _pieces(steps: Sequence[CountStep]) -> list[tuple[float, float, int]]:
    return [(first.time, second.time, first.count) for first, second in pairwise(steps) if second.time > first.time]


def _median(pieces: Sequence[tuple[int, float]], length: float) -> int:
    """The largest number that is reached for half of the time."""
    left = length / 2
    for count, seconds in sorted(pieces, reverse=True):
        left -= seconds
        if left <= 1e-9:
            return count
    return 0


def box_at(track: ObjectTrack, time: float) -> Box:
    """Where an object is at a time, between the points of its path on a straight line."""
    path = track.path
    at = bisect_right(path, time, key=lambda point: point.time)
    if at == 0 or at == len(path):
        return path[0 if at == 0 else -1].box
    first, second = path[at - 1], path[at]
    return between(first, second, time)


def between(first: PathPoint, second: PathPoint, time: float) -> Box:
    """The box on the straight way from one point to another."""
    share = (time - first.time) / (second.time - first.time) if second.time > first.time else 0.0
    a, b = first.box, second.box
    return Box(
        a.left + share * (b.left - a.left),
        a.top + share * (b.top - a.top),
        a.right + share * (b.right - a.right),
        a.bottom + share * (b.bottom - a.bottom),
    )


def within(tracks: Iterable[ObjectTrack], start: float, end: float) -> list[ObjectTrack]:
    """The tracks that are seen in `[start, end)`, each with only the part of its path that lies there.

    Times and the ways in and out stay those of the whole track.
    """
    found = []
    for track in tracks:
        if track.start < end and track.end > start:
            first, last = max(start, track.start), min(end, track.end)
            inner = [point for point in track.path if first < point.time < last]
            edges = [PathPoint(first, box_at(track, first))]
            if track.path[-1].time > first:
                edges.append(PathPoint(last, box_at(track, last)))
            found.append(replace(track, path=(edges[0], *inner, *edges[1:])))
    return found


def stands(first: Box, relation: str, second: Box) -> bool:
    """Whether one box is `left-of`, `right-of`, `above`, `below` or `touching` another, by their middles."""
    (ax, ay), (bx, by) = first.centre, second.centre
    return {
        "left-of": bx - ax > _BESIDE and abs(bx - ax) >= abs(by - ay),
        "right-of": ax - bx > _BESIDE and abs(bx - ax) >= abs(by - ay),
        "above": by - ay > _BESIDE and abs(by - ay) > abs(bx - ax),
        "below": ay - by > _BESIDE and abs(by - ay) > abs(bx - ax),
        "touching": _meet(first, second),
    }[relation]


RELATIONS = ("left-of", "right-of", "above", "below", "touching")
"""What `stands` knows."""


def _meet(first: Box, second: Box) -> bool:
    across = min(first.right, second.right) >= max(first.left, second.left)
    return across and min(first.bottom, second.bottom) >= max(first.top, second.top)


def tell(tracks: Sequence[ObjectTrack], start: float, end: float) -> str:
    """What is there in a stretch of time: `2 × car (3 in all), person; person enters at 0:12 from the left`."""
    seen = [track for track in tracks if track.start < end and track.end > start]
    most, _ = counts_within(counts_over_time(seen), start, end)
    in_all = Counter(track.label for track in lasting(seen))
    parts = []
    for label, count in sorted(most.items(), key=lambda item: (-item[1], item[0])):
        number = f"{count} × {label}" if count > 1 else label
        parts.append(f"{number} ({in_all[label]} in all)" if in_all[label] > count else number)
    moves = [event.text for event in events(seen) if start <= event.time <= end and event.track.label in most]
    if len(moves) > _TOLD:
        moves[_TOLD:] = [f"{len(moves) - _TOLD} more come or go"]
    return "; ".join(filter(None, (", ".join(parts), ", ".join(moves))))
