"""Queries over a library whose right places are known, among them queries that nothing answers; and how search does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.evaluation.moments import hit_at, reciprocal_rank
from bench.evaluation.ranking import is_hit
from bench.evaluation.runs import RunRow, latencies
from bench.evaluation.statistics import bootstrap, false_answers, risk_coverage
from query.service import QueryService, SearchRequest
from reelseek.records import JsonObject
from reelseek.results import Moment
from reelseek.timecode import temporal_iou

ABSENT = "absent"
"""The kind of queries that nothing in the library answers."""
RANKS = (1, 5, 10)
DEPTH = 10
STRICT_IOU = 0.5

Ask = Callable[[SearchRequest], SearchRequest]
"""Changes every request before it is asked, for a variant of the search."""


def unchanged(request: SearchRequest) -> SearchRequest:
    """The request as it is."""
    return request


@dataclass(frozen=True, slots=True)
class RightPlace:
    """A range of a video (s) that answers a query; `video_id` as the product has it."""

    video_id: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Judged:
    """A query and all places that answer it; of the kind `absent` there are none."""

    kind: str
    query: str
    places: tuple[RightPlace, ...]

    @property
    def query_id(self) -> str:
        """The same for the same query with the same places, so that runs of different days can be compared."""
        places = sorted((item.video_id, round(item.start, 1), round(item.end, 1)) for item in self.places)
        text = json.dumps([self.kind, self.query, places])
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()

    def rank(self, moments: Sequence[Moment], iou: float | None) -> int | None:
        """The rank (from 1) of the first moment that is right.

        Args:
            iou: the least overlap; None takes the benchmarks' rule (0.3, or the middle inside).
        """
        for number, moment in enumerate(moments, start=1):
            found = (moment.start, moment.end)
            for place in self.places:
                truth = (place.start, place.end)
                right = is_hit(found, truth) if iou is None else temporal_iou(found, truth) >= iou
                if place.video_id == moment.video_id and right:
                    return number
        return None

    def video_rank(self, moments: Sequence[Moment]) -> int | None:
        """The rank (from 1) of the first moment in a video that has an answer."""
        right = {place.video_id for place in self.places}
        return next((rank for rank, item in enumerate(moments, start=1) if item.video_id in right), None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a query.

    Attributes:
        rank: of the first right moment among ten, without any cut-off; None where none is right.
        video_rank: likewise, of the first moment in a right video.
        confidence: of the first moment, 0 without one.
        right: confidence of the right moment, 0 without one.
        first: the first moment, in words, for a person who looks for what went wrong.
    """

    query_id: str
    kind: str
    query: str
    rank: int | None
    confidence: float
    right: float
    first: str
    video_rank: int | None = None
    took_ms: float = 0.0
    timings_ms: Mapping[str, float] = field(default_factory=dict)


def ask_judged(
    service: QueryService,
    queries: Sequence[Judged],
    *,
    iou: float | None = None,
    ask: Ask = unchanged,
    progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005
) -> list[Outcome]:
    """Search for every query, with nothing cut off.

    Args:
        iou: as in `Judged.rank`.
        progress: called with how many queries are done, and of how many.
    """
    outcomes = []
    for number, judged in enumerate(queries):
        progress(number, len(queries))
        result = service.search(ask(SearchRequest(judged.query, k=DEPTH, min_confidence=0.0)))
        rank = judged.rank(result.moments, iou)
        first = result.moments[0] if result.moments else None
        outcomes.append(
            Outcome(
                judged.query_id,
                judged.kind,
                judged.query,
                rank,
                first.confidence if first else 0.0,
                result.moments[rank - 1].confidence if rank else 0.0,
                f"{first.title} {first.start:.1f}-{first.end:.1f}" if first else "nothing",
                judged.video_rank(result.moments),
                result.took_ms,
                result.timings_ms,
            )
        )
    progress(len(queries), len(queries))
    return outcomes


def judged_figures(outcomes: Sequence[Outcome], cutoff: float) -> JsonObject:
    """The figures by kind of query, of those that have an answer, and of those that have none.

    By kind: `R@k`, `MRR@10`, the 95 % interval of R@1, `vR@k` (a moment in a right video among the first k), and
    `kept`, the share whose right moment reaches the cut-off.
    `absent`: the share that gets an answer all the same. `risk`: the area under the risk-coverage curve over all
    queries, where an answer is right when the first moment is, and the least that any order could have.
    """
    kinds = sorted({item.kind for item in outcomes} - {ABSENT})
    absent = [item for item in outcomes if item.kind == ABSENT]
    curve = risk_coverage([item.confidence for item in outcomes], [item.rank == 1 for item in outcomes])
    return {
        "kinds": {kind: _of_kind([item for item in outcomes if item.kind == kind], cutoff) for kind in kinds},
        "all": _of_kind([item for item in outcomes if item.kind != ABSENT], cutoff),
        "absent": {"n": len(absent), "answered": round(false_answers([item.confidence for item in absent], cutoff), 4)},
        "risk": {"area": round(curve.area, 4), "least": round(curve.best, 4)},
        "latency_ms": latencies([RunRow(item.query_id, (), item.took_ms, item.timings_ms) for item in outcomes]),
    }


def missed(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """The queries whose first moment is not right, and what came first instead."""
    return [
        {"query": item.query, "kind": item.kind, "rank": item.rank, "first": item.first}
        for item in outcomes
        if item.kind != ABSENT and item.rank != 1
    ]


def _of_kind(outcomes: Sequence[Outcome], cutoff: float) -> JsonObject:
    ranked = [[place == item.rank for place in range(1, DEPTH + 1)] for item in outcomes]
    count = max(1, len(outcomes))
    figures: JsonObject = {"n": len(outcomes)}
    figures |= {f"R@{k}": round(sum(hit_at(row, k) for row in ranked) / count, 4) for k in RANKS}
    figures |= {
        f"vR@{k}": round(sum(item.video_rank is not None and item.video_rank <= k for item in outcomes) / count, 4)
        for k in (1, 3)
    }
    figures["MRR@10"] = round(sum(map(reciprocal_rank, ranked)) / count, 4)
    interval = bootstrap([hit_at(row, 1) for row in ranked])
    figures["R@1 interval"] = [round(interval.low, 4), round(interval.high, 4)]
    figures["kept"] = round(sum(item.right >= cutoff and item.rank is not None for item in outcomes) / count, 4)
    return figures
