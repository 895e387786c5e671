"""Objects by any words: a tiny YOLO-World fitted on squares, told with each call what to look for."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.open_vocabulary import OpenVocabularyEngine
from engines.protocols import OpenVocabulary
from engines.registry import Engines
from reelseek.errors import EngineUnavailable
from reelseek.setting_groups import EngineSettings
from reelseek.settings import load_settings
from tests.support.checkpoints import ref, squares_picture, write_openclip, write_ultralytics, write_yolo_world
from tests.support.conformance import carries_identity

pytestmark = pytest.mark.release  # fitting the checkpoint takes too long for every run
SETTINGS = EngineSettings(threads=1, batch_size=2, device="cpu")
REF = ref("ultralytics:world")
PICTURE = squares_picture([(0, 5, 10, 30), (2, 55, 40, 30)])


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_yolo_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def engine(weights: Path) -> OpenVocabularyEngine:
    return OpenVocabularyEngine(REF, weights, SETTINGS)


def test_it_finds_what_it_is_told_to_and_nothing_else(engine: OpenVocabularyEngine) -> None:
    carries_identity(engine, REF)
    assert isinstance(engine, OpenVocabulary)
    for label, box in (("blue square", (55, 40, 85, 70)), ("red square", (5, 10, 35, 40))):
        (found,) = engine.detect_labels([PICTURE], [label])
        assert [item.label for item in found] == [label]
        sides = found[0].box
        assert [sides.left, sides.top, sides.right, sides.bottom] == pytest.approx(
            [side / 96 for side in box], abs=0.05
        )
    assert engine.detect_labels([PICTURE], ["green square"]) == [()]


def test_several_labels_and_pictures_at_once(engine: OpenVocabularyEngine) -> None:
    empty = squares_picture([])
    both, none, one = engine.detect_labels(
        [PICTURE, empty, squares_picture([(0, 40, 40, 30)])], ["blue square", "red square"]
    )
    assert {item.label for item in both} == {"blue square", "red square"}
    assert none == ()
    assert [item.label for item in one] == ["red square"]
    assert engine.detect_labels([], ["red square"]) == []
    assert engine.detect_labels([PICTURE], []) == [()]


def test_what_is_missing_is_said(weights: Path, tmp_path: Path) -> None:
    alone = tmp_path / "world.pt"
    alone.write_bytes(weights.read_bytes())
    with pytest.raises(EngineUnavailable, match="text encoder") as raised:
        OpenVocabularyEngine(REF, alone, SETTINGS)
    assert "text_encoder" in (raised.value.hint or "")
    write_openclip(tmp_path / "text_encoder", fitted=False)
    with pytest.raises(EngineUnavailable, match="makes 32 numbers"):
        OpenVocabularyEngine(REF, alone, SETTINGS)


def test_a_detector_with_fixed_labels_is_refused(tmp_path: Path) -> None:
    fixed = write_ultralytics(tmp_path)
    write_openclip(tmp_path / "text_encoder", fitted=False)
    with pytest.raises(EngineUnavailable, match="not a YOLO-World"):
        OpenVocabularyEngine(REF, fixed, SETTINGS)


def test_the_settings_name_it_or_there_is_none(weights: Path, tmp_path: Path) -> None:
    with Engines(load_settings({"data": tmp_path})) as engines:
        assert engines.open_vocabulary() is None
    named = {"open_vocabulary": str(tmp_path / "nothing.pt")}
    with Engines(load_settings({"data": tmp_path, "engines": named})) as engines, pytest.raises(EngineUnavailable):
        engines.open_vocabulary()
    whole = {"open_vocabulary": str(weights), "threads": 1, "device": "cpu"}
    with Engines(load_settings({"data": tmp_path, "engines": whole})) as engines:
        loaded = engines.open_vocabulary()
        assert loaded is engines.open_vocabulary()
        assert loaded is not None
        assert loaded.id == "ultralytics:world"
