"""`reelseek eval --library`: queries out of the library itself, kept, and compared between runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.evaluation.ablation import ablate_judged
from bench.evaluation.history import add_run, compared, find_run, read_history
from bench.evaluation.judged import ABSENT, Judged, Outcome, RightPlace, ask_judged, judged_figures
from bench.evaluation.labelled import read_labelled
from bench.evaluation.mining import mine
from bench.evaluation.own_library import library_queries, run_library
from reelseek.errors import InvalidRequest, NotFound
from reelseek.settings import load_settings
from tests.bench.corpora import lines_of
from tests.support.query_world import COOKING, COPY, World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("own")
    world = World(load_settings({"data": folder / "data"}), folder / "films")
    yield world
    world.close()


def test_queries_are_the_same_for_the_same_seed_and_others_for_another(world: World) -> None:
    first, again, other = (mine(world.service, 5, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert len({judged.query_id for judged in first}) == len(first)


def test_every_kind_is_drawn_and_its_places_hold_what_is_asked_for(world: World) -> None:
    queries = mine(world.service, 100)
    kinds = Counter(judged.kind for judged in queries)
    assert set(kinds) == {"said", "written", "title", "count", "sequence", ABSENT, "said in part"}
    for judged in queries:
        assert bool(judged.places) == (judged.kind != ABSENT)
    dough = [judged for judged in queries if judged.kind == "said" and "knead" in judged.query]
    # the same sentence is said in two videos: both are right
    assert {place.video_id for judged in dough for place in judged.places} == {COOKING.video_id, COPY.video_id}
    counted = {judged.query for judged in queries if judged.kind == "count"}
    assert 'object:"car">=3' in counted
    assert 'object:"car">=4' not in counted


def test_a_small_library_finds_its_own_queries_and_refuses_those_that_nothing_answers(world: World) -> None:
    queries = library_queries(world.service, 12, 1)
    outcomes = ask_judged(world.service, queries)
    figures = judged_figures(outcomes, world.settings.query.cutoff)
    assert figures["kinds"]["said"]["R@1"] >= 0.9
    assert figures["all"]["R@10"] >= 0.8
    assert figures["absent"]["n"] > 0
    assert figures["latency_ms"]["all"]["p95"] >= figures["latency_ms"]["all"]["p50"] > 0


def test_an_empty_library_says_what_is_missing(tmp_path: Path) -> None:
    empty = World(load_settings({"data": tmp_path / "data"}), tmp_path / "films", ())
    try:
        with pytest.raises(NotFound, match="nothing that a query could be made of"):
            library_queries(empty.service, 5, 1)
    finally:
        empty.close()


def test_runs_are_kept_and_a_change_is_told_query_by_query(world: World, tmp_path: Path) -> None:
    queries = library_queries(world.service, 4, 1)
    add_run(tmp_path, run_library(world.service, queries, number=1, note="before"))
    (first,) = read_history(tmp_path)
    assert (first.number, first.note, first.index["videos"]) == (1, "before", 6)
    assert first.settings["query.cutoff"] == 0.5
    assert first.engines["sentence"]
    same = compared(first, first, 0.5)
    assert (same.gains, same.losses, same.changed) == ((), (), ())
    assert same.kinds["all"].p == 1
    worse = dict(first.queries)
    lost = next(name for name, row in worse.items() if row["rank"] == 1)
    worse[lost] = {**worse[lost], "rank": 4}
    settings = {**first.settings, "query.cutoff": 0.4}
    add_run(tmp_path, replace(first, number=2, settings=settings, queries=worse))
    found = compared(find_run(read_history(tmp_path), "1"), find_run(read_history(tmp_path), "last"), 0.5)
    assert [(row[2], row[3]) for row in found.losses] == [(1, 4)]
    assert found.changed == (("query.cutoff", "0.5", "0.4"),)
    assert found.kinds["all"].mean < 0
    with pytest.raises(NotFound, match="1 to 2"):
        find_run(read_history(tmp_path), "7")
    (tmp_path / "evaluation" / "history.jsonl").write_text('{"number": 1}\n')
    with pytest.raises(InvalidRequest, match="line 1"):
        read_history(tmp_path)


def test_figures_of_hand_made_outcomes() -> None:
    def outcome(kind: str, rank: int | None, confidence: float, right: float) -> Outcome:
        return Outcome(f"{kind}{rank}{confidence}", kind, "x", rank, confidence, right, "")

    figures = judged_figures(
        [
            outcome("said", 1, 0.9, 0.9),
            outcome("said", 3, 0.8, 0.4),
            outcome("said", None, 0.3, 0.0),
            outcome(ABSENT, None, 0.6, 0.0),
            outcome(ABSENT, None, 0.2, 0.0),
        ],
        cutoff=0.5,
    )
    assert figures["kinds"]["said"] == figures["all"]
    said = figures["all"]
    assert (said["n"], said["R@1"], said["R@5"], said["MRR@10"], said["kept"]) == (3, 0.3333, 0.6667, 0.4444, 0.3333)
    assert figures["absent"] == {"n": 2, "answered": 0.5}
    # right, wrong, wrong, wrong, wrong in order of confidence
    assert figures["risk"]["area"] == pytest.approx((0 + 1 / 2 + 2 / 3 + 3 / 4 + 4 / 5) / 5, abs=1e-4)


def test_a_persons_own_labels_are_read_and_asked(world: World, tmp_path: Path) -> None:
    oven = {"query": "oven degrees", "file": f"films/{COOKING.name}", "relevant": [[40, 45]], "modality": "speech"}
    path = lines_of(
        tmp_path / "queries.jsonl",
        [
            oven,
            {"query": "baking bread", "file": COOKING.name, "relevant": None, "also_ok": [COPY.name, "gone.mp4"]},
            {"query": "a giraffe", "relevant": []},
            {"query": "elsewhere", "file": "gone.mp4", "relevant": None},
        ],
    )
    found = read_labelled(path, world.service.catalogue.videos())
    assert found.left_out == 1
    assert [(judged.kind, len(judged.places)) for judged in found.queries] == [("speech", 1), ("query", 2), (ABSENT, 0)]
    outcomes = ask_judged(world.service, found.queries)
    assert [item.video_rank for item in outcomes[:2]] == [1, 1]
    assert judged_figures(outcomes, 0.5)["kinds"]["speech"]["vR@3"] == 1
    with pytest.raises(NotFound, match="no query over a video that is indexed"):
        read_labelled(path, ())
    lines_of(path, [oven, {**oven, "query": ""}])
    with pytest.raises(InvalidRequest, match="line 2"):
        read_labelled(path, world.service.catalogue.videos())


def test_a_place_is_right_by_the_strict_overlap_or_by_the_benchmarks_rule(world: World) -> None:
    judged = Judged("said", "knead the dough", (RightPlace(COOKING.video_id, 0.0, 60.0),))
    (loose,), (strict,) = (ask_judged(world.service, [judged], iou=iou) for iou in (None, 0.5))
    assert loose.rank is not None
    assert strict.rank is None


def test_the_ablation_table_has_fusion_first_and_every_channel_of_the_library(world: World) -> None:
    table = ablate_judged(world.service, mine(world.service, 3))
    names = list(table)
    assert names[:3] == ["fusion", "words alone", "meaning alone"]
    assert {"speech alone", "screen_text alone", "objects alone", "title alone"} <= set(names)
    assert table["fusion"]["against fusion"] == 0
    assert table["fusion"]["all"] > table["screen_text alone"]["all"]
    assert table["objects alone"].get("count", 0) > 0
