"""Videos in short: summaries, quotes, names, terms, reels; without a model and with one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from query.digest.digests import DigestRequest, digest
from query.digest.reel import reel
from query.service import QueryService
from reelseek.digests import Digest, Point
from reelseek.errors import InvalidRequest, NotFound
from reelseek.records import Channel
from reelseek.settings import load_settings
from tests.query.conftest import NO_MODELS
from tests.support.query_world import COOKING, LECTURE, TRAFFIC, Film, World
from tests.support.scripted_chat import ScriptedChat

TALK = Film(
    "Talk on the harbour bridge.mp4",
    400.0,
    said=(
        (2.0, 6.0, "Welcome to this talk about the new harbour bridge."),
        (10.0, 15.0, "The engineer Maria Lopez designed the steel arch of the bridge."),
        (20.0, 25.0, "The steel arch of the bridge carries the whole load to the towers."),
        (30.0, 34.0, "Okay."),
        (40.0, 45.0, "Every load on the steel arch ends in the two towers."),
        (50.0, 54.0, "My aunt likes strawberry cake with cream on Sundays."),
        (200.0, 206.0, "In the second year Maria Lopez moved to Lisbon to plan the foundations."),
        (210.0, 216.0, "The foundations stand on granite, forty metres under the water."),
        (220.0, 226.0, "Granite under the water is what the foundations of the towers rest on."),
        (300.0, 304.0, "Lopez still visits Lisbon every spring."),
    ),
    written=((10.0, 60.0, "Steel arch: loads"), (200.0, 240.0, "Foundations on granite"), (205.0, 240.0, "Granite")),
)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("talk")
    made = World(load_settings({"data": folder / "data", "engines": NO_MODELS}), folder / "films", [TALK])
    yield made
    made.close()


def assert_cited(found: Digest) -> None:
    """Each sentence of an extractive digest is a citation of what is said there."""
    assert len(found.points) == len(found.citations)
    for number, (point, citation) in enumerate(zip(found.points, found.citations, strict=True), start=1):
        assert f"[{number}]" in found.text
        assert (point.start, point.end, point.text) == (citation.start, citation.end, citation.quote)


def test_a_summary_is_what_most_of_the_talk_is_about(talk: World) -> None:
    found = digest(talk.service, DigestRequest(TALK.video_id, length="short"))
    assert found.engine == "extractive"
    assert_cited(found)
    assert len(found.points) == 3
    assert [point.start for point in found.points] == sorted(point.start for point in found.points)
    assert "strawberry" not in found.text
    assert "arch" in found.text
    assert "foundations" in found.text.casefold()


def test_lengths_grow(talk: World) -> None:
    lengths = [len(digest(talk.service, DigestRequest(TALK.video_id, length=n)).points) for n in ("short", "medium")]
    assert lengths[0] < lengths[1]


def test_a_summary_can_be_focused(talk: World) -> None:
    found = digest(talk.service, DigestRequest(TALK.video_id, "What does the aunt like to eat?", "short"))
    assert "strawberry cake" in found.text


def test_names_are_told_with_their_places(talk: World) -> None:
    names = {term.text: term for term in digest(talk.service, DigestRequest(TALK.video_id)).names}
    assert set(names) == {"Maria Lopez", "Lisbon"}, "no first words of sentences, no week days"
    assert names["Maria Lopez"].count == 3, "the short form is the same person"
    assert names["Maria Lopez"].times[0] == (10.0, 15.0)


def test_terms_of_the_screen_have_the_sentence_that_explains_them(talk: World) -> None:
    terms = {term.text.casefold(): term for term in digest(talk.service, DigestRequest(TALK.video_id)).terms}
    assert {"steel arch", "granite"} <= set(terms)
    assert "granite" in terms["granite"].context.casefold()


def test_quotes_are_whole_sentences(talk: World) -> None:
    found = digest(talk.service, DigestRequest(TALK.video_id))
    said = {text for _, _, text in TALK.said}
    assert found.quotes
    assert {point.text for point in found.quotes} <= said
    assert "Okay." not in {point.text for point in found.quotes}


def test_what_a_search_finds_is_summed_up(service: QueryService) -> None:
    found = digest(service, DigestRequest(query="overfitting remedies", length="short"))
    assert_cited(found)
    assert LECTURE.video_id in found.videos
    assert "Early stopping" in found.text


def test_a_video_without_words_says_so_and_tells_what_is_seen(service: QueryService) -> None:
    found = digest(service, DigestRequest(TRAFFIC.video_id))
    assert_cited(found)
    assert any("Nothing is said or written" in note for note in found.notes)
    assert "3 × car, person from 0:10 to 0:20" in found.text
    assert "2 × person from 0:20 to 0:30" in found.text
    assert {citation.channel for citation in found.citations} == {Channel.OBJECTS}


def test_nothing_named_is_refused(service: QueryService) -> None:
    with pytest.raises(InvalidRequest):
        digest(service, DigestRequest())
    with pytest.raises(NotFound):
        digest(service, DigestRequest("f" * 32))


def point(start: float, end: float, weight: float, video: str = "a") -> Point:
    return Point(video, start, end, Channel.SPEECH, "", weight)


def test_a_reel_takes_what_weighs_most_and_joins_neighbours() -> None:
    points = [point(10, 14, 0.5), point(15, 19, 0.9), point(60, 70, 0.2), point(100, 104, 0.8, "b")]
    assert reel(points, 16.0) == [("a", 9.7, 19.5), ("b", 99.7, 104.5)]
    assert reel(points, 1.0) == [("a", 14.7, 19.5)], "a sentence is never cut"
    assert reel([], 10.0) == []


class TestModel:
    """A summary in a model's words."""

    def test_it_is_checked_like_an_answer(self, model: QueryService, chat: ScriptedChat) -> None:
        chat.answer = "The dough is kneaded for ten minutes [1]. Then a dragon eats the bread [1]."
        found = digest(model, DigestRequest(COOKING.video_id))
        assert found.engine == "openai:scripted"
        assert found.text.startswith("The dough is kneaded for ten minutes [1].")
        assert "dragon eats the bread (not supported" in found.text
        assert "ten minutes" in found.citations[0].quote

    def test_a_model_that_makes_everything_up_is_not_shown(self, model: QueryService, chat: ScriptedChat) -> None:
        chat.answer = "A dragon eats bread in space [1]."
        found = digest(model, DigestRequest(COOKING.video_id))
        assert found.engine == "extractive"
        assert_cited(found)
        assert any("no summary" in note for note in found.notes)
