"""Subtitles that are pictures: decoded, set on an even ground, read by the real screen-text engine."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from engines.protocols import ScreenTextEngine
from ingest.bitmap_subtitles import BITMAP, Shown, bitmaps, joined
from ingest.probe import probe
from ingest.speech import speech_source, spoken_lines
from reelseek.records import EngineRef
from reelseek.setting_groups import EngineSettings, IngestSettings
from tests.support.bitmap_subtitles import write_sup
from tests.support.media import busy, steady, write_video

SETTINGS = IngestSettings()
CUES = [
    (1.0, 2.5, "Hello there,\nGeneral."),
    (3.0, 4.5, "The river rises in the hills."),
    (4.5, 6.0, "It flows south."),
]
READER = EngineRef("rapidocr:packaged", "f")


@pytest.fixture(scope="module")
def reader() -> ScreenTextEngine:
    from engines.rapidocr_engine import RapidOcrEngine

    return RapidOcrEngine(READER, None, EngineSettings(threads=1, device="cpu"))


def subtitled(folder: Path, codec: str, *, ending: str = "mkv", ink: int = 235, more: tuple[str, ...] = ()) -> Path:
    """A video with a track of pictures, by ffmpeg; "copy" leaves Blu-ray's own."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("the command ffmpeg, which makes the test's file, is not here")
    sup = write_sup(folder / "a.sup", CUES, ink=ink)
    video = write_video(folder / "v.mp4", steady([(8.0, busy(1, 640, 360))]))
    path = folder / f"{codec}.{ending}"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-copyts", "-i", video, "-i", sup, "-map", "0:v", "-map", "1:s", "-c:v", "copy",
         "-c:s", codec, "-metadata:s:s:0", "language=eng", *more, path],
        check=True,
    )  # fmt: skip
    return path


@pytest.mark.parametrize("codec", ["copy", "dvdsub"])
def test_pictures_become_sentences_with_their_times(tmp_path: Path, reader: ScreenTextEngine, codec: str) -> None:
    path = subtitled(tmp_path, codec)
    info = probe(path, SETTINGS)
    assert [(track["kind"], track["language"]) for track in info.subtitle_tracks] == [("picture", "en")]
    source = speech_source(path, info, SETTINGS, None, READER)
    assert (source.pictures, source.language) == (1, "en")
    ref, lines = spoken_lines(
        path, info, SETTINGS, source, load=lambda: None, progress=lambda _: None, read=lambda: reader
    )
    assert ref is not None
    assert ref.id == BITMAP
    assert [line.text for line in lines] == [
        "Hello there, General.",
        "The river rises in the hills.",
        "It flows south.",
    ]
    assert [line.start for line in lines] == [pytest.approx(start, abs=0.05) for start, _, _ in CUES]
    assert {(line.source, line.language, line.channel) for line in lines} == {(BITMAP, "en", "speech")}
    if codec == "copy":
        assert [line.end for line in lines] == [pytest.approx(end, abs=0.05) for _, end, _ in CUES]


def test_broadcast_subtitles_are_read(tmp_path: Path, reader: ScreenTextEngine) -> None:
    path = subtitled(tmp_path, "dvbsub", ending="ts")
    info = probe(path, SETTINGS)
    first = next(joined(bitmaps(path, info, 1)))
    assert first.image is not None
    assert first.start == pytest.approx(1.0, abs=0.05)
    assert [line.text for line in reader.read([first.image])[0]] == ["Hello there,", "General."]


def test_dark_letters_are_read_as_well(tmp_path: Path, reader: ScreenTextEngine) -> None:
    path = subtitled(tmp_path, "copy", ink=90)
    shown = [item.image for item in joined(bitmaps(path, probe(path, SETTINGS), 1)) if item.image is not None]
    assert "river" in reader.read([shown[1]])[0][0].text


def test_a_text_track_wins_and_pictures_without_a_reader_are_nothing(tmp_path: Path) -> None:
    path = subtitled(tmp_path, "copy")
    info = probe(path, SETTINGS)
    assert speech_source(path, info, SETTINGS, None).silent
    (tmp_path / "copy.srt").write_text("1\n00:00:01,000 --> 00:00:02,500\nWritten.\n")
    source = speech_source(path, info, SETTINGS, None, READER)
    assert (source.sidecar, source.pictures) == (tmp_path / "copy.srt", None)


def test_the_reader_is_part_of_the_source_s_identity(tmp_path: Path) -> None:
    path = subtitled(tmp_path, "copy")
    info = probe(path, SETTINGS)
    one, other = (speech_source(path, info, SETTINGS, None, EngineRef("r:r", print_)) for print_ in ("f", "g"))
    assert one.identity != other.identity


def test_a_cut_off_file_gives_what_is_there(tmp_path: Path) -> None:
    path = subtitled(tmp_path, "copy")
    info = probe(path, SETTINGS)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert len(list(bitmaps(path, info, 1))) <= 2 * len(CUES)


def test_a_repeated_picture_is_one_subtitle_and_an_empty_screen_ends_it() -> None:
    a, b = np.zeros((4, 4, 3), np.uint8), np.ones((4, 4, 3), np.uint8)
    shown = [Shown(0, 9, a), Shown(1, 9, a), Shown(2, 12, None), Shown(3, 9, b), Shown(4, 6, a)]
    spans = [(item.start, item.end) for item in joined(iter(shown))]
    assert spans == [(0, 2), (3, 4), (4, 6)]
