"""A table of odd files and what each gives: length, shots, keyframes at the right times, or a reason in words.

What a container says of itself is in `test_probe.py`, the pictures themselves in `test_decode.py`; both also go through
all real clips.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engines.registry import Engines
from ingest.document import load_document
from ingest.pipeline import ingest_video
from ingest.probe import probe
from reelseek.artefacts import ArtefactStore
from reelseek.errors import MediaError
from reelseek.records import VideoDocument
from reelseek.setting_groups import IngestSettings
from reelseek.settings import Settings, load_settings
from tests.support.media import truncated, turned
from tests.support.odd_media import CUT, LENGTH, claims_length, claims_size, film, scenes, scrambled, trimmed

OFF = dict.fromkeys(("visual", "sentence", "speech", "screen_text", "objects", "vlm"), "off")
NEAR = 0.1
"""Seconds by which a time may be off."""


@dataclass(frozen=True)
class Gives:
    """What a file gives."""

    duration: float = LENGTH
    cuts: tuple[float, ...] = (CUT,)
    size: tuple[int, int] = (320, 180)
    pictures: bool = True
    sound: bool = False


Maker = Callable[[Path], Path]
SDR = ("-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc")

READABLE: dict[str, tuple[Maker, Gives]] = {
    "plain": (lambda d: film(d / "a.mp4"), Gives()),
    "variable frame rate": (
        lambda d: film(d / "a.mkv", "-vf", "select='lt(n,8)+not(mod(n,13))+between(n,47,55)'", "-fps_mode", "vfr"),
        Gives(duration=3.68),
    ),
    "variable frame rate, mp4": (
        lambda d: film(d / "a.mp4", "-vf", "select='not(mod(n,25))+between(n,49,51)'", "-fps_mode", "vfr", "-bf", "0"),
        Gives(duration=3.04),
    ),
    "rotated 90": (lambda d: turned(film(d / "a.mp4"), 90), Gives(size=(180, 320))),
    "rotated 180": (lambda d: turned(film(d / "a.mp4"), 180), Gives()),
    "rotated 270": (lambda d: turned(film(d / "a.mp4"), 270), Gives(size=(180, 320))),
    "transport stream that starts at 1.4 s": (lambda d: film(d / "a.ts", "-bf", "2"), Gives()),
    "transport stream an hour in": (
        lambda d: film(d / "a.ts", "-output_ts_offset", "3600", sound=4.0),
        Gives(sound=True),
    ),
    "transport stream whose clock wraps": (lambda d: film(d / "a.ts", "-output_ts_offset", "95440"), Gives()),
    "matroska that starts at 100 s": (lambda d: film(d / "a.mkv", "-output_ts_offset", "100"), Gives()),
    "edit list that hides the first second": (
        lambda d: trimmed(d / "a.mp4", 1.0),
        Gives(duration=3.0, cuts=(CUT - 1.0,)),
    ),
    "pictures begin a second after the sound": (
        lambda d: film(d / "a.mp4", sound=5.0, before=("-itsoffset", "1")),
        Gives(duration=5.0, cuts=(CUT + 1.0,), sound=True),
    ),
    "B-frames": (
        lambda d: film(d / "a.mp4", "-x264-params", "bframes=5:b-pyramid=normal:b-adapt=0:keyint=30"),
        Gives(),
    ),
    "open GOP": (lambda d: film(d / "a.mkv", "-x264-params", "open-gop=1:bframes=3:keyint=20:min-keyint=20"), Gives()),
    "open GOP, HEVC": (
        lambda d: film(d / "a.mp4", "-x265-params", "open-gop=1:bframes=3:keyint=20:log-level=none", codec="libx265"),
        Gives(),
    ),
    "interlaced": (
        lambda d: film(
            d / "a.mpg",
            "-vf",
            "interlace",
            "-flags",
            "+ilme+ildct",
            "-r",
            "25",
            codec="mpeg2video",
            graph=scenes(fps=50),
        ),
        Gives(),
    ),
    "HDR, PQ": (lambda d: film(d / "a.mp4", "-pix_fmt", "yuv420p10le", *SDR, "smpte2084", codec="libx265"), Gives()),
    "HDR, HLG": (
        lambda d: film(d / "a.mkv", "-pix_fmt", "yuv420p10le", *SDR, "arib-std-b67", codec="libvpx-vp9"),
        Gives(),
    ),
    "odd sizes": (lambda d: film(d / "a.mkv", "-pix_fmt", "yuv444p", graph=scenes(101, 57)), Gives(size=(101, 57))),
    "three pixels wide": (
        lambda d: film(d / "a.mkv", "-pix_fmt", "bgr0", graph=scenes(3, 400), codec="ffv1"),
        Gives(size=(3, 400)),
    ),
    "one pixel": (
        lambda d: film(d / "a.mkv", "-pix_fmt", "bgr0", graph=scenes(1, 1), codec="ffv1"),
        Gives(size=(1, 1)),
    ),
    "pixels that are not square": (lambda d: film(d / "a.mp4", "-vf", "setsar=2"), Gives(size=(640, 180))),
    "sound longer than pictures": (lambda d: film(d / "a.mp4", sound=7.0), Gives(duration=7.0, sound=True)),
    "pictures longer than sound": (lambda d: film(d / "a.mkv", sound=1.0), Gives(sound=True)),
    "no pictures": (
        lambda d: film(d / "a.mp4", graph="", sound=3.0),
        Gives(3.0, (), (0, 0), pictures=False, sound=True),
    ),
    "one picture": (
        lambda d: film(d / "a.mp4", "-frames:v", "1"),
        Gives(duration=0.04, cuts=()),
    ),
    "cut off in the middle, matroska": (
        lambda d: truncated(film(d / "a.mkv", "-g", "10", "-bf", "0"), 0.75),
        Gives(duration=-1.0),
    ),
    "cut off in the middle, mp4 with its index in front": (
        lambda d: truncated(film(d / "a.mp4", "-g", "10", "-movflags", "+faststart"), 0.75),
        Gives(duration=-1.0),
    ),
    "scrambled in the middle, transport stream": (
        lambda d: scrambled(film(d / "a.ts", "-g", "10", "-bf", "0"), 0.70, 0.75),
        Gives(),
    ),
    "scrambled in the middle, matroska": (
        lambda d: scrambled(film(d / "a.mkv", "-g", "10", "-bf", "0"), 0.70, 0.75),
        Gives(),
    ),
    "says that it lasts ten days": (lambda d: claims_length(film(d / "a.mkv", "-bf", "0"), 864_000), Gives()),
}


def taken_apart(path: Path, folder: Path) -> VideoDocument:
    settings: Settings = load_settings({"data": folder / "data", "engines": OFF})
    store = ArtefactStore(settings.artefacts_url)
    with Engines(settings) as engines:
        return load_document(store, ingest_video(path, settings=settings, engines=engines, store=store))


@pytest.mark.parametrize("name", READABLE)
def test_what_an_odd_file_gives(name: str, tmp_path: Path) -> None:
    make, gives = READABLE[name]
    document = taken_apart(make(tmp_path), tmp_path)
    info, frames = document.info, document.frames
    if gives.duration < 0:  # cut off: what is there
        assert CUT < info.duration < LENGTH
    else:
        assert info.duration == pytest.approx(gives.duration, abs=NEAR)
    assert (info.width, info.height) == gives.size
    assert (info.has_video, info.has_audio) == (gives.pictures, gives.sound)
    assert [shot.start for shot in document.shots[1:]] == pytest.approx(gives.cuts, abs=NEAR)
    assert document.segments[0].start == 0.0
    assert document.segments[-1].end == pytest.approx(info.duration)
    if not gives.pictures:
        assert frames == ()
        return
    times = [frame.time for frame in frames]
    assert times == sorted(times)
    assert all(0 <= time <= info.duration for time in times)
    for wanted in (*gives.cuts, *([0.0] if name != "pictures begin a second after the sound" else [])):
        assert min(abs(time - wanted) for time in times) <= NEAR
    assert document.shots[-1].end == pytest.approx(info.duration)


TEXT = "Dear diary, today nothing happened.\n" * 100

REFUSED: dict[str, tuple[Maker, str]] = {
    "zero bytes": (lambda d: _written(d / "a.mp4", b""), "The file is empty."),
    "a text file": (lambda d: _written(d / "a.mp4", TEXT.encode()), "It is no video or sound file"),
    "noise": (
        lambda d: _written(d / "a.mp4", bytes((i * i) % 251 for i in range(60_000))),
        "It is no video or sound file",
    ),
    "cut off before its index": (lambda d: truncated(film(d / "a.mp4"), 0.5), r"damaged|ends before|no video or sound"),
    "a picture": (
        lambda d: film(d / "a.png", "-frames:v", "1", "-update", "1", codec="png").rename(d / "a.mp4"),
        "It is no video or sound file",
    ),
    "says that it is wider than a wall": (
        lambda d: claims_size(film(d / "a.gif", codec="gif"), 65_535, 65_535),
        r"pixels|can be decoded",
    ),
    "longer than allowed": (
        lambda d: film(d / "a.mkv", "-vf", "setpts=PTS*30000", "-fps_mode", "vfr", "-frames:v", "3"),
        "the limit is 60 s",
    ),
}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("names") / "a.mp4")


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_a_sentence(name: str, tmp_path: Path) -> None:
    make, reason = REFUSED[name]
    path = make(tmp_path)
    with pytest.raises(MediaError, match=reason) as caught:
        probe(path, IngestSettings(max_duration=60.0))
    message = caught.value.message
    assert message[0].isupper()
    assert message.endswith(".")
    assert str(tmp_path) not in message


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket that nobody may call."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


PLAYLISTS = {
    "concat script": "ffconcat version 1.0\nfile secret.mp4\n",
    "concat script over the network": "ffconcat version 1.0\nfile http://127.0.0.1:{port}/secret.mp4\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nsecret.mp4\n#EXT-X-ENDLIST\n",
    "hls over the network": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
    "<Representation><BaseURL>http://127.0.0.1:{port}/</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\n",
    "asx": '<asx version="3.0"><entry><ref href="http://127.0.0.1:{port}/a.asf"/></entry></asx>',
}  # fmt: skip


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".ts"])
def test_a_playlist_opens_no_neighbour_and_calls_nobody(
    kind: str, ending: str, clip: Path, tmp_path: Path, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(clip, tmp_path / "secret.mp4")
    path = _written(tmp_path / f"upload{ending}", PLAYLISTS[kind].format(port=listener.getsockname()[1]).encode())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MediaError):
        probe(path, IngestSettings())
    with pytest.raises(BlockingIOError):
        listener.accept()


NAMES = [
    "-y.mp4", "--help.mp4", "a\nb.mp4", "concat:a|b.mp4", "file:x.mp4", "%d.mp4", "http:x.mp4", "a::b.mp4",
    "ü 日本 .mp4", "*?.mp4", "it's \"quoted\".mp4", "`id`$(id).mp4", "\u202egnp.4pm.mp4", "שלום.mp4", " .mp4",
    "x" * 251 + ".mp4",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_name_is_only_a_name(name: str, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(clip, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    info = probe(Path(name), IngestSettings())
    assert info.has_video
    assert info.title
    assert not {"\n", "\u202e"} & set(info.title)


def test_a_name_that_is_no_text_is_read(clip: Path, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff\xfename.mp4"))
    shutil.copy(clip, path)
    probe(path, IngestSettings()).title.encode()
