"""The artefact store: complete or absent, on a disk and on another fsspec file system."""

from __future__ import annotations

import errno
import os
import socket
import stat
import subprocess
import sys
import time
import uuid
from pathlib import Path

import numpy as np
import pytest

from reelseek.artefacts import ArtefactStore
from reelseek.errors import NotFound, ReelseekError, StorageError

VIDEO = "0123456789abcdef" * 2
OTHER = "f" * 32


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtefactStore:
    if request.param == "disk":
        return ArtefactStore(str(tmp_path / "arte::facts #1"))
    return ArtefactStore(f"memory://{uuid.uuid4().hex}")


def test_a_stage_is_there_with_all_its_files(store: ArtefactStore) -> None:
    assert not store.has(VIDEO, "frames", "k1")
    with store.write(VIDEO, "frames", "k1") as writer:
        writer.json("frames.json", {"title": "é\udc80", "times": [0.5]})
        writer.bytes("thumbs/0.jpg", b"jpeg")
        writer.array("vectors.npy", np.arange(6, dtype=np.float16).reshape(2, 3))
        assert not store.has(VIDEO, "frames", "k1")
    assert store.has(VIDEO, "frames", "k1")
    assert store.read_json(VIDEO, "frames", "k1", "frames.json") == {"title": "é\udc80", "times": [0.5]}
    assert store.read_bytes(VIDEO, "frames", "k1", "thumbs/0.jpg") == b"jpeg"
    assert store.read_array(VIDEO, "frames", "k1", "vectors.npy").tolist() == [[0, 1, 2], [3, 4, 5]]
    assert set(store.files(VIDEO, "frames", "k1")) == {"frames.json", "thumbs/0.jpg", "vectors.npy"}
    assert store.videos() == [VIDEO]


def test_a_failed_stage_leaves_nothing(store: ArtefactStore) -> None:
    with pytest.raises(ValueError, match="JSON"), store.write(VIDEO, "speech", "k1") as writer:  # noqa: PT012
        writer.json("lines.json", [])
        writer.json("broken.json", float("nan"))
    assert not store.has(VIDEO, "speech", "k1")
    with pytest.raises(NotFound):
        store.read_bytes(VIDEO, "speech", "k1", "lines.json")
    with store.write(VIDEO, "speech", "k1") as writer:
        writer.json("lines.json", [1])
    assert store.read_json(VIDEO, "speech", "k1", "lines.json") == [1]


def test_the_pointer_and_deleting_a_video(store: ArtefactStore) -> None:
    assert store.current(VIDEO) == {}
    for key in ("old", "new"):
        with store.write(VIDEO, "speech", key) as writer:
            writer.bytes("a", b"a")
    with store.write(OTHER, "speech", "old") as writer:
        writer.bytes("a", b"a")
    store.set_current(VIDEO, {"speech": "old"})
    store.set_current(VIDEO, {"speech": "new"})
    assert store.current(VIDEO) == {"speech": "new"}
    store.delete_video(VIDEO)
    store.delete_video(VIDEO)
    assert store.videos() == [OTHER]
    assert store.current(VIDEO) == {}


def test_files_of_another_result_are_adopted(store: ArtefactStore) -> None:
    with store.write(VIDEO, "frames", "part-0") as writer:
        writer.bytes("looks/0.jpg", b"first")
        writer.bytes("looks/1.jpg", b"second")
    with store.write(VIDEO, "frames", "whole") as writer:
        writer.adopt(VIDEO, "frames", "part-0", "looks/0.jpg", "looks/7.jpg")
        writer.adopt(VIDEO, "frames", "part-0", "looks/1.jpg")
        with pytest.raises(NotFound):
            writer.adopt(VIDEO, "frames", "part-0", "looks/2.jpg")
        with pytest.raises(NotFound):
            writer.adopt(VIDEO, "frames", "part-1", "looks/0.jpg")
        writer.bytes("looks/1.jpg", b"another")
    assert store.files(VIDEO, "frames", "whole") == {"looks/7.jpg": 5, "looks/1.jpg": 7}
    assert store.read_bytes(VIDEO, "frames", "part-0", "looks/1.jpg") == b"second"
    store.delete(VIDEO, "frames", "part-0")
    assert not store.has(VIDEO, "frames", "part-0")
    with store.open(VIDEO, "frames", "whole", "looks/7.jpg") as file:
        assert file.read() == b"first"
    assert store.read_bytes(VIDEO, "frames", "whole", "looks/1.jpg") == b"another"


