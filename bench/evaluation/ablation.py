"""The ablation table: fusion against each of its channels alone, and against plain BM25 and plain vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.evaluation.benchmark import Prepared, Task, Told, nobody, prepare
from bench.evaluation.corpus import BenchQuery
from bench.evaluation.corpus_library import video_hash
from bench.evaluation.judged import Judged, ask_judged, judged_figures
from bench.evaluation.ranking import Result, mean_figures
from bench.evaluation.runs import RunRow, ask_all, depth, scored
from bench.evaluation.statistics import paired
from index.reader import Scope
from index.reads import Hit
from query.requests import TextSearch
from query.service import QueryService, SearchRequest
from reelseek.records import Channel, JsonObject
from reelseek.settings import Settings

FUSION = "fusion"
RRF = 60.0
"""The constant of reciprocal-rank fusion (Cormack et al., 2009)."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A part of the product's search by itself."""

    name: str
    channels: frozenset[Channel] | None = None
    searches: frozenset[TextSearch] | None = None

    def __call__(self, request: SearchRequest) -> SearchRequest:
        """The same request, of this part alone."""
        return replace(request, channels=self.channels, searches=self.searches)


def variants(channels: Sequence[Channel]) -> list[Variant]:
    """Fusion first, then the two ways to search texts, then each channel alone."""
    ways = [
        Variant("words alone", searches=frozenset({"words"})),
        Variant("meaning alone", searches=frozenset({"meaning"})),
    ]
    singles = [Variant(f"{channel.value} alone", frozenset({channel})) for channel in channels]
    return [Variant(FUSION), *ways, *(singles if len(channels) > 1 else [])]


def ablate_benchmark(task: Task, settings: Settings, cache: Path, told: Told = nobody) -> JsonObject:
    """The table of a benchmark of timed texts: means of each variant, and nDCG@10 query by query against fusion.

    Besides variants of the product it has plain retrieval over the same segments, as they come from the index: by BM25,
    by vectors, and both joined by reciprocal rank.
    """
    ready = prepare(task, settings, cache, told)
    table: dict[str, list[dict[str, float]]] = {}
    with ready.library.open(settings) as service:
        service.warm()
        names = ready.library.names
        ask = task.asking(names)
        for variant in variants((Channel.SPEECH, Channel.TITLE)):

            def changed(query: BenchQuery, variant: Variant = variant) -> SearchRequest | None:
                request = ask(query)
                return None if request is None else variant(request)

            run = ask_all(service, ready.queries, names, changed, _telling(told, variant.name))
            table[variant.name] = scored(ready.queries, run)
        for name, run in _plain(service, task, ready, told).items():
            table[name] = scored(ready.queries, run)
    return {name: {"n": len(rows), **_rounded(rows), **_against(table[FUSION], rows)} for name, rows in table.items()}


def ablate_judged(
    service: QueryService, queries: Sequence[Judged], iou: float | None = None, told: Told = nobody
) -> JsonObject:
    """The table of a library whose right places are known: R@1 of each variant by kind, and against fusion over all."""
    entries = service.catalogue.videos()
    channels = [channel for channel in Channel if any(entry.channels.get(channel.value) for entry in entries)]
    table: JsonObject = {}
    first: list[float] = []
    for variant in variants(list(dict.fromkeys([*channels, Channel.TITLE]))):
        outcomes = ask_judged(service, queries, iou=iou, ask=variant, progress=_telling(told, variant.name))
        figures = judged_figures(outcomes, service.settings.query.cutoff)
        hits = [float(item.rank == 1) for item, judged in zip(outcomes, queries, strict=True) if judged.places]
        first = first or hits
        difference = paired(first, hits)
        table[variant.name] = {
            **{kind: row["R@1"] for kind, row in figures["kinds"].items()},
            "all": figures["all"]["R@1"],
            "against fusion": round(difference.mean, 4),
            "p": round(difference.p, 4),
        }
    return table


def _plain(service: QueryService, task: Task, ready: Prepared, told: Told) -> dict[str, list[RunRow]]:
    """Retrieval of segments by BM25, by vectors, and by both, without anything of the product's own ranking."""
    engine = service.engines.sentence()
    snapshot = service.reader.snapshot(service.catalogue.visibility)
    space = snapshot.space("segments", "text")
    runs: dict[str, list[RunRow]] = {"plain BM25": []}
    if engine is not None and space is not None:
        runs |= {"plain vectors": [], "plain BM25 and vectors": []}
    k = depth(task.k)
    for number, query in enumerate(ready.queries):
        told("plain retrieval", number, len(ready.queries))
        scope = Scope(video_ids=frozenset({video_hash(query.video_id)})) if task.within_video else Scope()
        lists: dict[str, Sequence[Hit]] = {"plain BM25": [], "plain vectors": []}
        if query.query:
            lists["plain BM25"] = snapshot.search_text("segments", query.query, 100, scope, ("speech",))
            if engine is not None and space is not None:
                vector = engine.encode([query.query])[0]
                lists["plain vectors"] = snapshot.search_vectors("segments", "text", vector, 100, scope, space=space)
        lists["plain BM25 and vectors"] = _joined([lists["plain BM25"], lists["plain vectors"]])
        for name, run in runs.items():
            run.append(RunRow(query.query_id, tuple(_result(hit, ready.library.names) for hit in lists[name][:k])))
    told("plain retrieval", len(ready.queries), len(ready.queries))
    return runs


def _joined(lists: Sequence[Sequence[Hit]]) -> list[Hit]:
    scores: dict[tuple[str, int], float] = {}
    hits: dict[tuple[str, int], Hit] = {}
    for found in lists:
        for rank, hit in enumerate(found, start=1):
            key = hit.row["video_id"], hit.row["segment_index"]
            hits.setdefault(key, hit)
            scores[key] = scores.get(key, 0.0) + 1 / (RRF + rank)
    return [hits[key] for key in sorted(scores, key=lambda key: -scores[key])]


def _result(hit: Hit, names: Mapping[str, str]) -> Result:
    return Result(names[hit.row["video_id"]], hit.row["start"], hit.row["end"], hit.score)


def _rounded(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in mean_figures(rows).items()}


def _against(fusion: Sequence[Mapping[str, float]], rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    difference = paired([row["nDCG@10"] for row in fusion], [row["nDCG@10"] for row in rows])
    return {"nDCG@10 against fusion": round(difference.mean, 4), "p": round(difference.p, 4)}


def _telling(told: Told, name: str) -> Callable[[int, int], None]:
    return lambda done, total: told(name, done, total)
