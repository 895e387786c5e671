"""Reclaiming space: what goes, when, and that nothing goes that is needed."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from library.records import Counts
from reelseek.errors import StorageError
from reelseek.settings import Settings, load_settings
from tests.support.documents import info_of
from tests.support.media import busy, steady, write_video
from workers.collecting import DAY, collect_garbage
from workers.indexing import Workspace, index_paths
from workers.storage import storage_use

OFF = dict.fromkeys(("visual", "sentence", "speech", "screen_text", "objects"), "off")
VIDEO, STRANGER = "a" * 32, "b" * 32


def _settings(tmp_path: Path, **groups: Any) -> Settings:
    return load_settings({"data": tmp_path / "data", "engines": OFF, **groups})


def _result(workspace: Workspace, stage: str, key: str, size: int = 1000, video_id: str = VIDEO) -> None:
    with workspace.store.write(video_id, stage, key) as writer:
        writer.bytes("a.bin", b"x" * size)


def _age(workspace: Workspace, days: float, video_id: str = VIDEO) -> None:
    """Make everything of a video look as old as that."""
    when = time.time() - days * DAY
    for path in Path(workspace.store.url).rglob(f"{video_id}/**/*"):
        os.utime(path, (when, when))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A published video with a live result, a replaced one, and a part that was joined."""
    workspace = Workspace.open(_settings(tmp_path, storage={"keep_replaced_days": 7}))
    path = tmp_path / "film.mp4"
    path.write_bytes(b"x")
    workspace.catalogue.record_video(info_of(VIDEO), path)
    for stage, key in (("speech", "old"), ("speech", "live"), ("frames-part", "live-00000"), ("frames", "live")):
        _result(workspace, stage, key)
    workspace.store.set_current(VIDEO, {"speech": "live", "frames": "live"})
    workspace.catalogue.publish(workspace.catalogue.begin_ingest(VIDEO, "f"), Counts(), {})
    return workspace


def _left(workspace: Workspace, video_id: str = VIDEO) -> set[tuple[str, str]]:
    return set(workspace.store.sizes(video_id))


LIVE = {("speech", "live"), ("frames", "live")}


def test_parts_go_at_once_and_replaced_results_after_their_time(workspace: Workspace) -> None:
    dry = collect_garbage(workspace, dry_run=True)
    assert set(dry.kinds) == {"parts"}
    assert ("frames-part", "live-00000") in _left(workspace)
    found = collect_garbage(workspace)
    assert found.kinds == dry.kinds
    assert found.bytes >= 1000
    assert _left(workspace) == LIVE | {("speech", "old")}
    _age(workspace, 8)
    found = collect_garbage(workspace)
    assert set(found.kinds) == {"replaced"}
    assert set(found.videos) == {VIDEO}
    assert _left(workspace) == LIVE
    assert found.remaining == sum(workspace.store.sizes(VIDEO).values())


def test_replaced_results_can_go_at_once(workspace: Workspace, tmp_path: Path) -> None:
    settings = _settings(tmp_path, storage={"keep_replaced_days": 0})
    with Workspace.open(settings) as other:
        collect_garbage(other)
    assert _left(workspace) == LIVE


def test_a_video_that_is_being_indexed_is_left_alone(workspace: Workspace) -> None:
    _age(workspace, 30)
    with workspace.store.working(VIDEO):
        found = collect_garbage(workspace)
        assert (found.busy, found.bytes) == (1, 0)
    with workspace.store.write(VIDEO, "objects", "new"):
        assert collect_garbage(workspace).busy == 1
    assert collect_garbage(workspace).busy == 0


def test_what_a_stopped_ingest_left_is_kept_for_a_day(workspace: Workspace) -> None:
    collect_garbage(workspace)
    time.sleep(0.02)
    _result(workspace, "objects", "new")
    _result(workspace, "objects-part", "new-00003")
    assert collect_garbage(workspace).bytes == 0
    when = time.time() - 2 * DAY
    for path in Path(workspace.store.url).rglob(f"{VIDEO}/objects*/**/*"):
        os.utime(path, (when, when))
    os.utime(next(Path(workspace.store.url).rglob(f"{VIDEO}/current.json")), (when - 10, when - 10))
    assert set(collect_garbage(workspace).kinds) == {"unfinished"}
    assert _left(workspace) == LIVE | {("speech", "old")}


