"""One long video, several workers: shared chunks, a worker that dies, and a beginning that can be found early."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from library.ledger import Ledger
from library.records import JobState, VideoState
from query.service import SearchRequest, open_service
from reelseek.settings import Settings, load_settings
from tests.support.media import busy, slide, steady, write_video
from tests.workers.test_indexing import OFF
from workers.enqueue import CHUNK, INDEX, enqueue_index
from workers.indexing import Workspace, index_file
from workers.runner import run_next

ROOT = Path(__file__).resolve().parents[2]
_OTHER = """
import sys, threading, time
from pathlib import Path
from library.ledger import Ledger
from reelseek.settings import Settings
from workers.runner import run_next
from workers.workspace import Workspace
claim = Ledger.claim
Ledger.claim = lambda self, worker, *_, **options: claim(self, worker, ["{kind}"], **options)  # a helper only
{patch}
with Workspace.open(Settings.model_validate_json(sys.argv[1])) as workspace:
    Path(sys.argv[2]).touch()
    while not Path(sys.argv[3]).exists():
        if run_next(workspace, threading.Event()) is None:
            time.sleep(0.02)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(
        {
            "data": tmp_path / "data",
            "engines": OFF,
            "ingest": {"chunk_seconds": 10},
            "workers": {"lease_seconds": 2.0},
        }
    )


@pytest.fixture
def film(tmp_path: Path) -> Path:
    pictures = [busy(seed, 960, 540) for seed in range(30)]
    return write_video(tmp_path / "film.mp4", steady([(2.0, picture) for picture in pictures], fps=25))


class Other:
    """Another worker process; ready once it is made."""

    def __init__(self, settings: Settings, folder: Path, patch: str = "", kind: str = CHUNK) -> None:
        self.ready, self.end = folder / "ready", folder / "end"
        code = _OTHER.format(patch=patch, kind=kind)
        command = [sys.executable, "-c", code, settings.model_dump_json(), str(self.ready), str(self.end)]
        self.process = subprocess.Popen(command, cwd=ROOT)
        while not self.ready.exists():
            assert self.process.poll() is None
            time.sleep(0.05)

    def __enter__(self) -> Other:
        return self

    def __exit__(self, *_: object) -> None:
        self.end.touch()
        self.process.wait(30)


def work_off(workspace: Workspace) -> None:
    """Run jobs until none is left, here or elsewhere."""
    ledger = Ledger(workspace.catalogue, workspace.settings.workers)
    while True:
        ledger.reconcile()
        if run_next(workspace, threading.Event()) is None:
            counts = ledger.counts()
            if not counts[JobState.RUNNING] and not counts[JobState.QUEUED]:
                return
            time.sleep(0.05)


def test_two_workers_share_the_chunks_of_one_video(settings: Settings, film: Path, tmp_path: Path) -> None:
    with Workspace.open(settings) as workspace, Other(settings, tmp_path):
        enqueue_index(workspace.catalogue, settings, film)
        work_off(workspace)
        jobs = Ledger(workspace.catalogue).jobs(limit=None)
        assert {job.state for job in jobs} == {JobState.DONE}
        assert sorted(job.payload["chunk"] for job in jobs if job.kind == CHUNK) == [1, 2, 3, 4, 5]
        assert len({job.worker for job in jobs}) == 2
        (video,) = workspace.catalogue.videos()
        assert (video.state, video.partial) == (VideoState.INDEXED, False)
        alone = settings.model_copy(update={"data": tmp_path / "alone"})
        with Workspace.open(alone) as single:
            index_file(single, film)
            (other,) = single.catalogue.videos()
        assert other.ingest_fingerprint == video.ingest_fingerprint
        assert other.counts == video.counts


def test_a_worker_that_dies_in_a_chunk_costs_that_chunk_alone(settings: Settings, film: Path, tmp_path: Path) -> None:
    kill = "import os, workers.runner\nworkers.sharing.ingest_chunk = lambda *a, **k: os.kill(os.getpid(), 9)"
    with Workspace.open(settings) as workspace, Other(settings, tmp_path, kill) as other:
        enqueue_index(workspace.catalogue, settings, film)
        work_off(workspace)
        assert other.process.wait(10) == -signal.SIGKILL
        jobs = Ledger(workspace.catalogue).jobs(limit=None)
        assert {job.state for job in jobs} == {JobState.DONE}
        assert max(job.failures for job in jobs) == 1
        assert {job.worker.rpartition(":")[2] for job in jobs if job.kind == INDEX} == {str(os.getpid())}
        assert workspace.catalogue.videos()[0].state is VideoState.INDEXED


def test_the_beginning_is_found_while_the_end_is_still_to_do(tmp_path: Path) -> None:
    engines = OFF | {"screen_text": "rapidocr"}
    settings = load_settings({"data": tmp_path / "data", "engines": engines, "ingest": {"chunk_seconds": 10}})
    pages = [slide("Lighthouse"), slide("Harbour", back="navy", ink="white"), slide("Ferry"), slide("Gangway")]
    film = write_video(tmp_path / "pages.mp4", steady([(10.0, page) for page in pages]))
    found: list[tuple[str, list[str]]] = []

    with Workspace.open(settings) as workspace, open_service(settings) as service:

        def look(stage: str, fraction: float) -> None:
            (video,) = workspace.catalogue.videos() or [None]
            if video is None or not video.partial or len(found) == 2:
                return
            for word in ("lighthouse", "gangway"):
                result = service.search(SearchRequest(f"text:{word}"))
                found.append((word, [moment.title for moment in result.moments]))
                if result.moments or result.near_misses:
                    assert any("still being indexed" in note for note in result.notes)

        assert index_file(workspace, film, look).state == "indexed"
        assert found == [("lighthouse", ["pages"]), ("gangway", [])]
        for word in ("lighthouse", "gangway"):
            result = service.search(SearchRequest(f"text:{word}"))
            assert [moment.title for moment in result.moments] == ["pages"]
            assert not any("still being indexed" in note for note in result.notes)


def test_a_stop_in_the_middle_leaves_the_beginning_and_is_taken_up(settings: Settings, film: Path) -> None:
    def stop(stage: str, fraction: float) -> None:
        (video,) = workspace.catalogue.videos() or [None]
        if video is not None and video.partial:
            raise KeyboardInterrupt

    with Workspace.open(settings) as workspace:
        with pytest.raises(KeyboardInterrupt):
            index_file(workspace, film, stop)
        (video,) = workspace.catalogue.videos()
        assert video.partial
        assert video.counts.frames > 0
        assert index_file(workspace, film).state == "indexed"
        (whole,) = workspace.catalogue.videos()
        assert not whole.partial
        assert whole.counts.frames > video.counts.frames