def test_a_file_system_without_hard_links_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    store = ArtefactStore(str(tmp_path))
    with store.write(VIDEO, "frames", "part") as writer:
        writer.bytes("looks/0.jpg", b"first")
    monkeypatch.setattr(os, "link", refuse)
    with store.write(VIDEO, "frames", "whole") as writer:
        writer.adopt(VIDEO, "frames", "part", "looks/0.jpg")
    assert store.read_bytes(VIDEO, "frames", "whole", "looks/0.jpg") == b"first"
    assert [stored.linked for stored in store.stored(VIDEO)] == [0, 0]


def test_a_network_folder_that_flushes_no_folders_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def refuse_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    store = ArtefactStore(str(tmp_path))
    with store.write(VIDEO, "frames", "k") as writer:
        for number in range(50):
            writer.bytes(f"looks/{number}.jpg", b"jpeg")
    store.set_current(VIDEO, {"frames": "k"})
    assert store.current(VIDEO) == {"frames": "k"}
    assert len(store.files(VIDEO, "frames", "k")) == 50


def test_what_is_stored_is_listed_with_sizes(store: ArtefactStore) -> None:
    assert store.stored(VIDEO) == []
    assert store.sizes(VIDEO) == {}
    assert store.keys(VIDEO, "frames") == []
    for key in ("k2", "k1"):
        with store.write(VIDEO, "frames", key) as writer:
            writer.bytes("frames/0.jpg", b"x" * 1000)
            writer.remember(engine="reader-1")
    store.set_current(VIDEO, {"frames": "k1"})
    assert store.keys(VIDEO, "frames") == ["k1", "k2"]
    marker = len(store.read_bytes(VIDEO, "frames", "k1", "done.json"))
    assert store.sizes(VIDEO)["frames", "k1"] == 1000 + marker
    first, second = store.stored(VIDEO)
    assert (first.key, second.key) == ("k1", "k2")
    assert first.files == {"frames/0.jpg": 1000, "done.json": marker}
    assert first.complete
    assert abs(first.modified - time.time()) < 60
    assert store.about(VIDEO, "frames", "k1")["engine"] == "reader-1"
    assert store.about(VIDEO, "frames", "k1")["seconds"] >= 0
    store.delete(VIDEO, "frames", "k2")
    store.delete(VIDEO, "frames", "k2")
    assert store.keys(VIDEO, "frames") == ["k1"]


def test_who_is_at_work_is_seen_and_who_was_killed_is_not(store: ArtefactStore) -> None:
    assert not store.is_busy(VIDEO)
    with store.working(VIDEO):
        assert store.is_busy(VIDEO)
        assert not store.is_busy(OTHER)
        assert store.sweep(VIDEO) == 0
        assert store.is_busy(VIDEO)
    assert not store.is_busy(VIDEO)
    assert store.stored(VIDEO) == []


def test_files_of_a_finished_result_can_go(store: ArtefactStore) -> None:
    with store.write(VIDEO, "frames", "k") as writer:
        for name in ("frames/0.jpg", "looks/0.jpg", "looks/1.jpg"):
            writer.bytes(name, b"jpeg")
    store.drop(VIDEO, "frames", "k", {"looks/0.jpg", "looks/1.jpg", "looks/9.jpg"})
    assert store.has(VIDEO, "frames", "k")
    assert set(store.files(VIDEO, "frames", "k")) == {"frames/0.jpg"}
    assert store.about(VIDEO, "frames", "k")["dropped"] == 2
    assert set(store.stored(VIDEO)[0].files) == {"frames/0.jpg", "done.json"}


def test_a_finished_result_is_replaced_only_when_that_is_asked_for(store: ArtefactStore) -> None:
    for replace, expected in ((False, b"first"), (True, b"third")):
        for content in (b"first", b"third") if replace else (b"first",):
            with store.write(VIDEO, "speech", "k", replace=replace) as writer:
                writer.bytes("a", content)
        assert store.read_bytes(VIDEO, "speech", "k", "a") == expected
    assert not store.is_busy(VIDEO)


