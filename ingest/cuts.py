"""Where a video is best cut into segments: a shortest path over candidate times."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

GRID = 1.0
"""A plain candidate every so many seconds, so that there is always a way through."""

SHOT, SENTENCE, CHANGE, GAP, HURRY = 1.0, 1.0, 0.6, 0.35, 0.4
"""What a cut is worth: at a shot's start, at a sentence's end, where picture or text change, anywhere between
sentences; and what a sentence's end loses where the next one follows at once."""

_INSIDE_SENTENCE = -1.5
_INSIDE_WORD = -1_000.0
_TOO_SHORT = -100.0
_NEAR = 0.4
_LONG_PAUSE = 1.5
_TARGET = 0.5
"""Segments are drawn to this share of the longest length, gently."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for and against cutting at a time.

    Attributes:
        words: spoken words `(start, end)`; nothing is cut inside one.
        sentences: `(start, end)` of sentences.
        shots: times at which shots begin.
        changes: times at which text or objects on screen change, with their weight 0 to 1.
    """

    words: Sequence[tuple[float, float]] = ()
    sentences: Sequence[tuple[float, float]] = ()
    shots: Sequence[float] = ()
    changes: Sequence[tuple[float, float]] = ()


def best_cuts(duration: float, shortest: float, longest: float, evidence: Evidence) -> list[float]:
    """The times at which segments begin, with 0 and without `duration`.

    Each segment is at most `longest` long, and at least `shortest` wherever that can be; no cut is inside a word unless
    a word is longer than a segment may be. Among those, the cuts with the largest summed worth are taken (dynamic
    programming over candidates).
    """
    if duration <= max(shortest, 0.0) or duration <= 0:
        return [0.0]
    candidates = _candidates(duration, evidence)
    worths = _worths(candidates, evidence)
    times = np.array(candidates)
    firsts = np.searchsorted(times, times - longest - 1e-9)
    best, came = np.zeros(len(times)), np.zeros(len(times), np.int64)
    for j in range(1, len(times)):
        first = firsts[j]
        values = best[first:j] + _length_worths(times[j] - times[first:j], shortest, longest)
        at = int(values.argmax())
        best[j], came[j] = values[at] + worths[j], first + at
    path, position = [], len(times) - 1
    while position:
        position = int(came[position])
        path.append(candidates[position])
    return path[::-1]


def _length_worths(lengths: npt.NDArray[np.float64], shortest: float, longest: float) -> npt.NDArray[np.float64]:
    """What segments of these lengths are worth by themselves."""
    target = max(shortest, _TARGET * longest)
    # A cut costs a little more than a pause is worth, so that only good places make short segments.
    worths: npt.NDArray[np.float64] = -0.6 - 0.5 * (lengths / target - 1) ** 2
    # Lengths fall from left to right: those that are too short are the last ones.
    short = len(lengths) - int(np.searchsorted(lengths[::-1], shortest - 1e-9))
    worths[short:] = _TOO_SHORT * (2 - lengths[short:] / shortest)
    return worths


def _candidates(duration: float, evidence: Evidence) -> list[float]:
    """All times worth a thought: evidence, moved out of words, and a grid."""
    grid = [GRID * step for step in range(1, math.ceil(duration / GRID))]
    wanted = [*grid, *evidence.shots, *(time for time, _ in evidence.changes)]
    wanted += [time for span in evidence.sentences for time in span]
    free = _Gaps(evidence.words)
    times: set[float] = set()
    for time in wanted:
        times.update((time, *free.around(time)))
    kept = [0.0]
    for time in sorted(times):
        if kept[-1] + 1e-3 < time < duration - 1e-3:
            kept.append(time)
    return [*kept, duration]


def _worths(times: Sequence[float], evidence: Evidence) -> list[float]:
    free, said = _Gaps(evidence.words), _Gaps(evidence.sentences)
    shots = sorted(evidence.shots)
    ends = sorted(end for _, end in evidence.sentences)
    changes = sorted(evidence.changes)
    worths = []
    for time in times:
        worth = SHOT * _closeness(time, shots)
        if said.inside(time):
            worth += _INSIDE_SENTENCE
        else:
            pause = min(1.0, said.free_at(time) / _LONG_PAUSE)
            worth += max(SENTENCE * _closeness(time, ends) - HURRY * (1 - pause), GAP if evidence.words else 0.0)
        low, high = bisect_left(changes, (time - _NEAR, 0.0)), bisect_right(changes, (time + _NEAR, 2.0))
        worth += CHANGE * max((weight * (1 - abs(at - time) / _NEAR) for at, weight in changes[low:high]), default=0.0)
        worths.append(worth + (_INSIDE_WORD if free.inside(time) else 0.0))
    worths[-1] = 0.0
    return worths


def _closeness(time: float, places: Sequence[float]) -> float:
    """1 at a place, 0 from `_NEAR` seconds away."""
    position = bisect_left(places, time)
    nearest = min((abs(place - time) for place in places[max(0, position - 1) : position + 1]), default=_NEAR)
    return max(0.0, 1.0 - nearest / _NEAR)


class _Gaps:
    """Joined spans, asked for what lies inside and beside them."""

    def __init__(self, spans: Iterable[tuple[float, float]]) -> None:
        self.starts: list[float] = []
        self.ends: list[float] = []
        for start, end in sorted(spans):
            if end <= start:
                continue
            if self.ends and start < self.ends[-1] - 1e-9:
                self.ends[-1] = max(self.ends[-1], end)
            else:
                self.starts.append(start)
                self.ends.append(end)

    def inside(self, time: float) -> bool:
        """Whether `time` is strictly inside a span."""
        position = bisect_right(self.starts, time) - 1
        return position >= 0 and self.starts[position] + 1e-6 < time < self.ends[position] - 1e-6

    def free_at(self, time: float) -> float:
        """How long the gap between two spans is that `time` is in; 0 inside a span."""
        position = bisect_right(self.starts, time + 1e-6) - 1
        if position >= 0 and time < self.ends[position] - 1e-6:
            return 0.0
        before = self.ends[position] if position >= 0 else -math.inf
        after = self.starts[position + 1] if position + 1 < len(self.starts) else math.inf
        return after - before

    def around(self, time: float) -> tuple[float, ...]:
        """The ends of the span that `time` is in; nothing when it is in none."""
        if not self.inside(time):
            return ()
        position = bisect_right(self.starts, time) - 1
        return self.starts[position], self.ends[position]
