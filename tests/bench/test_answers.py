"""The benchmark of extractive answers: what counts as right, and a run that is stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.answers import measure
from bench.evaluation.benchmark import Task
from query.service import AskRequest, QueryService
from reelseek.answers import Answer
from reelseek.errors import Conflict
from reelseek.settings import load_settings
from tests.bench.corpora import lines_of, small_bench

SETTINGS = {"engines": {"vlm": "off", "sentence": "minilm"}}


def test_a_stopped_run_goes_on_and_counts_what_is_cited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task, cache, out = Task(small_bench(tmp_path / "small"), "train"), tmp_path / "cache", tmp_path / "out.jsonl"
    spoken = {"video_id": "sea", "segment_id": "0", "start": 0.0, "end": 5.0, "text": "The tide turns twice a day."}
    sea = lines_of(tmp_path / "sea" / "corpus.jsonl", [spoken]).parent
    lines_of(sea / "queries.jsonl", [])
    wrong = Task(sea)
    settings = load_settings({"data": tmp_path / "data", **SETTINGS})
    asked: list[str] = []
    ask = QueryService.ask

    def stopping(self: QueryService, request: AskRequest) -> Answer:
        asked.append(request.question)
        if len(asked) == 4:
            raise KeyboardInterrupt
        return ask(self, request)

    monkeypatch.setattr(QueryService, "ask", stopping)
    with pytest.raises(KeyboardInterrupt):
        measure(task, settings, cache, wrong, out)
    figures = measure(task, settings, cache, wrong, out)
    assert len(asked) == 4 + 3 + 6, "what was answered before the stop is not asked again"
    assert figures["questions"] == 6
    assert figures["retrieval_R@1"] == figures["answered"] == figures["first_right"] == figures["recall"] == 1.0
    assert figures["answered_in_wrong_library"] == 0.0
    with pytest.raises(Conflict, match="cutoff"):
        measure(task, load_settings({"data": tmp_path / "data", **SETTINGS, "query": {"cutoff": 0.9}}), cache, out=out)
