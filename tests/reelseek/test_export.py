from __future__ import annotations

import csv
import io
import json
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import opentimelineio as otio
import pysubs2
import pytest

from ingest.media_clock import media_clock
from reelseek.errors import InvalidRequest
from reelseek.export.captions import chapters_ffmetadata, chapters_vtt, transcript_srt, transcript_vtt
from reelseek.export.clocks import MediaClock, parse_timecode, standard_rate
from reelseek.export.excerpts import Excerpt, permalink
from reelseek.export.formats import FORMATS, Listing, file_name
from reelseek.export.playlists import excerpts_m3u
from reelseek.export.tables import excerpts_csv
from reelseek.export.timelines import edl_text, otio_text
from reelseek.records import Channel, Chapter, TimedText
from tests.support.media import plain, steady, write_video

NTSC = Fraction(30_000, 1001)
FILM = Fraction(24_000, 1001)
A, B = "a" * 32, "b" * 32
ODD = "C:\\New {x} <i>a</i> & --> b"


def line(start: float, end: float, text: str, speaker: str = "") -> TimedText:
    return TimedText(Channel.SPEECH, start, end, text, speaker=speaker)


LINES = [
    line(3600.5, 3602.25, "Later", "Ada <3"),
    line(1.0, 1.0, ODD),
    line(2.0, 3.0, " two\n\nlines "),
    line(4, 5, " "),
]


def test_srt_keeps_every_character_and_the_order_of_time() -> None:
    text = transcript_srt(LINES)
    assert text.startswith(f"1\n00:00:01,000 --> 00:00:01,001\n{ODD}\n\n2\n00:00:02,000")
    read = pysubs2.SSAFile.from_string(text, "srt")
    assert [(event.start, event.end) for event in read] == [(1000, 1001), (2000, 3000), (3_600_500, 3_602_250)]
    assert read[1].plaintext == "two lines"
    assert read[2].plaintext == "Ada <3: Later"


def test_vtt_is_escaped_and_names_its_speakers() -> None:
    text = transcript_vtt(LINES)
    assert "C:\\New {x} &lt;i&gt;a&lt;/i&gt; &amp; --&gt; b" in text
    assert "<v Ada &lt;3>Later" in text
    assert [event.start for event in pysubs2.SSAFile.from_string(text, "vtt")] == [1000, 2000, 3_600_500]
    assert transcript_vtt([]) == "WEBVTT\n"
    assert chapters_vtt([Chapter(0, 0.0, 2.0, "A\nB")]).endswith("00:00:00.000 --> 00:00:02.000\nA B\n")


def test_ffmpeg_reads_the_chapters_back(tmp_path: Path) -> None:
    chapters = [Chapter(0, 0.0, 1.25, "Intro; a=b #1 \\ back"), Chapter(1, 1.25, 3.0, "Zweites – Kapitel")]
    meta = tmp_path / "chapters.txt"
    meta.write_text(chapters_ffmetadata(chapters, "The = title"), encoding="utf-8")
    film = write_video(tmp_path / "film.mp4", steady([(3.0, plain((10, 90, 90)))]))
    made = tmp_path / "made.mp4"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", film, "-i", meta, "-map_metadata", "1", "-codec", "copy", made], check=True
    )
    with av.open(str(made)) as container:
        found = [
            (
                float(mark["start"] * mark["time_base"]),
                float(mark["end"] * mark["time_base"]),
                mark["metadata"]["title"],
            )
            for mark in container.chapters()
        ]
        assert container.metadata["title"] == "The = title"
    assert found == [(item.start, item.end, item.title) for item in chapters]


def test_no_cell_of_a_table_is_a_formula() -> None:
    evil = ["=1+1", "+1", "-2", "@SUM(A1)", "\t=1", "  =1", "＝1", 'a "quoted", one', "line\nbreak"]
    rows = list(csv.DictReader(io.StringIO(excerpts_csv([Excerpt(A, text, "", 1, 2, text=text) for text in evil]))))
    for row in rows[:7]:
        assert row["title"].startswith("'")
        assert row["text"].startswith("'")
    assert rows[7]["title"] == 'a "quoted", one'
    assert rows[0]["confidence"] == ""
    assert (rows[0]["start"], rows[0]["from"], rows[0]["to"]) == ("1", "0:01.0", "0:02.0")


