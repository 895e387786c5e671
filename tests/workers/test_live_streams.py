"""What becomes of a live stream, and what it may not do: cuts, clocks, codecs, playlists, addresses, names."""

from __future__ import annotations

import io
import itertools
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ingest.live_input import PacketReader, Pipe, open_live
from ingest.probe import probe
from ingest.recording import Recorder, Recording
from library.catalogue import Catalogue
from reelseek.errors import InvalidRequest, MediaError
from reelseek.setting_groups import LiveSettings
from reelseek.settings import Settings
from reelseek.urls import masked
from tests.support.live_servers import moving, stream_file, web_site
from tests.support.media import tone, write_video
from tests.workers.test_live import TITLE
from workers.recordings import add_source


def recorded(stream: io.BufferedIOBase, folder: Path, seconds: float) -> tuple[Recorder, list[Recording]]:
    """Record a stream that is there already."""
    live = open_live(Pipe(stream), LiveSettings())
    reader, recorder = PacketReader(live), Recorder(live, folder, "door", seconds)
    found: list[Recording] = []
    for item in reader:
        found += recorder.idle(time.time()) if item is None else recorder.feed(*item)
    found += recorder.finish()
    reader.close()
    return recorder, found


def test_a_stream_is_cut_at_key_pictures_and_nothing_of_it_is_lost(tmp_path: Path, quick: Settings) -> None:
    source = stream_file(tmp_path / "in.ts", 9.0)
    _, found = recorded(source.open("rb"), tmp_path, 2.5)
    assert [each.duration for each in found] == pytest.approx([3.0, 3.0, 3.0], abs=0.15)
    for before, after in itertools.pairwise(found):
        assert abs((after.start - before.end).total_seconds()) < 0.15
    infos = [probe(each.path, quick.ingest) for each in found]
    assert all(info.has_video and info.has_audio and info.start_offset < 0.2 for info in infos)
    assert [round(info.duration) for info in infos] == [3, 3, 3]
    assert all(TITLE.match(info.title) for info in infos)
    written = [datetime.fromisoformat(info.tags["creation_time"]) for info in infos]
    assert all(abs(time - each.start) < timedelta(seconds=1) for time, each in zip(written, found, strict=True))


def test_a_clock_that_jumps_back_or_ahead_leaves_a_steady_timeline(tmp_path: Path, quick: Settings) -> None:
    parts = [(4.0, 0.0), (4.0, 0.0), (4.0, 50_000.0)]
    stream = b"".join(
        stream_file(tmp_path / f"{number}.ts", seconds, seed=number, offset=offset).read_bytes()
        for number, (seconds, offset) in enumerate(parts)
    )
    recorder, found = recorded(io.BytesIO(stream), tmp_path, 5.0)
    assert recorder.jumps == 2
    assert recorder.gaps == []
    assert abs(sum(each.duration for each in found) - 12.0) < 1.0
    assert all(probe(each.path, quick.ingest).duration < 8.0 for each in found)


def test_without_key_pictures_a_hard_limit_cuts(tmp_path: Path) -> None:
    source = stream_file(tmp_path / "in.ts", 10.0, gop=10_000)
    _, found = recorded(source.open("rb"), tmp_path, 1.0)
    assert [round(each.duration) for each in found] == [4, 4, 2]


def test_what_mp4_cannot_hold_goes_into_matroska(tmp_path: Path, quick: Settings) -> None:
    frames = moving(6.0)
    source = write_video(tmp_path / "in.mkv", frames, codec="ffv1", gop=1)
    _, found = recorded(source.open("rb"), tmp_path, 2.0)
    assert [each.path.suffix for each in found] == [".mkv"] * 3
    info = probe(found[1].path, quick.ingest)
    assert info.duration == pytest.approx(2.0, abs=0.15)
    assert TITLE.match(info.title)


def test_sound_alone_is_recorded_too_and_what_is_no_stream_is_refused(tmp_path: Path, quick: Settings) -> None:
    source = write_video(tmp_path / "in.ts", sound=tone([(0.0, 5.0)], 5.0))
    _, found = recorded(source.open("rb"), tmp_path, 2.0)
    assert len(found) == 3
    assert not probe(found[0].path, quick.ingest).has_video
    with pytest.raises(MediaError, match="nothing that can be read"):
        recorded(io.BytesIO(b"no video at all " * 1_000), tmp_path, 2.0)
    playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
    with pytest.raises(MediaError):
        recorded(io.BytesIO(playlist), tmp_path, 2.0)


