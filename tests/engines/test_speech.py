"""Every speech engine, held to one promise; voice activity and sentences that they share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from engines.protocols import SpeechEngine, no_progress
from engines.sentences import MAX_SECONDS, sentences_of
from engines.spectral_voice import spectral_probabilities
from engines.speech_blocks import BLOCK_SECONDS, blocks_of, language_of_block
from engines.speech_guards import Guards, NoGuards, is_loop, without_loops
from engines.voice_activity import (
    SAMPLE_RATE,
    Region,
    SileroDetector,
    best_detector,
    confirmed,
    silero_model,
    speech_regions,
)
from reelseek.errors import Cancelled, EngineUnavailable, InvalidRequest
from reelseek.records import Audio, Channel, EngineRef, TimedText, Word
from reelseek.setting_groups import EngineSettings
from tests.support import sounds
from tests.support.speech_checkpoints import SENTENCE, write_faster_whisper, write_openai_whisper

NAMES = ("pocketsphinx", "faster-whisper", "whisper")


def load(name: str, weights: Path | None) -> SpeechEngine:
    from engines.faster_whisper_engine import FasterWhisperEngine
    from engines.openai_whisper import OpenAiWhisperEngine
    from engines.pocketsphinx_engine import PocketSphinxEngine

    adapter = {
        "pocketsphinx": PocketSphinxEngine,
        "faster-whisper": FasterWhisperEngine,
        "whisper": OpenAiWhisperEngine,
    }
    return adapter[name](EngineRef(f"{name}:test", "fingerprint"), weights, EngineSettings(threads=1, device="cpu"))


@dataclass(frozen=True)
class Heard:
    """An engine, and what it made of the real clip."""

    name: str
    engine: SpeechEngine
    audio: Audio
    sentences: tuple[TimedText, ...]
    progress: list[float]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path | None]:
    folder = tmp_path_factory.mktemp("whisper")
    return {
        "pocketsphinx": None,
        "faster-whisper": write_faster_whisper(folder / "faster"),
        "whisper": write_openai_whisper(folder / "tiny.pt"),
    }


@pytest.fixture(scope="module")
def clip(shared_data: Path) -> Audio:
    parts = []
    with av.open(str(shared_data / "audio" / "jfk.flac")) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
        for frame in [*container.decode(audio=0), None]:
            parts.extend(piece.to_ndarray().reshape(-1) for piece in resampler.resample(frame))
    return np.concatenate(parts).astype(np.float32)


@pytest.fixture(scope="module", params=NAMES)
def engine(request: pytest.FixtureRequest, weights: dict[str, Path | None]) -> SpeechEngine:
    return load(request.param, weights[request.param])


@pytest.fixture(scope="module")
def heard(engine: SpeechEngine, clip: Audio) -> Heard:
    progress: list[float] = []
    sentences = engine.transcribe(clip, progress=progress.append)
    return Heard(engine.id.partition(":")[0], engine, clip, sentences, progress)


def test_an_adapter_is_a_speech_engine_with_the_identity_it_was_given(engine: SpeechEngine) -> None:
    assert isinstance(engine, SpeechEngine)
    assert engine.id.endswith(":test")
    assert engine.fingerprint == "fingerprint"


def test_sentences_and_words_have_times_in_order_within_the_audio(heard: Heard) -> None:
    assert heard.sentences
    last = 0.0
    for sentence in heard.sentences:
        assert sentence.channel is Channel.SPEECH
        assert sentence.source == heard.engine.id
        assert sentence.language == "en"
        assert 0 <= sentence.confidence <= 1
        assert last <= sentence.start < sentence.end <= len(heard.audio) / SAMPLE_RATE + 0.01
        last = sentence.end
        assert sentence.text.split() == [word.text for word in sentence.words]
        assert sentence.words[0].start == sentence.start
        assert sentence.words[-1].end == sentence.end
        for word, after in zip(sentence.words, sentence.words[1:], strict=False):
            assert word.start <= word.end <= after.start


def test_progress_never_falls_and_ends_at_one(heard: Heard) -> None:
    assert heard.progress == sorted(heard.progress)
    assert heard.progress[0] >= 0
    assert heard.progress[-1] == 1
    assert len(heard.progress) > 2


def test_a_known_sentence_is_read(heard: Heard) -> None:
    if heard.name == "pocketsphinx":
        words = [word for sentence in heard.sentences for word in sentence.words if word.text == "country"]
        # "... what you can do for your country", the last word of the speech
        assert any(9.3 < word.start < word.end < 10.7 for word in words)
    else:
        assert heard.sentences[0].text == SENTENCE.strip()


@pytest.mark.parametrize(
    "name", ["nothing", "silence", "tone", "white_noise", "pink_noise", "chords", "melody", "drums"]
)
def test_what_is_no_speech_gives_no_words(engine: SpeechEngine, name: str) -> None:
    assert engine.transcribe(getattr(sounds, name)(4.0)) == ()


def test_amid_music_and_noise_only_what_is_said_gives_words(engine: SpeechEngine, clip: Audio) -> None:
    before = [sounds.melody(4.0), sounds.white_noise(3.0)]
    after = [sounds.silence(2.0), sounds.chords(4.0), sounds.drums(2.0)]
    said = engine.transcribe(np.concatenate([*before, clip[: 3 * SAMPLE_RATE], *after]))
    assert said
    assert all(6.7 < word.start <= word.end < 10.5 for sentence in said for word in sentence.words)


def test_without_guards_whisper_hears_its_sentence_in_noise(weights: dict[str, Path | None]) -> None:
    engine: Any = load("whisper", weights["whisper"])
    engine.guards = NoGuards()
    assert engine.transcribe(sounds.pink_noise(4.0), language="en")


def test_cancelling_stops_and_leaves_the_engine_usable(engine: SpeechEngine, clip: Audio) -> None:
    def stop(fraction: float) -> None:
        if fraction > 0:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        engine.transcribe(clip[: 5 * SAMPLE_RATE], progress=stop)
    assert engine.transcribe(clip[: 3 * SAMPLE_RATE], progress=no_progress)


def test_a_result_does_not_depend_on_what_was_heard_before(engine: SpeechEngine, clip: Audio) -> None:
    start, end = clip[: 3 * SAMPLE_RATE], clip[5 * SAMPLE_RATE :] * 0.1
    first = engine.transcribe(start)
    engine.transcribe(end, language="en")
    assert engine.transcribe(start) == first


def test_a_language_the_engine_does_not_know(engine: SpeechEngine, clip: Audio) -> None:
    if engine.id.startswith("pocketsphinx"):
        assert engine.transcribe(clip[: 3 * SAMPLE_RATE], language="de-AT") == ()
        assert engine.note.startswith("poor")
    else:
        with pytest.raises(InvalidRequest, match="xx-YY"):
            engine.transcribe(clip[: 3 * SAMPLE_RATE], language="xx-YY")


def test_the_language_that_is_given_is_the_one_that_is_said(weights: dict[str, Path | None], clip: Audio) -> None:
    for name in NAMES[1:]:
        sentences = load(name, weights[name]).transcribe(clip[: 3 * SAMPLE_RATE], language="de-AT")
        assert {sentence.language for sentence in sentences} == {"de"}


@pytest.mark.parametrize("name", NAMES)
def test_missing_and_broken_weights_are_told_in_words(name: str, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="absent"):
        load(name, tmp_path / "absent")
    broken = tmp_path / "broken"
    for file in (
        "en-us/mdef",
        "en-us.lm.bin",
        "cmudict-en-us.dict",
        "model.bin",
        "config.json",
        "tokenizer.json",
        "x.pt",
    ):
        (broken / file).parent.mkdir(parents=True, exist_ok=True)
        (broken / file).write_bytes(b"no model")
    with pytest.raises(EngineUnavailable, match=r"cannot (be loaded|load)"):
        load(name, broken)


def test_faster_whisper_without_its_tokenizer_is_refused_and_not_fetched(tmp_path: Path) -> None:
    for file in ("model.bin", "config.json"):
        (tmp_path / file).write_bytes(b"x")
    with pytest.raises(EngineUnavailable, match=r"tokenizer\.json"):
        load("faster-whisper", tmp_path)


@pytest.mark.parametrize(("name", "module"), [("faster-whisper", "faster_whisper"), ("whisper", "whisper")])
def test_a_missing_extra_is_named_with_its_command(name: str, module: str) -> None:
    code = f"""
