"""Moments read again: a better order, the calibration between two anchors, and a search that never fails for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from query.ranking.rerank import Judge, TooSlow, calibrated, evidence_text
from query.ranking.runs import Run
from query.requests import SearchRequest
from reelseek.records import Channel
from reelseek.results import Evidence, SearchResult
from reelseek.settings import load_settings
from tests.query.conftest import NO_MODELS
from tests.support.query_world import COOKING, LECTURE, MEETING, World
from tests.support.rerank_checkpoint import write_cross_encoder


@pytest.fixture(scope="module")
def find(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., SearchResult]:
    folder = tmp_path_factory.mktemp("rerank")
    weights = write_cross_encoder(folder / "weights")
    engines = NO_MODELS | {"rerank": f"cross-encoder:{weights}", "device": "cpu", "threads": 1}
    settings = load_settings({"data": folder / "data", "engines": engines, "query": {"rerank_seconds": 300}})
    world = World(settings, folder / "films", (LECTURE, COOKING, MEETING))
    return lambda query, **options: world.service.search(SearchRequest(query, **options))


def test_a_judgement_is_a_contribution_and_gains_still_add_up(find: Callable[..., SearchResult]) -> None:
    result = find("dough", min_confidence=0.0)
    assert "rerank" in result.timings_ms
    judged = [item for item in result.moments if any(part.kind == "rerank" for part in item.contributions)]
    assert judged
    for moment in result.moments:
        assert sum(part.gain for part in moment.contributions) == pytest.approx(moment.confidence, abs=1e-6)
        assert sum(moment.channels.values()) == pytest.approx(moment.confidence, abs=1e-6)
    ranks = sorted(part.rank for item in judged for part in item.contributions if part.kind == "rerank")
    assert ranks == sorted(set(ranks)), "no rank twice; some that were judged are not among the best ten"
    assert ranks[0] == 1
    assert "dough" in result.moments[0].evidence[0].text
    assert [item.confidence for item in result.moments] == sorted(
        (item.confidence for item in result.moments), reverse=True
    )


def test_a_sequence_is_left_as_it_is(find: Callable[..., SearchResult]) -> None:
    result = find("said:flour then said:dough")
    assert result.moments
    assert all(part.kind != "rerank" for item in result.moments for part in item.contributions)


def test_an_engine_that_is_not_there_leaves_the_order_and_a_note(tmp_path: Path) -> None:
    engines = NO_MODELS | {"rerank": "cross-encoder:bge-reranker-v2-m3"}
    world = World(load_settings({"data": tmp_path / "data", "engines": engines}), tmp_path / "films", (COOKING,))
    try:
        result = world.service.search(SearchRequest("flour with warm water"))
        assert result.moments[0].video_id == COOKING.video_id
        assert any("not read again" in note and "models pull" in note for note in result.notes)
    finally:
        world.close()


class Scripted:
    """An engine whose scores the test gives: a judge is arithmetic over them."""

    id, fingerprint, note = "cross-encoder:scripted", "1", ""

    def __init__(self, scores: dict[str, float]) -> None:
        self.known = scores

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        return [self.known.get(text, -10.0) for text in texts]


def _run(text: str, confidence: float, channel: Channel = Channel.SPEECH) -> Run:
    evidence = (Evidence(channel, 0.0, 5.0, text, confidence),)
    return Run(text, 0.0, 5.0, channel, confidence, evidence, {channel: confidence})


def test_the_judge_changes_the_order_within_what_it_read() -> None:
    engine = Scripted({"q": 6.0, "weak": 5.0, "strong": -10.0})
    runs = [_run("strong", 0.8), _run("a picture", 0.75, Channel.VISUAL), _run("weak", 0.7), _run("unread", 0.2)]
    judged = Judge(engine, 3, 60.0).rerank(runs, "q")
    assert [run.video_id for run in judged] == ["weak", "a picture", "strong", "unread"]
    known = {run.video_id: run for run in judged}
    assert known["a picture"] is runs[1]
    assert known["unread"] is runs[3]
    assert known["strong"].confidence < 0.5 < known["weak"].confidence


def test_what_takes_too_long_changes_nothing() -> None:
    with pytest.raises(TooSlow):
        Judge(Scripted({}), 3, -1.0).rerank([_run("a", 0.8)], "q")


def test_the_scale_and_offset_of_a_model_do_not_matter() -> None:
    for scale, offset in ((1.0, 0.0), (0.01, 5.0), (30.0, -200.0)):
        worth = [calibrated(scale * value + offset, offset, scale + offset) for value in (0.0, 0.5, 1.0)]
        assert worth == pytest.approx([0.047, 0.5, 0.953], abs=1e-3)
    assert calibrated(1.0, 3.0, 3.0) < 0.5


def test_only_texts_are_read() -> None:
    assert evidence_text(_run("said", 0.5)) == "said"
    assert evidence_text(_run("looks like it", 0.5, Channel.VISUAL)) == ""
