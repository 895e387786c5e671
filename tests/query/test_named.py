"""What a request names is looked for before an engine is, so that nobody waits for a refusal."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engines.registry import Engines
from query.deep.answering import answer, deep_answer
from query.digest.digests import DigestRequest, digest
from query.requests import Stretch
from query.service import AskRequest, QueryService, SearchRequest
from reelseek.errors import InvalidRequest, NotFound
from tests.support.query_world import COOKING

GONE = "0" * 32
BEHIND = Stretch(COOKING.video_id, 9_000.0, 9_001.0)

Ask = Callable[[QueryService], object]


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for an engine fails the test."""

    def refuse(*_: object) -> None:
        pytest.fail("an engine was asked for")

    monkeypatch.setattr(Engines, "resolution", refuse)


@pytest.mark.parametrize(
    "ask",
    [
        lambda service: service.search(SearchRequest("onions", video_ids=(GONE,))),
        lambda service: service.search(SearchRequest("onions", library="none")),
        lambda service: service.search(SearchRequest(examples=(Stretch(GONE, 0.0, 1.0),))),
        lambda service: service.search(SearchRequest("onions | (rice like:nowhere@0:10)")),
        lambda service: service.saliency(GONE, "onions"),
        lambda service: service.ask(AskRequest("What is fried?", video_ids=(GONE,))),
        lambda service: answer(service, AskRequest("What is fried?", library="none")),
        lambda service: deep_answer(service, AskRequest("What is fried?", video_ids=(GONE,))),
        lambda service: digest(service, DigestRequest(GONE)),
    ],
)
def test_what_is_not_there_is_told_before_an_engine_is_needed(service: QueryService, ask: Ask, no_engine: None) -> None:
    with pytest.raises(NotFound):
        ask(service)


@pytest.mark.parametrize(
    "ask",
    [
        lambda service: service.search(SearchRequest(examples=(BEHIND,))),
        lambda service: service.search(SearchRequest("onions", like=(BEHIND,))),
        lambda service: service.search(SearchRequest("onions", unlike=(BEHIND,))),
        lambda service: service.search(SearchRequest(f"like:{COOKING.video_id}@2:30:00")),
        lambda service: service.ask(AskRequest(f"onions like:{COOKING.video_id}@2:30:00")),
    ],
)
def test_a_place_behind_the_end_is_told(service: QueryService, ask: Ask, no_engine: None) -> None:
    with pytest.raises(InvalidRequest, match=r"“.+” ends at \d:\d\d \(.+ s\), before 9000 s"):
        ask(service)