import sys
sys.modules[{module!r}] = None
from pathlib import Path
from tests.engines.test_speech import load
load({name!r}, Path("."))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "EngineUnavailable" in done.stderr
    assert "pip install 'reelseek[whisper]'" in done.stderr


# --- voice activity -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("detector", ["silero", "rule"])
def test_speech_is_found_where_it_is(detector: str, clip: Audio) -> None:
    regions = speech_regions(clip, detector=None if detector == "silero" else spectral_probabilities)
    # "and so my fellow Americans" | "ask not" | "what your country can do for you" ...
    for middle in (1.0, 3.7, 6.5, 9.5):
        assert any(region.start < middle < region.end for region in regions)
    assert not any(region.start < 2.7 < region.end for region in regions)


@pytest.mark.parametrize(
    "name", ["nothing", "silence", "tone", "white_noise", "pink_noise", "chords", "melody", "drums"]
)
def test_the_rule_finds_no_speech_in_other_sounds(name: str) -> None:
    assert speech_regions(getattr(sounds, name)(6.0), detector=spectral_probabilities) == ()


def test_a_tune_that_silero_takes_for_speech_is_not_confirmed(clip: Audio) -> None:
    tune = sounds.melody(4.0)
    assert confirmed(tune, (Region(0.0, 4.0),)) == ()
    regions = speech_regions(clip)
    assert confirmed(clip, regions) == regions


