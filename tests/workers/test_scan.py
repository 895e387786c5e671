"""Scans: new, changed, vanished, renamed, half-copied, unplugged."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from library.catalogue import Catalogue, open_catalogue
from library.ledger import Ledger
from library.records import Counts, Library, VideoState
from reelseek.settings import Settings, load_settings
from tests.support.documents import info_of
from workers.scan import ScanReport, scan_libraries, scan_library


@pytest.fixture
def world(tmp_path: Path) -> tuple[Settings, Catalogue, Library, Path]:
    settings = load_settings({"data": tmp_path / "data", "workers": {"stable_seconds": 0.05}})
    catalogue = open_catalogue(settings)
    folder = tmp_path / "films"
    folder.mkdir()
    return settings, catalogue, catalogue.add_library(folder), folder


World = tuple[Settings, Catalogue, Library, Path]


def _scan(world: World) -> ScanReport:
    settings, catalogue, library, _ = world
    return scan_library(catalogue, settings, library)


def _do_all(world: World) -> list[str]:
    """Stands in for the workers: each queued file is taken for an indexed video of its content."""
    _, catalogue, library, _ = world
    ledger, done = Ledger(catalogue), []
    while job := ledger.claim("test"):
        path = Path(job.payload["path"])
        video_id = path.read_bytes().hex()
        catalogue.record_video(info_of(video_id), path, library.library_id)
        catalogue.publish(catalogue.begin_ingest(video_id, "f"), Counts(), {})
        ledger.complete(job)
        done.append(path.name)
    return done


def _write(folder: Path, name: str, content: bytes, age: float = 100.0) -> Path:
    path = folder / name
    path.write_bytes(content)
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def test_new_files_are_queued_once_and_the_newest_comes_first(world: World) -> None:
    _write(world[3], "old.mp4", b"1", age=500)
    _write(world[3], "new.mp4", b"2", age=10)
    (world[3] / "notes.txt").write_text("no video")
    report = _scan(world)
    assert [Path(path).name for path in report.new] == ["old.mp4", "new.mp4"]
    _scan(world)
    assert _do_all(world) == ["new.mp4", "old.mp4"]
    report = _scan(world)
    assert (report.new, report.changed, report.unchanged) == ([], [], 2)
    assert report.sentence() == "Nothing new; 2 unchanged."
    assert Ledger(world[1]).claim("test") is None


def test_what_was_indexed_before_its_folder_was_watched_is_not_queued_at_every_scan(world: World) -> None:
    settings, catalogue, library, folder = world
    path = _write(folder, "film.mp4", b"1")
    elsewhere = _write(folder.parent, "films-of-others.mp4", b"2")
    odd = _write(folder, "film.odd", b"3")  # by hand: no scan would find it
    for file in (path, elsewhere, odd):
        catalogue.record_video(info_of(file.read_bytes().hex()), file)
    report = _scan(world)
    assert (report.new, report.changed, report.unchanged) == ([], [], 1)
    assert catalogue.library(library.library_id).video_count == 1
    catalogue.remove_library(library.library_id)
    again = catalogue.add_library(folder)
    assert scan_library(catalogue, settings, again).unchanged == 1


def test_a_changed_file_is_queued_again(world: World) -> None:
    _write(world[3], "film.mp4", b"1")
    _scan(world)
    _do_all(world)
    _write(world[3], "film.mp4", b"22", age=50)
    report = _scan(world)
    assert [Path(path).name for path in report.changed] == ["film.mp4"]
    assert _do_all(world) == ["film.mp4"]
    assert [entry.video_id for entry in world[1].videos()] == ["3232"]


def test_a_vanished_file_leaves_its_video_missing(world: World) -> None:
    path = _write(world[3], "film.mp4", b"1")
    _scan(world)
    _do_all(world)
    path.unlink()
    report = _scan(world)
    assert [Path(path).name for path in report.vanished] == ["film.mp4"]
    assert world[1].videos()[0].state is VideoState.MISSING


def test_a_renamed_file_stays_the_same_video(world: World) -> None:
    path = _write(world[3], "film.mp4", b"1")
    _scan(world)
    _do_all(world)
    path.rename(world[3] / "holiday.mp4")
    report = _scan(world)
    assert (len(report.new), len(report.vanished)) == (1, 1)
    assert _do_all(world) == ["holiday.mp4"]
    entries = world[1].videos()
    assert [(entry.state, Path(entry.path).name) for entry in entries] == [(VideoState.INDEXED, "holiday.mp4")]


def test_a_file_that_is_still_being_copied_waits(world: World, tmp_path: Path) -> None:
    path, stop = world[3] / "film.mp4", threading.Event()

    def copy() -> None:
        with path.open("wb", buffering=0) as file:
            while not stop.is_set():
                file.write(b"x")
                time.sleep(0.002)

    copying = threading.Thread(target=copy)
    settings = load_settings({"data": tmp_path / "data", "workers": {"stable_seconds": 1.0}})
    copying.start()
    while not path.exists():
        time.sleep(0.01)
    report = scan_library(world[1], settings, world[2])
    stop.set()
    copying.join()
    assert (report.new, [Path(item).name for item in report.waiting]) == ([], ["film.mp4"])
    assert "1 still being written" in report.sentence()
    assert len(scan_library(world[1], settings, world[2]).new) == 1


def test_a_refused_file_is_not_tried_again_until_it_changes(world: World) -> None:
    path = _write(world[3], "film.mp4", b"1")
    world[1].mark_failed(path, "It is no video.", video_id="x", library_id=world[2].library_id)
    assert _scan(world).unchanged == 1
    _write(world[3], "film.mp4", b"22")
    assert len(_scan(world).changed) == 1


def test_an_unplugged_library_loses_nothing(world: World) -> None:
    _write(world[3], "film.mp4", b"1")
    _scan(world)
    _do_all(world)
    world[3].rename(world[3].with_name("unplugged"))
    report = _scan(world)
    assert report.vanished == []
    assert "Not reachable" in report.sentence()
    assert world[1].videos()[0].state is VideoState.INDEXED


def test_all_libraries_are_scanned(world: World, tmp_path: Path) -> None:
    other = tmp_path / "more"
    other.mkdir()
    world[1].add_library(other)
    _write(world[3], "a.mp4", b"1")
    _write(other, "b.mp4", b"2")
    report = scan_libraries(world[1], world[0])
    assert len(report.payload()["new"]) == 2
    assert all(library.scanned_at for library in world[1].libraries())
