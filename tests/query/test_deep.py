"""Deep mode: an agent with a scripted model behind a real server, and rules where there is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from query.deep.answering import answer, deep_answer
from query.service import AskRequest, QueryService
from reelseek.answers import Step
from tests.query.test_answer import assert_cited
from tests.support.query_world import COOKING, LECTURE, TRAFFIC
from tests.support.scripted_chat import ScriptedChat

OVEN = "How hot should the oven be?"


def act(tool: str, **arguments: Any) -> str:
    return json.dumps({"thought": f"I use {tool}.", "tool": tool, **arguments})


def limited(service: QueryService, **limits: float) -> None:
    query = service.settings.query.model_copy(update=limits)
    service.settings = service.settings.model_copy(update={"query": query})


class TestAgent:
    """The loop with a model."""

    def test_it_searches_reads_and_finishes(self, model: QueryService, chat: ScriptedChat) -> None:
        chat.script = [
            act("search", query="oven temperature degrees"),
            act("read", video_id=COOKING.video_id, start=35, end=50),
            act("finish", answer="The oven should be at two hundred and thirty degrees [2]."),
        ]
        told: list[Step] = []
        found = deep_answer(model, AskRequest(OVEN), told.append)
        assert not found.abstained
        assert found.engine == "openai:scripted"
        assert [step.tool for step in found.steps] == ["search", "read"]
        assert tuple(told) == found.steps
        assert found.steps[0].thought == "I use search."
        assert_cited(found)
        assert "two hundred and thirty" in found.citations[0].quote
        assert [claim.support for claim in found.claims] == ["quoted"]

    def test_what_tools_tell_stands_between_marks(self, model: QueryService, chat: ScriptedChat) -> None:
        chat.script = [act("search", query="oven"), act("finish", answer="NOT FOUND")]
        found = deep_answer(model, AskRequest(OVEN))
        assert found.abstained
        system, user = (message["content"] for message in chat.requests[-1]["messages"])
        user = user if isinstance(user, str) else "".join(part.get("text", "") for part in user)
        mark = user.split("<seen-", 1)[1].split(">", 1)[0]
        assert f"<seen-{mark}>" in system
        inside = user.split(f"<seen-{mark}>")[1].split(f"</seen-{mark}>")[0]
        assert "two hundred and thirty" in inside

    def test_claims_that_nothing_supports_are_marked(self, model: QueryService, chat: ScriptedChat) -> None:
        lie = "The oven should be at two hundred and thirty degrees [1]. The cook is a dragon from Mars [1]."
        chat.script = [act("read", video_id=COOKING.video_id), act("finish", answer=lie)]
        found = deep_answer(model, AskRequest(OVEN))
        assert "Mars (not supported" in found.answer

    def test_it_counts_from_tracks(self, model: QueryService, chat: ScriptedChat) -> None:
        chat.script = [
            act("count", video_id=TRAFFIC.video_id, label="cars"),
            act("finish", answer="At most 3 cars are there at once [1]."),
        ]
        found = deep_answer(model, AskRequest("How many cars are there at most?"))
        assert (found.citations[0].video_id, found.citations[0].start) == (TRAFFIC.video_id, 10.0)

    @pytest.mark.parametrize("wrong", ["no json", act("rm", path="/"), act("read", video_id="../etc")])
    def test_nonsense_ends_in_the_answer_at_once(self, model: QueryService, chat: ScriptedChat, wrong: str) -> None:
        chat.script = [wrong] * 3
        chat.answer = "The oven should be at two hundred and thirty degrees [1]."
        found = deep_answer(model, AskRequest(OVEN))
        assert "thirty" in found.answer
        assert any("no valid action" in note for note in found.notes)

    def test_an_action_that_fails_is_told_and_the_agent_goes_on(self, model: QueryService, chat: ScriptedChat) -> None:
        chat.script = [
            act("browse", video_id="f" * 32),
            act("search", query="oven degrees"),
            act("finish", answer="The oven should be at two hundred and thirty degrees [1]."),
        ]
        found = deep_answer(model, AskRequest(OVEN))
        assert not found.abstained
        assert found.steps[0].told

    @pytest.mark.parametrize("reply", ["B) 230 degrees [1].", "The answer is (B) [1]", "It is 230 degrees [1]."])
    def test_it_chooses_an_option(self, model: QueryService, chat: ScriptedChat, reply: str) -> None:
        chat.script = [act("search", query="oven temperature degrees"), act("finish", answer=reply)]
        found = deep_answer(model, AskRequest(OVEN, options=("180 degrees", "230 degrees", "90 degrees")))
        assert (found.choice, found.engine, found.answer) == (1, "openai:scripted", "B) 230 degrees [1]")
        assert (found.citations[0].video_id, found.citations[0].start) == (COOKING.video_id, 40.0)
        assert [step.tool for step in found.steps] == ["search"]
        user = chat.requests[0]["messages"][-1]["content"]
        assert "B) 230 degrees" in (user if isinstance(user, str) else "".join(part.get("text", "") for part in user))

    def test_an_option_is_chosen_at_once_where_the_agent_names_none(
        self, model: QueryService, chat: ScriptedChat
    ) -> None:
        choice = json.dumps({"choice": "C", "evidence": [1], "why": "So it is."})
        chat.script = [act("search", query="oven"), act("finish", answer="Hot, I think [1]."), choice]
        found = deep_answer(model, AskRequest(OVEN, options=("180 degrees", "230 degrees", "90 degrees")))
        assert (found.choice, found.engine) == (2, "openai:scripted")
        assert any("none of the options" in note for note in found.notes)

    def test_the_budget_of_steps_and_tokens_holds(self, model: QueryService, chat: ScriptedChat) -> None:
        chat.answer = "The oven should be at two hundred and thirty degrees [1]."
        limited(model, deep_steps=2)
        chat.script = [act("search", query="oven")] * 9
        found = deep_answer(model, AskRequest(OVEN))
        assert len(found.steps) == 2
        assert any("within 2 steps" in note for note in found.notes)
        limited(model, deep_steps=9, deep_tokens=600)
        chat.script = [act("search", query="oven")] * 9
        found = deep_answer(model, AskRequest(OVEN))
        assert len(found.steps) < 9
        assert any("tokens" in note for note in found.notes)

    def test_a_run_that_was_broken_off_is_gone_on_with(self, model: QueryService, chat: ScriptedChat) -> None:
        chat.script = [act("search", query="oven temperature degrees"), "", "", ""]
        chat.answer = "-"
        begun = deep_answer(model, AskRequest(OVEN))
        chat.requests.clear()
        chat.script = [act("finish", answer="The oven should be at two hundred and thirty degrees [1].")]
        found = deep_answer(model, AskRequest(OVEN), before=begun.steps)
        assert [step.tool for step in found.steps] == ["search"]
        assert not found.abstained
        assert sum("response_format" in body for body in chat.requests) == 1, "the search was not asked for again"

    def test_it_stays_in_the_videos_asked_about(self, model: QueryService, chat: ScriptedChat) -> None:
        chat.script = [act("read", video_id=COOKING.video_id), act("finish", answer="NOT FOUND")]
        found = deep_answer(model, AskRequest(OVEN, video_ids=(LECTURE.video_id,)))
        assert found.abstained
        assert "not among" in found.steps[0].told


class TestRules:
    """Without a model."""

    def test_parts_of_a_question_are_answered_each(self, service: QueryService) -> None:
        found = deep_answer(service, AskRequest("How hot should the oven be, and who will present the office layout?"))
        assert found.engine == "extractive"
        assert_cited(found)
        assert "two hundred and thirty" in found.answer
        assert "Maria will present" in found.answer
        assert len({step.arguments["question"] for step in found.steps}) >= 2

    def test_a_question_about_a_whole_video_is_its_summary(self, service: QueryService) -> None:
        request = AskRequest("What is this lecture about?", video_ids=(LECTURE.video_id,))
        found = deep_answer(service, request)
        assert not found.abstained
        assert [step.tool for step in found.steps] == ["summarize"]
        assert {citation.video_id for citation in found.citations} == {LECTURE.video_id}

    def test_what_nothing_answers_is_refused(self, service: QueryService) -> None:
        found = deep_answer(service, AskRequest("What is the capital of Mongolia, and who won the world cup in 1990?"))
        assert found.abstained
        assert found.steps

    def test_an_option_is_chosen_for_the_whole_question(self, service: QueryService) -> None:
        options = ("At 180 degrees, by Ann", "At 230 degrees, by Maria")
        request = AskRequest("How hot should the oven be, and who presents the office layout?", options=options)
        assert deep_answer(service, request).choice == 1


class TestEscalation:
    """From one answer at once to the agent."""

    def test_an_abstention_is_looked_into_where_that_is_switched_on(
        self, model: QueryService, chat: ScriptedChat
    ) -> None:
        limited(model, deep="auto")
        chat.answer = "NOT FOUND"
        chat.script = [
            "no idea",
            act("read", video_id=COOKING.video_id, start=35, end=50),
            act("finish", answer="The oven should be at two hundred and thirty degrees [1]."),
        ]
        found = answer(model, AskRequest(OVEN))
        assert not found.abstained
        assert [step.tool for step in found.steps] == ["read"]

    def test_where_nothing_was_found_the_agent_looks(self, model: QueryService, chat: ScriptedChat) -> None:
        limited(model, deep="auto")
        chat.script = [
            "no idea",
            act("search", query="oven degrees"),
            act("finish", answer="The oven should be at two hundred and thirty degrees [1]."),
        ]
        found = answer(model, AskRequest("What is the capital of Mongolia?"))
        assert [step.tool for step in found.steps] == ["search"]
        assert not found.abstained

    def test_a_sure_answer_stays(self, model: QueryService, chat: ScriptedChat) -> None:
        limited(model, deep="auto")
        chat.answer = "The oven should be at two hundred and thirty degrees [1]."
        assert answer(model, AskRequest(OVEN)).steps == ()

    def test_it_is_off_unless_asked_for(self, model: QueryService, chat: ScriptedChat) -> None:
        chat.answer = "NOT FOUND"
        assert answer(model, AskRequest(OVEN)).steps == ()
