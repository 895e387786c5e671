"""Who speaks, in which chapter, and when it was recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import date

import pytest

from library.records import VideoEntry
from query.planning.narrow import recorded_on
from query.service import SearchRequest
from reelseek.records import Channel, Chapter
from reelseek.results import SearchResult
from reelseek.settings import load_settings
from tests.query.conftest import NO_MODELS
from tests.support.query_world import COOKING, LECTURE, MEETING, World, document_of

SPEAKERS = {10.0: "Maria Silva", 30.0: "Tom", 90.0: "Maria Silva", 150.0: "Tom"}
CHAPTERS = (
    Chapter(0, 0.0, 50.0, "Introduction"),
    Chapter(1, 50.0, 105.0, "Overfitting"),
    Chapter(2, 105.0, 120.0, "Outlook"),
)

Find = Callable[[str], SearchResult]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("filters")
    made = World(load_settings({"data": folder / "data", "engines": NO_MODELS}), folder / "films", [COOKING])
    meeting = document_of(MEETING, made.engines)
    lines = tuple(
        replace(line, speaker=SPEAKERS[line.start]) if line.channel is Channel.SPEECH else line
        for line in meeting.lines
    )
    made.add(MEETING, document=replace(meeting, lines=lines))
    lecture = document_of(LECTURE, made.engines)
    tags = {"creation_time": "2024-05-17T09:30:00.000000Z"}
    made.add(LECTURE, document=replace(lecture, info=replace(lecture.info, tags=tags)))
    with made.store.write(LECTURE.video_id, "chapters", "c1") as writer:
        writer.json("chapters.json", {"chapters": [asdict(chapter) for chapter in CHAPTERS]})
    made.store.set_current(LECTURE.video_id, {"chapters": "c1"})
    yield made
    made.close()


@pytest.fixture
def find(world: World) -> Find:
    return lambda query: world.service.search(SearchRequest(query))


def starts(result: SearchResult) -> list[float]:
    return [moment.start for moment in result.moments]


def test_a_speaker_is_found_where_he_speaks(find: Find) -> None:
    assert sorted(starts(find("speaker:maria"))) == [10.0, 90.0]
    assert sorted(starts(find('speaker:"maria silva"'))) == [10.0, 90.0]
    assert find("speaker:maria").moments[0].evidence[0].text.startswith("Maria Silva: ")


def test_what_somebody_says_and_not_the_other(find: Find) -> None:
    assert set(starts(find("said:budget"))) == {10.0, 150.0}
    assert starts(find("said:budget speaker:maria")) == [10.0]
    assert starts(find("said:budget speaker:tom")) == [150.0]
    assert starts(find("said:budget -speaker:maria")) == [150.0]
    assert find("speaker:maria said:lisbon").moments == ()


def test_speakers_in_a_sequence(find: Find) -> None:
    moment = find("speaker:maria said:budget then speaker:tom said:budget").moments[0]
    assert [stage.start for stage in moment.stages] == [10.0, 150.0]
    assert find("speaker:tom said:budget then speaker:maria").moments == ()


def test_a_speaker_whom_nobody_knows_is_told(find: Find) -> None:
    result = find("speaker:gertrud said:budget")
    assert result.moments == ()
    assert any("“gertrud”" in note and "“Tom”" in note for note in result.notes)


def test_what_is_on_screen_while_somebody_speaks_is_cut_to_that_time(find: Find) -> None:
    (moment,) = find("text:lisbon speaker:tom after:0:20 before:1:00").moments
    assert (moment.start, moment.end) == (30.0, 35.0)


def test_a_chapter_narrows_to_its_time(find: Find) -> None:
    assert {moment.video_id for moment in find("overfitting").moments} == {LECTURE.video_id}
    assert all(
        moment.start >= 50.0 and moment.end <= 105.0 for moment in find("overfitting chapter:overfitting").moments
    )
    assert find("overfitting chapter:overfitting").moments
    assert find("overfitting chapter:introduction").moments == ()
    assert find("knead chapter:introduction").moments == (), "a video without such a chapter"
    assert starts(find("networks chapter:outlook")) == [110.0]


def test_when_it_was_recorded(find: Find) -> None:
    for query in ("recorded:2024", "recorded:2024-05", "recorded:2024-05-17", "recorded:>=2024 recorded:<2024-06"):
        assert {moment.video_id for moment in find(f"overfitting {query}").moments} == {LECTURE.video_id}
    for query in ("recorded:2023", "recorded:>2024-05-17", "recorded:<2024-05-17"):
        assert find(f"overfitting {query}").moments == ()


@pytest.mark.parametrize(
    ("tags", "day"),
    [
        ({"creation_time": "2024-05-17T09:30:00Z"}, date(2024, 5, 17)),
        ({"DATE": "2019:12:01 10:00:00"}, date(2019, 12, 1)),
        (
            {"creation_time": "2024-05-17", "com.apple.quicktime.creationdate": "2024-05-16T23:30:00+0200"},
            date(2024, 5, 16),
        ),
        ({"creation_time": "1904-01-01T00:00:00Z"}, None),
        ({"date": "spring"}, None),
        ({"date": "2024-13-40"}, None),
        ({}, None),
    ],
)
def test_what_a_file_says_of_its_day(world: World, tags: dict[str, str], day: date | None) -> None:
    entry: VideoEntry = world.catalogue.video(COOKING.video_id)
    assert recorded_on(replace(entry, info={**entry.info, "tags": tags})) == day
