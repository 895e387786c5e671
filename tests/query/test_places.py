"""Where a moment sits, and results gathered to chapters and videos."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import pytest

from query.ranking.groups import gather, whole
from query.ranking.places import STEPS, holding
from query.ranking.runs import Run
from query.service import SearchRequest
from reelseek.records import Channel, Chapter
from reelseek.results import SearchResult
from reelseek.settings import load_settings
from tests.query.conftest import NO_MODELS
from tests.support.query_world import COOKING, LECTURE, MEETING, Film, World

TOUR = Film(
    "Workshop tour.mp4",
    180.0,
    said=tuple(
        (10.0 * i, 10.0 * i + 9.0, f"Now the lathe turns piece number {name}.")
        for i, name in enumerate(("one", "two", "three", "four", "five", "six"))
    ),
    written=((100.0, 160.0, "Safety rules of the workshop"),),
)
CHAPTERS = (
    Chapter(0, 0.0, 50.0, "Welcome", "container"),
    Chapter(1, 50.0, 105.0, "Overfitting", "container"),
    Chapter(2, 105.0, 120.0, "Goodbye", "container"),
)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("places")
    made = World(
        load_settings({"data": folder / "data", "engines": NO_MODELS}), folder, (LECTURE, COOKING, MEETING, TOUR)
    )
    with made.store.write(LECTURE.video_id, "chapters", "c1") as writer:
        writer.json("chapters.json", {"chapters": [asdict(chapter) for chapter in CHAPTERS]})
    made.store.set_current(LECTURE.video_id, {"chapters": "c1"})
    return made


@pytest.fixture(scope="module")
def find(own: World) -> Callable[..., SearchResult]:
    return lambda query, **options: own.service.search(SearchRequest(query, **options))


def test_a_moment_says_its_chapter_its_segment_and_its_share(find: Callable[..., SearchResult]) -> None:
    moment = find("early stopping and dropout").moments[0]
    place = moment.place
    assert place is not None
    assert place.chapter == CHAPTERS[1]
    assert place.chapters == 3
    assert (place.segment, place.segments) == (3, 4)
    assert place.share == pytest.approx((moment.end - moment.start) / 120.0)
    assert place.steps == ()


def test_a_video_without_chapters_is_still_placed(find: Callable[..., SearchResult]) -> None:
    place = find("five hundred grams of flour").moments[0].place
    assert place is not None
    assert place.chapter is None
    assert (place.segment, place.segments) == (1, 3)


def test_a_long_moment_shows_its_steps_in_order(find: Callable[..., SearchResult]) -> None:
    moment = next(item for item in find("text:safety rules").moments if item.end - item.start > 20)
    assert moment.place is not None
    steps = moment.place.steps
    assert 2 <= len(steps) <= STEPS
    assert steps[0].start == moment.start
    assert steps[-1].end == moment.end
    assert all(first.end <= second.start for first, second in pairwise(steps))
    spoken = next(item for item in find("said:lathe").moments if item.end - item.start > 20)
    assert spoken.place is not None
    assert any("lathe" in step.text for step in spoken.place.steps)


def test_videos_hold_their_best_moments(find: Callable[..., SearchResult]) -> None:
    result = find("budget", level="videos")
    group = result.groups[0]
    assert group.video_id == MEETING.video_id
    assert group.chapter is None
    assert (group.start, group.end) == (0.0, 200.0)
    assert len(group.moments) == group.found >= 2
    assert group.confidence > max(moment.confidence for moment in group.moments)
    assert result.moments == tuple(moment for found in result.groups for moment in found.moments)
    single = find("budget", k=1, level="videos")
    assert len(single.groups) == 1


def test_chapters_are_found_as_chapters(find: Callable[..., SearchResult]) -> None:
    result = find("overfitting and early stopping", level="chapters", video_ids=(LECTURE.video_id,))
    assert result.groups[0].chapter == CHAPTERS[1]
    assert (result.groups[0].start, result.groups[0].end) == (50.0, 105.0)
    assert all(50.0 <= moment.start < 105.0 for moment in result.groups[0].moments)


def test_near_misses_make_no_group(find: Callable[..., SearchResult]) -> None:
    result = find("volcano eruption in Iceland", level="videos")
    assert result.groups == ()
    assert result.moments == ()


@pytest.mark.parametrize("level", ["moments", "chapters", "videos"])
def test_a_store_that_does_not_answer_breaks_no_search(tmp_path: Path, level: str) -> None:
    settings = load_settings({"data": tmp_path / "data", "engines": NO_MODELS})
    world = World(settings, tmp_path / "films", (COOKING,))
    broken = world.store.path(COOKING.video_id, "chapters", "c1", "chapters.json")
    world.store.set_current(COOKING.video_id, {"chapters": "c1"})
    pointer = next(Path(settings.artefacts_url).rglob("current.json"))
    pointer.write_text("{ this is damaged")
    try:
        result = world.service.search(SearchRequest("flour with warm water", level=level))  # type: ignore[arg-type]
        assert result.moments[0].video_id == COOKING.video_id, broken
        assert any("Chapters are not shown" in note for note in result.notes)
    finally:
        world.close()


def test_three_good_moments_outrank_a_single_one_that_is_as_good() -> None:
    assert whole([0.8]) == pytest.approx(0.8)
    assert whole([0.8, 0.8, 0.8]) > whole([0.8, 0.8]) > whole([0.8])
    assert whole([0.8] * 200) < 0.9  # a long video with many of them is not sure for that alone
    assert whole([0.9]) > whole([0.8, 0.6, 0.6])


def test_groups_come_best_first() -> None:
    runs = [
        Run("a", 0, 5, Channel.SPEECH, 0.8),
        Run("b", 0, 5, Channel.SPEECH, 0.8),
        Run("b", 50, 55, Channel.SPEECH, 0.8),
        Run("b", 90, 95, Channel.SPEECH, 0.7),
    ]
    groups = gather(runs, "videos", 10, lambda _: ())
    assert [group.video_id for group in groups] == ["b", "a"]
    assert len(groups[0].runs) == 3


def test_the_chapter_that_holds_most_of_it() -> None:
    assert holding(48.0, 60.0, CHAPTERS) == CHAPTERS[1]
    assert holding(50.0, 50.0, CHAPTERS) == CHAPTERS[1]
    assert holding(200.0, 210.0, CHAPTERS) is None
    assert holding(0.0, 1.0, ()) is None
