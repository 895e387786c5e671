"""Where one shot ends and the next begins, from the small pictures that are decoded anyway.

Three tests, each on at most two seconds before and after the time it decides about, so that a part of a video, with
two seconds around it, gives the cuts of the whole:

- **Cuts.** The difference of two neighbouring pictures, after motion is taken out by block matching, must stand out of
  the differences around it (the adaptive threshold of Yeo & Liu, "Rapid scene analysis on compressed video", 1995).
  It is taken across the gap: every picture of the half second before against every one of the half second after. A
  flash, or somebody passing the lens, leaves the pictures across the gap alike; a cut does not.
- **Dissolves.** Between the picture before and the one after, all others lie on the straight line from the one to the
  other, in order of time (the linear model of production effects: Hampapur, Jain & Weymouth 1994; Lienhart,
  "Comparison of automatic shot boundary detection algorithms", 1999). Motion leaves that line; a change of light keeps
  the structure of the picture, and is none.
- **Fades.** The contrast falls to nearly nothing and rises again to another picture (Lienhart 1999).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.decode import SMALL_FPS, Picture
from ingest.thumbnails import Floats, Thumbnails

SHORTEST_SHOT = 0.4
"""Of two cuts nearer than this (s) the clearer one stays."""
_EDGE = 0.3
"""No cut is nearer than this (s) to an end of the video."""
_REACH = 2.0
"""Seconds before and after a cut that may have a say in it."""

_AROUND = 0.5
_NEIGHBOURS = 6
_STANDS_OUT = 1.6
_LEAST = 8.0
"""Grey levels that are new across a cut, at least: a caption coming in stays below."""
_LEAST_SHARE = 0.35
"""Share of the blocks that are new across a cut, at least: what a caption changes much is less of the picture."""
_RETURNS = 0.5
"""Where after a step a picture of before comes back to within this share of the step, it was a flash."""
_QUIET = 2.0
"""Added to what is new inside a shot, so that noise is not divided by noise."""
_NO_COMPARISON = 4.0
"""What is taken to be new inside a shot of which only one picture is seen."""

_STILL = 3.0
"""Grey levels under which motion need not be taken out."""

_SPANS = (0.3, 2.8)
_PLATEAU = 0.5
_LEAST_CHANGE = 20.0
"""Grey levels from one end of a dissolve to the other, at least."""
_OFF_LINE, _MOTION_WEIGHT = 0.45, 0.3
"""How far pictures of a dissolve may be from the line between its ends, as a share of the line's length; and what the
motion before and after counts in it, because a slow pan over large shapes lies near a line too."""
_BACKWARD, _UNEVEN, _UNSTEADY = 0.08, 0.25, 0.15
_LEAST_DIP = 0.5
_ALIKE = 0.6
"""Correlation from which two pictures show the same scene."""

_FADE_REACH = 1.8
_FLAT, _FULL = 0.15, 0.85
"""Shares of the contrast around it that a fade falls below, and that end it."""
_CONTRAST = 12.0

_CUT, _DISSOLVE, _FADE = range(3)


@dataclass(frozen=True, slots=True)
class _Found:
    """A boundary: of what kind, when, how clear among its kind; no other one is from `start` to `end`."""

    kind: int
    time: float
    clear: float
    start: float
    end: float

    def outdoes(self, other: _Found) -> bool:
        """Whether `other` is this one seen less well."""
        if not (self.start <= other.time <= self.end or (self.kind == other.kind and _overlap(self, other))):
            return False
        return (self.kind, self.clear, -self.time) > (other.kind, other.clear, -other.time)


class ShotDetector:
    """Takes the pictures of a video in order, or those of a part of it with two seconds before and after."""

    def __init__(self) -> None:
        self._window = Thumbnails(2 * _REACH + 1)
        self._steps: dict[int, float] = {}
        self._next = [1, 1, 1]
        self._found: list[_Found] = []

    def add(self, picture: Picture) -> bool:
        """Take the next picture; whether it shows that a shot began in the last seconds."""
        window = self._window
        if window.count and _cell(picture.time) == _cell(window.time(window.count - 1)):
            return False
        window.add(picture.time, picture.small)
        number = window.count - 1
        self._steps[number] = self._step(number) if number else 0.0
        self._steps.pop(number - window.SIZE, None)
        return self._decide(picture.time)

    def _step(self, number: int) -> float:
        """How different a picture is from the one before; too much where it is too little for a cut in any case."""
        window = self._window
        plain = window.plain_difference(number - 1, number)
        if plain < _STILL or plain + window.colour_difference(number - 1, number) < _LEAST:
            return plain
        return window.difference(number - 1, number)

    def finish(self, duration: float) -> list[float]:
        """When the first picture of each new shot is shown, in order; none within 0.3 s of 0 or `duration`."""
        self._decide(math.inf)
        kept = [one for one in self._found if not any(other.outdoes(one) for other in self._found)]
        return sorted({round(one.time, 6) for one in kept if _EDGE <= one.time <= duration - _EDGE})

    def _decide(self, now: float) -> bool:
        """Look at every picture whose surroundings are complete; whether a boundary was found."""
        window, before = self._window, len(self._found)
        looks = ((self._cut, _AROUND), (self._dissolve, _PLATEAU), (self._fade, _FADE_REACH))
        for kind, (look, wait) in enumerate(looks):
            while (number := self._next[kind]) < window.count:
                # Where pictures are rare, a cut waits for two of them.
                rare = kind == _CUT and window.count < number + 3
                if now < window.time(number) + (_REACH if rare else wait):
                    break
                found = look(number)
                self._found += [found] if found else []
                self._next[kind] += 1
        return len(self._found) > before

    def _cut(self, number: int) -> _Found | None:
        """Whether a picture is the first one after a cut."""
        window, steps = self._window, self._steps
        around = [steps.get(other, 0.0) for other in (number - 2, number - 1, number + 1, number + 2)]
        if steps[number] < max(_LEAST, _STANDS_OUT / 2 * (max(around) + _QUIET)):
            return None
        time, last = window.time(number), window.time(number - 1)
        left = [
            other
            for other in range(max(window.first, number - _NEIGHBOURS), number)
            if window.time(other) >= last - _AROUND or (other >= number - 2 and window.time(other) >= time - _REACH)
        ]
        right = [
            other
            for other in range(number, min(window.count, number + _NEIGHBOURS))
            if window.time(other) <= time + _AROUND or (other <= number + 1 and window.time(other) <= time + _REACH)
        ]
        least = max(_LEAST, _RETURNS * steps[number])
        new = self._news(number, left)
        if new >= least:
            new = min(new, self._news(number - 1, right))
        if new < least:
            return None
        if np.mean(window.differences(number - 1, number) > _LEAST / 2) < _LEAST_SHARE:
            return None
        inside = [self._news(number - 1, left[:-1]), self._news(number, right[1:])]
        clear = new / (max(inside) + _QUIET)
        if clear < _STANDS_OUT:
            return None
        return _Found(_CUT, time, clear, time - SHORTEST_SHOT, time + SHORTEST_SHOT)

    def _news(self, number: int, known: Sequence[int]) -> float:
        """How different a picture is from the one most like it."""
        return min((self._window.difference(other, number) for other in known), default=_NO_COMPARISON)

    def _dissolve(self, last: int) -> _Found | None:
        """The clearest gradual change that ends with a picture."""
        window, time = self._window, self._window.time(last)
        low, high = window.since(time - _SPANS[1] - _PLATEAU), window.since(time + _PLATEAU + 1e-3)
        times, products, end = window.times(low, high), window.products(low, high), last - low
        squares = np.diagonal(products)
        starts = np.flatnonzero((times >= time - _SPANS[1]) & (times <= time - _SPANS[0]))
        lengths = squares[starts] + squares[end] - 2 * products[starts, end]
        enough = lengths >= _LEAST_CHANGE**2
        starts, lengths = starts[enough], lengths[enough]
        if starts.size:
            after = _shares(products, starts, end, lengths, slice(end + 1, None))
            starts = starts[np.abs(after - 1).max(axis=1, initial=0.0) <= _UNSTEADY]
        if starts.size:
            starts = starts[window.correlations(low + starts, np.array([last]))[:, 0] < _ALIKE]
        best = _straightest(times, products, window.detail(low, high), starts, end) if starts.size else None
        if best is None or window.difference(window.since(best[2]), last) < _LEAST_CHANGE:
            return None
        return _Found(_DISSOLVE, best[0], best[1], best[2], time)

    def _fade(self, number: int) -> _Found | None:
        """Whether a picture is the first one after the contrast was gone for a moment."""
        window, time = self._window, self._window.time(number)
        low, high = window.since(time - _FADE_REACH), window.since(time + _FADE_REACH + 1e-3)
        contrast, here = window.contrast(low, high), number - low
        if here < 2 or contrast[here] <= contrast[here - 1]:
            return None
        before, after = float(contrast[:here].max()), float(contrast[here:].max())
        flat = _FLAT * min(before, after)
        if min(before, after) < _CONTRAST or contrast[here - 1] > flat or contrast[here] <= flat:
            return None
        bottom = here - 1
        left, right = (
            np.flatnonzero(contrast[:bottom] >= _FULL * before),
            here + np.flatnonzero(contrast[here:] >= _FULL * after),
        )
        if float(window.correlations(low + left, low + right).max()) >= _ALIKE:
            return None
        return _Found(
            _FADE,
            time,
            after / max(contrast[bottom], 1.0),
            window.time(low + int(left[-1])),
            window.time(low + int(right[0])),
        )


def _straightest(
    times: NDArray[np.float64], products: Floats, detail: Floats, starts: NDArray[np.intp], end: int
) -> tuple[float, float, float] | None:
    """The best dissolve from one of `starts` to `end`: its middle, how well it is one, its start.

    Shares stay near 0 before a and grow evenly between; that they stay near 1 after b is known.
    """
    squares, column = np.diagonal(products), starts[:, None]
    lengths = squares[starts] + squares[end] - 2 * products[starts, end]
    shares = _shares(products, starts, end, lengths, slice(None))
    place, span = np.arange(len(times)), (times[end] - times[starts])[:, None]
    before, inside = place < column, (place > column) & (place < end)
    before &= times >= times[starts][:, None] - _PLATEAU - 1e-6
    beside = np.where(before, np.abs(shares), 0.0).max(axis=1)
    uneven = np.where(inside, np.abs(shares - (times - times[starts][:, None]) / span), 0.0).max(axis=1)
    good = (beside <= _UNSTEADY) & (uneven <= _UNEVEN) & (inside.sum(axis=1) > 0)
    best: tuple[float, float, float] | None = None
    for row in np.flatnonzero(good):
        start = int(starts[row])
        course, between = shares[row, start : end + 1], shares[row, start + 1 : end]
        far = squares[start + 1 : end] - 2 * products[start, start + 1 : end] + squares[start]
        off = float(np.sqrt(np.maximum(far / lengths[row] - between**2, 0.0)).max())
        first = int(np.searchsorted(times, times[start] - _PLATEAU - 1e-6))
        moving = max(_apart(products, first, start), _apart(products, end, len(times) - 1)) / float(lengths[row])
        off += _MOTION_WEIGHT * float(np.sqrt(moving))
        middle = float(times[start + int(np.argmax(course >= 0.5))])
        near = max(middle - times[start], times[end] - middle) <= _REACH - _PLATEAU - 0.1
        straight = off <= _OFF_LINE and np.diff(course).min() >= -_BACKWARD
        straight = straight and _dip(detail[start : end + 1], course) >= _LEAST_DIP
        if near and straight and (best is None or 1 - off > best[1]):
            best = (middle, 1 - off, float(times[start]))
    return best


def _shares(products: Floats, starts: NDArray[np.intp], end: int, lengths: Floats, wanted: slice) -> Floats:
    """How much of picture b, `end`, is in the wanted pictures, for each picture a of `starts`.

    With a picture m between a and b, its share of b is `(m - a)·(b - a) / |b - a|²`, and what remains of it is off the
    line. `lengths` are `|b - a|²`.
    """
    own = np.diagonal(products)[starts] - products[starts, end]
    return np.asarray((products[end, wanted] - products[starts, wanted] + own[:, None]) / lengths[:, None])


def _dip(detail: Floats, shares: Floats) -> float:
    """How much detail is lost in the middle: 1 where two pictures lie over each other, 0 where one gives way to one.

    The detail of two pictures is unrelated, so with shares s and 1 - s their squares add (Lienhart 1999 and, for the
    variance, Alattar 1993): `s²` and `(1 - s)²` of them are left.
    """
    lost = ((1 - shares) * detail[0] + shares * detail[-1] - detail).sum()
    due = (shares * (1 - shares)).sum() * (detail[0] + detail[-1])
    return float(lost / due) if due > 0 else 0.0


def _apart(products: Floats, one: int, other: int) -> float:
    """The squared distance of two pictures."""
    return max(0.0, float(products[one, one] + products[other, other] - 2 * products[one, other]))


def _overlap(one: _Found, other: _Found) -> bool:
    return one.kind != _CUT and one.start < other.end and other.start < one.end


def _cell(time: float) -> int:
    return math.floor(time * SMALL_FPS + 1e-6)
