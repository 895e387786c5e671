"""Queries by example and feedback, with a tiny OpenCLIP that knows colours and the real sentence engine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from engines.registry import Engines
from query.examples.retriever import ExampleScale, distinct
from query.examples.stretches import NamedStretch, locate, read_stretch, write_stretch
from query.ranking.calibrate import Null
from query.requests import Stretch
from query.service import SearchRequest, open_service
from reelseek.errors import EngineUnavailable, InvalidRequest, NotFound
from reelseek.records import VectorSpace
from reelseek.settings import load_settings
from tests.query.conftest import NO_MODELS
from tests.support.query_world import COOKING, COPY, LECTURE, MEETING, Film, World, document_of

pytest.importorskip("open_clip", reason="the extra `clip` is not installed")

from tests.support.checkpoints import plain_picture, write_openclip

STEP = 4.0
COLOURS = {
    "Evening walk.mp4": ["blue", "blue", "red", "red", "red", "blue", "green"],
    "Kitchen.mp4": ["green", "green", "blue", "blue", "blue", "green"],
    "Garden.mp4": ["green", "green", "green", "blue", "blue"],
    "Sunset.mp4": ["blue", "red", "red", "green"],
}
TOLD = {
    "Evening walk.mp4": ((8.0, 12.0, "The bakery on the corner sells warm bread."),),
    "Sunset.mp4": ((4.0, 8.0, "Fresh warm bread comes out of the bakery oven."),),
    "Garden.mp4": ((0.0, 4.0, "Roses need water every morning."),),
}


def film_of(name: str) -> Film:
    colours = COLOURS[name]
    objects = tuple((STEP * at, STEP * (at + 1), dict[str, int]()) for at in range(len(colours)))
    return Film(name, STEP * len(colours), objects=objects, said=TOLD.get(name, ()))


@pytest.fixture(scope="module")
def coloured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("examples")
    checkpoint = write_openclip(folder / "clip")
    settings = load_settings({"data": folder / "data", "engines": {**NO_MODELS, "visual": f"openclip:{checkpoint}"}})
    world = World(settings, folder / "films", [])
    for name, colours in COLOURS.items():
        vectors, space = embedded(world.engines, colours)
        film = film_of(name)
        world.add(film, document=document_of(film, world.engines, vectors=vectors, space=space))
    yield world
    world.close()


def embedded(engines: Engines, colours: list[str]) -> tuple[np.ndarray, VectorSpace]:
    engine, ref = engines.visual(), engines.ref("visual")
    assert engine is not None
    assert ref is not None
    vectors = engine.encode_images([plain_picture(colour, seed=at) for at, colour in enumerate(colours)])
    return vectors, VectorSpace(f"{ref.id}@{ref.fingerprint}", engine.dimension)


def place(name: str, start: float, end: float) -> Stretch:
    return Stretch(film_of(name).video_id, start, end)


WALK, SUNSET = film_of("Evening walk.mp4").video_id, film_of("Sunset.mp4").video_id


def test_a_picture_finds_all_that_look_like_it_and_nothing_else(coloured: World) -> None:
    result = coloured.service.search(SearchRequest(images={"1": plain_picture("red", seed=77)}))
    assert {moment.video_id for moment in result.moments} == {WALK, SUNSET}
    assert all(moment.confidence > 0.9 for moment in result.moments)


def test_several_pictures_find_what_looks_like_any_and_first_what_has_all(coloured: World) -> None:
    images = {"one": plain_picture("red", seed=3), "two": plain_picture("green", seed=4)}
    result = coloured.service.search(SearchRequest(images=images))
    assert {moment.video_id for moment in result.moments} == {film_of(name).video_id for name in COLOURS}


def test_a_moment_is_found_again_elsewhere_and_not_itself(coloured: World) -> None:
    example = place("Evening walk.mp4", 8.0, 20.0)
    result = coloured.service.search(SearchRequest(examples=(example,), by="seen"))
    assert [moment.video_id for moment in result.moments] == [SUNSET]
    assert (result.moments[0].start, result.moments[0].end) == (4.0, 12.0)


def test_a_moment_is_found_again_in_what_is_said(coloured: World) -> None:
    example = place("Evening walk.mp4", 8.0, 12.0)
    result = coloured.service.search(SearchRequest(examples=(example,), by="said"))
    assert result.moments[0].video_id == SUNSET
    assert "bread" in result.moments[0].evidence[0].text
    assert all("Roses" not in item.text for moment in result.moments for item in moment.evidence)


def test_what_is_seen_and_said_alike_is_surer(coloured: World) -> None:
    example = place("Evening walk.mp4", 8.0, 12.0)
    both = coloured.service.search(SearchRequest(examples=(example,))).moments[0]
    assert both.video_id == SUNSET
    assert len(both.channels) >= 2
    assert sum(item.gain for item in both.contributions) == pytest.approx(both.confidence)


def test_words_with_an_example_must_hold_as_well(coloured: World) -> None:
    picture = {"1": plain_picture("red", seed=5)}
    result = coloured.service.search(SearchRequest("bakery oven", images=picture))
    assert [moment.video_id for moment in result.moments][:1] == [SUNSET]
    green = {"1": plain_picture("green", seed=6)}
    assert coloured.service.search(SearchRequest("roses", images=green)).moments[0].evidence[0].text.startswith("Roses")


def test_a_query_names_its_pictures_and_places(coloured: World) -> None:
    images = {"frame": plain_picture("red", seed=9)}
    result = coloured.service.search(SearchRequest("seen:blue then image:frame", images=images, min_confidence=0.0))
    assert result.moments[0].video_id in (WALK, SUNSET)
    assert len(result.moments[0].stages) == 2
    found = coloured.service.search(SearchRequest('like:"Evening walk"@0:08-0:20'))
    assert [moment.video_id for moment in found.moments] == [SUNSET]
    with pytest.raises(InvalidRequest, match="did not come"):
        coloured.service.search(SearchRequest("image:other", images=images))


def test_what_was_liked_stays_first_and_what_was_not_goes(coloured: World) -> None:
    plain = coloured.service.search(SearchRequest("bread", min_confidence=0.0))
    assert {WALK, SUNSET} <= {moment.video_id for moment in plain.moments}
    like, unlike = place("Sunset.mp4", 4.0, 8.0), place("Evening walk.mp4", 8.0, 12.0)
    marked = coloured.service.search(SearchRequest("bread", like=(like,), unlike=(unlike,), min_confidence=0.0))
    assert marked.moments[0].video_id == SUNSET
    assert marked.moments[0].confidence > 0.98
    assert any(item.kind == "feedback" for item in marked.moments[0].contributions)
    assert sum(item.gain for item in marked.moments[0].contributions) == pytest.approx(marked.moments[0].confidence)
    assert all(moment.video_id != WALK or moment.start > 12 or moment.end < 8 for moment in marked.moments)


def test_a_liked_moment_brings_what_looks_like_it(coloured: World) -> None:
    like = place("Evening walk.mp4", 8.0, 20.0)
    before = coloured.service.search(SearchRequest("seen:blue", min_confidence=0.0))
    after = coloured.service.search(SearchRequest("seen:blue", like=(like,), min_confidence=0.0))

    def red(result: object) -> float:
        moments = (*before.moments, *before.near_misses) if result is before else (*after.moments, *after.near_misses)
        return max((m.confidence for m in moments if m.video_id == SUNSET and m.start < 12 and m.end > 4), default=0.0)

    assert red(after) >= red(before)
    assert after.moments[0].video_id == WALK


def test_likes_alone_ask_for_more_of_the_same(coloured: World) -> None:
    result = coloured.service.search(SearchRequest(like=(place("Evening walk.mp4", 8.0, 20.0),)))
    assert [moment.video_id for moment in result.moments][:2] == [WALK, SUNSET]


def test_marks_of_a_video_that_is_gone_do_no_harm(coloured: World) -> None:
    gone = Stretch("0" * 32, 0.0, 1.0)
    result = coloured.service.search(SearchRequest("bread", like=(gone,), unlike=(gone,)))
    assert result.moments
    with pytest.raises(NotFound):
        coloured.service.search(SearchRequest(examples=(gone,)))


def test_a_library_without_pictures_is_compared_by_its_words(world: World) -> None:
    request = SearchRequest(examples=(Stretch(COOKING.video_id, 20.0, 24.0),))
    result = world.service.search(request)
    assert result.moments[0].video_id == COPY.video_id
    assert any("pictures is off" in note for note in result.notes)
    with pytest.raises(EngineUnavailable):
        world.service.search(SearchRequest(examples=request.examples, by="seen"))


def test_feedback_on_words_moves_the_meaning(world: World) -> None:
    budget, other = Stretch(MEETING.video_id, 10.0, 14.0), Stretch(LECTURE.video_id, 60.0, 66.0)
    marked = world.service.search(SearchRequest("money", like=(budget,), unlike=(other,), min_confidence=0.0))
    assert (marked.moments[0].video_id, marked.moments[0].start) == (MEETING.video_id, 10.0)
    places = [(moment.video_id, moment.start) for moment in marked.moments]
    assert (LECTURE.video_id, 60.0) not in places
    assert (MEETING.video_id, 150.0) in places[:3]


def test_stretches_are_written_as_they_are_read(world: World) -> None:
    assert read_stretch("a@b@1:20-1:30.5") == NamedStretch("a@b", 80.0, 90.5)
    assert read_stretch("film@12") == NamedStretch("film", 12.0, 12.0)
    located = locate(read_stretch("grandmother@0:20-0:24"), world.catalogue)
    assert located == Stretch(COOKING.video_id, 20.0, 24.0)
    assert locate(read_stretch(write_stretch(located)), world.catalogue) == located
    for wrong in ("film", "film@", "@1-2", "film@9-3", "film@a-b"):
        with pytest.raises(InvalidRequest):
            read_stretch(wrong)
    with pytest.raises(InvalidRequest, match=r"ends at 1:30 \(90\.0 s\), before 600 s"):
        locate(read_stretch("grandmother@10:00-11:00"), world.catalogue)


@pytest.mark.parametrize("spread", [0.001, 0.05, 0.2])
@pytest.mark.parametrize("centre", [-0.2, 0.3, 0.8])
def test_the_same_picture_is_sure_and_a_common_one_is_not(centre: float, spread: float) -> None:
    for size in (10, 1_000, 1_000_000):
        scale = ExampleScale(Null(centre, spread), size)
        assert scale.confidence(1.0) > 0.98
        assert scale.confidence(centre) < 0.1
        assert scale.middle >= ExampleScale(Null(centre, spread), size, loose=True).middle


def test_near_copies_among_examples_count_once() -> None:
    vectors = np.eye(3, dtype=np.float32)[[0, 0, 1, 0, 1, 2]]
    assert len(distinct(vectors)) == 3
    assert len(distinct(np.eye(20, dtype=np.float32))) == 8


def test_a_stretch_must_be_one() -> None:
    for start, end in ((5.0, 1.0), (-1.0, 2.0), (0.0, float("nan"))):
        with pytest.raises(InvalidRequest):
            SearchRequest(like=(Stretch("0" * 32, start, end),)).check()


def test_without_an_engine_pictures_are_refused(coloured: World) -> None:
    with open_service(load_settings({"data": coloured.settings.data, "engines": NO_MODELS})) as service:
        result = service.search(SearchRequest(examples=(place("Evening walk.mp4", 8.0, 12.0),)))
        assert result.moments[0].video_id == SUNSET
