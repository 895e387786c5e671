"""Sound events: a classifier of the real architecture, tiny, loaded and run as the published one is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engines.protocols import SoundEngine
from engines.registry import Engines
from engines.transformers_sounds import TransformersSoundEngine
from reelseek.errors import Cancelled, EngineUnavailable
from reelseek.records import Audio, EngineRef
from reelseek.setting_groups import EngineSettings
from reelseek.settings import Settings
from tests.support import sounds
from tests.support.sound_checkpoint import LABELS, alarm, write_sound_classifier


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sound_classifier(tmp_path_factory.mktemp("sounds") / "tiny")


def load(weights: Path | None) -> TransformersSoundEngine:
    ref = EngineRef("audio-transformers:tiny", "f")
    return TransformersSoundEngine(ref, weights, EngineSettings(threads=1, device="cpu"))


@pytest.fixture(scope="module")
def engine(weights: Path) -> TransformersSoundEngine:
    return load(weights)


def test_it_is_a_sound_engine_with_the_models_labels(engine: SoundEngine) -> None:
    assert isinstance(engine, SoundEngine)
    assert engine.labels == LABELS


def test_sounds_are_named_where_they_are(engine: SoundEngine) -> None:
    parts: list[Audio] = [sounds.tone(6.0), sounds.silence(4.0), sounds.white_noise(6.0), alarm(6.0), sounds.silence(3)]
    found = engine.classify(np.concatenate(parts))
    assert [event.label for event in found] == ["Sine wave", "White noise", "Alarm"]
    for event, (start, end) in zip(found, [(0, 6), (10, 16), (16, 22)], strict=True):
        assert event.start == pytest.approx(start, abs=1.1)
        assert event.end == pytest.approx(end, abs=1.1)
        assert 0.3 <= event.confidence <= 1


@pytest.mark.parametrize("audio", [sounds.nothing(0), sounds.silence(5.0), sounds.silence(0.1)])
def test_silence_gives_none(engine: SoundEngine, audio: Audio) -> None:
    assert engine.classify(audio) == ()


def test_progress_rises_to_one_and_can_stop(engine: SoundEngine) -> None:
    told: list[float] = []
    engine.classify(sounds.tone(60.0), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1

    def stop(fraction: float) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        engine.classify(sounds.tone(5.0), progress=stop)
    assert engine.classify(sounds.tone(5.0))


def test_missing_and_broken_weights_are_told(tmp_path: Path, weights: Path) -> None:
    with pytest.raises(EngineUnavailable, match="No sound weights"):
        load(None)
    with pytest.raises(EngineUnavailable, match="do not exist"):
        load(tmp_path / "absent")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text((weights / "config.json").read_text())
    (broken / "preprocessor_config.json").write_text((weights / "preprocessor_config.json").read_text())
    (broken / "model.safetensors").write_bytes(b"x")
    with pytest.raises(EngineUnavailable, match="cannot be loaded"):
        load(broken)
    for name in ("config.json", "model.safetensors"):
        (broken / name).write_bytes((weights / name).read_bytes())
    told = json.loads((weights / "preprocessor_config.json").read_text())
    (broken / "preprocessor_config.json").write_text(json.dumps(told | {"sampling_rate": 44100}))
    with pytest.raises(EngineUnavailable, match="44100"):
        load(broken)


def test_the_channel_is_off_until_weights_are_there(tmp_path: Path, weights: Path) -> None:
    settings = Settings(data=tmp_path)
    with Engines(settings) as engines:
        assert engines.sounds() is None
        assert engines.resolution("sounds").fix == "reelseek models pull audio-transformers:AST-AudioSet"
    place = tmp_path / "models" / "sounds" / "audio-transformers"
    place.mkdir(parents=True)
    (place / "tiny").symlink_to(weights)
    with Engines(settings) as engines:
        found = engines.sounds()
        assert found is not None
        assert found.id == "audio-transformers:tiny"
