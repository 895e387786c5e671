"""Conversations: follow-up questions, multiple choice, without a model."""

from __future__ import annotations

import pytest

from query.answering.followups import complete
from query.service import AskRequest, QueryService
from reelseek.answers import Answer, Citation, Turn
from reelseek.errors import InvalidRequest
from reelseek.records import Channel
from tests.query.test_answer import assert_cited
from tests.support.query_world import COOKING, TRAFFIC

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
    said = service.lines(COOKING.video_id)
    following = next(line for line in said if line.start >= first.citations[-1].end - 0.5)
    assert answer.citations[0].start <= following.start + 0.5, "what comes at once, not what sounds like the question"


def test_before_that_is_what_precedes(service: QueryService) -> None:
    first = service.ask(AskRequest(OVEN))
    answer = service.ask(AskRequest("What was said just before that?", history=(turn(first),)))
    assert not answer.abstained
    assert all(citation.end <= first.citations[0].start + 0.5 for citation in answer.citations)


@pytest.mark.parametrize(
    ("question", "quoted"),
    [
        ("What happens after the dough is kneaded?", ["Knead the dough", "two hundred and thirty degrees"]),
        ("What is said right before early stopping?", ["overfitting happens when", "Early stopping"]),
    ],
)
def test_what_comes_next_to_something_is_told_with_it(service: QueryService, question: str, quoted: list[str]) -> None:
    answer = service.ask(AskRequest(question))
    assert_cited(answer)
    places = [answer.answer.find(words) for words in quoted]
    assert -1 not in places
    assert places == sorted(places), "in the order in which it is said"


def test_what_is_seen_next_is_told_where_nothing_is_said(service: QueryService) -> None:
    answer = service.ask(AskRequest("What comes after the bicycle?"))
    assert not answer.abstained
    assert_cited(answer)
    assert (answer.citations[0].video_id, answer.citations[0].start) == (TRAFFIC.video_id, 50.0)
    assert "2 × car" in answer.answer


@pytest.mark.parametrize("question", ["And bicycles?", "what about bicycles?", "and the bicycles?"])
def test_after_a_count_other_things_are_counted(service: QueryService, question: str) -> None:
    first = service.ask(AskRequest("How many cars are there?"))
    second = service.ask(AskRequest("And people?", history=(turn(first),)))
    assert "2 × person" in second.answer
    third = service.ask(AskRequest(question, history=(turn(first), turn(second))))
    assert "1 × bicycle" in third.answer


def test_where_that_is_is_told_with_times(service: QueryService) -> None:
    first = service.ask(AskRequest("How many cars are there?"))
    answer = service.ask(AskRequest("where?", history=(turn(first),)))
    assert "0:10 to 0:20" in answer.answer


def test_what_is_left_out_is_taken_from_the_question_that_named_it() -> None:
    history = (Turn(OVEN), Turn("In which kitchen?"))
    assert {"oven", "hot"} <= set(complete("And how long does it take?", history).question.rstrip("?").split())
    assert "oven" in complete("On which day?", (Turn(OVEN),)).question


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
    assert follow.about == ()
    assert "oven" in follow.question


def test_what_follows_the_end_of_a_video_is_nothing(service: QueryService) -> None:
    last = Citation(COOKING.video_id, COOKING.duration - 0.2, COOKING.duration, Channel.SPEECH, "")
    answer = service.ask(AskRequest("And then?", history=(Turn(OVEN, "", (last,)),)))
    assert answer.abstained
    assert "Nothing is said or written there." in answer.notes


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


def test_who_when_and_where_of_what_was_cited(service: QueryService) -> None:
    first = service.ask(AskRequest(OVEN))
    cited = first.citations[0]
    for question in ("Who said that?", "When was that?", "Where is that?"):
        answer = service.ask(AskRequest(question, history=(turn(first),)))
        assert_cited(answer)
        assert not answer.abstained, question
        assert {item.video_id for item in answer.citations} == {cited.video_id}, question
        assert all(item.start < cited.end and item.end > cited.start for item in answer.citations), question
    who = service.ask(AskRequest("Who said that?", history=(turn(first),)))
    assert "a voice without a name says: " in who.answer
    assert {item.channel for item in who.citations} == {Channel.SPEECH}
    where = service.ask(AskRequest("Where is that?", history=(turn(first),)))
    assert where.answer.startswith("From "), "a place in a video is a time"
    why = service.ask(AskRequest("And why is that?", history=(turn(first),)))
    assert any(item.end <= cited.start or item.start >= cited.end for item in why.citations), "what is around it"


def test_counting_goes_on_with_another_thing() -> None:
    cars = Turn("How many cars are there?", "3")
    assert complete("And how many buses?", (cars,)).question == "And how many buses?"
    assert complete("What about the buses?", (cars,)).question == "How many buses?"


def test_what_is_carried_is_what_was_last_asked_about_something() -> None:
    asked = (Turn("How hot does the heap get?"), Turn("Who said that?"))
    assert complete("Why is it so warm?", asked).question == "Why is it so warm hot heap?"
    assert complete("What comes next?", (Turn("What error does the program show?"),)).question.endswith(
        "error program?"
    )
