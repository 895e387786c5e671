"""Searching in some channels only, and texts by their words or their meaning alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from query.language.parsing import parse
from query.planning.only import only_channels
from query.planning.plan import make_plan
from query.requests import TextSearch
from query.service import SearchRequest
from reelseek.errors import InvalidRequest
from reelseek.records import Channel
from reelseek.settings import load_settings
from tests.support.query_world import LECTURE, MEETING, TRAFFIC, World

SPEECH = frozenset({Channel.SPEECH})
WRITTEN = frozenset({Channel.SCREEN_TEXT})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("channels")
    world = World(load_settings({"data": folder / "data"}), folder / "films")
    yield world
    world.close()


def test_what_is_said_and_written_is_found_in_the_channel_that_is_named(world: World) -> None:
    def places(channels: frozenset[Channel] | None) -> set[tuple[str, Channel]]:
        result = world.service.search(SearchRequest("Lisbon office", channels=channels))
        return {(moment.video_id, item.channel) for moment in result.moments for item in moment.evidence}

    assert places(SPEECH) == {(MEETING.video_id, Channel.SPEECH)}
    assert places(WRITTEN) == {(MEETING.video_id, Channel.SCREEN_TEXT)}
    assert places(None) >= places(SPEECH) | places(WRITTEN)


def test_objects_alone_are_asked_for_what_the_words_name(world: World) -> None:
    result = world.service.search(SearchRequest("three cars", channels=frozenset({Channel.OBJECTS})))
    assert result.moments[0].video_id == TRAFFIC.video_id
    assert all(set(moment.channels) == {Channel.OBJECTS} for moment in result.moments)


def test_what_is_bound_to_another_channel_is_told_and_left_out(world: World) -> None:
    result = world.service.search(SearchRequest('text:"Office Lisbon" gradient', channels=SPEECH))
    assert any("“Office Lisbon” was not looked for" in note and "speech" in note for note in result.notes)
    assert {moment.video_id for moment in result.moments} == {LECTURE.video_id}
    nothing = world.service.search(SearchRequest("object:car", channels=SPEECH))
    assert nothing.moments == ()


def test_every_stage_of_a_sequence_is_narrowed() -> None:
    plan = only_channels(make_plan(parse("two cars then said:hello"), ("car",)), SPEECH)
    first, second = plan.stages
    assert [set(item.requests) for item in (*first.requirements, *second.requirements)] == [SPEECH, SPEECH]
    assert not first.requirements[0].objects


def test_meaning_alone_finds_other_words_and_words_alone_do_not(world: World) -> None:
    def best(query: str, searches: frozenset[TextSearch]) -> tuple[str, float]:
        moments = world.service.search(SearchRequest(query, searches=searches, min_confidence=0.0)).moments
        return (moments[0].video_id, moments[0].confidence) if moments else ("", 0.0)

    words: frozenset[TextSearch] = frozenset({"words"})
    meaning: frozenset[TextSearch] = frozenset({"meaning"})
    by_words, by_meaning = best("recruiting staff", words), best("recruiting staff", meaning)
    assert by_meaning[0] == MEETING.video_id
    assert by_meaning[1] > by_words[1]
    assert by_words[1] < 0.2
    assert best("overfitting", words)[0] == LECTURE.video_id


def test_no_channel_and_no_search_at_all_are_refused(world: World) -> None:
    for request in (SearchRequest("x", channels=frozenset()), SearchRequest("x", searches=frozenset())):
        with pytest.raises(InvalidRequest):
            world.service.search(request)
