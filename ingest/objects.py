"""What is present: detections on keyframes, linked over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reelseek.records import DetectedObject, Detection, Frame

_OVERLAP = 0.3
_GAP = 4.0
"""Seconds between two keyframes across which an object can still be the same one."""


def link(frames: Sequence[Frame], found: Sequence[Sequence[Detection]]) -> tuple[tuple[DetectedObject, ...], ...]:
    """Give detections of neighbouring keyframes one track number where label and place agree (greedy, by overlap).

    Args:
        frames: keyframes in order.
        found: each keyframe's detections.
    """
    result: list[tuple[DetectedObject, ...]] = []
    live: dict[int, tuple[float, DetectedObject]] = {}
    count = 0
    for frame, detections in zip(frames, found, strict=True):
        live = {number: entry for number, entry in live.items() if frame.time - entry[0] <= _GAP}
        pairs = sorted(
            (
                (entry[1].box.iou(item.box), index, number)
                for index, item in enumerate(detections)
                for number, entry in live.items()
                if entry[1].label == item.label
            ),
            reverse=True,
        )
        given: dict[int, int] = {}
        for overlap, index, number in pairs:
            if overlap >= _OVERLAP and index not in given and number not in given.values():
                given[index] = number
        row = []
        for index, item in enumerate(detections):
            if index not in given:
                given[index], count = count, count + 1
            row.append(DetectedObject(frame.time, item.label, item.confidence, item.box, given[index]))
        live |= {item.track: (max(frame.time, frame.end), item) for item in row}
        result.append(tuple(row))
    return tuple(result)


def counts(objects: Sequence[DetectedObject]) -> Counter[str]:
    """How many of each label a picture shows."""
    return Counter(item.label for item in objects)
