"""Sound: every sample at its own time, whatever the container does."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from ingest import audio
from ingest.audio import RATE, quiet_border, quietest, sound, windows
from ingest.audio_tracks import audio_choice, chosen_audio
from ingest.probe import probe
from reelseek.records import Audio, VideoInfo
from reelseek.setting_groups import IngestSettings
from tests.support.media import busy, steady, tone, tone_spans, write_video

SETTINGS = IngestSettings()


def heard(path: Path) -> Audio:
    info = probe(path, SETTINGS, "0" * 32)
    return np.concatenate([np.zeros(0, np.float32), *sound(path, info, SETTINGS)])


@pytest.mark.parametrize("ending", [".wav", ".mp3", ".m4a", ".mkv", ".mp4", ".webm"])
def test_a_tone_is_heard_when_it_sounds(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    frames = steady([(4.0, busy(1))]) if ending in (".mkv", ".mp4") else ()
    write_video(path, frames, sound=tone([(1.0, 1.5), (3.0, 3.4)], 4.0))
    samples = heard(path)
    assert samples.dtype == np.float32
    assert len(samples) / RATE == pytest.approx(4.0, abs=0.2)
    (first, second) = tone_spans(samples)
    assert first == pytest.approx((1.0, 1.5), abs=0.1)
    assert second == pytest.approx((3.0, 3.4), abs=0.1)


def test_sound_that_begins_late_keeps_its_time(tmp_path: Path) -> None:
    path = write_video(
        tmp_path / "late.mkv", steady([(5.0, busy(1))]), sound=tone([(0.5, 1.0)], 2.0), sound_at=2.0, offset=40.0
    )
    assert tone_spans(heard(path)) == [pytest.approx((2.5, 3.0), abs=0.1)]


def write_gap(path: Path) -> Path:
    """A tone at 0.2 s and at 14.2 s, and nothing at all from 1 s to 14 s."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("flac", rate=RATE, layout="mono")
        for begin in (0.0, 14.0):
            for place in range(0, RATE, 800):
                part = (tone([(0.2, 0.4)], 1.0)[place : place + 800] * 32767).astype(np.int16).reshape(1, -1)
                frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
                frame.sample_rate, frame.pts = RATE, round(begin * RATE) + place
                frame.time_base = Fraction(1, RATE)
                output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def test_a_gap_in_the_sound_is_silence(tmp_path: Path) -> None:
    path = write_gap(tmp_path / "gap.mkv")
    assert tone_spans(heard(path)) == [pytest.approx((0.2, 0.4), abs=0.06), pytest.approx((14.2, 14.4), abs=0.06)]


def test_windows_join_to_the_whole_and_are_cut_in_silence() -> None:
    whole = tone([(0.0, 8.0), (8.5, 17.0), (17.5, 30.0)], 30.0)
    pieces = [whole[place : place + 1000] for place in range(0, len(whole), 1000)]
    found = list(windows(iter(pieces), longest=10.0))
    assert np.array_equal(np.concatenate([samples for _, samples in found]), whole)
    assert all(len(samples) <= 10 * RATE for _, samples in found)
    begins = [begin for begin, _ in found]
    assert 8.0 < begins[1] < 8.5
    assert 17.0 < begins[2] < 17.5
    for begin, samples in found:
        assert np.array_equal(whole[round(begin * RATE) :][: len(samples)], samples)


def test_the_quietest_place_of_almost_nothing_is_its_end() -> None:
    assert quietest(np.zeros(100, np.float32)) == 100


def test_a_video_without_sound_gives_none(tmp_path: Path) -> None:
    assert len(heard(write_video(tmp_path / "mute.mp4", steady([(1.0, busy(1))])))) == 0


def test_real_sound_tracks_are_as_long_as_their_video(shared_data: Path) -> None:
    for name in ("exo_bbb_2500ms.ts", "exo_video_desks.3gp", "moviepy_no_duration.webm", "tc_nasa_13013.mp4"):
        path = shared_data / "video" / name
        assert len(heard(path)) / RATE == pytest.approx(probe(path, SETTINGS, "0" * 32).duration, abs=0.3), name


# --- stretches of a longer sound ------------------------------------------------------------------------------------

