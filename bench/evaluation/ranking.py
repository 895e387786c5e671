"""Metrics of ranked moments against the ranges that answer a query, over a whole library.

A result is a hit when it is in the query's video and, for some relevant range, its temporal IoU with it is at least 0.3
or its middle lies inside the range.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.evaluation.corpus import BenchQuery
from reelseek.timecode import temporal_iou

HIT_IOU = 0.3
DEPTH = 10
RANKS = (1, 5, 10)
NAMES = ("R@1", "R@5", "R@10", "nDCG@10", "MRR@10", "vR@1", "vR@10")


@dataclass(frozen=True, slots=True)
class Result:
    """A place that was found, seconds; `video_id` as the benchmark has it."""

    video_id: str
    start: float
    end: float
    score: float = 0.0


def is_hit(result: tuple[float, float], truth: tuple[float, float]) -> bool:
    """Whether a range counts as finding another: IoU of at least 0.3, or its middle inside."""
    overlaps = min(result[1], truth[1]) > max(result[0], truth[0])
    if overlaps and temporal_iou(result, truth) >= HIT_IOU:
        return True
    return truth[0] <= (result[0] + result[1]) / 2 <= truth[1]


def query_figures(query: BenchQuery, results: Sequence[Result]) -> dict[str, float]:
    """The metrics of one query with at least one relevant range, each 0 to 1.

    R@k: there is a hit among the first k. nDCG@10 (Järvelin and Kekäläinen, 2002): gain 1 for the first result that
    hits each relevant range, ideally all ranges from rank 1 on. MRR@10: 1 / rank of the first hit. vR@k: the right
    video is among the first k results.
    """
    first = video = None
    seen: set[int] = set()
    gained = 0.0
    for rank, result in enumerate(results[:DEPTH]):
        if result.video_id != query.video_id:
            continue
        video = rank if video is None else video
        hits = [i for i, truth in enumerate(query.relevant) if is_hit((result.start, result.end), truth)]
        first = rank if hits and first is None else first
        if fresh := [i for i in hits if i not in seen]:
            seen.add(fresh[0])
            gained += _discount(rank)
    ideal = sum(_discount(rank) for rank in range(min(DEPTH, len(query.relevant))))
    figures = {f"R@{k}": float(first is not None and first < k) for k in RANKS}
    figures["nDCG@10"] = gained / ideal
    figures["MRR@10"] = 0.0 if first is None else 1 / (first + 1)
    figures |= {f"vR@{k}": float(video is not None and video < k) for k in (1, 10)}
    return figures


def mean_figures(figures: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each metric over queries, 0 without any."""
    return {name: sum(row[name] for row in figures) / max(1, len(figures)) for name in NAMES}


def _discount(rank: int) -> float:
    return 1 / math.log2(rank + 2)