def test_silero_is_run_as_its_package_runs_it_also_across_windows(clip: Audio) -> None:
    from faster_whisper.vad import get_vad_model

    whole = np.ascontiguousarray(clip[: 300 * 512])
    model = silero_model()
    assert model is not None
    detector = SileroDetector(model)
    ours = np.concatenate([detector(whole[: 100 * 512]), detector(whole[100 * 512 :])])
    # The package silences the end of the very last frame.
    np.testing.assert_allclose(ours[:-1], get_vad_model()(whole.copy()).reshape(-1)[:-1], atol=1e-4)


def test_without_faster_whisper_the_rule_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert best_detector() is spectral_probabilities


def test_long_speech_is_cut_and_nothing_of_it_lost(clip: Audio) -> None:
    regions = speech_regions(np.tile(clip[5 * SAMPLE_RATE : 7 * SAMPLE_RATE], 10), max_seconds=5.0)
    assert all(region.end - region.start <= 5.0 for region in regions)
    assert sum(region.end - region.start for region in regions) > 17


def test_blocks_hold_all_speech_and_stay_short() -> None:
    regions = [Region(start, start + 20.0) for start in np.arange(0.0, 1000.0, 21.0)] + [Region(3000.0, 3010.0)]
    blocks = list(blocks_of(regions))
    assert all(block.end - block.start <= BLOCK_SECONDS for block in blocks)
    assert blocks[-1].start == 3000.0
    inside = [Region(block.start + item.start, block.start + item.end) for block in blocks for item in block.speech]
    assert inside == regions


def test_the_language_changes_only_when_the_model_is_sure() -> None:
    assert language_of_block("", "cy", 0.2) == "cy"
    assert language_of_block("en", "cy", 0.4) == "en"
    assert language_of_block("en", "de", 0.95) == "de"


# --- sentences ------------------------------------------------------------------------------------------------------


def words(text: str, step: float = 0.3) -> Iterator[Word]:
    for index, word in enumerate(text.split()):
        yield Word(index * step, index * step + step, f" {word}", 0.5)


def texts(text: str, step: float = 0.3) -> list[str]:
    return [sentence.text for sentence in sentences_of(words(text, step), source="x", language="en")]


def test_sentences_end_at_full_stops_and_not_at_abbreviations() -> None:
    assert texts("Dr. Smith came at 3.5 p.m. today. Why? “Because.” He left") == [
        "Dr. Smith came at 3.5 p.m. today.",
        "Why?",
        "“Because.”",
        "He left",
    ]


