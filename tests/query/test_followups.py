"""Conversations: follow-up questions, multiple choice, without a model."""

from __future__ import annotations

import pytest

from query.answering.followups import complete
from query.service import AskRequest, QueryService
from reelseek.answers import Answer, Citation, Turn
from reelseek.errors import InvalidRequest
from reelseek.records import Channel
from tests.query.test_answer import assert_cited
from tests.support.query_world import COOKING

OVEN = "How hot should the oven be?"


def turn(answer: Answer) -> Turn:
    return Turn(answer.question, answer.answer, answer.citations)


def test_and_after_that_is_what_follows_in_the_same_video(service: QueryService) -> None:
    first = service.ask(AskRequest(OVEN))
    answer = service.ask(AskRequest("And what happens after that?", history=(turn(first),)))
    assert not answer.abstained
    assert_cited(answer)
    assert {citation.video_id for citation in answer.citations} == {COOKING.video_id}
    assert all(citation.start >= first.citations[-1].end - 0.5 for citation in answer.citations)


def test_before_that_is_what_precedes(service: QueryService) -> None:
    first = service.ask(AskRequest(OVEN))
    answer = service.ask(AskRequest("What was said just before that?", history=(turn(first),)))
    assert not answer.abstained
    assert all(citation.end <= first.citations[0].start + 0.5 for citation in answer.citations)


def test_a_question_that_points_back_is_completed(service: QueryService) -> None:
    first = service.ask(AskRequest("What is said about the oven?"))
    answer = service.ask(AskRequest("How hot should it be?", history=(turn(first),)))
    assert "oven" in answer.understood
    assert "two hundred and thirty degrees" in answer.answer


@pytest.mark.parametrize(
    "question", ["What are remedies against overfitting?", "Who will present the new office layout to the board?"]
)
def test_a_question_that_stands_for_itself_stays(question: str) -> None:
    assert complete(question, (Turn(OVEN),)).question == question
    assert complete(question, ()).question == question


def test_then_in_a_question_without_an_earlier_answer_is_a_word() -> None:
    follow = complete("And then?", (Turn(OVEN),))
    assert follow.beside is None
    assert "oven" in follow.question


def test_what_follows_the_end_of_a_video_is_nothing(service: QueryService) -> None:
    last = Citation(COOKING.video_id, COOKING.duration - 0.2, COOKING.duration, Channel.SPEECH, "")
    answer = service.ask(AskRequest("And then?", history=(Turn(OVEN, "", (last,)),)))
    assert answer.abstained


@pytest.mark.parametrize(
    ("options", "right"),
    [
        (("180 degrees", "230 degrees", "90 degrees", "300 degrees"), 1),
        (("cold", "two hundred and thirty degrees", "it is never said"), 1),
    ],
)
def test_an_option_is_chosen_and_cited(service: QueryService, options: tuple[str, ...], right: int) -> None:
    answer = service.ask(AskRequest(OVEN, options=options))
    assert answer.choice == right
    assert len(answer.option_scores) == len(options)
    assert max(answer.option_scores) == answer.option_scores[right]
    assert answer.citations[0].video_id == COOKING.video_id
    assert options[right] in answer.answer


def test_one_option_is_no_choice(service: QueryService) -> None:
    with pytest.raises(InvalidRequest, match="no choice"):
        service.ask(AskRequest(OVEN, options=("230",)))