@pytest.mark.parametrize("bad", ["../../etc/passwd", "/etc/passwd", "", "a/../b", "a//b", ".hidden", "a\0b"])
def test_names_never_leave_the_store(store: ArtefactStore, bad: str) -> None:
    with pytest.raises(NotFound):
        store.read_bytes(VIDEO, "media", "k", bad)
    with pytest.raises(NotFound):
        store.read_bytes(VIDEO, bad, "k", "poster.jpg")
    with pytest.raises(NotFound):
        store.has(bad, "media", "k")
    with pytest.raises(NotFound), store.write(VIDEO, "media", "k") as writer:
        writer.bytes(bad, b"")


def test_the_local_path_is_given_on_a_disk_only(tmp_path: Path) -> None:
    disk, memory = ArtefactStore(str(tmp_path)), ArtefactStore(f"memory://{uuid.uuid4().hex}")
    for store in (disk, memory):
        with store.write(VIDEO, "media", "k") as writer:
            writer.bytes("poster.jpg", b"jpeg")
    path = disk.local_path(VIDEO, "media", "k", "poster.jpg")
    assert path is not None
    assert path.read_bytes() == b"jpeg"
    assert disk.local_path(VIDEO, "media", "k", "absent.jpg") is None
    assert memory.local_path(VIDEO, "media", "k", "poster.jpg") is None


def test_two_writers_of_one_key_leave_one_complete_result(tmp_path: Path) -> None:
    store = ArtefactStore(str(tmp_path))
    with store.write(VIDEO, "speech", "k") as slow:
        slow.bytes("a", b"same")
        with store.write(VIDEO, "speech", "k") as fast:
            fast.bytes("a", b"same")
    assert store.read_bytes(VIDEO, "speech", "k", "a") == b"same"
    assert not list(tmp_path.rglob(".tmp-*"))


def test_an_incomplete_folder_is_replaced(tmp_path: Path) -> None:
    store = ArtefactStore(str(tmp_path))
    half = tmp_path / VIDEO[:2] / VIDEO / "speech" / "k"
    half.mkdir(parents=True)
    (half / "a").write_bytes(b"half")
    assert not store.has(VIDEO, "speech", "k")
    with store.write(VIDEO, "speech", "k") as writer:
        writer.bytes("a", b"whole")
    assert store.read_bytes(VIDEO, "speech", "k", "a") == b"whole"


def test_sweep_removes_what_dead_processes_left_and_nothing_else(tmp_path: Path) -> None:
    store = ArtefactStore(str(tmp_path))
    code = (
        "import os, sys; from reelseek.artefacts import ArtefactStore\n"
        f"with ArtefactStore(sys.argv[1]).write({VIDEO!r}, 'speech', 'k') as writer:\n"
        "    writer.bytes('a', b'a'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert len(list(tmp_path.rglob(".tmp-*"))) == 1
    with store.write(VIDEO, "speech", "k2") as writer:
        store.sweep(VIDEO)
        writer.bytes("a", b"a")
    assert store.has(VIDEO, "speech", "k2")
    assert not store.has(VIDEO, "speech", "k")
    assert not list(tmp_path.rglob(".tmp-*"))
    foreign = tmp_path / VIDEO[:2] / VIDEO / f".tmp-elsewhere{socket.gethostname()}-1-{uuid.uuid4().hex}"
    foreign.mkdir()
    store.sweep(VIDEO)
    assert foreign.exists()
    os.utime(foreign, (0, 0))
    store.sweep(VIDEO)
    assert not foreign.exists()


def test_a_full_disk_is_said_as_such(tmp_path: Path) -> None:
    store = ArtefactStore(str(tmp_path))
    with pytest.raises(StorageError, match="No space left"), store.write(VIDEO, "speech", "k"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert not list(tmp_path.rglob(".tmp-*"))


def test_a_damaged_file_is_said_as_such(tmp_path: Path) -> None:
    store = ArtefactStore(str(tmp_path))
    with store.write(VIDEO, "speech", "k") as writer:
        writer.bytes("lines.json", b"{")
    with pytest.raises(ReelseekError, match="damaged"):
        store.read_json(VIDEO, "speech", "k", "lines.json")
