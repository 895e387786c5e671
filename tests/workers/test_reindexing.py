"""Bringing videos up to date: what is stale and why, what it costs, that the old rows serve until the new ones do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import ingest.opening
from index.reader import IndexReader
from library.ledger import Ledger
from library.records import JobState, VideoState
from reelseek.errors import InvalidRequest, JobLost
from reelseek.records import Image
from reelseek.settings import Settings, load_settings
from tests.support.media import busy, slide, steady, write_video
from workers.enqueue import REINDEX
from workers.indexing import Workspace, index_file
from workers.reindexing import queue_stale, queue_videos, reindex_video
from workers.runner import run_next
from workers.scan import scan_libraries
from workers.staleness import VideoChange, stale_videos

ROOT = Path(__file__).resolve().parents[2]
OFF = dict.fromkeys(("visual", "sentence", "speech", "screen_text", "objects"), "off")


def _settings(tmp_path: Path, **groups: Any) -> Settings:
    engines = OFF | groups.pop("engines", {})
    workers = {"stable_seconds": 0.01}
    return load_settings({"data": tmp_path / "data", "engines": engines, "workers": workers, **groups})


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Two films with a sentence each, of which the second is the newer one."""
    folder = tmp_path / "films"
    folder.mkdir()
    for seed, name in enumerate(("one", "two")):
        cues = [(0.5, 2.0, f"This is what film {name} says.")]
        scenes = [(6.0, busy(seed)), (6.0, slide("Minutes", f"of {name}"))]
        path = write_video(folder / f"{name}.mkv", steady(scenes), cues=cues)
        os.utime(path, (1_700_000_000 + seed, 1_700_000_000 + seed))
    return folder


@pytest.fixture
def indexed(tmp_path: Path, films: Path) -> Path:
    with Workspace.open(_settings(tmp_path)) as workspace:
        library = workspace.catalogue.add_library(films).library_id
        for path in sorted(films.iterdir()):
            assert index_file(workspace, path, library_id=library).state == "indexed"
    return films


def moving(seconds: float) -> Iterator[tuple[float, Image]]:
    """A bright square that wanders over a picture."""
    back = busy(3)
    for number in range(int(seconds * 10)):
        picture = back.copy()
        left = (number * 9) % 240
        picture[60:120, left : left + 60] = 255
        yield number / 10, picture


def _changes(workspace: Workspace, **how: Any) -> list[VideoChange]:
    return list(stale_videos(workspace, workspace.catalogue.videos(), **how))


def _actions(change: VideoChange) -> dict[str, str]:
    return {step.stage: step.action for step in change.steps}


def _texts(workspace: Workspace) -> set[str]:
    rows = IndexReader(workspace.settings).snapshot(workspace.catalogue.visibility).rows("lines")
    return {str(row["text"]) for row in rows}


def _nothing_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a video was opened")

    monkeypatch.setattr(ingest.opening.av, "open", refuse)


def test_nothing_is_stale_while_nothing_changed(tmp_path: Path, indexed: Path) -> None:
    with Workspace.open(_settings(tmp_path)) as workspace:
        assert _changes(workspace) == []


