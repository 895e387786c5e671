"""Live sources as they are: links that drop, clocks that jump, disks that fill, recorders that are killed."""

from __future__ import annotations

import io
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import workers.live
from index.reader import IndexReader
from ingest.live_input import FollowedFile, Pipe
from ingest.probe import probe
from library.catalogue import Catalogue, open_catalogue
from library.records import Source, SourceState
from query.service import SearchRequest, open_service
from reelseek.artefacts import ArtefactStore
from reelseek.errors import Conflict
from reelseek.settings import Settings
from tests.support.command import ROOT, command
from tests.support.live_servers import (
    LivePlaylist,
    dropping_server,
    rtsp_camera,
    segments,
    slide_stream,
    stream_file,
    web_site,
)
from tests.workers.test_indexing import OFF
from tests.workers.test_processes import wait_for
from workers.indexing import Workspace, index_file
from workers.live import LiveRecording
from workers.recorder import RecorderPool
from workers.recordings import add_source, drop_old, library_of, remove_source
from workers.runner import run_next

TITLE = re.compile(r"^door \d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")


@contextmanager
def recording(
    catalogue: Catalogue, settings: Settings, source: Source, **more: Any
) -> Iterator[tuple[LiveRecording, list[str]]]:
    """Record in a thread while the block runs; what it says is kept."""
    stop, said = threading.Event(), []
    live = LiveRecording(catalogue, settings, source, stop, say=said.append, **more)
    thread = threading.Thread(target=live.run)
    thread.start()
    try:
        yield live, said
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def files(settings: Settings, name: str = "door") -> list[Path]:
    return sorted((settings.live_path / name).iterdir())


def index_all(settings: Settings) -> None:
    with Workspace.open(settings) as workspace:
        while run_next(workspace, threading.Event()) is not None:
            pass


def test_a_dropped_link_is_taken_up_again_and_the_gap_is_told(
    catalogue: Catalogue, quick: Settings, tmp_path: Path
) -> None:
    first = stream_file(tmp_path / "1.ts", 5.0).read_bytes()
    second = stream_file(tmp_path / "2.ts", 5.0, seed=1).read_bytes()
    with dropping_server([first, second]) as port:
        source = add_source(catalogue, quick, "door", f"tcp://user:pa55@127.0.0.1:{port}?token=s3cret")
        with recording(catalogue, quick, source) as (_, said):
            wait_for(lambda: catalogue.source("door").gap_count, "the link to be back")
            wait_for(lambda: catalogue.source("door").chunk_count >= 4, "the second part")
            state = wait_for(
                lambda: (
                    now if (now := catalogue.source("door")).state is SourceState.RECONNECTING and now.detail else None
                ),
                "the silence to be noticed",
            )
    assert "silent" in state.detail
    ended = catalogue.source("door")
    assert (ended.state, ended.holder) == (SourceState.STOPPED, "")
    (gap, *_) = ended.gaps
    assert gap.end > gap.start
    assert gap.reason
    assert any("gap" in text for text in said)
    assert not any(secret in text for text in [*said, repr(state.detail)] for secret in ("pa55", "s3cret"))
    assert not [path for path in files(quick) if path.name.startswith(".")]
    assert sum(probe(path, quick.ingest).duration for path in files(quick)) == pytest.approx(10.0, abs=1.0)
    index_all(quick)
    videos = catalogue.videos(catalogue.library("door").library_id)
    assert len(videos) == len(files(quick))
    assert all(TITLE.match(video.title) and video.live_ingest for video in videos)


def test_a_playlist_is_recorded_once_also_when_its_server_fails_for_a_while(
    catalogue: Catalogue, quick: Settings, tmp_path: Path
) -> None:
    parts = segments(stream_file(tmp_path / "in.ts", 12.0), tmp_path / "segments")
    playlist = LivePlaylist(parts, every=0.5)
    with web_site(playlist) as site:
        source = add_source(catalogue, quick, "door", f"{site}/live.m3u8")
        with recording(catalogue, quick, source):
            wait_for(lambda: catalogue.source("door").chunk_count >= 2, "two chunks")
            playlist.down = True
            wait_for(lambda: catalogue.source("door").state is SourceState.RECONNECTING, "the failure to be noticed")
            playlist.down = False
            wait_for(lambda: catalogue.source("door").state is SourceState.RECORDING, "the playlist to be back")
            wait_for(lambda: catalogue.source("door").state is SourceState.RECONNECTING, "its end")
    length = sum(probe(path, quick.ingest).duration for path in files(quick))
    assert 6.0 < length < 13.0, "the segments that are still listed after the failure are not recorded twice"