def test_artefacts_of_videos_that_nobody_knows_go_after_their_time(workspace: Workspace) -> None:
    _result(workspace, "speech", "k", video_id=STRANGER)
    assert "unknown" not in collect_garbage(workspace).kinds
    _age(workspace, 8, STRANGER)
    assert collect_garbage(workspace).kinds["unknown"] >= 1000
    assert workspace.store.videos() == [VIDEO]


def test_an_empty_catalogue_reclaims_nothing(workspace: Workspace, tmp_path: Path) -> None:
    _age(workspace, 100)
    settings = _settings(tmp_path, database=f"sqlite:///{tmp_path / 'other.sqlite3'}")
    with Workspace.open(settings) as wrong:
        found = collect_garbage(wrong)
        assert found.bytes == 0
        assert "wrong catalogue" in found.notes[0]
    assert _left(workspace) >= LIVE


def test_above_the_bound_goes_what_can_be_made_again_in_order(tmp_path: Path, workspace: Workspace) -> None:
    collect_garbage(workspace)
    with workspace.store.write(VIDEO, "frames", "looked") as writer:
        writer.bytes("frames/0.jpg", b"x" * 5_000)
        for number in range(10):
            writer.bytes(f"looks/{number}.jpg", b"x" * 10_000)
    workspace.store.set_current(VIDEO, {"speech": "live", "frames": "looked"})

    def held(gigabytes: float, looks_days: float) -> dict[str, int]:
        rule = {"max_gb": gigabytes, "keep_looks_days": looks_days}
        with Workspace.open(_settings(tmp_path, storage=rule)) as bounded:
            found = collect_garbage(bounded)
            assert found.remaining == pytest.approx(sum(bounded.store.sizes(VIDEO).values()), abs=500)
            return dict(found.kinds)

    assert held(0.001, 0) == {}, "nothing is above the bound"
    assert set(held(0.000_108, 30)) == {"replaced"}
    assert set(held(0.000_020, 30)) == {"replaced"}, "the rest of the replaced ones; looks are too young"
    assert held(0.000_020, 0) == {"looks": 100_000}
    assert workspace.store.has(VIDEO, "frames", "looked")
    assert workspace.store.about(VIDEO, "frames", "looked")["dropped"] == 10
    with Workspace.open(_settings(tmp_path, storage={"max_gb": 0.000_001, "keep_looks_days": 0})) as bounded:
        assert "above storage.max_gb" in collect_garbage(bounded).notes[0]
    assert _left(workspace) == {("speech", "live"), ("frames", "looked")}


def test_halves_of_uploads_go(workspace: Workspace) -> None:
    incoming = workspace.settings.data / "incoming"
    incoming.mkdir()
    for name, days in (("upload-old.part", 2), ("upload-new.part", 0)):
        (incoming / name).write_bytes(b"x" * 100)
        os.utime(incoming / name, (time.time() - days * DAY,) * 2)
    assert collect_garbage(workspace).kinds["uploads"] == 100
    assert [path.name for path in incoming.iterdir()] == ["upload-new.part"]


def test_everything_that_takes_space_is_told(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", steady([(3.0, busy(1)), (3.0, busy(2))]))
    with Workspace.open(_settings(tmp_path)) as workspace:
        index_paths(workspace, [path])
        use = storage_use(workspace)
        video = use.videos[0]
        assert video.title == "film"
        assert video.bytes == use.artefacts == sum(workspace.store.sizes(video.video_id).values())
        assert all(use.kinds[kind] > 0 for kind in ("pictures", "text", "media", "index", "catalogue"))
        assert use.kinds["replaced"] == use.kinds["unfinished"] == 0
        assert use.bytes_per_hour == pytest.approx(use.artefacts / (6.0 / 3600), rel=0.05)
    with Workspace.open(_settings(tmp_path, ingest={"segment_max": 5.5})) as workspace:
        index_paths(workspace, [path])
        assert storage_use(workspace).kinds["replaced"] > 0


def test_no_ingest_begins_on_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", steady([(2.0, busy(1))]))
    with (
        Workspace.open(_settings(tmp_path, storage={"min_free_gb": 1e9})) as workspace,
        pytest.raises(StorageError, match=r"storage\.min_free_gb"),
    ):
        index_paths(workspace, [path])
    with Workspace.open(_settings(tmp_path)) as workspace:
        assert [report.state for report in index_paths(workspace, [path])] == ["indexed"]
    with Workspace.open(_settings(tmp_path, storage={"min_free_gb": 1e9})) as workspace:
        assert [report.state for report in index_paths(workspace, [path])] == ["unchanged"]
