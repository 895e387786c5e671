"""Questions taken apart: by rules, held against a set taken apart by hand; by a model, whose replies are kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from query.language.parsing import ObjectCount
from query.planning.decouple import Decoupled, widened
from query.planning.plan import Requirement, decouple
from query.planning.rules import cue_free_terms
from query.service import AskRequest, SearchRequest, open_service
from reelseek.records import Channel
from reelseek.settings import Settings, load_settings
from tests.query.conftest import NO_MODELS
from tests.query.decoupling import ANY, LABELS, QUESTIONS, SAID, SEEN, WRITTEN
from tests.support.query_world import COOKING, MEETING, World
from tests.support.scripted_chat import ScriptedChat

CHANNELS = {SAID: Channel.SPEECH, WRITTEN: Channel.SCREEN_TEXT, SEEN: Channel.VISUAL, ANY: Channel.SPEECH}
AIMS = (SAID, WRITTEN, SEEN)
HEAT = "Which figures are given for it?"
REPLY = json.dumps(
    {"ASR": "The oven should be at two hundred and thirty degrees.", "OCR": None, "DET": None, "TYPE": ["number"]}
)


def aim(requirement: Requirement) -> str:
    """The one channel of speech, screen text and picture that counts for more than both others."""
    weights = {name: requirement.weight(CHANNELS[name]) for name in AIMS}
    best = [name for name in AIMS if weights[name] == 1.0]
    return best[0] if len(best) == 1 else ANY


def test_rules_take_questions_apart_as_a_person_does() -> None:
    """Of 52 questions; before the rules for opinions, discussions and things in view it was 38, 43 and 51."""
    taken = [(question, decouple(question.text, LABELS)) for question in QUESTIONS]
    wrong_aim = [question.text for question, made in taken if aim(made) != question.aim]
    wrong_words = [
        question.text
        for question, made in taken
        if set(cue_free_terms(made.requests[CHANNELS[question.aim]])) != set(cue_free_terms(question.asked))
    ]
    wrong_things = [
        question.text for question, made in taken if {count.label for count in made.objects} != set(question.things)
    ]
    assert len(QUESTIONS) >= 50
    assert len(wrong_aim) <= 1, wrong_aim
    assert len(wrong_words) <= 2, wrong_words
    assert len(wrong_things) <= 1, wrong_things


def test_no_channel_is_left_out_by_a_rule() -> None:
    for question in QUESTIONS:
        made = decouple(question.text, LABELS)
        assert {Channel.SPEECH, Channel.SCREEN_TEXT, Channel.VISUAL} <= set(made.requests)
        assert all(weight > 0 for weight in made.weights.values())


def test_what_a_model_asks_for_comes_on_top() -> None:
    parts = Decoupled.model_validate_json(
        json.dumps(
            {"ASR": "turn it to 230 degrees", "OCR": "230 °C", "DET": ["ovens", "unicorn", "people"], "TYPE": None}
        )
    )
    made = widened(decouple("how hot is it?", LABELS), parts, (*LABELS, "oven"))
    assert made.also == ((Channel.SCREEN_TEXT, "230 °C"), (Channel.SPEECH, "turn it to 230 degrees"))
    assert made.objects == (ObjectCount("oven"), ObjectCount("person"))
    assert made.requests[Channel.SPEECH] == "how hot is it?"


@pytest.fixture
def with_model(world: World, chat: ScriptedChat, tmp_path: Path) -> Iterator[Any]:
    """Makes settings over the hand-made library whose model is the scripted one."""
    chat.reset()
    kept = world.settings.data / "cache" / "decoupled"

    def make(**query: Any) -> Settings:
        engines = {**NO_MODELS, "vlm": "openai:scripted", "vlm_url": chat.url, "vlm_timeout": 20.0}
        return load_settings({"data": world.settings.data, "engines": engines, "query": query})

    for file in kept.glob("*.json"):
        file.unlink()
    yield make
    for file in kept.glob("*.json"):
        file.unlink()


def test_a_search_asks_the_model_only_where_that_is_switched_on(with_model: Any, chat: ScriptedChat) -> None:
    chat.decoupled = REPLY
    with open_service(with_model()) as service:
        assert service.search(SearchRequest(HEAT)).moments == ()
    assert chat.requests == []
    with open_service(with_model(decouple="model")) as service:
        moment = service.search(SearchRequest(HEAT)).moments[0]
    assert (moment.video_id, moment.start) == (COOKING.video_id, 40.0)
    assert len(chat.requests) == 1


def test_a_reply_is_kept_for_this_model_and_question(with_model: Any, chat: ScriptedChat) -> None:
    chat.decoupled = REPLY
    with open_service(with_model(decouple="model")) as service:
        for _ in range(3):
            assert service.search(SearchRequest(HEAT)).moments
    with open_service(with_model(decouple="model")) as service:  # another process: from the file
        assert service.search(SearchRequest(HEAT)).moments
        assert len(chat.requests) == 1
        service.search(SearchRequest("Which numbers describe the cold needed?"))
        assert len(chat.requests) == 2


def test_a_damaged_file_is_asked_for_again(with_model: Any, chat: ScriptedChat, world: World) -> None:
    chat.decoupled = REPLY
    with open_service(with_model(decouple="model")) as service:
        service.search(SearchRequest(HEAT))
    (file,) = (world.settings.data / "cache" / "decoupled").glob("*.json")
    file.write_text("{", encoding="utf-8")
    with open_service(with_model(decouple="model")) as service:
        assert service.search(SearchRequest(HEAT)).moments
    assert len(chat.requests) == 2
    assert json.loads(file.read_text(encoding="utf-8"))["TYPE"] == ["number"]


def test_screen_text_that_a_model_expects_is_looked_for(with_model: Any, chat: ScriptedChat) -> None:
    question = "Where will the staff sit from now on?"
    chat.decoupled = json.dumps({"ASR": None, "OCR": "Office Lisbon", "DET": None, "TYPE": None})
    with open_service(with_model(decouple="model")) as service:
        moment = service.search(SearchRequest(question)).moments[0]
    assert (moment.video_id, moment.start) == (MEETING.video_id, 25.0)


def test_rules_always_if_the_user_says_so(with_model: Any, chat: ScriptedChat) -> None:
    chat.decoupled, chat.answer = REPLY, "230 [1]"
    with open_service(with_model(decouple="rules")) as service:
        assert service.ask(AskRequest(HEAT)).abstained
    assert all("ASR" not in json.dumps(body) for body in chat.requests)


def test_scoped_words_and_sequences_are_never_taken_apart(with_model: Any, chat: ScriptedChat) -> None:
    chat.decoupled = REPLY
    with open_service(with_model(decouple="model")) as service:
        for query in ("said:oven", '"the oven"', "flour then knead", "flour | oven", "object:car", "oven -water flour"):
            service.search(SearchRequest(query))
    assert len(chat.requests) <= 1
