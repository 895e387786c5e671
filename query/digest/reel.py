"""A highlights reel: the stretches that the sentences of a digest need, within some seconds."""

from __future__ import annotations

from collections.abc import Sequence

from reelseek.digests import Point

BEFORE, AFTER = 0.3, 0.5
"""Seconds of air around a sentence."""

JOINED = 2.0
"""Stretches that are no further apart (s) become one."""


def reel(points: Sequence[Point], seconds: float) -> list[tuple[str, float, float]]:
    """Stretches (video, start, end) in the order of the points, together no longer than `seconds`.

    The points of most weight are taken first; a sentence is never cut, so the first one may be longer than is asked.
    """
    chosen: list[Point] = []
    spent = 0.0
    for point in sorted(points, key=lambda item: -item.weight):
        cost = point.end - point.start + BEFORE + AFTER
        if chosen and spent + cost > seconds:
            continue
        chosen.append(point)
        spent += cost
    order = {id(point): at for at, point in enumerate(points)}
    ranges: list[tuple[str, float, float]] = []
    for point in sorted(chosen, key=lambda item: order[id(item)]):
        start, end = max(0.0, point.start - BEFORE), point.end + AFTER
        last = ranges[-1] if ranges else None
        if last is not None and last[0] == point.video_id and last[1] <= start <= last[2] + JOINED:
            ranges[-1] = (last[0], last[1], max(last[2], end))
        else:
            ranges.append((point.video_id, start, end))
    return ranges
