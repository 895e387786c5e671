"""Sound: every sample at its own time, whatever the container does."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from ingest.audio import RATE, quietest, sound, windows
from ingest.probe import probe
from reelseek.records import Audio
from reelseek.settings import IngestSettings
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


def test_a_gap_in_the_sound_is_silence(tmp_path: Path) -> None:
    path = tmp_path / "gap.mkv"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("flac", rate=RATE, layout="mono")
        for begin in (0.0, 6.0):
            for place in range(0, RATE, 800):
                part = (tone([(0.2, 0.4)], 1.0)[place : place + 800] * 32767).astype(np.int16).reshape(1, -1)
                frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
                frame.sample_rate, frame.pts = RATE, round(begin * RATE) + place
                frame.time_base = Fraction(1, RATE)
                output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    assert tone_spans(heard(path)) == [pytest.approx((0.2, 0.4), abs=0.06), pytest.approx((6.2, 6.4), abs=0.06)]


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
