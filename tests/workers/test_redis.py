"""The same jobs over a real Redis broker."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from library.catalogue import open_catalogue
from library.ledger import Ledger
from library.records import JobState
from reelseek.settings import load_settings
from tests.support.media import busy, steady, write_video
from tests.workers.test_indexing import OFF
from tests.workers.test_processes import start_serving, wait_for
from workers.enqueue import queue_index


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not on this machine")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [
            program,
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            str(tmp_path),
        ],
        stdout=subprocess.DEVNULL,
    )

    def answers() -> bool | None:
        with socket.socket() as client:
            return True if client.connect_ex(("127.0.0.1", port)) == 0 else None

    try:
        wait_for(answers, "Redis")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()


def test_a_job_is_done_with_redis_for_a_broker(redis_url: str, tmp_path: Path) -> None:
    settings = load_settings({"data": tmp_path / "data", "engines": OFF, "workers": {"broker": redis_url}})
    film = write_video(tmp_path / "film.mp4", steady([(2.0, busy(1))], fps=10))
    with open_catalogue(settings) as catalogue:
        ledger = Ledger(catalogue, settings.workers)
        job = queue_index(ledger, film)
        server = start_serving(settings, tmp_path / "log")
        try:
            done = wait_for(lambda: now if (now := ledger.job(job.job_id)).finished_at else None, "the job to finish")
            assert done.state is JobState.DONE, (tmp_path / "log").read_text()
            assert catalogue.video(done.result["video_id"]).live_ingest
            server.terminate()
            assert server.wait(60) == 0
        finally:
            server.kill()
            server.wait()
