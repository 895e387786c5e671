"""Voices: the encoder that Resemblyzer carries, on real speech and on synthetic voices."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.speech import espeak_voices, real_voices
from engines.protocols import SpeakerEngine
from engines.registry import Engines
from engines.resemblyzer_engine import ResemblyzerEngine, log_free_mel, mel_bands
from engines.speech_guards import Guards
from reelseek.errors import EngineUnavailable
from reelseek.records import Audio, EngineRef, Vector
from reelseek.setting_groups import EngineSettings
from reelseek.settings import Settings
from tests.support import sounds

RATE = 16_000


def load(weights: Path | None = None) -> ResemblyzerEngine:
    return ResemblyzerEngine(EngineRef("resemblyzer:GE2E", "f"), weights, EngineSettings(threads=1, device="cpu"))


@pytest.fixture(scope="module")
def engine() -> ResemblyzerEngine:
    return load()


def voiced(engine: SpeakerEngine, audio: Audio) -> Vector:
    spans = [
        (start, start + 1.6)
        for region in Guards().regions(audio)
        for start in np.arange(region.start, region.end - 1.59, 0.8)
    ]
    return engine.embed(audio, spans)


def test_it_is_a_speaker_engine_that_the_installed_package_brings(tmp_path: Path) -> None:
    with Engines(Settings(data=tmp_path)) as engines:
        engine = engines.speakers()
        assert isinstance(engine, SpeakerEngine)
        assert engine.id == "resemblyzer:GE2E"


def test_vectors_have_length_one_and_one_row_a_stretch(engine: SpeakerEngine) -> None:
    audio = sounds.melody(6.0)
    found = engine.embed(audio, [(0.0, 0.3), (1.0, 2.6), (0.0, 6.0)])
    assert found.shape == (3, 256)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert engine.embed(audio, []).shape == (0, 256)


def test_loudness_and_the_company_in_a_batch_do_not_matter(engine: SpeakerEngine) -> None:
    audio = sounds.melody(4.0)
    together = engine.embed(audio, [(0.0, 1.6), (1.0, 2.6)])
    np.testing.assert_allclose(engine.embed(audio * 0.05, [(1.0, 2.6)])[0], together[1], atol=1e-4)


def test_a_person_sounds_like_themselves_and_not_like_others(engine: SpeakerEngine, shared_data: Path) -> None:
    voices = [voiced(engine, audio) for audio in (*real_voices(shared_data), *espeak_voices())]
    means = np.array([[float((one @ other.T).mean()) for other in voices] for one in voices])
    same = [float((one @ one.T)[~np.eye(len(one), dtype=bool)].mean()) for one in voices]
    others = means[~np.eye(len(voices), dtype=bool)]
    assert min(same) > 0.7
    assert max(others) < 0.66


def test_the_spectrogram_is_librosas() -> None:
    bands = mel_bands()
    assert bands.shape == (40, 201)
    # Published values of the Slaney filter bank: each triangle has area one over its frequencies
    np.testing.assert_allclose(bands.sum(axis=1) * 40, 1, rtol=0.35)
    tone = log_free_mel(sounds.tone(1.0, 1000.0))
    assert tone.shape == (101, 40)
    centres = bands.argmax(axis=1) * 40.0
    assert abs(centres[tone[50].argmax()] - 1000) < 100
    assert tone[50].max() > 1e3 * np.sort(tone[50])[10]


def test_broken_weights_are_told(tmp_path: Path) -> None:
    (tmp_path / "voice.pt").write_bytes(b"no model")
    with pytest.raises(EngineUnavailable, match="cannot be loaded"):
        load(tmp_path / "voice.pt")


def test_a_missing_package_is_named_with_its_command() -> None:
    code = """
import importlib.util, sys
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "resemblyzer" else real(name, *rest)
from tests.engines.test_speakers import load
load()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'reelseek[speakers]'" in done.stderr
