"""The channel of pictures, with a tiny OpenCLIP that knows colours: words, examples, boundaries, spaces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engines.registry import Engines
from query.pictures.runs import picture_runs
from query.ranking.runs import Run, suppress
from query.service import SearchRequest, open_service
from query.source import Frame
from reelseek.errors import EngineUnavailable
from reelseek.records import Channel, VectorSpace
from reelseek.settings import Settings, load_settings
from tests.query.conftest import NO_MODELS
from tests.support.query_world import FILMS, Film, World, document_of

pytest.importorskip("open_clip", reason="the extra `clip` is not installed")

from tests.support.checkpoints import plain_picture, write_openclip

COLOURS = {
    "Evening walk.mp4": ["blue", "blue", "red", "red", "red", "blue", "green"],
    "Kitchen.mp4": ["green", "green", "blue", "blue", "blue", "green"],
    "Garden.mp4": ["green", "green", "green", "blue", "blue"],
}
STEP = 4.0


def film_of(name: str) -> Film:
    colours = COLOURS[name]
    objects = tuple((STEP * at, STEP * (at + 1), dict[str, int]()) for at in range(len(colours)))
    return Film(name, STEP * len(colours), objects=objects)


@pytest.fixture(scope="module")
def colour_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("colours")
    checkpoint = write_openclip(folder / "clip")
    return load_settings({"data": folder / "data", "engines": {**NO_MODELS, "visual": f"openclip:{checkpoint}"}})


@pytest.fixture(scope="module")
def pictures(colour_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(colour_settings, tmp_path_factory.mktemp("films"), [])
    for name, colours in COLOURS.items():
        film = film_of(name)
        vectors, space = embedded(world.engines, colours)
        world.add(film, document=document_of(film, world.engines, vectors=vectors, space=space))
    yield world
    world.close()


def embedded(engines: Engines, colours: list[str]) -> tuple[np.ndarray, VectorSpace]:
    engine, ref = engines.visual(), engines.ref("visual")
    assert engine is not None
    assert ref is not None
    vectors = engine.encode_images([plain_picture(colour, seed=at) for at, colour in enumerate(colours)])
    return vectors, VectorSpace(f"{ref.id}@{ref.fingerprint}", engine.dimension)


def test_words_find_pictures_with_the_boundaries_of_their_run(pictures: World) -> None:
    result = pictures.service.search(SearchRequest("seen:red", min_confidence=0.0))
    moment = result.moments[0]
    assert moment.video_id == film_of("Evening walk.mp4").video_id
    assert (moment.start, moment.end) == (8.0, 20.0)
    assert set(moment.channels) == {Channel.VISUAL}
    assert "red" in moment.evidence[0].text
    assert 8.0 <= moment.evidence[0].start < 20.0
    assert result.channels[Channel.VISUAL] is not None


def test_an_example_finds_what_looks_like_it(pictures: World) -> None:
    result = pictures.service.search(SearchRequest(images={"1": plain_picture("red", seed=77)}, min_confidence=0.0))
    moment = result.moments[0]
    assert moment.video_id == film_of("Evening walk.mp4").video_id
    assert (moment.start, moment.end) == (8.0, 20.0)


def test_each_two_seconds_have_a_highlight_score(pictures: World) -> None:
    walk = film_of("Evening walk.mp4").video_id
    scores = pictures.service.saliency(walk, "seen:red")
    assert len(scores) == 14
    assert all(0.0 <= score <= 1.0 for score in scores)
    assert min(scores[4:10]) > max(*scores[:4], *scores[10:])
    assert scores[4:10] == pytest.approx([scores[4]] * 6, abs=0.1)
    both = pictures.service.saliency(walk, "seen:red then seen:green")
    assert min(both[12:]) > max(both[:4])
    kitchen = pictures.service.saliency(film_of("Kitchen.mp4").video_id, "seen:red")
    assert max(kitchen) < min(scores[4:10])


def test_a_picture_explains_its_confidence(pictures: World) -> None:
    moment = pictures.service.search(SearchRequest("seen:red", min_confidence=0.0)).moments[0]
    (contribution,) = moment.contributions
    assert (contribution.kind, contribution.rank) == ("picture", 1)
    assert contribution.gain == pytest.approx(moment.confidence)


def test_the_evidence_of_a_picture_quotes_a_description_and_no_question(pictures: World) -> None:
    def told(query: str) -> set[str]:
        moments = pictures.service.search(SearchRequest(query, min_confidence=0.0)).moments
        return {item.text for moment in moments for item in moment.evidence if item.channel is Channel.VISUAL}

    assert told("seen:red") == {"looks like “red”"}
    assert told('seen:"what is red"') == {"looks like what is asked about"}


def test_pictures_can_be_stages_of_a_sequence(pictures: World) -> None:
    result = pictures.service.search(SearchRequest("seen:blue then seen:red", min_confidence=0.0))
    assert [(stage.start, stage.end) for stage in result.moments[0].stages] == [(0.0, 8.0), (8.0, 20.0)]


def test_pictures_can_be_looked_up_in_one_video(pictures: World) -> None:
    kitchen = film_of("Kitchen.mp4").video_id
    result = pictures.service.search(SearchRequest("seen:blue", video_ids=(kitchen,), min_confidence=0.0))
    assert {moment.video_id for moment in result.moments} == {kitchen}
    assert (result.moments[0].start, result.moments[0].end) == (8.0, 20.0)


def test_another_engine_than_the_indexs_is_not_used_and_told(pictures: World, tmp_path: Path) -> None:
    other = write_openclip(tmp_path / "other", fitted=False)
    engines = {**NO_MODELS, "visual": f"openclip:{other}"}
    with open_service(load_settings({"data": pictures.settings.data, "engines": engines})) as service:
        result = service.search(SearchRequest("seen:red"))
        assert result.moments == ()
        assert result.channels[Channel.VISUAL] is None
        assert any("index again" in note for note in result.notes)
        with pytest.raises(EngineUnavailable):
            service.search(SearchRequest(images={"1": plain_picture("red")}))


def test_without_an_engine_an_example_is_refused(pictures: World) -> None:
    with open_service(load_settings({"data": pictures.settings.data, "engines": NO_MODELS})) as service:
        with pytest.raises(EngineUnavailable):
            service.search(SearchRequest(images={"1": plain_picture("red")}))
        assert any("pictures" in note for note in service.search(SearchRequest("seen:red")).notes)


def test_films_of_the_other_world_have_no_pictures() -> None:
    assert all(film.video_id not in {film_of(name).video_id for name in COLOURS} for film in FILMS)


def frame(video: str, index: int, start: float, end: float, shot: int) -> Frame:
    return Frame(video, index, shot, start, end)


def runs_of(frames: list[Frame], strengths: list[float]) -> list[tuple[str, float, float]]:
    confidences = [min(0.99, max(0.0, strength / 4)) for strength in strengths]
    found = picture_runs(frames, strengths, confidences, least=0.3, described="x", cosines=strengths)
    return [(run.video_id, run.start, run.end) for run in found]


def test_a_run_grows_while_the_score_stays_near_its_peak() -> None:
    frames = [frame("a", at, at * 2.0, at * 2.0 + 2.0, 0) for at in range(6)]
    assert runs_of(frames, [0.0, 2.0, 3.0, 2.5, 1.0, 0.0]) == [("a", 4.0, 8.0)]


def test_behind_a_cut_only_what_fits_as_well_belongs_to_the_run() -> None:
    frames = [frame("a", at, at * 2.0, at * 2.0 + 2.0, at) for at in range(4)]
    assert runs_of(frames, [3.0, 2.9, 2.4, 0.0]) == [("a", 0.0, 4.0)]


def test_two_peaks_are_two_runs_best_first() -> None:
    frames = [frame("a", at, at * 2.0, at * 2.0 + 2.0, at) for at in range(6)]
    assert runs_of(frames, [2.8, 0.1, 0.1, 0.1, 3.5, 3.4]) == [("a", 8.0, 12.0), ("a", 0.0, 2.0)]


def test_runs_do_not_cross_videos_or_gaps() -> None:
    frames = [frame("a", 0, 0.0, 2.0, 0), frame("a", 1, 30.0, 32.0, 1), frame("b", 0, 0.0, 2.0, 0)]
    assert sorted(runs_of(frames, [3.0, 3.0, 3.0])) == [("a", 0.0, 2.0), ("a", 30.0, 32.0), ("b", 0.0, 2.0)]


def test_a_keyframe_a_moment_after_its_cut_begins_at_the_cut() -> None:
    frames = [frame("a", 0, 0.0, 9.5, 0), frame("a", 1, 10.0, 15.0, 1)]
    assert runs_of(frames, [0.0, 3.0]) == [("a", 9.5, 15.0)]
    assert runs_of([frame("a", 0, 0.4, 5.0, 0)], [3.0]) == [("a", 0.0, 5.0)]


def run(start: float, end: float, confidence: float, video: str = "a") -> Run:
    return Run(video, start, end, Channel.SPEECH, confidence)


def test_of_runs_at_one_place_the_best_remains() -> None:
    kept = suppress([run(0, 10, 0.6), run(1, 9, 0.9), run(20, 30, 0.5), run(1, 9, 0.8, "b")], 10)
    assert [(item.video_id, item.start, item.confidence) for item in kept] == [
        ("a", 1, 0.9),
        ("b", 1, 0.8),
        ("a", 20, 0.5),
    ]


def test_a_place_inside_a_long_run_stays() -> None:
    assert len(suppress([run(0, 600, 0.9), run(30, 35, 0.7)], 10)) == 2
    assert len(suppress([run(0, 30, 0.9), run(10, 15, 0.7)], 10)) == 1
