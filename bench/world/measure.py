"""Asking a world: what is found first, what keeps its answer at the cut-off, what is answered though it is absent."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.truth import TrueQuery, recall_at
from bench.world.truth import Absent
from query.service import QueryService, SearchRequest

PRESENT_KINDS = ("said", "written", "seen", "long", "sequence")


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a query that something answers.

    Attributes:
        rank: of the first right moment, whatever its confidence; None where it is not among those that are returned.
        kept: it is among the moments that are given as answers.
    """

    kind: str
    query: str
    rank: int | None
    kept: bool
    confidence: float
    first: str
    took_ms: float


def ask_present(
    service: QueryService, queries: Sequence[TrueQuery], tell: Callable[[Asked], None] = lambda _: None
) -> list[Asked]:
    """Search for everything that is there."""
    found = []
    for true in queries:
        result = service.search(SearchRequest(query=true.query))
        ranked = (*result.moments, *result.near_misses)
        rank = true.rank(ranked)
        first = f"{ranked[0].title} {ranked[0].start:.1f}-{ranked[0].end:.1f}" if ranked else "nothing"
        confidence = ranked[rank - 1].confidence if rank else 0.0
        kept = true.rank(result.moments) is not None
        found.append(Asked(true.kind, true.query, rank, kept, confidence, first, result.took_ms))
        tell(found[-1])
    return found


def ask_absent(service: QueryService, queries: Sequence[Absent]) -> list[tuple[Absent, float]]:
    """Search for what is not there: each query with the confidence of its first answer, 0 where it has none."""
    found = []
    for absent in queries:
        moments = service.search(SearchRequest(query=absent.query)).moments
        found.append((absent, moments[0].confidence if moments else 0.0))
    return found


def figures(present: Sequence[Asked], absent: Sequence[tuple[Absent, float]]) -> dict[str, Any]:
    """Recall by kind, the shares at the cut-off, and what each search took."""
    by_kind: dict[str, list[Asked]] = defaultdict(list)
    for asked in present:
        by_kind[asked.kind].append(asked)
    answered: dict[str, list[bool]] = defaultdict(list)
    for query, confidence in absent:
        answered[query.kind].append(confidence > 0)
    found = [asked for asked in present if asked.rank is not None]
    took = sorted(asked.took_ms for asked in present)
    return {
        "present": {kind: _row(by_kind[kind]) for kind in PRESENT_KINDS if by_kind[kind]},
        "kept": sum(asked.kept for asked in found) / len(found) if found else 0.0,
        "absent": {kind: {"queries": len(each), "answered": sum(each) / len(each)} for kind, each in answered.items()},
        "absent_answered": sum(confidence > 0 for _, confidence in absent) / max(1, len(absent)),
        "search_ms": {
            "p50": statistics.median(took),
            "p95": statistics.quantiles(took, n=20)[-1] if len(took) > 1 else took[0],
        },
        "missed": [
            {"kind": asked.kind, "query": asked.query, "rank": asked.rank, "first": asked.first}
            for asked in present
            if asked.rank != 1
        ],
        "wrongly_answered": [
            {"kind": query.kind, "query": query.query, "confidence": round(confidence, 3)}
            for query, confidence in absent
            if confidence > 0
        ],
    }


def _row(asked: Sequence[Asked]) -> dict[str, float]:
    ranks = [item.rank for item in asked]
    # every other query was looked at when the scales were set: the others tell what that is worth elsewhere
    fitted, held_out = ranks[::2], ranks[1::2]
    return {
        "queries": len(asked),
        "R@1": recall_at(ranks, 1),
        "R@5": recall_at(ranks, 5),
        "R@1 fitted half": recall_at(fitted, 1),
        "R@1 held-out half": recall_at(held_out, 1),
        "kept": sum(item.kept for item in asked) / len(asked),
    }