def test_a_changed_setting_is_named_with_what_it_touches_and_costs(
    tmp_path: Path, indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _nothing_is_opened(monkeypatch)
    with Workspace.open(_settings(tmp_path, ingest={"segment_max": 8.0})) as workspace:
        changes = _changes(workspace)
        assert [change.video.title for change in changes] == ["two", "one"]
        actions = _actions(changes[0])
        assert {stage for stage, action in actions.items() if action == "run"} == {"segments", "chapters", "media"}
        assert {stage for stage, action in actions.items() if action == "reuse"} == {"probe", "frames", "speech"}
        reasons = {step.stage: step.reason for step in changes[0].runs}
        assert reasons["segments"] == "segment_max 30.0 → 8.0"
        assert reasons["media"] == "builds on segments"
        assert changes[0].seconds is not None
        assert 0 <= changes[0].seconds < 60
        assert _changes(workspace, stage="frames") == []
        assert len(_changes(workspace, stage="segments")) == 2
        with pytest.raises(InvalidRequest, match="no stage"):
            _changes(workspace, stage="sound")


def test_a_new_engine_is_named_and_what_it_costs_is_not_known(tmp_path: Path, indexed: Path) -> None:
    with Workspace.open(_settings(tmp_path, engines={"sentence": "minilm"})) as workspace:
        change = _changes(workspace)[0]
        vectors = next(step for step in change.runs if step.stage == "text_vectors")
        assert vectors.reason.startswith("new: minilm")
        assert vectors.seconds is None
        assert change.seconds is None
        reindex_video(workspace, change.video.video_id)
        other = _changes(workspace)
        assert [item.video.title for item in other] == ["one"]
        assert next(step for step in other[0].runs if step.stage == "text_vectors").seconds is not None
    with Workspace.open(_settings(tmp_path)) as workspace:
        change = _changes(workspace)[0]
        assert _actions(change)["text_vectors"] == "off"
        assert _actions(change)["chapters"] == "reuse", "what was made before is still there"


def test_old_rows_are_found_until_the_new_ones_are_complete(tmp_path: Path, indexed: Path) -> None:
    with Workspace.open(_settings(tmp_path, ingest={"segment_max": 5.0})) as workspace:
        entry = workspace.catalogue.videos(query="one")[0]
        seen: list[tuple[str, frozenset[object]]] = []

        def look(stage: str, _fraction: float) -> None:
            snapshot = IndexReader(workspace.settings).snapshot(workspace.catalogue.visibility)
            rows = [row for row in snapshot.rows("segments") if row["video_id"] == entry.video_id]
            seen.append((stage, frozenset((row["ingest_id"], len(rows)) for row in rows)))

        report = reindex_video(workspace, entry.video_id, progress=look)
        assert report.state == "indexed"
        assert {run.name for run in report.stages if run.state == "done"} == {"segments", "chapters", "media"}
        before = {versions for stage, versions in seen[:-1]}
        assert len(before) == 1, "one version, whole, at every step"
        assert len(next(iter(before))) == 1
        after = workspace.catalogue.video(entry.video_id)
        assert after.live_ingest != entry.live_ingest
        assert seen[-1][0] == "index"
        assert seen[-1][1] != seen[0][1]
        assert [change.video.title for change in _changes(workspace)] == ["two"]


def test_a_reindex_that_is_stopped_leaves_the_old_rows(tmp_path: Path, indexed: Path) -> None:
    with Workspace.open(_settings(tmp_path, ingest={"segment_max": 5.0})) as workspace:
        entry = workspace.catalogue.videos(query="one")[0]
        texts = _texts(workspace)

        def stop(stage: str, _fraction: float) -> None:
            if stage == "media":
                raise JobLost("taken away")

        with pytest.raises(JobLost):
            reindex_video(workspace, entry.video_id, progress=stop)
        assert workspace.catalogue.video(entry.video_id).live_ingest == entry.live_ingest
        assert workspace.store.current(entry.video_id)["segments"] in workspace.store.keys(entry.video_id, "segments")
        assert _texts(workspace) == texts
        report = reindex_video(workspace, entry.video_id)
        assert {run.name for run in report.stages if run.state == "done"} == {"media"}


def test_a_stage_can_be_done_again_on_purpose(tmp_path: Path, indexed: Path) -> None:
    with Workspace.open(_settings(tmp_path)) as workspace:
        changes = _changes(workspace, stage="speech", force=True)
        assert len(changes) == 2
        runs = {step.stage: step.reason for step in changes[0].runs}
        because = {"segments": "builds on speech", "chapters": "builds on segments", "media": "builds on segments"}
        assert runs == {"speech": "asked for"} | because
        entry = changes[0].video
        report = reindex_video(workspace, entry.video_id, ["speech"])
        done = {run.name for run in report.stages if run.state == "done"}
        assert done == {"speech", "segments", "chapters", "media"}
        assert workspace.catalogue.video(entry.video_id).live_ingest != entry.live_ingest
        assert reindex_video(workspace, entry.video_id).state == "unchanged"
        assert _changes(workspace, stage="frames") == []


_KILLED = """
import os, signal, sys
from reelseek.settings import Settings
from workers.indexing import Workspace
from workers.reindexing import reindex_video

def stop(stage, fraction):
    if stage == "chapters":
        os.kill(os.getpid(), signal.SIGKILL)

with Workspace.open(Settings.model_validate_json(sys.argv[1])) as workspace:
    reindex_video(workspace, sys.argv[2], ["frames"], stop)
"""


def test_the_old_version_serves_whole_when_doing_it_again_is_killed_and_the_next_run_goes_on(
    tmp_path: Path, indexed: Path
) -> None:
    settings = _settings(tmp_path)
    with Workspace.open(settings) as workspace:
        entry = workspace.catalogue.videos(query="one")[0]
        live, texts = workspace.store.current(entry.video_id), _texts(workspace)
    before = _files(tmp_path, entry.video_id, live)
    command = [sys.executable, "-c", _KILLED, settings.model_dump_json(), entry.video_id]
    killed = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with Workspace.open(settings) as workspace:
        assert workspace.store.current(entry.video_id) == live
        assert _files(tmp_path, entry.video_id, live) == before, "content and time of every file of the old version"
        assert len(workspace.store.keys(entry.video_id, "frames")) == 2, "the new version lies beside it"
        assert _texts(workspace) == texts
        change = _changes(workspace)[0]
        assert {step.stage for step in change.runs} == {"chapters", "media"}, "what was done is not done again"
        again = reindex_video(workspace, entry.video_id, ["frames"])
        assert {run.name for run in again.stages if run.state == "done"} == {"chapters", "media"}
        now = workspace.store.current(entry.video_id)
        assert {stage for stage in now if now[stage] == live[stage]} == {"probe", "speech"}
        assert workspace.catalogue.video(entry.video_id).live_ingest != entry.live_ingest
        assert _texts(workspace) == texts
        assert _changes(workspace) == []
        assert _files(tmp_path, entry.video_id, live) == before, "kept as long as other replaced results are"


def _files(tmp_path: Path, video_id: str, keys: dict[str, str]) -> dict[str, tuple[int, bytes]]:
    folder = tmp_path / "data" / "artefacts" / video_id[:2] / video_id
    paths = [path for stage, key in keys.items() for path in (folder / stage / key).rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in paths}


def test_a_video_whose_file_is_gone_is_renewed_as_far_as_artefacts_go(tmp_path: Path, indexed: Path) -> None:
    (indexed / "one.mkv").unlink()
    settings = _settings(tmp_path, ingest={"segment_max": 5.0, "max_side": 640}, engines={"sentence": "minilm"})
    with Workspace.open(settings) as workspace:
        scan_libraries(workspace.catalogue, workspace.settings)
        change = next(change for change in _changes(workspace) if change.offline)
        assert change.video.title == "one"
        assert {step.stage for step in change.runs} == {"segments", "text_vectors", "chapters", "media"}
        blocked = {step.stage: step.reason for step in change.steps if step.action == "blocked"}
        assert blocked == {"frames": "max_side 960 → 640; its file is not there"}
        frames = workspace.store.current(change.video.video_id)["frames"]
        assert reindex_video(workspace, change.video.video_id).state == "indexed"
        entry = workspace.catalogue.video(change.video.video_id)
        assert entry.state is VideoState.MISSING
        assert workspace.store.current(entry.video_id)["frames"] == frames
        assert "text_vectors" in workspace.store.current(entry.video_id)
        assert "This is what film one says." in _texts(workspace)
        left = [change for change in _changes(workspace) if change.offline]
        assert [(change.due, change.runs) for change in left] == [(False, ())]
        assert reindex_video(workspace, entry.video_id).state == "unchanged"


def test_a_file_that_changed_meanwhile_is_indexed_as_what_it_is_now(tmp_path: Path, indexed: Path) -> None:
    with Workspace.open(_settings(tmp_path, ingest={"segment_max": 5.0})) as workspace:
        old = workspace.catalogue.videos(query="one")[0].video_id
        write_video(indexed / "one.mkv", steady([(3.0, busy(9))]))
        report = reindex_video(workspace, old)
        assert (report.state, report.video_id != old) == ("indexed", True)
        assert workspace.catalogue.find_video(old) is None


def test_the_schedule_queues_each_change_once_and_the_newest_first(tmp_path: Path, indexed: Path) -> None:
    settings = _settings(tmp_path, ingest={"segment_max": 5.0})
    with Workspace.open(settings) as workspace:
        ledger = Ledger(workspace.catalogue)
        newest = workspace.catalogue.videos()[0]
        assert queue_stale(workspace) == 2
        assert queue_stale(workspace) == 0
        queued = ledger.jobs(JobState.QUEUED, kind=REINDEX)
        assert queued[0].payload["video_id"] == newest.video_id
        assert all(job.priority < 0 for job in queued)
        job = run_next(workspace, threading.Event())
        assert job is not None
        assert job.payload["video_id"] == newest.video_id
        assert ledger.job(job.job_id).state is JobState.DONE
        assert [change.video.video_id for change in _changes(workspace)] == [queued[1].payload["video_id"]]
        ledger.cancel(queued[1].job_id)
        assert queue_stale(workspace) == 0, "the one that came to nothing is not queued again for the same change"
        assert len(queue_videos(workspace, [queued[1].payload["video_id"]])) == 1, "a person can"
    with Workspace.open(_settings(tmp_path, ingest={"segment_max": 7.0})) as workspace:
        assert queue_stale(workspace) == 2, "another change is another matter"


def test_the_schedule_can_be_turned_off_and_takes_no_channel_away(
    tmp_path: Path, indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Workspace.open(_settings(tmp_path, engines={"sentence": "minilm"})) as workspace:
        for entry in workspace.catalogue.videos():
            reindex_video(workspace, entry.video_id)
    workers = {"stable_seconds": 0.01, "reindex": "off"}
    with Workspace.open(_settings(tmp_path, ingest={"segment_max": 5.0}, workers=workers)) as workspace:
        assert queue_stale(workspace) == 0
    with Workspace.open(_settings(tmp_path, engines={"sentence": "auto"})) as workspace:
        monkeypatch.setattr(type(workspace.engines), "ref", lambda *_: None)
        assert len(_changes(workspace)) == 2
        assert queue_stale(workspace) == 0, "the engine is missing here; nobody turned it off"


def test_pictures_that_were_dropped_are_decoded_again_where_a_stage_needs_them(tmp_path: Path) -> None:
    film = write_video(tmp_path / "film.mp4", moving(6.0))
    with Workspace.open(_settings(tmp_path)) as workspace:
        video_id = index_file(workspace, film).video_id
        frames = workspace.store.current(video_id)["frames"]
        looks = [name for name in workspace.store.files(video_id, "frames", frames) if name.startswith("looks/")]
        assert looks, "the picture moves"
        workspace.store.drop(video_id, "frames", frames, looks)
        assert index_file(workspace, film).state == "unchanged"
    with Workspace.open(_settings(tmp_path, engines={"screen_text": "rapidocr"})) as workspace:
        report = reindex_video(workspace, video_id)
        assert {"frames", "screen_text"} <= {run.name for run in report.stages if run.state == "done"}
        assert workspace.store.current(video_id)["frames"] == frames
        assert set(looks) <= set(workspace.store.files(video_id, "frames", frames))
        workspace.store.drop(video_id, "frames", frames, looks)
    film.unlink()
    with Workspace.open(_settings(tmp_path, engines={"screen_text": "paddleocr"})) as workspace:
        change = _changes(workspace)[0]
        blocked = {step.stage: step.reason for step in change.steps if step.action == "blocked"}
        assert not change.due
        assert "pictures were dropped to save space" in blocked["screen_text"]
