"""Asking for objects that were followed: how many, when they come and go, where they are to one another."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from index.scope import HasObject
from query.answering.evidence import build
from query.language.parsing import ObjectFact, parse
from query.objects.scenes import Scene, showings, tracks_from, whole
from query.planning.plan import decouple, find_facts, make_plan
from query.service import AskRequest, SearchRequest
from reelseek.records import Box, ObjectTrack, PathPoint
from reelseek.results import SearchResult
from reelseek.settings import load_settings
from reelseek.tracks import within
from tests.query.conftest import NO_MODELS
from tests.support.query_world import TRAFFIC, Film, World

CUP, LAPTOP = Box(0.1, 0.5, 0.2, 0.7), Box(0.5, 0.4, 0.9, 0.8)


def way(*points: tuple[float, Box]) -> tuple[PathPoint, ...]:
    return tuple(PathPoint(time, box) for time, box in points)


def standing(number: int, start: float, end: float, entered: str, left: str) -> ObjectTrack:
    box = Box(0.3 + 0.1 * number, 0.2, 0.4 + 0.1 * number, 0.9)
    return ObjectTrack(number, "person", 0.9, start, end, entered, left, way((start, box)))


KITCHEN = Film(
    "kitchen_cam.mp4",
    90.0,
    tracks=(
        standing(0, 12.0, 70.0, "left", "right"),
        standing(1, 33.0, 40.0, "top", "vanished"),
        standing(2, 36.0, 36.3, "appeared", "vanished"),
        ObjectTrack(
            3, "cup", 0.8, 20.0, 80.0, "appeared", "end",
            way((20.0, CUP), (50.0, CUP), (52.0, Box(0.92, 0.5, 1.0, 0.7)), (80.0, Box(0.92, 0.5, 1.0, 0.7))),
        ),
        ObjectTrack(4, "laptop", 0.9, 0.0, 90.0, "start", "end", way((0.0, LAPTOP))),
    ),
)  # fmt: skip
LABELS = ("person", "cup", "laptop", "car", "cell phone")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("kitchen")
    settings = load_settings({"data": folder / "data", "engines": {**NO_MODELS, "sentence": "minilm"}})
    made = World(settings, folder / "films", [TRAFFIC, KITCHEN])
    yield made
    made.close()


def find(world: World, query: str) -> SearchResult:
    return world.service.search(SearchRequest(query))


def places(world: World, query: str) -> list[tuple[float, float]]:
    found = [moment for moment in find(world, query).moments if moment.video_id == KITCHEN.video_id]
    return sorted((moment.start, moment.end) for moment in found)


def test_a_count_holds_for_as_long_as_it_holds_and_no_longer(world: World) -> None:
    assert places(world, "object:person") == [(12.0, 70.0)]
    assert places(world, "object:person>=2") == [(33.0, 40.0)]
    assert places(world, "object:person=1") == [(12.0, 33.0), (40.0, 70.0)]
    assert places(world, "object:cup object:person") == [(20.0, 70.0)]
    assert places(world, "object:laptop -object:person") == [(0.0, 12.0), (70.0, 90.0)]
    assert places(world, "object:person<1") == [(0.0, 12.0), (70.0, 90.0)]


def test_who_comes_and_goes_is_told_with_the_time_and_the_way(world: World) -> None:
    (moment,) = [item for item in find(world, "object:person").moments if item.video_id == KITCHEN.video_id]
    text = moment.evidence[0].text
    assert text.startswith("2 × person; person enters at 0:12 from the left")
    assert "person leaves at 1:10 to the right" in text


@pytest.mark.parametrize(
    ("query", "ranges"),
    [
        ("object:person:enters", [(12.0, 15.0), (33.0, 36.0)]),
        ("object:person:enters:left", [(12.0, 15.0)]),
        ("object:person:leaves", [(37.0, 40.0), (67.0, 70.0)]),
        ("object:people:leaves:right", [(67.0, 70.0)]),
        ("object:laptop:enters", []),
        ("object:cup:enters", [(20.0, 23.0)]),
        ("object:cup:leaves", []),
        ("object:person:enters then object:cup:enters", [(12.0, 23.0)]),
        ("object:cup -object:person:leaves:right", [(20.0, 67.0), (70.0, 80.0)]),
    ],
)
def test_comings_and_goings(world: World, query: str, ranges: list[tuple[float, float]]) -> None:
    assert places(world, query) == ranges


def test_where_things_are_to_one_another_changes_with_the_way_they_take(world: World) -> None:
    ((start, end),) = places(world, "object:cup:left-of:laptop")
    assert (start, end) == (20.0, pytest.approx(51.5, abs=0.6))
    ((start, end),) = places(world, "object:cup:right-of:laptop")
    assert (start, end) == (pytest.approx(51.5, abs=0.6), 80.0)
    ((start, _),) = places(world, "object:laptop:right-of:cup")
    assert start == 20.0
    assert places(world, "object:cup:above:laptop") == []
    (moment,) = find(world, "object:cup:left-of:laptop").moments
    assert moment.evidence[0].text == "cup left of laptop"


def test_plain_words_say_what_is_not_there(world: World) -> None:
    found = {(moment.start, moment.end) for moment in find(world, "a person without a bicycle").moments}
    assert (40.0, 50.0) not in found
    result = find(world, "a car but no person")
    starts = {moment.start for moment in result.moments if moment.video_id == TRAFFIC.video_id}
    assert starts
    assert not any(10.0 <= start < 30.0 for start in starts)


def test_a_limit_in_plain_words_goes_before_other_numbers(world: World) -> None:
    moments = find(world, "more than two cars").moments
    assert (moments[0].video_id, moments[0].start, moments[0].end) == (TRAFFIC.video_id, 10.0, 20.0)
    assert "3 × car" in moments[0].evidence[0].text
    assert all(moment.confidence < moments[0].confidence for moment in moments[1:])


def test_plain_words_ask_for_what_happens(world: World) -> None:
    best = find(world, "a person leaves").moments[0]
    assert (best.video_id, best.end) in {(KITCHEN.video_id, 40.0), (KITCHEN.video_id, 70.0)}
    assert "leaves at" in best.evidence[0].text
    best = find(world, "cup left of the laptop").moments[0]
    assert (best.start, best.evidence[0].text) == (20.0, "cup left of laptop")


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("a person enters", ObjectFact("person", "enters")),
        ("the woman walks in", ObjectFact("person", "enters")),
        ("two men leaving", ObjectFact("person", "leaves")),
        ("the car drives away", ObjectFact("car", "leaves")),
        ("a cup to the left of a laptop", ObjectFact("cup", "left-of", "laptop")),
        ("phone above the laptop", ObjectFact("cell phone", "above", "laptop")),
    ],
)
def test_words_that_name_what_a_thing_does(text: str, fact: ObjectFact) -> None:
    assert find_facts(text, LABELS) == ((fact,), 1.0)


@pytest.mark.parametrize(
    "text", ["he left", "come in", "person on the left", "the left of the party", "enter the code"]
)
def test_words_that_name_nothing_do_nothing(text: str) -> None:
    assert find_facts(text, LABELS)[0] == ()
    assert decouple(text, LABELS).facts == ()


def test_labels_of_facts_are_named_as_a_person_likes() -> None:
    (stage,) = make_plan(parse("object:people:enters object:phone:above:laptops"), LABELS).stages
    assert [requirement.facts for requirement in stage.requirements] == [
        (ObjectFact("person", "enters"),),
        (ObjectFact("cell phone", "above", "laptop"),),
    ]


def test_a_question_of_numbers_counts_what_is_there_at_once(world: World) -> None:
    answer = world.service.ask(AskRequest("how many people are there?", video_ids=(KITCHEN.video_id,)))
    assert "At most 2 × person at once, at 0:33" in answer.answer
    assert answer.citations[0].video_id == KITCHEN.video_id


def test_evidence_for_a_model_tells_numbers_and_moves(world: World) -> None:
    (moment, *_) = [item for item in find(world, "object:person").moments if item.video_id == KITCHEN.video_id]
    session = world.service._open(SearchRequest("object:person"), parse("object:person").filters)
    source = session.searcher.source
    blocks = build([moment], source, world.store, count_tokens=len, tokens=4_000, frames=0)
    assert any("person enters at 0:12 from the left" in line for line in blocks[0].lines)
    assert [track.label for track in source.tracks_between(KITCHEN.video_id, 0.0, 11.0)] == ["laptop"]
    (cup,) = [track for track in source.tracks_between(KITCHEN.video_id, 0.0, 90.0) if track.label == "cup"]
    assert [point.time for point in cup.path if point.time in (20.0, 50.0, 52.0)] == [20.0, 50.0, 52.0]


def test_a_segment_of_an_older_index_has_its_largest_numbers() -> None:
    (showing,) = showings(Scene("v", 0.0, 10.0, counts={"car": 2, "dog": 1}), ["car"])
    assert (showing.start, showing.end, dict(showing.counts)) == (0.0, 10.0, {"car": 2})


def test_tracks_of_several_segments_are_put_together_again() -> None:
    track = KITCHEN.tracks[3]
    parts = [part for start in (0.0, 30.0, 60.0) for part in within([track], start, start + 30.0)]
    (joined,) = whole(parts)
    assert (joined.start, joined.end) == (track.start, track.end)
    assert {point.time for point in track.path} <= {point.time for point in joined.path}


def test_what_the_index_holds_is_read_as_it_was(world: World) -> None:
    from index.reader import Scope

    rows = world.service._snapshot().rows("segments", Scope(where=(HasObject("cup"),)), ("tracks", "typical_counts"))
    assert all("cup" in {track.label for track in tracks_from(row["tracks"])} for row in rows)
    assert json.loads(rows[1]["typical_counts"])["person"] == 1


def test_a_label_that_was_never_found_is_told(world: World) -> None:
    result = find(world, "object:elephant")
    assert result.moments == ()
    assert any("“elephant” was never detected" in note for note in result.notes)
    assert any("“saucer”" in note for note in find(world, "object:cup:above:saucer").notes)
    assert not any("never detected" in note for note in find(world, "object:people<1 object:cup").notes)
    assert not any("never detected" in note for note in find(world, "an elephant").notes)
