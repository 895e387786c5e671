"""Real processes: a clean Celery parent, a worker killed in the middle of its work, a supervisor that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from index.reader import IndexReader
from library.catalogue import open_catalogue
from library.ledger import Ledger
from library.records import JobState
from reelseek.settings import Settings, as_environment, load_settings
from tests.support.media import busy, steady, write_video
from tests.workers.test_indexing import OFF
from workers.enqueue import queue_index

T = TypeVar("T")
PATIENCE = 300.0
"""Seconds until a process counts as stuck; only a failing test waits so long."""

SERVE = """
import sys
from reelseek.settings import load_settings
from workers.supervisor import serve
sys.exit(serve(load_settings(), [sys.executable, "-c", {web!r}]))
"""
IDLE_WEB = "import time; time.sleep(10_000)"


@pytest.fixture
def quick(tmp_path: Path) -> Settings:
    return load_settings({"data": tmp_path / "data", "engines": OFF, "workers": {"lease_seconds": 3.0}})


def start_serving(settings: Settings, log: Path, web: str = IDLE_WEB) -> subprocess.Popen[bytes]:
    environment = os.environ | as_environment(settings)
    root = Path(__file__).resolve().parents[2]
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-c", SERVE.format(web=web)],
            env=environment,
            cwd=root,
            stdout=output,
            stderr=output,
        )


def wait_for(find: Callable[[], T | None], what: str) -> T:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if found := find():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}")


def test_importing_the_app_and_its_tasks_loads_nothing_heavy() -> None:
    code = (
        "import sys, workers.app, workers.tasks\n"
        "heavy = {'torch', 'lancedb', 'paddle', 'ultralytics', 'whisper', 'transformers', 'onnxruntime', 'av', 'cv2'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_worker_killed_in_the_middle_of_an_ingest_is_replaced_and_the_job_finishes_by_itself(
    quick: Settings, tmp_path: Path
) -> None:
    scenes = [(20.0, busy(seed, 640, 360)) for seed in range(4)]
    film = write_video(tmp_path / "film.mp4", steady(scenes, fps=25))
    with open_catalogue(quick) as catalogue:
        ledger = Ledger(catalogue, quick.workers)
        job = queue_index(ledger, film)
        server = start_serving(quick, tmp_path / "log")
        try:

            def at_work() -> int | None:
                now = ledger.job(job.job_id)
                busy_with_it = now.state is JobState.RUNNING and now.stage == "frames"
                return int(now.worker.rpartition(":")[2]) if busy_with_it else None

            killed = wait_for(at_work, "the ingest to begin")
            os.kill(killed, signal.SIGKILL)
            assert catalogue.videos()[0].live_ingest is None, "it was killed before it was done"
            done = wait_for(
                lambda: (
                    now if (now := ledger.job(job.job_id)).state is not JobState.RUNNING and now.finished_at else None
                ),
                "the job to finish",
            )
            assert (done.state, done.attempt) == (JobState.DONE, 2), (tmp_path / "log").read_text()
            assert int(done.worker.rpartition(":")[2]) != killed
            _check_rows(quick, done.result["video_id"])
            family = psutil.Process(server.pid).children(recursive=True)
            server.send_signal(signal.SIGINT)
            assert server.wait(PATIENCE) == 0
            assert [child for child in family if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
        finally:
            server.kill()
            server.wait()


def _check_rows(settings: Settings, video_id: str) -> None:
    with open_catalogue(settings) as catalogue:
        entry = catalogue.video(video_id)
        snapshot = IndexReader(settings).snapshot(catalogue.visibility)
    segments, frames, lines = (snapshot.rows(table) for table in ("segments", "frames", "lines"))
    assert len(segments) == entry.counts.segments > 0
    assert len(frames) == entry.counts.frames > 0
    assert len(lines) == entry.counts.lines + 1, "the title is a line too"
    assert max(Counter(row["segment_index"] for row in segments).values()) == 1
    assert {row["ingest_id"] for row in (*segments, *frames, *lines)} == {entry.live_ingest}


def test_when_the_supervisor_is_killed_its_children_end_too(quick: Settings, tmp_path: Path) -> None:
    server = start_serving(quick, tmp_path / "log")
    try:
        parent = psutil.Process(server.pid)
        children = wait_for(lambda: found if len(found := parent.children()) == 4 else None, "the four children")
        wait_for(lambda: all("workers.child" not in child.cmdline() for child in children) or None, "their commands")
    finally:
        server.kill()
        server.wait()
    _, alive = psutil.wait_procs(children, PATIENCE)
    assert alive == []


def test_a_child_that_cannot_run_ends_everything_with_its_status(quick: Settings, tmp_path: Path) -> None:
    server = start_serving(quick, tmp_path / "log", web="import sys; print('the port is taken'); sys.exit(7)")
    try:
        assert server.wait(PATIENCE) == 7
    finally:
        server.kill()
        server.wait()
    log = (tmp_path / "log").read_text()
    assert "the port is taken" in log
    assert "cannot be kept running (status 7)" in log
