"""Metrics of moment retrieval and of highlights: time ranges, or scores per clip, against what people marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from reelseek.timecode import temporal_iou

Range = tuple[float, float]
"""Start and end (s)."""

IOUS: Final = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""The thresholds that mAP is averaged over: 0.5 to 0.95."""

RECALL_IOUS: Final = (0.3, 0.5, 0.7)
RECALL_RANKS: Final = (1, 5, 10, 100)

_Values = npt.NDArray[np.float64]


def recall(ranked: Sequence[Range], truths: Sequence[Range], k: int, iou: float) -> float:
    """1 when one of the first k ranges overlaps a true one by at least `iou`, else 0: what is called R@k, IoU=m."""
    return float(any(temporal_iou(found, truth) >= iou for found in ranked[:k] for truth in truths))


def recalls(
    ranked: Sequence[Range],
    truths: Sequence[Range],
    ranks: Sequence[int] = RECALL_RANKS,
    ious: Sequence[float] = RECALL_IOUS,
) -> dict[str, float]:
    """`recall` at all of these, as `R@1 IoU=0.5`."""
    return {f"R@{k} IoU={iou:g}": recall(ranked, truths, k, iou) for iou in ious for k in ranks}


def average_precisions(
    scored: Sequence[tuple[float, float, float]], truths: Sequence[Range], ious: Sequence[float] = IOUS
) -> _Values:
    """The average precision of one query's ranges at each IoU, as detection of actions is measured on ActivityNet.

    From the highest score down each range takes the true range that it overlaps most of those not yet taken, if that
    overlap reaches the threshold; else it is false. Precision is interpolated: at each recall the best at that or a
    higher one (Everingham et al., 2010).

    Args:
        scored: start, end (s), score.
        truths: at least one.

    Returns:
        A value for each threshold.
    """
    ordered = sorted(scored, key=lambda item: -item[2])
    overlaps = np.array([[temporal_iou(item[:2], truth) for truth in truths] for item in ordered]).reshape(
        len(ordered), len(truths)
    )
    return np.array([interpolated_precision(_matches(overlaps, iou), len(truths)) for iou in ious])


def interpolated_precision(right: Sequence[bool] | npt.NDArray[np.bool_], positives: int) -> float:
    """The area under the interpolated precision-recall curve of a ranking.

    Args:
        right: for each item, best first, whether it is right.
        positives: how many there are to find.
    """
    hits = np.asarray(right, dtype=np.float64)
    if not positives or not hits.any():
        return 0.0
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(best[hits > 0].sum() / positives)


def highlight_precision(scores: npt.ArrayLike, marked: npt.ArrayLike) -> float:
    """The average precision of a curve of scores against the clips that one person marked, as highlights are measured.

    It is the mean of the interpolated precision over the scores at which recall grows; clips of equal score come
    together and count once (Gygli et al., 2016). Without a marked clip it is 0, with all of them marked 1.

    Args:
        scores: one for each clip; clips behind the last one have 0.
        marked: whether each clip is marked.
    """
    truth = np.asarray(marked, dtype=np.float64)
    if not truth.any() or truth.all():
        return float(truth.any())
    values = np.zeros(len(truth))
    given = np.asarray(scores, dtype=np.float64)[: len(truth)]
    values[: len(given)] = given
    order = np.argsort(-values, kind="stable")
    last_of_level = np.append(np.flatnonzero(np.diff(values[order])), len(values) - 1)
    found = np.cumsum(truth[order])[last_of_level]
    precision = found / (last_of_level + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(best[np.diff(found, prepend=0.0) > 0].mean())


def hit_at(ranked: Sequence[bool], k: int) -> float:
    """HIT@k: 1 when one of the first k is right."""
    return float(any(ranked[:k]))


def reciprocal_rank(ranked: Sequence[bool]) -> float:
    """1 / rank of the first that is right, 0 without one."""
    return next((1 / rank for rank, right in enumerate(ranked, start=1) if right), 0.0)


def means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each figure over queries; no figures without any."""
    return {name: float(np.mean([row[name] for row in rows])) for name in (rows[0] if rows else {})}


def _matches(overlaps: _Values, iou: float) -> npt.NDArray[np.bool_]:
    """For each found range, in order, whether it takes a true one."""
    right, taken = np.zeros(len(overlaps), bool), set[int]()
    for row in np.flatnonzero((overlaps >= iou).any(axis=1)).tolist():
        free = [column for column in range(overlaps.shape[1]) if column not in taken]
        nearest = max(free, key=lambda column: overlaps[row, column], default=None)
        if nearest is not None and overlaps[row, nearest] >= iou:
            right[row] = True
            taken.add(nearest)
    return right
