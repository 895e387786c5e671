"""Asking the product's own search for every query of a benchmark, and what came of it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bench.evaluation.corpus import BenchQuery, rows
from bench.evaluation.ranking import DEPTH, Result, mean_figures, query_figures
from bench.evaluation.statistics import bootstrap
from query.service import QueryService, SearchRequest
from reelseek.errors import InvalidRequest
from reelseek.records import JsonObject

SURE = ("R@1", "nDCG@10")
"""The figures that are given with their 95 % interval."""

_Item = TypeVar("_Item")

Ask = Callable[[BenchQuery], SearchRequest | None]
"""Makes the request of a query; None where it cannot be asked, and so finds nothing."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """What one query gave, best first."""

    query_id: str
    results: tuple[Result, ...]
    took_ms: float = 0.0
    timings_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def best(self) -> float:
        """The confidence of the first result, 0 without one."""
        return self.results[0].score if self.results else 0.0


def ask_all(
    service: QueryService,
    queries: Sequence[BenchQuery],
    names: Mapping[str, str],
    ask: Ask,
    progress: Callable[[int, int], None],
) -> list[RunRow]:
    """Search for every query.

    Args:
        names: the product's ids of videos to the benchmark's own.
        progress: called with how many queries are done, and of how many.
    """
    found: list[RunRow] = []
    for number, query in enumerate(queries):
        progress(number, len(queries))
        found.append(ask_one(service, query, names, ask))
    progress(len(queries), len(queries))
    return found


def ask_one(service: QueryService, query: BenchQuery, names: Mapping[str, str], ask: Ask) -> RunRow:
    """Search for one query; arguments as of `ask_all`."""
    request = ask(query)
    if request is None:
        return RunRow(query.query_id, ())
    result = service.search(request)
    moments = tuple(
        Result(names[item.video_id], item.start, item.end, item.confidence)
        for item in result.moments
        if item.video_id in names
    )
    return RunRow(query.query_id, moments, result.took_ms, result.timings_ms)


def write_run(path: Path, run: Iterable[RunRow]) -> None:
    """Write a run as JSON lines: `{"query_id", "results": [{"video_id", "start", "end", "score"}, …]}`, best first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(row_payload(row))}\n" for row in run)


def row_payload(row: RunRow) -> JsonObject:
    """A row as `write_run` writes it."""
    results = [
        {"video_id": item.video_id, "start": item.start, "end": item.end, "score": round(item.score, 6)}
        for item in row.results
    ]
    return {"query_id": row.query_id, "results": results}


def read_run(path: Path) -> list[RunRow]:
    """Read what `write_run` wrote, or another system's run in the same form.

    Raises:
        NotFound: there is no such file.
        InvalidRequest: a line is broken; the message says which.
    """
    run = []
    for where, row in rows(path):
        try:
            run.append(row_of(row))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidRequest(f"{where}: it is no row of a run ({error!r}).") from error
    return run


def row_of(payload: JsonObject) -> RunRow:
    """The row that `row_payload` made this of. Raises `KeyError` and its like where it is none."""
    results = tuple(
        Result(str(item["video_id"]), float(item["start"]), float(item["end"]), float(item.get("score", 0.0)))
        for item in payload["results"]
    )
    return RunRow(str(payload["query_id"]), results)


def scored(queries: Sequence[BenchQuery], run: Iterable[RunRow]) -> list[dict[str, float]]:
    """The figures of each query that has an answer, in order; one that the run lacks is a miss."""
    found = {row.query_id: row.results for row in run}
    return [query_figures(query, found.get(query.query_id, ())) for query in queries if query.relevant]


def summary(queries: Sequence[BenchQuery], run: Sequence[RunRow]) -> JsonObject:
    """The means over all queries that have an answer, and what the searches cost."""
    figures = scored(queries, run)
    intervals = {name: bootstrap([row[name] for row in figures]) for name in SURE}
    return {
        "n": len(figures),
        **{name: round(value, 4) for name, value in mean_figures(figures).items()},
        "interval": {name: [round(item.low, 4), round(item.high, 4)] for name, item in intervals.items()},
        "latency_ms": latencies(run),
    }


def latencies(run: Sequence[RunRow]) -> JsonObject:
    """Median and 95th percentile (ms) of each stage of a search and of all of it."""
    stages: dict[str, list[float]] = {}
    for row in run:
        if row.took_ms:
            for stage, value in {**row.timings_ms, "all": row.took_ms}.items():
                stages.setdefault(stage, []).append(value)
    return {
        stage: {"p50": round(statistics.median(v), 2), "p95": round(percentile(v, 95), 2)}
        for stage, v in stages.items()
    }


def percentile(values: Sequence[float], percent: float) -> float:
    """The percentile with linear interpolation, of at least one value."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def depth(k: int) -> int:
    """How many results are asked for: at least those that the metrics look at."""
    return max(k, DEPTH)


def evenly(items: Sequence[_Item], limit: int) -> list[_Item]:
    """So many of them, evenly spread; 0 takes all."""
    if not 0 < limit < len(items):
        return list(items)
    return [items[number * len(items) // limit] for number in range(limit)]