@pytest.mark.parametrize(
    "lines",
    [
        ["#EXTINF:1,", "{secret}"],
        ["#EXTINF:1,", "concat:{path}"],
        ["#EXTINF:1,", "subfile,,start,0,end,0,,:{path}"],
        ['#EXT-X-MAP:URI="{secret}"', "#EXTINF:1,", "s000.ts"],
        ['#EXT-X-KEY:METHOD=AES-128,URI="{secret}"', "#EXTINF:1,", "s000.ts"],
        ["#EXT-X-STREAM-INF:BANDWIDTH=1", "{secret}.m3u8"],
        ["#EXT-X-STREAM-INF:BANDWIDTH=1", "nested.m3u8"],
    ],
)
def test_a_playlist_cannot_read_files_of_this_machine(lines: list[str], tmp_path: Path) -> None:
    secret = stream_file(tmp_path / "secret.ts", 2.0)
    names = {"secret": f"file://{secret}", "path": str(secret)}
    head = ["#EXTM3U", "#EXT-X-TARGETDURATION:1", "#EXT-X-MEDIA-SEQUENCE:0"]
    (tmp_path / "secret.ts.m3u8").write_text("\n".join([*head, "#EXTINF:1,", str(secret), "#EXT-X-ENDLIST"]))
    nested = [*head, "#EXTINF:1,", names["secret"], "#EXT-X-ENDLIST"]
    listed = nested if lines[-1] == "nested.m3u8" else []

    def answer(path: str) -> tuple[int, str, bytes]:
        if path == "/live.m3u8":
            shown = [line.format(**names) for line in lines]
            return 200, "application/vnd.apple.mpegurl", "\n".join([*head, *shown, "#EXT-X-ENDLIST"]).encode()
        return (
            (200, "application/vnd.apple.mpegurl", "\n".join(listed).encode()) if listed else (404, "text/plain", b"")
        )

    with web_site(answer) as site:
        assert received(f"{site}/live.m3u8") == 0, "it read the secret"


def test_a_playlist_may_name_its_segments(tmp_path: Path) -> None:
    part = stream_file(tmp_path / "s.ts", 2.0).read_bytes()
    listed = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:2,\ns.ts\n#EXT-X-ENDLIST\n"

    def answer(path: str) -> tuple[int, str, bytes]:
        return (200, "video/mp2t", part) if path == "/s.ts" else (200, "application/vnd.apple.mpegurl", listed)

    with web_site(answer) as site:
        assert received(f"{site}/live.m3u8") > 20


def received(url: str) -> int:
    """How many packets come from a URL."""
    try:
        reader = PacketReader(open_live(url, LiveSettings(connect_seconds=5.0, stall_seconds=2.0)))
    except MediaError:
        return 0
    count = 0
    try:
        for item in reader:
            count += item is not None
    except MediaError:
        pass
    finally:
        reader.close()
    return count


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "concat:a|b", "pipe:0", "subfile,,start,0,end,9,,:/etc/passwd", "data:video/mp4;base64,AA",
     "crypto:file:///etc/passwd", "/etc/passwd", "lavfi:testsrc", "http://", "rtsp:///x", "http://a b/", "http://a\n/"],
)  # fmt: skip
def test_only_addresses_of_the_network_can_be_added(url: str, catalogue: Catalogue, quick: Settings) -> None:
    with pytest.raises(InvalidRequest):
        add_source(catalogue, quick, "door", url)
    assert (catalogue.sources(), catalogue.libraries()) == ([], [])


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "x" * 200, "con", "a:b"])
def test_a_name_is_one_of_a_folder(name: str, catalogue: Catalogue, quick: Settings) -> None:
    with pytest.raises(InvalidRequest):
        add_source(catalogue, quick, name, "rtsp://127.0.0.1/x")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://me:pass@10.0.0.2:554/h264", "rtsp://***@10.0.0.2:554/h264"),
        ("https://host/live.m3u8?token=abc&quality=high", "https://host/live.m3u8?token=***&quality=***"),
        ("rtmp://host/app/streamkey", "rtmp://host/app/***"),
        ("srt://host:9000?passphrase=abc", "srt://host:9000?passphrase=***"),
        ("-", "-"),
    ],
)
def test_no_secret_of_a_url_is_shown(url: str, shown: str) -> None:
    assert masked(url) == shown
