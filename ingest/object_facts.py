"""What a followed object is as a fact: from when to when, how it came and went, and where it was, in few points."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.tracking import EDGE, Seen, Trail, drift, moved, room
from reelseek.records import Box, ObjectTrack, PathPoint
from reelseek.tracks import EDGES, between

_TOLERANCE = 0.03
"""How far (share of the picture) a side of a box may lie from its simplified path."""
_SHORT = 1.5
"""Seconds beyond which two pictures say nothing of how a thing moved."""


def track_of(number: int, trail: Trail, times: Sequence[float], end: float) -> ObjectTrack:
    """A trail as a record.

    Args:
        number: its number in the video.
        times: of all pictures of the shot.
        end: of the shot.
    """
    seen = trail.seen
    first, last = seen[0], seen[-1]
    gone = times[last.picture + 1] if last.picture + 1 < len(times) else end
    path = [PathPoint(item.time, item.box) for item in seen]
    before = times[first.picture - 1] if first.picture else None
    after = times[last.picture + 1] if last.picture + 1 < len(times) else None
    return ObjectTrack(
        number,
        trail.label,
        trail.mean,
        first.time,
        max(gone, last.time),
        "start" if before is None else _edge(seen, before) or "appeared",
        "end" if after is None else _edge(seen[::-1], after) or "vanished",
        tuple(simplified(path)),
    )


def _edge(seen: Sequence[Seen], outside: float) -> str:
    """The edge over which a thing came, or, for its showings backwards, went; empty where it was none.

    It is the edge that the thing touches, or would have reached by the time of the picture without it, and away from
    which it moves or grows.
    """
    first = seen[0]
    inner = next((item for item in seen[1:] if abs(item.time - first.time) <= _SHORT and _differs(item, first)), None)
    place = first.box
    if inner is not None and abs(outside - first.time) <= _SHORT:
        place = moved(first.box, drift(first, inner), outside - first.time)
    found: dict[str, tuple[bool, float]] = {}
    for side in EDGES:
        if min(room(first.box, side), room(place, side)) > EDGE:
            continue
        inwards = 0.0 if inner is None else _inwards(first.box, inner.box, side)
        if inner is None or inwards > EDGE:
            found[side] = room(first.box, side) <= EDGE, inwards
    return max(found, key=lambda side: found[side]) if found else ""


def _differs(item: Seen, first: Seen) -> bool:
    a, b = item.box, first.box
    sides = zip((a.left, a.top, a.right, a.bottom), (b.left, b.top, b.right, b.bottom), strict=True)
    return max(abs(x - y) for x, y in sides) > EDGE


def _inwards(outer: Box, inner: Box, side: str) -> float:
    """How far the side that is turned to the picture's middle moves away from an edge."""
    return {
        "left": inner.right - outer.right,
        "right": outer.left - inner.left,
        "top": inner.bottom - outer.bottom,
        "bottom": outer.top - inner.top,
    }[side]


def simplified(path: Sequence[PathPoint]) -> list[PathPoint]:
    """The path in as few of its points as keep every box within 3 % of the picture, at its own time.

    The method is TD-TR (Meratnia and de By 2004, "Spatiotemporal compression techniques for moving point objects"):
    Douglas and Peucker's, with the place at the same time instead of the nearest.
    """
    keep = {0, len(path) - 1}
    open_ = [(0, len(path) - 1)]
    while open_:
        first, last = open_.pop()
        worst = max(range(first + 1, last), key=lambda i: _off(path, first, last, i), default=None)
        if worst is not None and _off(path, first, last, worst) > _TOLERANCE:
            keep.add(worst)
            open_ += [(first, worst), (worst, last)]
    return [path[index] for index in sorted(keep)]


def _off(path: Sequence[PathPoint], first: int, last: int, at: int) -> float:
    box, straight = path[at].box, between(path[first], path[last], path[at].time)
    pairs = (
        (box.left, straight.left),
        (box.top, straight.top),
        (box.right, straight.right),
        (box.bottom, straight.bottom),
    )
    return max(abs(a - b) for a, b in pairs)
