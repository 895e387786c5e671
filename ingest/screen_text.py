"""What is written on screen: lines read on keyframes, joined over time into one line per showing."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from reelseek.records import Box, Channel, Frame, TextBox, TimedText

_ALIKE = 0.8
_OVERLAP = 0.3
_GAP = 1.0
"""Seconds that a text may be missing (a blink of the reader, a hand before the slide) and still be one showing."""
_LEAST_CONFIDENCE = 0.5
_MOVING_LENGTH = 8
"""A text of this many letters is known again wherever it moves: credits, tickers."""


@dataclass
class _Track:
    boxes: list[TextBox]
    start: float
    end: float
    normal: str
    union: Box
    readings: dict[str, float] = field(default_factory=dict)

    def add(self, item: TextBox, end: float) -> None:
        self.boxes.append(item)
        self.end = max(self.end, end)
        self.readings[item.text] = self.readings.get(item.text, 0.0) + item.confidence
        self.union = Box(
            min(self.union.left, item.box.left),
            min(self.union.top, item.box.top),
            max(self.union.right, item.box.right),
            max(self.union.bottom, item.box.bottom),
        )


def readable(boxes: Sequence[TextBox]) -> tuple[TextBox, ...]:
    """Without what the engine doubts, and without lone letters: they are mostly edges taken for writing."""
    return tuple(item for item in boxes if item.confidence >= _LEAST_CONFIDENCE and _is_text(normalised(item.text)))


def _is_text(normal: str) -> bool:
    return len(normal) > 1 or normal.isdigit()


def tracks(frames: Sequence[Frame], read: Sequence[Sequence[TextBox]], source: str) -> tuple[TimedText, ...]:
    """Join the readings of all keyframes into lines with their first and last showing.

    Two readings are one text when their letters are alike and their boxes overlap; a long one also when it moved.
    A text that was gone for longer than a second is a second line when it comes back.

    Args:
        frames: keyframes in order; each one's `end` says until when its picture stood.
        read: each keyframe's texts.
        source: the engine's id.
    """
    done: list[_Track] = []
    live: list[_Track] = []
    for frame, boxes in zip(frames, read, strict=True):
        ended = [track for track in live if frame.time - track.end > _GAP]
        done += ended
        live = [track for track in live if frame.time - track.end <= _GAP]
        free = list(live)
        for item in boxes:
            normal = normalised(item.text)
            track = _match(item, normal, free)
            if track is None:
                track = _Track([], frame.time, frame.end, normal, item.box)
                live.append(track)
            else:
                free.remove(track)
            track.add(item, frame.end)
    lines = (_line(track, source) for track in [*done, *live])
    return tuple(sorted(lines, key=lambda line: (line.start, line.box.top if line.box else 0, line.end)))


def normalised(text: str) -> str:
    """Letters and digits alone, lower case, compatibility forms folded."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign for sign in folded if sign.isalnum())


def alike(a: str, b: str) -> float:
    """How alike two normalised texts are, 0 to 1."""
    if a == b:
        return 1.0
    if not a or not b or min(len(a), len(b)) / max(len(a), len(b)) < 0.6:
        return 0.0
    return SequenceMatcher(None, a, b, autojunk=False).ratio()


def _match(item: TextBox, normal: str, free: Sequence[_Track]) -> _Track | None:
    best, score = None, 0.0
    for track in free:
        overlap = track.boxes[-1].box.iou(item.box)
        moved = normal == track.normal and len(normal) >= _MOVING_LENGTH
        if overlap < _OVERLAP and not moved:
            continue
        likeness = alike(normal, track.normal)
        if likeness >= _ALIKE and not _other_number(normal, track.normal) and likeness + overlap > score:
            best, score = track, likeness + overlap
    return best


def _other_number(a: str, b: str) -> bool:
    """Two texts that differ in their digits are two texts: a counter, a price, `Slide 3` and `Slide 4`."""
    return [sign for sign in a if sign.isdigit()] != [sign for sign in b if sign.isdigit()]


def _line(track: _Track, source: str) -> TimedText:
    text = max(track.readings, key=lambda reading: (track.readings[reading], len(reading)))
    confidence = max(item.confidence for item in track.boxes if item.text == text)
    return TimedText(Channel.SCREEN_TEXT, track.start, track.end, text, source, confidence=confidence, box=track.union)