def test_a_pause_ends_a_sentence() -> None:
    said = [Word(0, 0.5, " one"), Word(0.6, 1, " two"), Word(3, 3.5, " three")]
    found = sentences_of(said, source="x", language="en")
    assert [(item.text, item.start, item.end) for item in found] == [("one two", 0, 1), ("three", 3, 3.5)]


def test_a_long_sentence_is_cut_at_its_comma() -> None:
    long = (
        "when we look at the picture in the middle of this slide here, " * 2 + "we see nothing at all of what was said"
    )
    found = texts(long, step=0.5)
    assert all(item.endswith("here,") for item in found[:-1])
    assert " ".join(found) == " ".join(long.split())
    for sentence in sentences_of(words(long, 0.5), source="x", language="en"):
        assert sentence.end - sentence.start <= MAX_SECONDS


def test_languages_without_spaces_are_joined_without_spaces() -> None:
    said = [Word(0, 1, "你好"), Word(1, 2, "世界。"), Word(2, 3, "再见")]
    assert [item.text for item in sentences_of(said, source="x", language="zh")] == ["你好世界。", "再见"]


def test_times_never_run_backwards() -> None:
    said = [Word(1, 2, " a"), Word(0.5, 0.7, " b"), Word(1.5, 3, " c"), Word(3, 4, "  ")]
    (found,) = sentences_of(said, source="x", language="en")
    assert [(word.start, word.end) for word in found.words] == [(1, 2), (2, 2), (2, 3)]


@pytest.mark.parametrize("text", ["thank you " * 6, "no no no no no no", "I am going to " * 9, "yes. " * 30])
def test_loops_are_known(text: str) -> None:
    assert is_loop(text)


@pytest.mark.parametrize(
    "text", ["no no no, that is not it", "We shall fight on the beaches, we shall fight on the landing grounds"]
)
def test_emphasis_is_no_loop(text: str) -> None:
    assert not is_loop(text)


# --- guards ---------------------------------------------------------------------------------------------------------


def line(start: float, text: str, length: float = 1.0, confidence: float = 0.9) -> TimedText:
    said = text.split()
    step = length / len(said)
    spoken = [Word(start + i * step, start + (i + 1) * step, word, confidence) for i, word in enumerate(said)]
    return TimedText(Channel.SPEECH, start, start + length, text, confidence=confidence, words=tuple(spoken))


def test_words_where_nobody_speaks_are_dropped() -> None:
    regions = [Region(0.0, 2.1), Region(9.0, 11.0)]
    said = [line(0, "one two three four", 4.0), line(5, "thank you"), line(9, "five six")]
    kept = Guards().kept(said, regions)
    assert [item.text for item in kept] == ["one two", "five six"]
    assert (kept[0].start, kept[0].end) == (0, 2)


def test_what_was_guessed_or_is_faster_than_anybody_speaks_is_dropped() -> None:
    said = [line(0, "hello there"), line(1, "unlikely words", confidence=0.1), line(2, "far too many words " * 4, 0.5)]
    assert [item.text for item in Guards().kept(said, [Region(0.0, 5.0)], 0.2)] == ["hello there"]


def test_without_guards_everything_stays() -> None:
    said = [line(0, "hello", confidence=0.01)]
    guards = NoGuards()
    assert guards.kept(said, [], 0.5) == tuple(said)
    assert guards.regions(sounds.silence(70.0)) == (Region(0, 30), Region(30, 60), Region(60, 70))


def test_a_cycle_of_sentences_is_kept_once() -> None:
    said = [line(index, text) for index, text in enumerate(["Hello."] + ["Who?", "Me."] * 4 + ["Who?", "You."])]
    assert [item.text for item in without_loops(said)] == ["Hello.", "Who?", "Me.", "Who?", "You."]


def test_one_of_many_equal_sentences_stays() -> None:
    said = [
        line(0, "Hello there."),
        *(line(i, "Thanks for watching!") for i in range(1, 6)),
        line(7, "Bye."),
        line(8, "Bye."),
    ]
    assert [item.start for item in without_loops(said)] == [0, 1, 7, 8]
