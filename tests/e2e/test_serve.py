"""`reelseek serve` as its users meet it: upload, watch it being indexed, find it, play it, stop it with Ctrl-C."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from bench.truth import demo_folder
from tests.support.command import ROOT, command, run_reelseek

PATIENCE = 300.0
FLAGS = ("--set", "engines.demo_models=true", "--set", "web.port=0", "--set", "engines.screen_text=rapidocr")


def wait_for(find: Callable[[], Any], what: str) -> Any:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if (found := find()) is not None:
            return found
        time.sleep(0.2)
    raise AssertionError(f"waited in vain for {what}")


class Server:
    def __init__(self, data: Path, log: Path) -> None:
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command(*FLAGS, "serve", data=data), cwd=ROOT, stdout=output, stderr=output, process_group=0
            )
        self.url = wait_for(self._address, "the address in the log")
        self.client = httpx.Client(base_url=self.url, timeout=120)
        wait_for(lambda: self.get("/readyz").status_code == 200 or None, "the server to be ready")

    def _address(self) -> str | None:
        assert self.process.poll() is None, self.log.read_text()
        found = re.search(r"http://127\.0\.0\.1:\d+", self.log.read_text(errors="replace"))
        return found.group() if found else None

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(path, **options)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("serve")
    running = Server(data, data / "serve.log")
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait()


def test_an_upload_is_indexed_found_and_played(server: Server) -> None:
    film = demo_folder() / "shapes-silent.mp4"
    with film.open("rb") as file:
        accepted = server.client.post("/api/v1/videos", files={"file": ("my shapes.mp4", file, "video/mp4")})
    assert accepted.status_code == 202, accepted.text

    def indexed() -> dict[str, Any] | None:
        videos = server.get("/api/v1/videos").json()["videos"]
        assert all(video["state"] != "failed" for video in videos), videos
        return next((video for video in videos if video["state"] == "indexed"), None)

    video = wait_for(indexed, "the upload to be indexed")
    found = server.get("/api/v1/search", params={"q": "two red circles"}).json()
    moment = found["moments"][0]
    assert moment["video_id"] == video["video_id"]
    assert found["channels"]["visual"] == "openclip:demo"
    picture = server.get(moment["thumbnail"])
    assert picture.headers["content-type"] == "image/jpeg"
    part = server.get(f"/api/v1/videos/{video['video_id']}/media", headers={"Range": "bytes=10-19"})
    assert part.status_code == 206
    assert part.content == film.read_bytes()[10:20]
    page = server.get("/", params={"q": "two red circles"})
    assert "drawn scenes" in page.text


def test_a_folder_that_is_watched_is_scanned_and_a_broken_file_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"this is no video")
    added = server.client.post("/api/v1/libraries", json={"path": str(tmp_path)})
    assert added.status_code in {200, 201, 202}, added.text

    def failed() -> dict[str, Any] | None:
        videos = server.get("/api/v1/videos", params={"state": "failed"}).json()["videos"]
        return next(iter(videos), None)

    assert wait_for(failed, "the broken file to be listed")["error"]


def test_ctrl_c_ends_all_its_processes_cleanly(server: Server) -> None:
    family = psutil.Process(server.process.pid).children(recursive=True)
    assert len(family) >= 3
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(timeout=PATIENCE) == 0
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive
    assert "Traceback" not in server.log.read_text(errors="replace")


def test_any_address_but_loopback_is_refused_until_a_key_exists(tmp_path: Path) -> None:
    result = run_reelseek("serve", "--host", "0.0.0.0", data=tmp_path)
    assert result.returncode == 6
    assert "reelseek keys create" in result.stderr