def test_links_names_and_json() -> None:
    assert permalink("http://x", A, 12.5, 20.0) == f"http://x/videos/{A}?t=12.5&end=20"
    assert permalink("", A, 0.0, 0.0) == f"/videos/{A}?t=0"
    excerpt = Excerpt(A, "T", "/tmp/odd \udcff.mp4", 1.0, 2.0, 0.5, ("speech",), "said")
    document = json.loads(FORMATS["json"].write(Listing([excerpt], "query", "http://x")))
    assert document["title"] == "query"
    assert document["moments"][0]["path"] == "/tmp/odd \ufffd.mp4"
    assert FORMATS["links"].write(Listing([excerpt], base="http://x")) == f"http://x/videos/{A}?t=1&end=2\n"
    assert file_name("../../etc/pass:wd", ".csv") == "pass_wd.csv" or "/" not in file_name("../../etc/pass:wd", ".csv")
    assert file_name("???", ".mp4", 62.0, 90.5).endswith("1.02.0-1.30.5.mp4")
    assert file_name("", ".csv") == "reelseek.csv" or file_name("", ".csv").endswith("csv")


def test_a_playlist_names_the_files_and_their_ranges() -> None:
    excerpts = [Excerpt(A, "One\n#EXTINF", "/v/a b#1.mp4", 1.5, 3.0), Excerpt(B, "Gone", "", 0, 1)]
    assert excerpts_m3u(excerpts).splitlines() == [
        "#EXTM3U",
        "#EXTINF:2,One #EXTINF 0:01–0:03",
        "#EXTVLCOPT:start-time=1.500",
        "#EXTVLCOPT:stop-time=3.000",
        "file:///v/a%20b%231.mp4",
    ]


@pytest.mark.parametrize(
    ("text", "rate", "number", "drop"),
    [
        ("00:01:00;02", NTSC, 1800, True),
        ("00:10:00;00", NTSC, 17982, True),
        ("01:00:00;00", NTSC, 107892, True),
        ("01:00:00:00", NTSC, 108000, False),
        ("00:01:00;04", Fraction(60_000, 1001), 3600, True),
        ("01:00:00:00", Fraction(25), 90000, False),
        ("00:00:01:12", FILM, 36, False),
    ],
)
def test_time_codes_count_as_opentimelineio_does(text: str, rate: Fraction, number: int, *, drop: bool) -> None:
    assert parse_timecode(text, rate) == (number, drop)
    if drop or rate not in (NTSC,):
        assert otio.opentime.from_timecode(text, float(rate)).value == number


def test_what_is_no_time_code_is_refused() -> None:
    for text in ("00:00:00:25", "1:2", "00:61:00:00", "now"):
        with pytest.raises(InvalidRequest):
            parse_timecode(text, Fraction(25))
    assert standard_rate(29.97) == NTSC
    assert standard_rate(Fraction(14_985, 500)) == NTSC
    assert standard_rate(0) == 25
    assert standard_rate(12.5) == FILM


EXCERPTS = [
    Excerpt(A, "Lecture\n* LOC: evil", "/v/a b.mov", 1.0, 5.5, 0.7, ("speech",), "said"),
    Excerpt(B, "Lecture two", "/v/b.mp4", 61.0, 62.5),
    Excerpt(A, "Lecture\n* LOC: evil", "/v/a b.mov", 10.0, 10.01),
]


@pytest.mark.parametrize(
    ("rate", "start", "told", "first"),
    [
        (FILM, "00:59:58:12", "NON-DROP FRAME", "00:59:59:12"),
        (NTSC, "01:00:00;00", "DROP FRAME", "01:00:01;00"),
        (NTSC, "01:00:00:00", "NON-DROP FRAME", "01:00:01:00"),
        (Fraction(25), "10:00:00:00", "NON-DROP FRAME", "10:00:01:00"),
    ],
)
def test_an_edl_is_read_back_at_the_same_pictures(rate: Fraction, start: str, told: str, first: str) -> None:
    number, drop = parse_timecode(start, rate)
    clocks = {key: MediaClock(rate, number, drop, duration=100.0) for key in (A, B)}
    text = edl_text(EXCERPTS, clocks, "My reel\nFCM: x")
    lines = text.splitlines()
    assert lines[:2] == ["TITLE: My reel FCM: x", f"FCM: {told}"]
    assert first in lines[3]
    assert sum(item.startswith("* LOC") for item in lines) == 0
    shown = float(rate) if drop or rate.denominator == 1 else float(round(rate))
    back = otio.adapters.read_from_string(text, "cmx_3600", rate=shown)
    clips = list(back.find_clips())
    counted = [(round(item.start * rate), round(item.end * rate)) for item in EXCERPTS]
    for clip, (begin, end) in zip(clips, counted, strict=True):
        assert clip.source_range.start_time.value == number + begin
        assert clip.source_range.duration.value == max(1, end - begin)
    assert clips[0].media_reference.target_url == "file:///v/a%20b.mov"
    reels = [item.split()[1] for item in lines if item[:3].isdigit()]
    assert reels == ["LECTUREL", "LECTURET", "LECTUREL"]


