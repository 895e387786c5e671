from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from ingest.cutting import Cut, make_clip
from reelseek.errors import InvalidRequest, MediaError
from reelseek.records import Audio, Image
from tests.support.media import Timed, plain, steady, tone, tone_spans, turned, write_video
from tests.support.odd_media import film

BLOCK = 20


def numbered(number: int, width: int = 320, height: int = 180) -> Image:
    """A picture that shows its number as eight black or white blocks, most significant first, on grey."""
    picture = np.full((height, width, 3), 128, np.uint8)
    for place in range(8):
        picture[:BLOCK, place * BLOCK : (place + 1) * BLOCK] = 255 if number >> (7 - place) & 1 else 0
    return picture


def number_of(picture: Image) -> int:
    middles = picture[BLOCK // 2, BLOCK // 2 : 8 * BLOCK : BLOCK].mean(axis=1)
    return sum(1 << (7 - place) for place, level in enumerate(middles) if level > 128)


def counted(seconds: float, fps: float, width: int = 320, height: int = 180) -> list[Timed]:
    return [(n / fps, numbered(n, width, height)) for n in range(round(seconds * fps))]


def shown(path: Path) -> list[Timed]:
    """Every picture with its time, as a player shows it."""
    with av.open(str(path)) as container:
        return [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def changed(found: list[Timed]) -> float:
    """Seconds from the first picture until it turns into its negative."""
    return next(time - found[0][0] for time, picture in found if np.abs(picture.astype(int) - found[0][1]).mean() > 30)


def heard(path: Path) -> Audio:
    """Its sound at 16 kHz from the second 0 of the file on."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=16_000)
    pieces = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            pieces += [out.to_ndarray()[0] for out in resampler.resample(frame)]
        pieces += [out.to_ndarray()[0] for out in resampler.resample(None)]
    return np.concatenate(pieces)


def length_of(path: Path) -> dict[str, float]:
    with av.open(str(path)) as container:
        return {
            stream.type: float(stream.duration * stream.time_base)
            for stream in container.streams
            if stream.type in ("video", "audio")
        }


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """10 s at 25 pictures a second, numbered, a beep of 0.2 s at every full second, few key pictures."""
    beeps = tone([(second, second + 0.2) for second in range(10)], 10.0)
    return write_video(tmp_path_factory.mktemp("cut") / "source.mp4", counted(10, 25), sound=beeps, gop=100)


def test_a_clip_begins_and_ends_at_the_very_picture_and_its_sound_stays_with_it(source: Path, tmp_path: Path) -> None:
    told: list[float] = []
    length = make_clip([Cut(source, 3.5, 7.48)], tmp_path / "clip.mp4", title="A clip", progress=told.append)
    assert length == pytest.approx(3.98)
    found = shown(tmp_path / "clip.mp4")
    assert [number_of(picture) for _, picture in found] == list(range(87, 187)), "87 stands at 3.5 s"
    assert found[0][0] == 0.0
    assert found[1][0] == pytest.approx(88 / 25 - 3.5, abs=0.001)
    spans = tone_spans(heard(tmp_path / "clip.mp4"))
    assert [start for start, _ in spans] == pytest.approx([0.5, 1.5, 2.5, 3.5], abs=0.015)
    assert length_of(tmp_path / "clip.mp4") == pytest.approx({"video": 3.98, "audio": 3.98}, abs=0.05)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 3
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert container.metadata["title"] == "A clip"


def test_colours_survive(tmp_path: Path) -> None:
    colours = [(200, 30, 40), (20, 160, 60), (30, 40, 190), (240, 240, 240), (8, 8, 8)]
    source = write_video(tmp_path / "colours.mp4", steady([(1.0, plain(colour)) for colour in colours]))
    make_clip([Cut(source, 0.0, 5.0)], tmp_path / "clip.mp4")
    with av.open(str(source)) as before, av.open(str(tmp_path / "clip.mp4")) as after:
        assert after.streams.video[0].codec_context.colorspace == 1
        assert after.streams.video[0].codec_context.color_range == 1
        frames = zip(before.decode(video=0), after.decode(video=0), strict=True)
        for first, second in frames:
            wanted = first.to_ndarray(format="rgb24", src_colorspace="ITU601").mean(axis=(0, 1))
            # a player that reads the tags of the clip sees the same colour
            seen = second.to_ndarray(format="rgb24", src_colorspace="ITU709").mean(axis=(0, 1))
            assert seen == pytest.approx(wanted, abs=4)


def test_a_copied_clip_begins_at_the_key_picture_before_and_nothing_is_encoded(source: Path, tmp_path: Path) -> None:
    length = make_clip([Cut(source, 4.5, 6.0)], tmp_path / "copy.mp4", copy=True)
    found = shown(tmp_path / "copy.mp4")
    numbers = [number_of(picture) for _, picture in found]
    assert numbers[0] == 100, "the key picture at 4.0 s"
    assert numbers == list(range(100, 150))
    assert length == pytest.approx(2.0, abs=0.1)
    assert tone_spans(heard(tmp_path / "copy.mp4"))[0][0] == pytest.approx(0.0, abs=0.08)
    packets = {bytes(p) for p in av.open(str(source)).demux(video=0) if p.size}
    copied = [bytes(p) for p in av.open(str(tmp_path / "copy.mp4")).demux(video=0) if p.size]
    assert all(packet in packets for packet in copied)


def test_several_copied_cuts_follow_one_another(source: Path, tmp_path: Path) -> None:
    make_clip([Cut(source, 8.0, 9.0), Cut(source, 0.0, 1.0)], tmp_path / "copy.mp4", copy=True)
    found = shown(tmp_path / "copy.mp4")
    assert [number_of(picture) for _, picture in found] == [*range(200, 225), *range(25)]
    assert [time for time, _ in found] == sorted(time for time, _ in found)
    other = write_video(tmp_path / "other.mp4", counted(1, 25))
    with pytest.raises(InvalidRequest, match="several files"):
        make_clip([Cut(source, 0, 1), Cut(other, 0, 1)], tmp_path / "both.mp4", copy=True)


def test_a_reel_of_different_sources_keeps_picture_and_sound_together(source: Path, tmp_path: Path) -> None:
    upright = write_video(tmp_path / "small.mkv", counted(6, 12, 180, 240), sound=tone([(2.0, 2.3)], 6.0), offset=7.0)
    silent = write_video(tmp_path / "silent.mp4", counted(3, 30))
    cuts = [Cut(upright, 1.5, 3.5), Cut(silent, 1.0, 2.0), Cut(source, 4.75, 6.25, "The source")]
    length = make_clip(cuts, tmp_path / "reel.mp4")
    assert length == pytest.approx(4.5)
    found = shown(tmp_path / "reel.mp4")
    assert {picture.shape for _, picture in found} == {(180, 320, 3)}
    assert all(later > earlier for (earlier, _), (later, _) in pairwise(found))
    last = [(time, number_of(picture)) for time, picture in found if time >= 3.0 - 1e-3]
    assert last[0] == (pytest.approx(3.0, abs=1e-3), 118)
    assert [number for _, number in last] == list(range(118, 157))
    middle = [number_of(picture) for time, picture in found if 2.0 - 1e-3 <= time < 3.0 - 1e-3]
    assert middle == list(range(30, 60))
    spans = tone_spans(heard(tmp_path / "reel.mp4"))
    assert [start for start, _ in spans] == pytest.approx([0.5, 3.25, 4.25], abs=0.02)
    assert length_of(tmp_path / "reel.mp4") == pytest.approx({"video": 4.5, "audio": 4.5}, abs=0.1)
    edge = found[3][1]
    assert edge[90, 5].max() < 30, "a picture of another shape is padded"
    with av.open(str(tmp_path / "reel.mp4")) as container:
        marks = container.chapters()
        assert [mark["metadata"]["title"] for mark in marks] == ["small", "silent", "The source"]
        assert [float(mark["start"] * mark["time_base"]) for mark in marks] == pytest.approx([0.0, 2.0, 3.0])


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_video_stays_upright(tmp_path: Path, degrees: int) -> None:
    picture = plain((20, 20, 200))
    picture[:40, :60] = (220, 30, 30)
    source = turned(write_video(tmp_path / "turned.mp4", steady([(2.0, picture)])), degrees)
    corner = {90: (0, -1), 180: (-1, -1), 270: (-1, 0)}[degrees]
    make_clip([Cut(source, 0.5, 1.0)], tmp_path / "clip.mp4")
    frame = shown(tmp_path / "clip.mp4")[0][1]
    assert frame.shape[:2] == ((320, 180) if degrees != 180 else (180, 320))
    row, column = (10 if place == 0 else -10 for place in corner)
    assert frame[row, column, 0] > 150, "the red corner"
    make_clip([Cut(source, 0.5, 1.0)], tmp_path / "copy.mp4", copy=True)
    with av.open(str(tmp_path / "copy.mp4")) as container:
        assert -next(container.decode(video=0)).rotation % 360 == degrees


def test_pictures_at_uneven_distances_keep_their_times(tmp_path: Path) -> None:
    times = [0.0, 0.1, 0.13, 0.9, 1.0, 1.05, 2.4, 2.44, 3.0]
    source = write_video(tmp_path / "uneven.mp4", [(time, numbered(n)) for n, time in enumerate(times)])
    make_clip([Cut(source, 0.5, 2.42)], tmp_path / "clip.mp4")
    found = [(time, number_of(picture)) for time, picture in shown(tmp_path / "clip.mp4")]
    assert [number for _, number in found][:5] == [2, 3, 4, 5, 6]
    assert [time for time, _ in found][:5] == pytest.approx([0.0, 0.4, 0.5, 0.55, 1.9], abs=0.001)
    make_clip([Cut(source, 1.2, 2.2)], tmp_path / "still.mp4")
    assert [number_of(picture) for _, picture in shown(tmp_path / "still.mp4")] == [5, 5], "it stands to the end"


def test_a_height_makes_it_smaller_and_sound_alone_can_be_cut(source: Path, tmp_path: Path) -> None:
    make_clip([Cut(source, 0.0, 1.0)], tmp_path / "small.mp4", height=90)
    assert shown(tmp_path / "small.mp4")[0][1].shape == (90, 160, 3)
    spoken = write_video(tmp_path / "spoken.mp3", sound=tone([(2.0, 3.0)], 5.0))
    make_clip([Cut(spoken, 1.5, 4.0)], tmp_path / "spoken.mp4")
    assert tone_spans(heard(tmp_path / "spoken.mp4"))[0] == pytest.approx((0.5, 1.5), abs=0.06)
    make_clip([Cut(spoken, 1.5, 2.5), Cut(source, 2.0, 3.0)], tmp_path / "reel.mp4")
    assert number_of(shown(tmp_path / "reel.mp4")[1][1]) == 50


@pytest.mark.parametrize("ending", ["ts", "webm", "mkv", "avi", "mov", "flv"])
def test_it_cuts_out_of_other_containers(tmp_path: Path, ending: str) -> None:
    codec = {"webm": "libvpx", "avi": "mjpeg", "flv": "flv"}.get(ending, "libx264")
    sound_rate = ("-ar", "44100") if ending == "flv" else ()
    source = film(tmp_path / f"source.{ending}", "-g", "20", *sound_rate, sound=4.0, codec=codec)
    make_clip([Cut(source, 1.6, 2.4)], tmp_path / "clip.mp4")
    found = shown(tmp_path / "clip.mp4")
    assert len(found) == pytest.approx(20, abs=1)
    assert changed(found) == pytest.approx(changed(shown(source)) - 1.6, abs=0.05)
    assert np.abs(heard(tmp_path / "clip.mp4")).max() > 0.05


def test_what_cannot_be_cut_is_told_and_nothing_is_left(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out" / "clip.mp4"
    target.parent.mkdir()
    with pytest.raises(InvalidRequest, match="nothing to cut"):
        make_clip([], target)
    with pytest.raises(InvalidRequest, match="nothing between"):
        make_clip([Cut(source, 5.0, 5.0)], target)
    with pytest.raises(InvalidRequest, match=r"ends at 10\.0 s"):
        make_clip([Cut(source, 50.0, 51.0)], target)
    with pytest.raises(MediaError, match=r"gone\.mp4: The file is not there"):
        make_clip([Cut(source, 0, 1), Cut(tmp_path / "gone.mp4", 0.0, 1.0)], target)
    (tmp_path / "text.mp4").write_text("ffconcat version 1.0\nfile 'source.mp4'\n")
    with pytest.raises(MediaError, match=r"text\.mp4"):
        make_clip([Cut(tmp_path / "text.mp4", 0.0, 1.0)], target)

    class Stop(Exception):
        pass

    def stop(_share: float) -> None:
        raise Stop

    with pytest.raises(Stop):
        make_clip([Cut(source, 0, 9)], target, progress=stop)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("copy", [False, True])
def test_a_full_disk_is_told_and_what_was_there_stays(source: Path, tmp_path: Path, *, copy: bool) -> None:
    """The system's own limit on a file's size stands for a full disk: the write fails midway."""
    target = tmp_path / "clip.mp4"
    target.write_bytes(b"before")
    code = (
        "import resource, signal, sys\nfrom pathlib import Path\nfrom ingest.cutting import Cut, make_clip\n"
        "from reelseek.errors import StorageError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))\n"
        f"try: make_clip([Cut(Path({str(source)!r}), 0.0, 9.0)], Path({str(target)!r}), copy={copy})\n"
        "except StorageError as error: print(error)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ)
    assert "The folder of the clip cannot be written" in result.stdout, result.stderr
    assert target.read_bytes() == b"before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4"]


def test_a_long_reel_does_not_drift(source: Path, tmp_path: Path) -> None:
    """Lengths that are no whole number of pictures or of sound frames do not add up to a shift."""
    cuts = [Cut(source, 0.013 + second, 0.51 + second) for second in range(9)] * 4
    length = make_clip(cuts, tmp_path / "reel.mp4")
    assert length == pytest.approx(sum(cut.duration for cut in cuts))
    cut = cuts[0].duration
    ends = [end for _, end in tone_spans(heard(tmp_path / "reel.mp4"))]
    assert ends == pytest.approx([number * cut + 0.187 for number in range(len(cuts))], abs=0.02)
    assert Fraction(round(length * 1000), 1000) == Fraction(17892, 1000)