def test_a_growing_file_is_followed_until_it_grows_no_more(
    catalogue: Catalogue, quick: Settings, tmp_path: Path
) -> None:
    content = stream_file(tmp_path / "in.ts", 8.0).read_bytes()
    grows = tmp_path / "grows.ts"
    grows.write_bytes(content[: len(content) // 4])

    def write() -> None:
        with grows.open("ab") as file:
            for start in range(len(content) // 4, len(content), 20_000):
                file.write(content[start : start + 20_000])
                file.flush()
                time.sleep(0.05)

    writer = threading.Thread(target=write)
    writer.start()
    source = add_source(catalogue, quick, "door", str(grows), kind="file")
    stop, begin = threading.Event(), datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
    live = LiveRecording(
        catalogue, quick, source, stop, opened=lambda: FollowedFile(grows, 1.0, stop), begin=begin, say=print
    )
    assert live.run() is SourceState.ENDED
    writer.join()
    assert [path.name for path in files(quick)] == [f"door 2026-11-21 10-00-0{second}.mp4" for second in (0, 2, 4, 6)]


def test_recordings_leave_when_they_are_too_old_and_search_forgets_them(
    catalogue: Catalogue, quick: Settings, tmp_path: Path
) -> None:
    content = stream_file(tmp_path / "in.ts", 4.0).read_bytes()
    source = add_source(catalogue, quick, "door", "-", kind="pipe", keep_hours=24)
    library = library_of(catalogue, quick, source)
    now = datetime.now(UTC)
    for begin in (now - timedelta(hours=30), now - timedelta(hours=1)):
        live = LiveRecording(
            catalogue,
            quick,
            source,
            threading.Event(),
            opened=lambda: Pipe(io.BytesIO(content)),
            begin=begin,
            say=print,
        )
        live._tidied = time.monotonic()  # the minute is not over: deleting is what is tested below
        live.run()
    index_all(quick)
    old, kept = files(quick)[:2], files(quick)[2:]
    ids = {path: video.video_id for video in catalogue.videos() for path in [Path(video.path)]}
    assert len(ids) == 4
    assert drop_old(catalogue, quick, source, library) == 2
    assert files(quick) == kept
    assert {video.video_id for video in catalogue.videos()} == {ids[path] for path in kept}
    store = ArtefactStore(quick.artefacts_url)
    assert not any(store.current(ids[path]) for path in old)
    rows = IndexReader(quick).snapshot(catalogue.visibility).rows("lines")
    assert {row["video_id"] for row in rows} == {ids[path] for path in kept}
    assert remove_source(catalogue, quick, "door", recordings=True) == 2
    assert (files(quick), catalogue.videos(), catalogue.libraries(), catalogue.sources()) == ([], [], [], [])


def test_recordings_leave_in_time_also_of_sources_that_send_nothing_or_have_ended(
    catalogue: Catalogue, quick: Settings
) -> None:
    add_source(catalogue, quick, "door", "-", kind="pipe", keep_hours=24)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    add_source(catalogue, quick, "gate", f"tcp://127.0.0.1:{port}", keep_hours=24)
    fresh = f"{datetime.now(UTC):%Y-%m-%d %H-%M-%S}"
    for name in ("door", "gate"):
        for begin in ("2020-01-01 00-00-00", fresh):
            (quick.live_path / name / f"{name} {begin}.mp4").touch()
    stop = threading.Event()
    pool = threading.Thread(target=RecorderPool(quick, catalogue).run, args=(stop,))
    pool.start()
    try:
        for name in ("door", "gate"):
            wait_for(lambda name=name: len(files(quick, name)) == 1, f"the old one of {name} to go")
            assert [path.name for path in files(quick, name)] == [f"{name} {fresh}.mp4"]
    finally:
        stop.set()
        pool.join(30)


def test_a_full_disk_stops_the_recording_and_room_lets_it_go_on(
    catalogue: Catalogue, quick: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = [0]
    usage = type("Usage", (), {"free": property(lambda _: free[0])})
    monkeypatch.setattr(workers.live.shutil, "disk_usage", lambda _: usage())
    monkeypatch.setattr(workers.live, "_DISK_SECONDS", 0.1)
    limited = quick.model_copy(update={"live": quick.live.model_copy(update={"min_free_bytes": 1 << 20})})
    with dropping_server([stream_file(tmp_path / "in.ts", 6.0).read_bytes()]) as port:
        source = add_source(catalogue, limited, "door", f"tcp://127.0.0.1:{port}")
        with recording(catalogue, limited, source) as (_, said):
            state = wait_for(
                lambda: now if (now := catalogue.source("door")).state is SourceState.FULL else None, "the full disk"
            )
            assert "min_free_bytes" in state.detail
            free[0] = 1 << 30
            wait_for(lambda: catalogue.source("door").chunk_count, "a recording")
            assert catalogue.source("door").gaps[0].reason == state.detail
            free[0] = 0
            wait_for(lambda: catalogue.source("door").state is SourceState.FULL, "the disk to be full again")
    assert sum("Recording stops" in text for text in said) == 2
    assert not [path for path in files(quick) if path.name.startswith(".")]


def test_one_process_records_a_source_and_one_that_is_removed_ends_its_recorder(
    catalogue: Catalogue, quick: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers.live, "_NOTE_SECONDS", 0.2)
    with dropping_server([stream_file(tmp_path / "in.ts", 8.0).read_bytes()], seconds=4.0) as port:
        source = add_source(catalogue, quick, "door", f"tcp://127.0.0.1:{port}")
        with recording(catalogue, quick, source) as (_, said):
            wait_for(lambda: catalogue.source("door").chunk_count, "a recording")
            monkeypatch.setattr(workers.live, "worker_name", lambda: "elsewhere:1")
            with pytest.raises(Conflict, match="already"):
                LiveRecording(catalogue, quick, source, threading.Event()).run()
            remove_source(catalogue, quick, "door")
            wait_for(lambda: any("no longer recorded" in text for text in said), "the recorder to notice")
    assert files(quick)


def test_a_killed_recorder_leaves_no_half_video_and_the_next_one_saves_the_rest(
    quick: Settings, catalogue: Catalogue, tmp_path: Path
) -> None:
    content = stream_file(tmp_path / "in.ts", 20.0).read_bytes()
    arguments = ("live", "run", "-", "--name", "door", "--chunk", "6")
    environment = {**os.environ, **{f"REELSEEK_ENGINES__{name.upper()}": "off" for name in OFF}}

    def start(log: Path) -> subprocess.Popen[bytes]:
        with log.open("wb") as output:
            line = command(*arguments, data=quick.data)
            return subprocess.Popen(line, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stderr=output)

    process = start(tmp_path / "1.log")
    assert process.stdin is not None
    process.stdin.write(content[: len(content) * 6 // 10])  # twelve seconds: a file and a half, and a little
    process.stdin.flush()
    folder = quick.live_path / "door"
    wait_for(lambda: list(folder.glob("door*.mp4")), "a whole recording")
    part = wait_for(lambda: next(iter(folder.glob(".*.part")), None), "an open one")
    time.sleep(1.0)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert part.name not in {Path(video.path).name for video in catalogue.videos()}
    process = start(tmp_path / "2.log")
    process.communicate(content[: len(content) // 4], timeout=120)
    said = (tmp_path / "2.log").read_text()
    assert "left unfinished" in said
    assert not [path for path in files(quick) if path.name.startswith(".")]
    saved = quick.live_path / "door" / part.name[1:].removesuffix(".part")
    videos = {video.path: video for video in catalogue.videos()}
    assert videos[str(saved)].live_ingest, said
    assert 1.0 < videos[str(saved)].duration < 7.0
    assert len(videos) == len(files(quick))


@pytest.mark.release
def test_what_was_on_a_camera_is_found_by_its_text_with_the_time_of_day(quick: Settings, tmp_path: Path) -> None:
    seeing = quick.model_copy(update={"engines": quick.engines.model_copy(update={"screen_text": "rapidocr"})})
    source = slide_stream(tmp_path / "in.ts", "PARCEL/DELIVERED", 3.0)
    with open_catalogue(seeing) as catalogue, source.open("rb") as stream:
        entry = add_source(catalogue, seeing, "door", "-", kind="pipe")
        begin = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
        LiveRecording(
            catalogue, seeing, entry, threading.Event(), opened=lambda: Pipe(stream), begin=begin, say=print
        ).run()
        with Workspace.open(seeing) as workspace:
            for path in files(seeing):
                assert index_file(workspace, path).state == "indexed"
    service = open_service(seeing)
    try:
        moments = service.search(SearchRequest("parcel delivered")).moments
    finally:
        service.close()
    assert moments
    assert moments[0].title.startswith("door 2026-11-21 10:00:0")


def test_a_camera_is_recorded_over_rtsp(catalogue: Catalogue, quick: Settings, tmp_path: Path) -> None:
    with rtsp_camera(stream_file(tmp_path / "in.ts", 4.0), tmp_path) as url:
        source = add_source(catalogue, quick, "door", url)
        with recording(catalogue, quick, source) as (_, said):
            wait_for(lambda: catalogue.source("door").chunk_count >= 2, "two recordings")
    assert all(probe(path, quick.ingest).has_video for path in files(quick))
    assert not any("secret" in text for text in said)


@pytest.mark.release
def test_the_server_records_added_sources_and_starts_a_killed_recorder_again(
    catalogue: Catalogue, quick: Settings, tmp_path: Path
) -> None:
    import psutil

    from tests.workers.test_processes import start_serving

    parts = [stream_file(tmp_path / f"{n}.ts", 6.0, seed=n).read_bytes() for n in range(3)]
    server = start_serving(quick, tmp_path / "log")
    try:
        with dropping_server(parts, seconds=5.0) as port:
            add_source(catalogue, quick, "door", f"tcp://127.0.0.1:{port}")
            wait_for(lambda: catalogue.videos(query="door"), "a recording that is indexed")
            recorder = int(catalogue.source("door").holder.rpartition(":")[2])
            psutil.Process(recorder).kill()
            count = catalogue.source("door").chunk_count
            wait_for(lambda: catalogue.source("door").chunk_count > count, "recording to go on")
        server.send_signal(signal.SIGINT)
        assert server.wait(60) == 0
    finally:
        server.kill()
        server.wait()