def test_a_timeline_in_otio_keeps_rates_ranges_and_files() -> None:
    clocks = {
        A: MediaClock(NTSC, 107892, True, duration=100.0),
        B: MediaClock(Fraction(25), 0, False, True, 200.0, has_sound=False),
    }
    back = otio.adapters.read_from_string(otio_text(EXCERPTS, clocks, "Reel"), "otio_json")
    pictures, sounds = back.tracks
    assert (pictures.kind, sounds.kind) == ("Video", "Audio")
    clip = pictures[0]
    assert clip.media_reference.target_url == "file:///v/a%20b.mov"
    assert clip.source_range.start_time.value == 107892 + 30
    assert clip.source_range.start_time.rate == pytest.approx(29.97, abs=1e-3)
    assert clip.media_reference.available_range.start_time.value == 107892
    assert clip.metadata["reelseek"]["text"] == "said"
    assert pictures[1].source_range.duration.to_seconds() == pytest.approx(1.5, abs=0.04)
    assert pictures[1].metadata["reelseek"]["variable_frame_rate"] is True
    assert isinstance(sounds[1], otio.schema.Gap)
    assert sounds.duration().to_seconds() == pytest.approx(pictures.duration().to_seconds(), abs=0.05)
    with pytest.raises(InvalidRequest, match="nothing to put"):
        otio_text([], clocks)
    with pytest.raises(InvalidRequest, match="999"):
        edl_text(EXCERPTS * 400, clocks)


def test_files_of_mixed_rates_share_an_edl_by_their_times() -> None:
    clocks = {A: MediaClock(Fraction(25), 90_000, duration=100.0), B: MediaClock(Fraction(50), 180_000, duration=100.0)}
    back = otio.adapters.read_from_string(edl_text(EXCERPTS, clocks), "cmx_3600", rate=25)
    second = list(back.find_clips())[1]
    assert second.source_range.start_time.value == 90_000 + 61 * 25


@pytest.mark.parametrize(
    ("name", "rate", "code", "start", "drop"),
    [
        ("a.mov", "30000/1001", "01:00:00;00", 107892, True),
        ("b.mp4", "30000/1001", "01:00:00:00", 108000, False),
        ("c.mov", "24000/1001", "00:59:58:00", 86352, False),
        ("d.mxf", "25", "10:00:00:00", 900_000, False),
        ("e.mkv", "25", None, 0, False),
    ],
)
def test_rate_and_time_code_are_read_from_the_file(
    tmp_path: Path, name: str, rate: str, code: str | None, start: int, *, drop: bool
) -> None:
    codec = "mpeg2video" if name.endswith("mxf") else "libx264"
    stamped = ["-timecode", code] if code else []
    source = ["-f", "lavfi", "-i", f"testsrc=s=160x120:r={rate}:d=1"]
    command = ["ffmpeg", "-v", "error", *source, "-pix_fmt", "yuv420p", "-c:v", codec, *stamped, tmp_path / name]
    subprocess.run(command, check=True)
    clock = media_clock(tmp_path / name)
    assert (clock.rate, clock.start, clock.drop) == (Fraction(rate), start, drop)
    assert not clock.variable
    assert (clock.has_picture, clock.has_sound) == (True, False)


def test_a_variable_rate_is_told(tmp_path: Path) -> None:
    frames = [(time, plain((int(40 * time), 60, 90))) for time in (0, 0.04, 0.08, 0.5, 0.9, 1.0, 1.04, 2.0, 3.0)]
    assert media_clock(write_video(tmp_path / "uneven.mp4", frames)).variable
