"""Questions about whole videos and about all of a library, without a model and with one."""

from __future__ import annotations

import pytest

from query.deep.answering import answer, deep_answer
from query.deep.whole import Whole, whole_question
from query.service import AskRequest, QueryService
from reelseek.answers import Answer, Step
from tests.query.test_answer import assert_cited
from tests.support.query_world import COOKING, COPY, FILMS, LECTURE, MEETING
from tests.support.scripted_chat import ScriptedChat

SUMMARY, ANSWER = "You sum up", "You answer questions"


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("What are all the videos about?", Whole(several=True)),
        ("What are these videos about?", Whole(several=True)),
        ("Give me an overview of the library.", Whole(several=True)),
        ("Summarize every lecture.", Whole(several=True)),
        ("What is this lecture about?", Whole()),
        ("Summarise the meeting, please.", Whole()),
        ("Summarize what they say about the budget.", Whole(focus="the budget")),
        (
            "Which of them mention overfitting and what do they conclude?",
            Whole("overfitting", "overfitting what do they conclude", several=True),
        ),
        ("Which videos talk about bread?", Whole("bread", "bread", several=True)),
        ("In short: which of the videos discuss hiring?", Whole("hiring", "hiring", several=True)),
        ("Sum up what the videos say about Lisbon.", Whole("Lisbon", "Lisbon", several=True)),
        ("What is the lecture on gradient descent about?", Whole()),
        ("Give me an overview of this video.", Whole()),
        ("How hot should the oven be?", None),
        ("Which remedies help against overfitting?", None),
        ("When does the speaker mention the budget?", None),
    ],
)
def test_what_is_asked_of_whole_videos(question: str, asked: Whole | None) -> None:
    assert whole_question(question) == asked


def videos_of(found: Answer) -> set[str]:
    return {citation.video_id for citation in found.citations}


class TestRules:
    """Without a model: sentences of each video, cited."""

    def test_all_videos_are_told_each_with_its_places(self, service: QueryService) -> None:
        told: list[Step] = []
        found = answer(service, AskRequest("What are all the videos about?"), told.append)
        assert_cited(found)
        assert not found.abstained
        spoken = {film.video_id for film in FILMS if film.said}
        assert spoken <= videos_of(found)
        for film in FILMS:
            if film.said:
                assert film.name.rpartition(".")[0] in found.answer
        assert {step.tool for step in told} == {"summarize"}
        assert tuple(told) == found.steps

    def test_those_that_mention_something_are_told_with_what_they_say(self, service: QueryService) -> None:
        found = deep_answer(service, AskRequest("Which of the videos mention kneading the dough, and for how long?"))
        assert_cited(found)
        assert videos_of(found) == {COOKING.video_id, COPY.video_id}
        assert found.answer.count("ten minutes") >= 2
        assert found.steps[0].tool == "search"

    def test_where_none_mentions_it_that_is_said(self, service: QueryService) -> None:
        found = answer(service, AskRequest("Which videos mention the Mongolian world cup of 1990?"))
        assert found.abstained
        assert found.citations == ()

    def test_one_video_is_summed_up_with_an_eye_to_what_is_asked(self, service: QueryService) -> None:
        request = AskRequest("Summarize what is said about overfitting.", video_ids=(LECTURE.video_id,))
        found = answer(service, request)
        assert_cited(found)
        assert videos_of(found) == {LECTURE.video_id}
        assert "overfitting" in found.answer

    def test_it_stays_in_the_videos_that_are_named(self, service: QueryService) -> None:
        ids = (LECTURE.video_id, MEETING.video_id)
        found = answer(service, AskRequest("What are these videos about?", video_ids=ids))
        assert videos_of(found) == set(ids)

    @pytest.mark.parametrize(
        ("question", "video_id"),
        [
            ("What is the lecture on gradient descent about?", LECTURE.video_id),
            ("Summarise the quarterly meeting.", MEETING.video_id),
            ("Summarise the meeting, please.", MEETING.video_id),
        ],
    )
    def test_the_video_that_is_described_is_summed_up(
        self, service: QueryService, question: str, video_id: str
    ) -> None:
        found = answer(service, AskRequest(question))
        assert_cited(found)
        assert videos_of(found) == {video_id}
        assert len(found.citations) >= 3

    def test_where_the_video_is_not_named_it_is_asked_which(self, service: QueryService) -> None:
        found = answer(service, AskRequest("What is this video about?"))
        assert found.abstained
        assert "Which video?" in found.answer

    @pytest.mark.parametrize("question", ["What is this?", "what happens", "Tell me more"])
    def test_what_names_nothing_asks_about_the_chosen_video(self, service: QueryService, question: str) -> None:
        found = answer(service, AskRequest(question, video_ids=(COOKING.video_id,)))
        assert_cited(found)
        assert videos_of(found) == {COOKING.video_id}


class TestModel:
    """With one: each video in its words, then what they say together."""

    def test_the_answer_over_several_videos_is_checked_and_cites_each(
        self, model: QueryService, chat: ScriptedChat
    ) -> None:
        def reply(system: str, prompt: str) -> str:
            if system.startswith(SUMMARY):
                return "The dough is kneaded for ten minutes until it is smooth [1]."
            return "In both the dough is kneaded for ten minutes [1][2]. A dragon eats the bread [2]."

        chat.reply = reply
        found = answer(model, AskRequest("Which videos mention kneading the dough, and what do they conclude?"))
        assert found.engine == "openai:scripted"
        assert (chat.asked(SUMMARY), chat.asked(ANSWER)) == (2, 1)
        overall, *rest = found.answer.split("\n")
        assert "In both the dough is kneaded" in overall
        assert "dragon eats the bread (not supported" in overall
        assert len(rest) == 2
        assert videos_of(found) == {COOKING.video_id, COPY.video_id}
        assert_cited(found)

    def test_a_name_that_videos_write_differently_is_one_in_the_answer(
        self, model: QueryService, chat: ScriptedChat
    ) -> None:
        def reply(system: str, prompt: str) -> str:
            name = "Katherine Johnson" if "Bread again" in prompt else "Catherine Jonson"
            return f"The baker {name} kneads the dough for ten minutes until it is smooth [1]. So says {name} [1]."

        chat.reply = reply
        found = answer(model, AskRequest("What are these videos about?", video_ids=(COOKING.video_id, COPY.video_id)))
        assert ("Katherine Johnson" in found.answer) != ("Catherine Jonson" in found.answer)

    def test_a_model_that_goes_away_leaves_the_sentences_of_the_videos(
        self, model: QueryService, chat: ScriptedChat
    ) -> None:
        chat.reply = lambda system, prompt: "A dragon eats bread in space [1]."
        found = answer(model, AskRequest("Which videos mention kneading the dough?"))
        assert found.engine == "extractive"
        assert "ten minutes" in found.answer
        assert any("no summary" in note for note in found.notes)
