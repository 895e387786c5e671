"""From raw similarities to confidences: how likely is it that a score this high is more than chance?

Every channel ends in a number from 0 to 1 that means the same: 0.5 is where a match begins to be believed. None of them
depends on how well the other results of the same query did, so "nothing here matches" can come out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_SURE = 8.0
_SPREAD = 1.4826
"""The median absolute deviation of a normal distribution times this is its standard deviation."""


def logistic(value: float) -> float:
    """1 / (1 + e^-value), without overflow."""
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, value))))


@dataclass(frozen=True, slots=True)
class Null:
    """What scores of unrelated things look like: their middle and spread, robustly."""

    centre: float
    spread: float

    @classmethod
    def of(cls, scores: npt.ArrayLike, *, floor: float = 1e-3) -> Null:
        """Median and scaled median absolute deviation; `floor` keeps a degenerate sample from a spread of nothing."""
        values = np.asarray(scores, dtype=np.float64)
        if values.size == 0:
            return cls(0.0, max(floor, 1.0))
        centre = float(np.median(values))
        return cls(centre, max(floor, _SPREAD * float(np.median(np.abs(values - centre)))))

    @classmethod
    def of_lower_half(cls, scores: npt.ArrayLike, *, floor: float = 1e-3) -> Null:
        """Fit a normal distribution to the 10th and 40th percentiles.

        What is looked for lies at the upper end of the scores, and in a library of one subject it may be half of them:
        the middle and the spread must not be taken from there.
        """
        values = np.asarray(scores, dtype=np.float64)
        if values.size == 0:
            return cls(0.0, max(floor, 1.0))
        low, high = np.percentile(values, (10, 40))
        spread = max(floor, float(high - low) / 1.028)
        return cls(float(high) + 0.253 * spread, spread)

    def nearness(self, score: float) -> float:
        """How far above chance a score lies, 0 to 1: eight spreads and more are 1."""
        return min(1.0, max(0.0, self.z(score) / _SURE))

    def z(self, score: float) -> float:
        """How many spreads a score lies above the middle."""
        return (score - self.centre) / self.spread


def expected_maximum(count: int) -> float:
    """Roughly the largest of `count` standard normal draws, in standard deviations: sqrt(2 ln n)."""
    return math.sqrt(2.0 * math.log(max(2, count)))
