"""The learnt weights of the ranking of passages, as `bench.fit_ranking` makes them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from query.ranking.calibrate import logistic
from query.texts.signals import SIGNALS
from query.texts.video_text import Numbers


@dataclass(frozen=True, slots=True)
class Middle:
    """The sum that has confidence 0.5: `base + growth * ln(lines)`, for the best of many is high by chance."""

    base: float
    growth: float

    def among(self, lines: int) -> float:
        """For the best of so many lines."""
        return self.base + self.growth * math.log(max(2, lines))


@dataclass(frozen=True, slots=True)
class Certainty:
    """How sure a passage is, from its own signals: `logistic(signals @ weights - middle)`.

    Attributes:
        middles: the highest counts.
    """

    weights: Numbers
    middles: tuple[Middle, ...]

    def confidence(self, score: float, lines: int) -> float:
        """0 to 1, for a weighed sum of signals that is the best of so many lines."""
        return logistic(score - max(middle.among(lines) for middle in self.middles))


@dataclass(frozen=True, slots=True)
class Learnt:
    """All weights. See `docs/retrieval.md`.

    Attributes:
        order: passages are ordered by `standing_out(signals) @ order`.
        with_meaning, by_words: how sure they are, with vectors, and where only words can be compared.
    """

    order: Numbers
    with_meaning: Certainty
    by_words: Certainty


@lru_cache(maxsize=1)
def learnt() -> Learnt:
    """The weights that come with the program."""
    data = json.loads(files("query.texts").joinpath("ranking.json").read_text(encoding="utf-8"))
    sure = data["sure"]
    return Learnt(_columns(data["order"]), _certainty(sure["with_meaning"]), _certainty(sure["by_words"]))


def _certainty(data: Mapping[str, Any]) -> Certainty:
    middles = tuple(Middle(float(one["base"]), float(one["growth"])) for one in data["middles"].values())
    return Certainty(_columns(data["weights"]), middles)


def _columns(weights: Mapping[str, float]) -> Numbers:
    return np.array([float(weights.get(name, 0.0)) for name in SIGNALS])