CODECS = {
    "aac.mp4": "-c:a aac -ar 44100",
    "aac.ts": "-c:a aac -ar 48000 -f mpegts",
    "aac.aac": "-c:a aac -ar 44100",
    "opus.webm": "-c:a libopus -ar 48000",
    "opus.ogg": "-c:a libopus",
    "mp3.mp3": "-c:a libmp3lame -q:a 4 -ar 44100",
    "mp3.mkv": "-c:a libmp3lame -ar 44100",
    "pcm.wav": "-c:a pcm_s16le -ar 22050 -ac 2",
    "flac.mkv": "-c:a flac -ar 44100",
    "aac.flv": "-c:a aac -ar 44100",
}


@pytest.fixture(scope="module")
def speech(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Almost a minute of real speech."""
    folder = tmp_path_factory.mktemp("speech")
    sources = [shared_data / "audio" / name for name in ("fasterwhisper_multilingual.mp3", "jfk.flac")]
    inputs = [part for source in sources for part in ("-i", str(source))]
    join = "[0]atrim=10:50[a];[a][1]concat=n=2:v=0:a=1,aformat=channel_layouts=mono"
    target = folder / "speech.wav"
    ffmpeg(*inputs, "-filter_complex", join, "-ar", "16000", str(target))
    return target


def ffmpeg(*arguments: str) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True)


def in_chunks(path: Path, info: VideoInfo, settings: IngestSettings) -> list[Audio]:
    borders = [
        quiet_border(path, info, settings, nominal) for nominal in np.arange(0.0, info.duration, settings.chunk_seconds)
    ]
    ends = [*borders[1:], info.duration]
    return [
        np.concatenate([np.zeros(0, np.float32), *sound(path, info, settings, start, end)])
        for start, end in zip(borders, ends, strict=True)
    ]


def assert_alike(joined: Audio, whole: Audio) -> None:
    """The same sound to within a sample or two, a second at a time; silence may follow."""
    count = min(len(joined), len(whole))
    assert len(whole) - len(joined) <= 20
    assert not joined[len(whole) + 2 * RATE // 1000 :].any()
    for begin in range(RATE, count - 2 * RATE, RATE):
        second = whole[begin : begin + RATE]
        if second.std() < 1e-3:
            continue
        alike = [np.corrcoef(second, joined[begin + by : begin + by + RATE])[0, 1] for by in range(-3, 4)]
        assert max(alike) > 0.9, (begin / RATE, alike)


@pytest.mark.parametrize("name", CODECS)
def test_chunks_join_to_the_whole(name: str, speech: Path, tmp_path: Path) -> None:
    path = tmp_path / name
    ffmpeg("-i", str(speech), *CODECS[name].split(), str(path))
    settings = IngestSettings(chunk_seconds=16)
    info = probe(path, settings, "0" * 32)
    assert_alike(np.concatenate(in_chunks(path, info, settings)), heard(path))


def test_chunks_of_a_video_with_uneven_pictures_and_an_offset_join_to_the_whole(speech: Path, tmp_path: Path) -> None:
    with av.open(str(speech)) as container:
        samples = np.concatenate([frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)])
    samples = (samples[: 50 * RATE] / 32768).astype(np.float32)
    times = np.cumsum(np.random.default_rng(0).uniform(0.02, 0.9, 140))
    pictures = [(float(time), busy(index % 5)) for index, time in enumerate(times)]
    path = write_video(tmp_path / "uneven.mkv", pictures, sound=samples, sound_at=1.5, offset=33.0, gop=250)
    settings = IngestSettings(chunk_seconds=15)
    info = probe(path, settings, "0" * 32)
    joined = np.concatenate(in_chunks(path, info, settings))
    assert_alike(joined, heard(path))
    late = np.concatenate([np.zeros(round((33.0 + 1.5 - info.start_offset) * RATE), np.float32), samples])
    assert_alike(joined, late)


def test_a_gap_over_a_border_stays_silence(tmp_path: Path) -> None:
    path = write_gap(tmp_path / "gap.mkv")
    settings = IngestSettings(chunk_seconds=10)
    info = probe(path, settings, "0" * 32)
    chunks = in_chunks(path, info, settings)
    assert [len(chunk) / RATE for chunk in chunks] == [10.0, 5.0]
    spans = tone_spans(np.concatenate(chunks))
    assert spans == [pytest.approx((0.2, 0.4), abs=0.06), pytest.approx((14.2, 14.4), abs=0.06)]


def test_a_stretch_after_the_sound_has_ended_is_silence_up_to_its_end(tmp_path: Path) -> None:
    path = write_video(tmp_path / "short.mp4", steady([(8.0, busy(1))]), sound=tone([(0.0, 2.0)], 2.0))
    info = probe(path, SETTINGS, "0" * 32)
    (silence,) = sound(path, info, SETTINGS, 5.0, 7.0)
    assert len(silence) == 2 * RATE
    assert not silence.any()


def test_a_border_is_where_it_is_quietest(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_video(path, sound=tone([(0.0, 17.0), (17.6, 23.0), (23.4, 40.0)], 40.0))
    info = probe(path, SETTINGS, "0" * 32)
    assert 17.2 < quiet_border(path, info, SETTINGS, 20.0) < 17.5
    assert quiet_border(path, info, SETTINGS, 30.0) == 30.0
    assert quiet_border(path, info, SETTINGS, 0.0) == 0.0
    assert quiet_border(path, info, SETTINGS, info.duration) == info.duration


def test_a_stretch_is_decoded_from_near_its_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "long.m4a"
    ffmpeg("-f", "lavfi", "-i", "sine=440:r=16000", "-t", "90", "-c:a", "aac", str(path))
    info = probe(path, SETTINGS, "0" * 32)
    decoded: list[float] = []
    original = audio._decoded

    def counted(*arguments: Any) -> Iterator[av.AudioFrame]:
        for frame in original(*arguments):
            decoded.append(frame.samples / frame.sample_rate)
            yield frame

    monkeypatch.setattr(audio, "_decoded", counted)
    assert sum(map(len, sound(path, info, SETTINGS, 70.0, 75.0))) == 5 * RATE
    assert sum(decoded) < 12


# --- several tracks -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dubbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tone for each track: 300 Hz commentary (en, default), 600 Hz de, 900 Hz en 5.1, 1200 Hz fr."""
    path = tmp_path_factory.mktemp("dubbed") / "film.mkv"
    inputs = [part for hertz in (300, 600, 900, 1200) for part in ("-f", "lavfi", "-i", f"sine={hertz}:r=48000:d=2")]
    languages = [
        part
        for n, code in enumerate(("eng", "ger", "eng", "fre"))
        for part in (f"-metadata:s:a:{n}", f"language={code}")
    ]
    ffmpeg(
        *inputs, *(part for n in range(4) for part in ("-map", str(n))), *languages,
        "-metadata:s:a:0", "title=Director's commentary", "-disposition:a:0", "default+comment", "-ac:a:2", "6",
        "-c:a", "flac", str(path),
    )  # fmt: skip
    return path


@pytest.mark.parametrize(
    ("language", "asked", "hertz"),
    [("", "", 900), ("en", "", 900), ("de-AT", "", 600), ("", "fr", 1200), ("en", "0", 300), ("", "7", 900)],
)
def test_which_track_is_heard(dubbed: Path, language: str, asked: str, hertz: int) -> None:
    settings = IngestSettings(language=language, audio_track=asked)
    info = probe(dubbed, settings, "0" * 32)
    samples = np.concatenate(list(sound(dubbed, info, settings)))[:RATE]
    assert np.argmax(np.abs(np.fft.rfft(samples))) == pytest.approx(hertz, abs=2)


def test_tracks_are_listed_and_the_chosen_one_is_said(dubbed: Path) -> None:
    info = probe(dubbed, SETTINGS, "0" * 32)
    assert [(track["language"], track["channels"], track["kind"]) for track in info.audio_tracks] == [
        ("en", "1", "beside"), ("de", "1", "main"), ("en", "6", "main"), ("fr", "1", "main"),
    ]  # fmt: skip
    assert chosen_audio(info, SETTINGS) == "sound track 2 (en, 6 channels) of 4"
    rules = {
        "": "no commentary or description, the most channels",
        "de": "nearest to the wanted language (de)",
        "0": "the number that ingest.audio_track names",
    }
    for asked, rule in rules.items():
        choice = audio_choice(info, IngestSettings(audio_track=asked))
        assert choice is not None
        assert choice.rule == rule
    assert chosen_audio(info, IngestSettings(audio_track="it")).endswith("of 4; none is it")
