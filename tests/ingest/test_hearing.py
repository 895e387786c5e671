"""What is heard in a video beside its subtitles: words by chunks, who says them, and sounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.speech import conversation, diarisation_error, espeak_voices, real_voices
from engines.protocols import Progress, no_progress
from engines.registry import Engines
from engines.voice_activity import Region
from ingest.audio import RATE, quiet_border
from ingest.chunks import chunks_of
from ingest.document import load_document
from ingest.pipeline import ingest_video
from ingest.probe import probe
from ingest.sounds import sound_lines
from ingest.speakers import STEP, WINDOW, Turn, Voices, hear_voices, speaker_turns, stretches, with_speakers
from ingest.speech import joined_speech, transcribe
from reelseek.artefacts import ArtefactStore
from reelseek.records import Audio, Channel, SoundEvent, TimedText, VideoInfo, Word
from reelseek.setting_groups import EngineSettings, IngestSettings
from reelseek.settings import Settings
from tests.support.media import write_video
from tests.support.sound_checkpoint import alarm, write_sound_classifier

SETTINGS = IngestSettings(chunk_seconds=20)


class Whistles:
    """Hears a word in each whistle: its pitch in hertz."""

    id, fingerprint, note = "whistles:test", "f", ""

    def transcribe(
        self, audio: Audio, *, language: str = "", progress: Progress = no_progress
    ) -> tuple[TimedText, ...]:
        loud = np.abs(audio[: len(audio) // 160 * 160].reshape(-1, 160)).max(axis=1) > 0.05
        edges = np.flatnonzero(np.diff(np.concatenate([[0], loud.astype(int), [0]]))).reshape(-1, 2)
        words = []
        for first, last in edges:
            part = audio[first * 160 : last * 160]
            hertz = np.abs(np.fft.rfft(part, RATE)).argmax()
            words.append(Word(first / 100, last / 100, str(round(hertz / 10) * 10)))
        progress(1.0)
        return tuple(TimedText(Channel.SPEECH, w.start, w.end, w.text, self.id, words=(w,)) for w in words)


def chunked(path: Path, info: VideoInfo, settings: IngestSettings) -> list[tuple[float, float]]:
    borders = [
        (quiet_border(path, info, settings, chunk.start), quiet_border(path, info, settings, chunk.end))
        for chunk in chunks_of(info, settings)
    ]
    assert [end for _, end in borders[:-1]] == [start for start, _ in borders[1:]]
    return borders


def nothing_told(fraction: float) -> None:
    assert 0 <= fraction <= 1


def test_each_word_is_heard_once_whatever_the_chunks(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    audio, truth, at = np.zeros(90 * RATE, np.float32), [], 0.4
    while at < 88:
        length, hertz = random.uniform(0.2, 0.9), int(random.integers(30, 150)) * 10
        time = np.arange(round(length * RATE)) / RATE
        audio[round(at * RATE) :][: len(time)] = 0.3 * np.sin(2 * np.pi * hertz * time)
        truth.append((at, at + length, str(hertz)))
        at += length + random.uniform(0.1, 0.4)
    path = tmp_path / "whistles.m4a"
    write_video(path, sound=audio)
    info = probe(path, SETTINGS, "0" * 32)
    parts = [
        transcribe(path, info, SETTINGS, load=Whistles, progress=nothing_told, start=start, end=end)
        for start, end in chunked(path, info, SETTINGS)
    ]
    assert len(parts) == 5
    heard = joined_speech(parts)
    assert [line.text for line in heard] == [text for _, _, text in truth]
    for line, (start, end, _) in zip(heard, truth, strict=True):
        assert (line.start, line.end) == pytest.approx((start, end), abs=0.04)
    whole = transcribe(path, info, SETTINGS, load=Whistles, progress=nothing_told)
    assert [(line.text, round(line.start, 1)) for line in whole] == [
        (line.text, round(line.start, 1)) for line in heard
    ]


def test_a_loop_over_a_chunks_border_is_kept_once() -> None:
    def part(start: float, *texts: str) -> list[TimedText]:
        return [TimedText(Channel.SPEECH, start + i, start + i + 1, text) for i, text in enumerate(texts)]

    heard = joined_speech([part(0, "Hello.", "Thank you.", "Thank you."), part(3, "Thank you.", "Goodbye.")])
    assert [line.text for line in heard] == ["Hello.", "Thank you.", "Goodbye."]


# --- who speaks -----------------------------------------------------------------------------------------------------


def test_stretches_cover_a_piece_of_speech() -> None:
    assert stretches(Region(1.0, 1.3)) == []
    assert stretches(Region(1.0, 2.2)) == [(1.0, 2.2)]
    found = stretches(Region(1.0, 6.0))
    assert (found[0][0], found[-1][1]) == (1.0, pytest.approx(6.0))
    assert all(end - start == pytest.approx(WINDOW) for start, end in found)
    assert max(np.diff([start for start, _ in found])) <= STEP + 1e-9


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Engines:
    return Engines(Settings(data=tmp_path_factory.mktemp("data"), engines=EngineSettings(threads=1)))


@pytest.mark.parametrize("kind", [pytest.param("real", marks=pytest.mark.release), "espeak"])
def test_turns_of_a_conversation(kind: str, engines: Engines, shared_data: Path, tmp_path: Path) -> None:
    voices = real_voices(shared_data)[:4] if kind == "real" else espeak_voices()
    if not voices:
        pytest.skip("espeak-ng is not installed")
    talk = conversation(voices, seed=3, turns=16)
    path = tmp_path / "talk.wav"
    write_video(path, sound=talk.audio)
    info = probe(path, SETTINGS, "0" * 32)
    parts = [
        hear_voices(path, info, SETTINGS, load=engines.speakers, progress=nothing_told, start=start, end=end)
        for start, end in chunked(path, info, SETTINGS)
    ]
    assert len(parts) > 1
    packed = [Voices.unpacked(part.packed()) for part in parts]
    turns = speaker_turns(Voices.joined(packed))
    assert turns[0].speaker == 0
    assert len({turn.speaker for turn in turns}) == len({who for _, _, who in talk.truth})
    assert diarisation_error(talk.truth, turns)["error"] < 0.1
    assert all(turn.start < turn.end for turn in turns)


def test_silence_has_no_speakers(engines: Engines, tmp_path: Path) -> None:
    path = tmp_path / "hush.wav"
    write_video(path, sound=np.zeros(5 * RATE, np.float32))
    info = probe(path, SETTINGS, "0" * 32)
    heard = hear_voices(path, info, SETTINGS, load=lambda: pytest.fail("a model was loaded"), progress=nothing_told)
    assert speaker_turns(Voices.joined([heard, Voices.unpacked(heard.packed())])) == ()


def said(text: str, start: float = 0.0, step: float = 0.5) -> TimedText:
    words = tuple(Word(start + i * step, start + (i + 1) * step, word) for i, word in enumerate(text.split()))
    return TimedText(Channel.SPEECH, start, words[-1].end, text, words=words)


def names(lines: Sequence[TimedText]) -> list[tuple[str, str]]:
    return [(line.speaker, line.text) for line in lines]


TURNS = (Turn(0.0, 2.0, 0), Turn(2.0, 6.0, 1), Turn(7.0, 9.0, 0))


def test_a_sentence_is_cut_where_the_speaker_changes() -> None:
    first, second = with_speakers([said("are you there yes I am")], TURNS)
    assert names([first, second]) == [("Speaker 1", "are you there yes"), ("Speaker 2", "I am")]
    assert (first.end, second.start, second.end) == (2.0, 2.0, 3.0)
    assert [word.text for word in second.words] == ["I", "am"]


def test_a_stray_word_does_not_cut() -> None:
    (line,) = with_speakers([said("one two three four five", start=1.8, step=0.3)], TURNS)
    assert line.speaker == "Speaker 2"


def test_named_lines_keep_their_names_and_lines_without_words_get_the_nearest() -> None:
    named = replace(said("hello there"), speaker="ANNA")
    written = TimedText(Channel.SCREEN_TEXT, 0, 5, "EXIT")
    cue = TimedText(Channel.SPEECH, 1.0, 5.0, "from subtitles")
    late = TimedText(Channel.SPEECH, 20.0, 21.0, "long after")
    found = with_speakers([named, written, cue, late], TURNS)
    assert [line.speaker for line in found] == ["ANNA", "", "Speaker 2", "Speaker 1"]
    assert with_speakers([cue], ()) == (cue,)


def test_speakers_and_sounds_reach_the_document(shared_data: Path, tmp_path: Path) -> None:
    first, second = (voice for voice in real_voices(shared_data)[3:5])
    audio = np.concatenate([first[RATE : 9 * RATE], second[RATE : 9 * RATE], alarm(8.0), first[10 * RATE : 16 * RATE]])
    path = tmp_path / "talk.mkv"
    write_video(path, sound=audio)
    cues = ["00:00:01,000 --> 00:00:07,000", "00:00:09,000 --> 00:00:15,000", "00:00:25,000 --> 00:00:29,000"]
    path.with_suffix(".srt").write_text(
        "\n\n".join(f"{i + 1}\n{cue}\nSentence {i + 1}." for i, cue in enumerate(cues)), encoding="utf-8"
    )
    weights = write_sound_classifier(tmp_path / "tiny")
    options = EngineSettings(
        visual="off", sentence="off", screen_text="off", objects="off", speech="off", vlm="off", threads=1,
        sounds=f"audio-transformers:{weights}",
    )  # fmt: skip
    settings = Settings(data=tmp_path / "data", engines=options, ingest=IngestSettings(chunk_seconds=10))
    with Engines(settings) as engines:
        store = ArtefactStore(settings.artefacts_url)
        outcome = ingest_video(path, settings=settings, engines=engines, store=store)
        document = load_document(store, outcome)
    spoken = [(line.text, line.speaker) for line in document.lines if line.channel is Channel.SPEECH]
    assert spoken == [("Sentence 1.", "Speaker 1"), ("Sentence 2.", "Speaker 2"), ("Sentence 3.", "Speaker 1")]
    assert {name for segment in document.segments for name in segment.speakers} == {"Speaker 1", "Speaker 2"}
    heard = [line for line in document.lines if line.channel is Channel.SOUND and line.text == "Alarm"]
    assert any(line.start < 17.5 and line.end > 22.5 for line in heard)
    assert document.channels[Channel.SOUND].id.startswith("audio-transformers")  # type: ignore[union-attr]


# --- sounds ---------------------------------------------------------------------------------------------------------


def test_a_sound_over_a_border_is_one_line() -> None:
    events = [
        SoundEvent("Applause", 95.0, 100.0, 0.5), SoundEvent("Applause", 100.0, 105.0, 0.8),
        SoundEvent("Music", 90.0, 130.0, 0.9), SoundEvent("Applause", 110.0, 115.0, 0.4),
    ]  # fmt: skip
    found = sound_lines(events, "x:y")
    assert [(line.text, line.start, line.end, line.confidence) for line in found] == [
        ("Music", 90.0, 130.0, 0.9), ("Applause", 95.0, 105.0, 0.8), ("Applause", 110.0, 115.0, 0.4),
    ]  # fmt: skip
    assert all(line.channel is Channel.SOUND and line.source == "x:y" for line in found)
