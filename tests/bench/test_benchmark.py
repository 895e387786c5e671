"""`reelseek eval --bench`: the product's own search over a benchmark's texts, scored as its scorer scores."""

from __future__ import annotations

import importlib.util
import json
import random
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bench.evaluation.ablation import ablate_benchmark
from bench.evaluation.benchmark import Task, prepare, run_benchmark
from bench.evaluation.corpus import BenchQuery
from bench.evaluation.ranking import NAMES, Result
from bench.evaluation.runs import RunRow, read_run, summary, write_run
from reelseek.errors import InvalidRequest
from reelseek.settings import Settings
from tests.bench.corpora import lines_of, small_bench


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_bench(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def scorer(shared_data: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_scorer", shared_data / "bench" / "eval.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_sentence_of_a_small_corpus_is_found_by_its_words(bench: Path, cache: Path, settings: Settings) -> None:
    figures, run = run_benchmark(Task(bench), settings, cache)
    assert figures["n"] == 9
    assert figures["R@1"] == figures["nDCG@10"] == figures["vR@1"] == 1.0
    assert {row.query_id for row in run} >= {"garden-0", "taxes-2"}
    assert all(item.video_id in {"garden", "violin", "taxes"} for row in run for item in row.results)
    assert figures["latency_ms"]["all"]["p50"] > 0


def test_a_corpus_is_indexed_once(bench: Path, cache: Path, settings: Settings) -> None:
    run_benchmark(Task(bench), settings, cache)
    told: list[str] = []
    figures, _ = run_benchmark(Task(bench, "dev"), settings, cache, lambda doing, *_: told.append(doing))
    assert figures["n"] == 3
    assert "indexing" not in told


def test_within_its_video_a_query_finds_that_video_alone(bench: Path, cache: Path, settings: Settings) -> None:
    figures, run = run_benchmark(Task(bench, "dev", within_video=True), settings, cache)
    assert figures["R@1"] == 1.0
    for row in run:
        assert {item.video_id for item in row.results} == {row.query_id.partition("-")[0]}


def test_a_stopped_indexing_is_begun_again(bench: Path, tmp_path: Path, settings: Settings) -> None:
    first = prepare(Task(bench), settings, tmp_path).library
    (first.folder / "done.json").unlink()
    (first.folder / "catalogue.sqlite3").write_bytes(b"torn")
    again = prepare(Task(bench), settings, tmp_path).library
    assert again == first
    with again.open() as service:
        assert {again.names[entry.video_id] for entry in service.catalogue.videos()} == {"garden", "violin", "taxes"}


def test_odd_corpora_are_searched_without_a_crash(tmp_path: Path, settings: Settings) -> None:
    lines_of(
        tmp_path / "corpus.jsonl",
        [
            {"video_id": "ends/with.mp4", "start": 5, "end": 5, "text": "A robin sings on the fence."},
            {"video_id": "silent", "start": 0, "end": 0, "text": ""},
            {"video_id": "音", "start": 3, "end": 4, "text": "知更鸟在篱笆上唱歌。"},
            {"video_id": "音", "start": 3, "end": 4, "text": "知更鸟在篱笆上唱歌。"},
            {"video_id": "long", "start": 0, "end": 400, "text": "word " * 900},
        ],
    )
    queries = ["a robin on the fence", "", 'said:"unclosed (', "A then then[xs] -", "知更鸟", "the", "zzzz qqqq"]
    lines_of(
        tmp_path / "queries.jsonl",
        [
            {"query_id": number, "query": text, "video_id": "ends/with.mp4" if number else "gone", "relevant": [[5, 6]]}
            for number, text in enumerate(queries)
        ],
    )
    for within in (False, True):
        figures, run = run_benchmark(Task(tmp_path, within_video=within), settings, tmp_path / "cache")
        assert figures["n"] == len(queries)
        assert [row.query_id for row in run] == [str(number) for number in range(len(queries))]
        assert run[1].results == ()


def test_a_run_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    run = [RunRow("a", (Result("v", 0.1, 2.0, 0.5), Result("w", 3.0, 4.25, 0.25))), RunRow("b", ())]
    write_run(tmp_path / "run.jsonl", run)
    assert read_run(tmp_path / "run.jsonl") == run
    first = json.loads((tmp_path / "run.jsonl").read_text().splitlines()[0])
    assert first["results"][0] == {"video_id": "v", "start": 0.1, "end": 2.0, "score": 0.5}
    (tmp_path / "bad.jsonl").write_text('{"query_id": "a"}\n')
    with pytest.raises(InvalidRequest, match=r"bad\.jsonl, line 1"):
        read_run(tmp_path / "bad.jsonl")


def test_the_figures_are_those_of_the_benchmarks_own_scorer_to_the_digit(scorer: ModuleType) -> None:
    chance = random.Random(3)

    def some_range() -> tuple[float, float]:
        start = chance.uniform(0, 50)
        return start, start + chance.choice([0.0, chance.uniform(0, 30)])

    for _ in range(30):
        queries = [
            BenchQuery(
                str(n), "x", f"v{chance.randrange(3)}", tuple(some_range() for _ in range(chance.randint(1, 14)))
            )
            for n in range(20)
        ]
        run = [
            RunRow(
                q.query_id,
                tuple(Result(f"v{chance.randrange(3)}", *some_range()) for _ in range(chance.randint(0, 15))),
            )
            for q in queries[:-2]
        ]
        rows: list[dict[str, Any]] = [
            {"query_id": q.query_id, "video_id": q.video_id, "relevant": [list(item) for item in q.relevant]}
            for q in queries
        ]
        theirs = scorer.score(
            rows,
            [
                {
                    "query_id": row.query_id,
                    "results": [{"video_id": r.video_id, "start": r.start, "end": r.end} for r in row.results],
                }
                for row in run
            ],
        )
        ours = summary(queries, run)
        assert {name: ours[name] for name in ("n", *NAMES)} == theirs


def test_an_ablation_goes_on_after_a_stop_and_asks_nothing_twice(
    bench: Path, cache: Path, settings: Settings, tmp_path: Path
) -> None:
    task = Task(bench, limit=4, within_video=True)
    own = tmp_path / "cache"
    shutil.copytree(cache, own)

    def stop(doing: str, done: int, total: int) -> None:
        if (doing, done) == ("meaning alone", 2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ablate_benchmark(task, settings, own, stop)
    (kept,) = (own / "ablations").iterdir()
    before = kept.read_text()
    assert len(before.splitlines()) == 1 + 5 * 4 + 2, "a head, five searches, and two queries of the next"
    table = ablate_benchmark(task, settings, own)
    assert kept.read_text().startswith(before)
    after = kept.read_text()
    assert ablate_benchmark(task, settings, own) == table
    assert kept.read_text() == after
    assert all(row["n"] == 4 for row in table.values())
    assert table["plain vectors"]["vR@1"] == table["fusion"]["vR@1"] == 1.0, "each query stays in its video"
    ablate_benchmark(Task(bench, limit=4), settings, own)
    assert len(list((own / "ablations").iterdir())) == 2
