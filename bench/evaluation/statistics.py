"""What figures are worth: confidence intervals, significance, and how well confidence tells right from wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 10_000
SEED = 20_090

_Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over queries with its 95 % confidence interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better the second of two runs is over the same queries.

    Attributes:
        mean, low, high: of the difference, with its 95 % confidence interval.
        p: of a difference at least as large if neither run were better (two-sided).
        gained, lost: queries with a higher, with a lower figure.
    """

    mean: float
    low: float
    high: float
    p: float
    gained: int
    lost: int


@dataclass(frozen=True, slots=True)
class RiskCurve:
    """What is answered and what of it is wrong, as the cut-off falls from the surest query to the least sure.

    Attributes:
        coverage: the share of queries that is answered, rising to 1.
        risk: the share of those answers that is wrong.
        area: under the curve (AURC, Geifman and El-Yaniv, 2017): 0 is perfect; chance gives the share of wrong answers.
        best: the least area that any order of these queries could have.
    """

    coverage: tuple[float, ...]
    risk: tuple[float, ...]
    area: float
    best: float


def bootstrap(values: Sequence[float], seed: int = SEED) -> Interval:
    """The mean over queries with its percentile bootstrap interval (Efron, 1979), the same for the same seed."""
    data = np.asarray(values, dtype=np.float64)
    if not len(data):
        return Interval(0.0, 0.0, 0.0)
    low, high = np.percentile(_resampled(data, seed), [2.5, 97.5])
    return Interval(float(data.mean()), float(low), float(high))


def paired(first: Sequence[float], second: Sequence[float], seed: int = SEED) -> Difference:
    """Compare two runs query by query: a bootstrap interval, and a paired randomisation test (Smucker et al., 2007).

    Args:
        first, second: a figure of each query, in the same order.
    """
    before, after = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if before.shape != after.shape:
        raise ValueError(f"{len(before)} and {len(after)} queries are not the same ones")
    delta = after - before
    if not len(delta) or not delta.any():
        return Difference(0.0, 0.0, 0.0, 1.0, 0, 0)
    low, high = np.percentile(_resampled(delta, seed), [2.5, 97.5])
    return Difference(
        float(delta.mean()),
        float(low),
        float(high),
        _chance(delta, seed),
        int((delta > 0).sum()),
        int((delta < 0).sum()),
    )


def risk_coverage(confidences: Sequence[float], right: Sequence[bool]) -> RiskCurve:
    """How risk grows with coverage when the surest answers are given first; queries of equal confidence go together."""
    sure, wrong = np.asarray(confidences, dtype=np.float64), ~np.asarray(right, dtype=bool)
    if not len(sure):
        return RiskCurve((), (), 0.0, 0.0)
    order = np.argsort(-sure, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(sure[order])), len(sure) - 1)
    answered = ends + 1
    risk = np.cumsum(wrong[order])[ends] / answered
    steps = np.diff(answered, prepend=0) / len(sure)
    ideal = np.cumsum(np.sort(wrong)) / np.arange(1, len(sure) + 1)
    return RiskCurve(
        tuple((answered / len(sure)).tolist()), tuple(risk.tolist()), float(risk @ steps), float(ideal.mean())
    )


def false_answers(confidences: Sequence[float], cutoff: float) -> float:
    """The share of queries without an answer in the library that get one: whose best moment reaches the cut-off."""
    return float(np.mean([value >= cutoff for value in confidences])) if confidences else 0.0


def _resampled(data: _Values, seed: int) -> _Values:
    """Means of samples of the same size with replacement, made block by block to bound memory."""
    generator = np.random.default_rng(seed)
    block = max(1, 2_000_000 // len(data))
    means = []
    for done in range(0, RESAMPLES, block):
        picks = generator.integers(0, len(data), (min(block, RESAMPLES - done), len(data)))
        means.append(data[picks].mean(axis=1))
    return np.concatenate(means)


def _chance(delta: _Values, seed: int) -> float:
    """Two-sided p: the sign of each query's difference is thrown anew, many times; the observed one counts as one."""
    changed = delta[delta != 0]
    generator = np.random.default_rng(seed)
    block = max(1, 2_000_000 // len(changed))
    observed, extreme = abs(changed.sum()) - 1e-12, 0
    for done in range(0, RESAMPLES, block):
        signs = generator.integers(0, 2, (min(block, RESAMPLES - done), len(changed))) * 2 - 1
        extreme += int((np.abs(signs @ changed) >= observed).sum())
    return (extreme + 1) / (RESAMPLES + 1)
