"""Text that comes and goes between two keyframes: found by strokes that stand still while the picture moves."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ingest.text_change import cells_of, grey_of
from ingest.text_edges import Pictures, strokes_of
from reelseek.records import Frame, Image, Look, TextBox

_KERNEL = 7
"""Strokes of text up to some 25 pixels high, in a grey picture of 480."""
_STRONG = 14
_FULL = 0.05
"""Share of a cell's pixels that are strokes, from which it holds some."""
_SAME = 0.65
"""Share of a cell's strokes that stand in another picture too, from which it shows the same."""
_IN_ROW = 4
"""Cells side by side that make a text worth reading."""
_STEP = 0.8
"""Seconds between two pictures at most in which strokes must stand still."""

_Strokes = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class LookReading:
    """What was read in the look of that time."""

    time: float
    boxes: tuple[TextBox, ...]


@dataclass(frozen=True, slots=True)
class _Sample:
    time: float
    image: str
    keyframe: bool


def worth_reading(frames: Sequence[Frame], looks: Sequence[Look], pictures: Pictures) -> list[Look]:
    """The looks that show a text which neither the keyframe before nor the one after shows.

    Strokes of an overlay stand where they are from one look to the next while all else moves; a look is worth reading
    when it has such strokes, several cells side by side, that are in neither keyframe and in no look chosen already. Of
    the looks in which they stand the second is chosen. On the real clips this finds the captions that keyframes miss,
    for a third more pictures read while the picture moves.

    Args:
        frames: keyframes in order of time.
        looks: pictures between them.
        pictures: loads pictures.
    """
    if not looks:
        return []
    samples = [_Sample(frame.time, frame.image, True) for frame in frames]
    samples += [_Sample(look.time, look.image, False) for look in looks]
    samples.sort(key=lambda sample: sample.time)
    names = {look.time: look for look in looks}
    chosen: list[Look] = []
    for first, last in _between(samples):
        # The stretch from one keyframe to the next, at most some twenty looks.
        part = samples[first : last + 1]
        strokes = [_strokes(image) for image in pictures([sample.image for sample in part])]
        known = [strokes[0], strokes[-1]] if part[-1].keyframe else [strokes[0]]
        for at in range(1, len(part)):
            if part[at].keyframe:
                continue
            # Where no look follows the picture stood still.
            stands = at + 1 if _close(part, at, at + 1) else at
            if _new(strokes[at], strokes[stands], known):
                # Not the first: what has just come is often half faded in, or not wholly in the picture yet.
                chosen.append(names[part[stands].time])
                known.append(strokes[stands])
    return chosen


def _between(samples: Sequence[_Sample]) -> list[tuple[int, int]]:
    """Stretches of the sequence that begin with a keyframe and end with the next one, or at the end."""
    places = [index for index, sample in enumerate(samples) if sample.keyframe]
    ends = [*places[1:], len(samples) - 1]
    return [(first, last) for first, last in zip(places, ends, strict=True) if last > first + (last in places)]


def _close(part: Sequence[_Sample], at: int, other: int) -> bool:
    return 0 <= other < len(part) and abs(part[other].time - part[at].time) <= _STEP


def _strokes(image: Image) -> _Strokes:
    """Where a picture has strong thin strokes: 1 bright, -1 dark, 0 none."""
    strokes = strokes_of(grey_of(image), _KERNEL)
    return np.asarray((strokes > _STRONG).astype(np.int8) - (strokes < -_STRONG).astype(np.int8))


def _new(here: _Strokes, near: _Strokes, known: Sequence[_Strokes]) -> bool:
    """Whether strokes that stand still from one picture to the other are in none of the known pictures."""
    if here.shape != near.shape:
        return False
    still = (here != 0) & (here == near)
    full = cells_of(still)
    fresh = full > _FULL
    for other in known:
        if not fresh.any():
            return False
        if other.shape == here.shape:
            fresh &= cells_of(still & (here == other)) < _SAME * full
    return _longest_row(fresh) >= _IN_ROW


def _longest_row(cells: npt.NDArray[np.bool_]) -> int:
    """The most cells side by side."""
    longest = 0
    runs = np.zeros(cells.shape[0], np.int64)
    for column in cells.T:
        runs = (runs + 1) * column
        longest = max(longest, int(runs.max(initial=0)))
    return longest


def with_looks(
    frames: Sequence[Frame],
    read: Sequence[Sequence[TextBox]],
    looks: Sequence[Look],
    found: Sequence[LookReading],
) -> tuple[list[Frame], list[Sequence[TextBox]]]:
    """Keyframes and looks that were read, as one sequence; the index of a look is -1."""
    merged: list[tuple[Frame, Sequence[TextBox]]] = list(zip(frames, read, strict=True))
    times, images = [frame.time for frame in frames], {look.time: look.image for look in looks}
    for look in found:
        after = bisect_right(times, look.time)
        if after == 0 or look.time not in images:
            continue
        before = frames[after - 1]
        of = before if look.time < before.end or after == len(frames) else frames[after]
        end = before.end if of is before else of.time
        merged.append((Frame(-1, look.time, max(end, look.time), of.shot, images[look.time]), look.boxes))
    merged.sort(key=lambda item: item[0].time)
    both = [frame for frame, _ in merged]
    for place, (frame, following) in enumerate(pairwise(both)):
        if following.index < 0:
            both[place] = replace(frame, end=min(frame.end, following.time))
    return both, [boxes for _, boxes in merged]
