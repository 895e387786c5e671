"""Answers without a model: quoted, cited, counted, timed, or refused."""

from __future__ import annotations

import re

import pytest

from query.service import AskRequest, QueryService
from reelseek.answers import Answer
from reelseek.errors import InvalidRequest
from reelseek.records import Channel
from reelseek.wire import answer_payload
from tests.support.query_world import COOKING, COPY, LECTURE, MEETING, TRAFFIC


def ask(service: QueryService, question: str) -> Answer:
    answer = service.ask(AskRequest(question))
    assert answer.engine == "extractive"
    assert_cited(answer)
    return answer


def assert_cited(answer: Answer) -> None:
    """Every sentence has a citation, every citation lies in a moment that was retrieved."""
    numbers = {int(number) for number in re.findall(r"\[(\d+)\]", answer.answer)}
    assert numbers == set(range(1, len(answer.citations) + 1))
    for citation in answer.citations:
        assert any(
            moment.video_id == citation.video_id and moment.start <= citation.start <= citation.end <= moment.end
            for moment in answer.moments
        )
    if not answer.abstained:
        assert all(re.search(r"\[\d+\]", line) for line in answer.answer.splitlines())


@pytest.mark.parametrize(
    ("question", "video_id", "start", "quote"),
    [
        ("How hot should the oven be?", COOKING.video_id, 40.0, "two hundred and thirty degrees"),
        ("Who will present the office layout?", MEETING.video_id, 30.0, "Maria will present"),
        ("What are remedies against overfitting?", LECTURE.video_id, 60.0, "Early stopping"),
    ],
)
def test_the_sentence_that_answers_is_quoted(
    service: QueryService, question: str, video_id: str, start: float, quote: str
) -> None:
    answer = ask(service, question)
    assert not answer.abstained
    assert quote in answer.answer
    cited = [citation for citation in answer.citations if quote in citation.quote]
    assert cited
    assert cited[0].video_id == video_id
    assert cited[0].start >= start


def test_of_two_videos_that_say_the_same_one_is_quoted(service: QueryService) -> None:
    answer = ask(service, "How long do I have to knead the dough?")
    cited = {citation.video_id for citation in answer.citations if "ten minutes" in citation.quote}
    assert cited
    assert cited <= {COOKING.video_id, COPY.video_id}


def test_a_count_comes_from_the_objects(service: QueryService) -> None:
    answer = ask(service, "How many cars are there?")
    assert "3 × car" in answer.answer
    assert answer.citations[0].video_id == TRAFFIC.video_id
    assert (answer.citations[0].start, answer.citations[0].end) == (10.0, 20.0)
    assert answer.citations[0].channel is Channel.OBJECTS


def test_a_when_question_is_answered_with_times(service: QueryService) -> None:
    answer = ask(service, "When is the homework due?")
    assert "1:40 to 1:58" in answer.answer
    assert "due on Friday" in answer.answer


def test_what_the_slide_says_is_all_of_the_slide(service: QueryService) -> None:
    answer = ask(service, "What does the slide about gradient descent say?")
    assert "Gradient Descent / Learning rate: 0.01" in answer.answer


def test_what_is_only_seen_is_answered_with_where(service: QueryService) -> None:
    answer = ask(service, "Is there a bicycle?")
    assert not answer.abstained
    assert "0:40 to 0:50" in answer.answer


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of Mongolia?",
        "Who won the football world cup in 1990?",
        "How many elephants are there?",
        "When was the Eiffel tower built?",
    ],
)
def test_what_nothing_answers_is_refused(service: QueryService, question: str) -> None:
    answer = ask(service, question)
    assert answer.abstained
    assert answer.moments == ()
    assert answer.citations == ()
    assert "Nothing in the library" in answer.answer


@pytest.mark.parametrize("question", ["what is this", "What did he say about it?", "Who is she?", "and then?", "hello"])
def test_a_question_that_names_nothing_is_asked_back(service: QueryService, question: str) -> None:
    answer = ask(service, question)
    assert answer.abstained
    assert "names nothing to look for" in answer.answer
    assert answer.near_misses == ()


def test_a_refusal_shows_what_came_nearest(service: QueryService) -> None:
    answer = ask(service, "history of bread in ancient mongolia")
    assert answer.abstained
    assert answer.near_misses
    assert answer.near_misses[0].title in answer.answer
    assert answer_payload(answer)["near_misses"]


def test_an_answer_can_be_kept_to_one_video(service: QueryService) -> None:
    answer = service.ask(AskRequest("How long to knead the dough?", video_ids=(LECTURE.video_id,)))
    assert answer.abstained
    assert "Nothing in this video" in answer.answer


def test_nothing_asked_is_refused(service: QueryService) -> None:
    with pytest.raises(InvalidRequest):
        service.ask(AskRequest("  "))
