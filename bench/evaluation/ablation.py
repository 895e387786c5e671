"""The ablation table: fusion against each of its channels alone, and against plain BM25 and plain vectors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import query
from bench.evaluation.benchmark import Prepared, Task, Told, nobody, prepare
from bench.evaluation.corpus import BenchQuery
from bench.evaluation.corpus_library import video_hash
from bench.evaluation.history import made_with
from bench.evaluation.judged import Judged, ask_judged, judged_figures
from bench.evaluation.kept import KeptRows
from bench.evaluation.ranking import Result, mean_figures
from bench.evaluation.runs import Ask, RunRow, ask_one, depth, row_of, row_payload, scored
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

PLAIN = {"plain BM25": (True, False), "plain vectors": (False, True), "plain BM25 and vectors": (True, True)}
"""Plain retrieval by name: whether by words, whether by meaning."""

_CODE = (".py", ".json", ".lark")

_Search = Callable[[BenchQuery], RunRow]


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
    by vectors, and both joined by reciprocal rank. Within its video, where the task says so, both stay in the video.

    What each query found is kept in the cache as it comes: the same call after a stop goes on, with the same corpus,
    queries, engines, settings and code of the search.
    """
    ready = prepare(task, settings, cache, told)
    with ready.library.open(settings) as service:
        made = _made_with(service, task, ready)
        name = hashlib.blake2b(json.dumps(made, sort_keys=True).encode(), digest_size=12).hexdigest()
        with KeptRows(cache / "ablations" / f"{name}.jsonl", made) as kept:
            table = {
                name: scored(ready.queries, _run(kept, name, ready.queries, search, told))
                for name, search in _searches(service, task, ready)
            }
    return {name: {"n": len(rows), **_rounded(rows), **_against(table[FUSION], rows)} for name, rows in table.items()}


def _made_with(service: QueryService, task: Task, ready: Prepared) -> JsonObject:
    """What decides what the queries find: the index, the queries, the engines, the settings, the code that searches."""
    engines, named = made_with(service)
    queries = hashlib.blake2b(repr(ready.queries).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
    code = hashlib.blake2b(digest_size=12)
    for path in sorted(Path(query.__file__).parent.rglob("*")):
        if path.suffix in _CODE:
            code.update(path.read_bytes())
    return {
        "corpus": ready.library.folder.name,
        "queries": queries,
        "within_video": task.within_video,
        "depth": depth(task.k),
        "channels": sorted(task.channels) if task.channels is not None else None,
        "engines": engines,
        "settings": named,
        "code": code.hexdigest(),
    }


def _searches(service: QueryService, task: Task, ready: Prepared) -> Iterator[tuple[str, _Search]]:
    """Fusion, plain retrieval, then each part of the product by itself."""
    names = ready.library.names
    ask = task.asking(names)

    def changed(variant: Variant, asked: BenchQuery) -> SearchRequest | None:
        request = ask(asked)
        return None if request is None else variant(request)

    fusion, *parts = (
        (variant.name, partial(_ask, service, names, partial(changed, variant)))
        for variant in variants((Channel.SPEECH, Channel.TITLE))
    )
    yield fusion
    plain = _Plain(service, task, names)
    for name, (words, meaning) in PLAIN.items():
        if plain.has_vectors or not meaning:
            yield name, partial(plain.search, words=words, meaning=meaning)
    yield from parts


def _ask(service: QueryService, names: Mapping[str, str], ask: Ask, asked: BenchQuery) -> RunRow:
    return ask_one(service, asked, names, ask)


def _run(kept: KeptRows, name: str, queries: Sequence[BenchQuery], search: _Search, told: Told) -> list[RunRow]:
    """What each query finds; what is kept is not searched for again."""
    run = []
    for number, asked in enumerate(queries):
        told(name, number, len(queries))
        row_id = f"{name} {number}"
        if row_id not in kept.rows:
            kept.keep({"id": row_id, **row_payload(search(asked))})
        run.append(row_of(kept.rows[row_id]))
    told(name, len(queries), len(queries))
    return run


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


class _Plain:
    """Retrieval of segments by BM25, by vectors, and by both, without anything of the product's own ranking."""

    def __init__(self, service: QueryService, task: Task, names: Mapping[str, str]) -> None:
        self._task, self._names = task, names
        self._engine = service.engines.sentence()
        self._snapshot = service.reader.snapshot(service.catalogue.visibility)
        self._space = self._snapshot.space("segments", "text")

    @property
    def has_vectors(self) -> bool:
        return self._engine is not None and self._space is not None

    def search(self, asked: BenchQuery, *, words: bool, meaning: bool) -> RunRow:
        """The best segments, each as a result."""
        within = self._task.within_video
        scope = Scope(video_ids=frozenset({video_hash(asked.video_id)})) if within else Scope()
        lists: list[Sequence[Hit]] = []
        if asked.query and words:
            lists.append(self._snapshot.search_text("segments", asked.query, 100, scope, ("speech",)))
        if asked.query and meaning and self._engine is not None and self._space is not None:
            vector = self._engine.encode([asked.query])[0]
            lists.append(self._snapshot.search_vectors("segments", "text", vector, 100, scope, space=self._space))
        hits = lists[0] if len(lists) == 1 else _joined(lists)
        return RunRow(asked.query_id, tuple(_result(hit, self._names) for hit in hits[: depth(self._task.k)]))


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
