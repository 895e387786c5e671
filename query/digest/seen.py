"""What is seen in a video in which nothing is said or written: its objects, stretch by stretch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from query.digest.sentences import COUNTS
from reelseek.digests import Length, Point
from reelseek.records import Channel, ObjectTrack
from reelseek.tracks import counts_over_time

_SHORTEST = 1.0
"""Seconds that things must be there together to be told."""


def seen(video_id: str, tracks: Sequence[ObjectTrack], length: Length) -> list[Point]:
    """Which things are there together, and when: the longest stretches, in order of time."""
    steps = counts_over_time(tracks)
    times = sorted({step.time for label in steps for step in steps[label]})
    stretches: list[tuple[float, float, str]] = []
    for start, end in pairwise(times):
        counts = {label: next((s.count for s in reversed(steps[label]) if s.time <= start), 0) for label in steps}
        told = ", ".join(f"{count} × {label}" if count > 1 else label for label, count in counts.items() if count)
        if stretches and stretches[-1][1:] == (start, told):
            stretches[-1] = (stretches[-1][0], end, told)
        else:
            stretches.append((start, end, told))
    whole = sum(end - start for start, end, told in stretches if told) or 1.0
    lasting = [item for item in stretches if item[2] and item[1] - item[0] >= _SHORTEST]
    longest = sorted(lasting, key=lambda item: item[0] - item[1])[: COUNTS[length]]
    return [
        Point(video_id, start, end, Channel.OBJECTS, told, round((end - start) / whole, 4))
        for start, end, told in sorted(longest)
    ]
