"""Long videos in a model's words: notes of each stretch, kept for the next question, and what is made of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from query.digest.digests import DigestRequest, digest
from query.digest.notes import VideoNotes, notes_of
from query.service import QueryService, open_service
from reelseek.settings import load_settings
from tests.query.conftest import NO_MODELS, with_model
from tests.support.long_talk import JOIN, LONG_TALK, NOTES, SUMMARY, TOPICS, note_taker
from tests.support.query_world import Film, World
from tests.support.scripted_chat import ScriptedChat

WHOLE = DigestRequest(LONG_TALK.video_id, length="long")


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("long-talk")
    made = World(load_settings({"data": folder / "data", "engines": NO_MODELS}), folder / "films", [LONG_TALK])
    yield made
    made.close()


@pytest.fixture
def served(talk: World, chat: ScriptedChat) -> Iterator[QueryService]:
    """A service over the talk, of which no notes are there, with a model that takes them."""
    chat.reset()
    chat.reply = note_taker
    shutil.rmtree(talk.settings.data / "artefacts", ignore_errors=True)
    with open_service(with_model(talk, chat.url)) as service:
        yield service


def notes_in(service: QueryService) -> VideoNotes:
    entry, ref = service.catalogue.video(LONG_TALK.video_id), service.engines.ref("vlm")
    assert ref is not None
    return notes_of(service.reads().snapshot, service.store, entry.video_id, entry.live_ingest or "", ref)


def test_a_summary_rests_on_notes_of_all_of_it_and_cites_what_was_said(
    served: QueryService, chat: ScriptedChat
) -> None:
    found = digest(served, WHOLE)
    assert (found.engine, found.partial, found.notes) == ("openai:scripted", False, ())
    assert chat.asked(NOTES) == len(notes_in(served).stretches) == 6
    for topic in TOPICS:
        assert f"how {topic} shaped" in found.text
    said = {text for _, _, text in LONG_TALK.said}
    assert {citation.quote for citation in found.citations} <= said
    assert len({citation.start // 240 for citation in found.citations}) == 6, "every stretch is cited"


def test_the_next_question_takes_no_notes_again(served: QueryService, chat: ScriptedChat) -> None:
    digest(served, WHOLE)
    chat.requests.clear()
    found = digest(served, DigestRequest(LONG_TALK.video_id, "What is said about ferries?", "short"))
    assert (chat.asked(NOTES), chat.asked(JOIN), chat.asked(SUMMARY)) == (0, 0, 1)
    assert not found.partial
    prompt = str(chat.requests[-1]["messages"])
    assert "how ferries shaped the bridge of this town" in prompt, "lines next to the question stand beside the notes"
    with open_service(served.settings) as another:
        digest(another, WHOLE)
    assert chat.asked(NOTES) == 0


def test_what_is_not_done_in_time_is_told_and_gone_on_with(served: QueryService, chat: ScriptedChat) -> None:
    chat.slow = 0.2
    first = digest(served, DigestRequest(LONG_TALK.video_id, length="long", seconds=0.5))
    taken = chat.asked(NOTES)
    stretches = notes_in(served).stretches
    assert 0 < taken < len(stretches)
    assert first.partial
    (note,) = first.notes
    coverage = notes_in(served).coverage(notes_in(served).missing())
    assert f"Notes of {coverage.noted} of {coverage.segments} segments exist." in note
    assert 0 < coverage.noted < coverage.segments
    assert "extracts" in note
    chat.slow = 0.0
    assert not digest(served, WHOLE).partial
    assert chat.asked(NOTES) == len(stretches), "none was taken twice"


def test_a_stretch_of_which_no_notes_can_be_taken_is_told(served: QueryService, chat: ScriptedChat) -> None:
    chat.reply = lambda system, prompt: (
        "" if "how birds shaped" in prompt and NOTES in system else note_taker(system, prompt)
    )
    found = digest(served, WHOLE)
    assert "how granite shaped" in found.text
    assert found.partial
    assert any("The model failed at others" in note for note in found.notes)
    asked = chat.asked(NOTES)
    chat.reply = note_taker
    assert not digest(served, WHOLE).partial
    assert chat.asked(NOTES) == asked + 1


def test_a_name_that_notes_and_talk_write_differently_is_one_and_quotes_stay_as_said(
    chat: ScriptedChat, tmp_path: Path
) -> None:
    said = tuple(
        (60.0 * at, 60.0 * at + 20, f"In the year {1950 + at} the clerk Catherine Jonson computed table {at} by hand.")
        for at in range(8)
    )
    film = Film("Tables.mp4", 480.0, said=said, written=((0.0, 20.0, "Katherine Johnson, NASA"),))
    chat.reset()
    chat.answer = "In the year 1953 the clerk Catherine Jonson computed table 3 by hand [1]."
    settings = load_settings({"data": tmp_path / "data", "engines": NO_MODELS})
    world = World(settings, tmp_path / "films", [film])
    with open_service(with_model(world, chat.url)) as service:
        found = digest(service, DigestRequest(film.video_id))
    world.close()
    assert found.text.startswith("In the year 1953 the clerk Katherine Johnson computed table 3")
    assert {citation.quote for citation in found.citations} <= {text for _, _, text in said}
    assert [(term.text, term.count) for term in found.names] == [("Katherine Johnson", 8)]


def test_notes_that_are_too_many_are_joined_with_their_numbers_and_kept(
    talk: World, chat: ScriptedChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat.reset()
    chat.reply = note_taker
    monkeypatch.setattr("query.digest.writing.room_of", lambda vlm: 150)
    monkeypatch.setattr("query.digest.digests.room_of", lambda vlm: 150)
    shutil.rmtree(talk.settings.data / "artefacts", ignore_errors=True)
    with open_service(with_model(talk, chat.url)) as service:
        found = digest(service, WHOLE)
        assert chat.asked(JOIN) >= 2
        assert "how granite shaped" in found.text
        assert "how birds shaped" in found.text
        assert "not supported" not in found.text
        joins = chat.asked(JOIN)
        digest(service, WHOLE)
        assert chat.asked(JOIN) == joins
