"""How near found borders are to true ones: Pk and WindowDiff, at a resolution of one second."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.int64]


def half_segment(reference: Flags) -> int:
    """The window of both measures: half the mean length of the true segments, at least 2.

    Args:
        reference: 1 for each unit that begins a segment, else 0; unit 0 counts as a beginning either way.
    """
    segments = 1 + int(reference[1:].sum())
    return max(2, round(len(reference) / segments / 2))


def pk(reference: Flags, found: Flags) -> float:
    """Pk (Beeferman, Berger and Lafferty 1999): how often two units, a window apart, are wrongly in one segment or two.

    Args:
        reference: 1 for each unit that begins a true segment, else 0.
        found: the same of the found segments.

    Returns:
        0 (all right) to 1.
    """
    apart, guessed = _between(reference, found)
    return float(np.mean((apart == 0) != (guessed == 0)))


def window_diff(reference: Flags, found: Flags) -> float:
    """WindowDiff (Pevzner and Hearst 2002): how often a window holds another number of borders than it should.

    Unlike Pk it sees a border too many that stands close to a right one.
    """
    apart, guessed = _between(reference, found)
    return float(np.mean(apart != guessed))


def flags(borders: Sequence[float], duration: float) -> Flags:
    """Border times (s) as units of one second; those at the ends are none."""
    units = np.zeros(max(1, int(np.ceil(duration))), np.int64)
    for border in borders:
        if 0 < round(border) < len(units):
            units[round(border)] = 1
    return units


def _between(reference: Flags, found: Flags) -> tuple[Flags, Flags]:
    """The borders between unit i and unit i + window, true and found, for each i."""
    if len(reference) != len(found):
        raise ValueError("the two segmentations differ in length")
    window = min(half_segment(reference), len(reference) - 1)
    first, second = (np.cumsum(np.concatenate([[0], units[1:]])) for units in (reference, found))
    return first[window:] - first[: len(first) - window], second[window:] - second[: len(second) - window]
