"""Asking for things that the library's detector does not know: a tiny YOLO-World looks at pictures like them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engines.registry import Engines
from ingest.storage import jpeg
from query.service import SearchRequest, open_service
from reelseek.records import Channel, Vector, VectorSpace
from reelseek.settings import Settings, load_settings
from tests.query.conftest import NO_MODELS
from tests.support.query_world import Film, World, document_of

pytest.importorskip("open_clip", reason="the extra `clip` is not installed")

from tests.support.checkpoints import needs_ultralytics, squares_picture, write_openclip, write_yolo_world

needs_ultralytics()

pytestmark = pytest.mark.release  # fitting the checkpoints takes too long for every run

BLUE, BLUES = squares_picture([(2, 55, 40, 30)]), squares_picture([(2, 55, 40, 30), (2, 8, 10, 30)])
PICTURES = (squares_picture([]), BLUE, BLUES, squares_picture([(0, 10, 20, 30)]), BLUE)
STEP = 5.0
TABLE = Film(
    "table.mp4",
    STEP * len(PICTURES),
    objects=tuple((STEP * at, STEP * (at + 1), {"car": 1}) for at in range(len(PICTURES))),
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("words")
    engines = {
        **NO_MODELS,
        "visual": f"openclip:{write_openclip(folder / 'clip')}",
        "open_vocabulary": str(write_yolo_world(folder / "world")),
        "device": "cpu",
        "threads": 1,
    }
    return load_settings({"data": folder / "data", "engines": engines})


@pytest.fixture(scope="module")
def world(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(settings, tmp_path_factory.mktemp("films"), [])
    vectors, space = _embedded(made.engines)
    made.add(TABLE, document=document_of(TABLE, made.engines, vectors=vectors, space=space))
    with made.store.write(TABLE.video_id, "frames", "f1") as writer:
        for number, picture in enumerate(PICTURES):
            writer.bytes(f"{number}.jpg", jpeg(picture, 95))
    made.store.set_current(TABLE.video_id, {"frames": "f1"})
    yield made
    made.close()


def _embedded(engines: Engines) -> tuple[Vector, VectorSpace]:
    engine, ref = engines.visual(), engines.ref("visual")
    assert engine is not None
    assert ref is not None
    return engine.encode_images(list(PICTURES)), VectorSpace(f"{ref.id}@{ref.fingerprint}", engine.dimension)


def test_an_unknown_label_is_found_in_the_pictures(world: World) -> None:
    result = world.service.search(SearchRequest('object:"blue square"'))
    assert sorted((moment.start, moment.end) for moment in result.moments) == [(5.0, 15.0), (20.0, 25.0)]
    assert set(result.moments[0].channels) == {Channel.OBJECTS}
    assert {moment.evidence[0].text for moment in result.moments} == {"2 × blue square", "blue square"}
    assert any("looked for by ultralytics:world, in the 5 pictures" in note for note in result.notes)


def test_its_number_counts(world: World) -> None:
    result = world.service.search(SearchRequest('object:"blue square">=2'))
    assert [(moment.start, moment.end) for moment in result.moments] == [(10.0, 15.0)]
    assert world.service.search(SearchRequest('object:"green square"')).moments == ()


def test_what_the_detector_knows_is_left_to_it(world: World) -> None:
    result = world.service.search(SearchRequest("object:car"))
    assert [(moment.start, moment.end) for moment in result.moments] == [(0.0, 25.0)]
    assert not any("looked for by" in note for note in result.notes)


def test_what_is_missing_is_told(world: World, tmp_path: Path) -> None:
    alone = tmp_path / "world.pt"
    alone.write_bytes(Path(world.settings.engines.open_vocabulary).read_bytes())
    engines = world.settings.engines.model_copy(update={"open_vocabulary": str(alone)})
    with open_service(world.settings.model_copy(update={"engines": engines})) as service:
        result = service.search(SearchRequest('object:"blue square"'))
    assert result.moments == ()
    assert any("could not be looked for" in note and "text encoder" in note for note in result.notes)
