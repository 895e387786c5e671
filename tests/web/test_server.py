from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reelseek.errors import Conflict, Forbidden
from reelseek.settings import Settings, load_settings
from tests.support.web import LECTURE, SmallLibrary, build_library
from web.server import serve

ROOT = Path(__file__).resolve().parents[2]
CODE = "from reelseek.settings import load_settings; from web.server import serve; serve(load_settings())"


FULL = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); {CODE}"  # no file can grow


@pytest.fixture
def process(small_library: SmallLibrary) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with serving(small_library.settings) as started:
        yield started


@contextmanager
def serving(settings: Settings, code: str = CODE) -> Iterator[tuple[subprocess.Popen[str], str]]:
    environment = os.environ | {"REELSEEK_DATA": str(settings.data), "REELSEEK_WEB__PORT": "0"}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        assert started.stdout is not None
        line = started.stdout.readline()
        match = re.search(r"http://127\.0\.0\.1:\d+/", line)
        try:
            assert match, line + (started.stderr.read() if started.stderr and started.poll() is not None else "")
            yield started, match.group().rstrip("/")
        finally:
            started.kill()


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=600) as response:
        return bytes(response.read())


def test_it_names_its_address_answers_warms_up_and_ends_on_sigterm(process: tuple[subprocess.Popen[str], str]) -> None:
    started, url = process
    assert json.loads(get(f"{url}/healthz")) == {"status": "ok"}
    assert json.loads(get(f"{url}/api/v1/search?q=quicksort"))["moments"][0]["video_id"] == LECTURE
    deadline = time.monotonic() + 600
    while not json.loads(get(f"{url}/api/v1/status"))["warm"]:
        assert time.monotonic() < deadline, "it never got warm"
        time.sleep(0.2)
    started.send_signal(signal.SIGTERM)
    assert started.wait(300) == 0
    assert started.stderr is not None
    assert "Traceback" not in started.stderr.read()


def test_on_a_full_disk_what_is_there_is_found_and_shown(settings: Settings, tmp_path: Path) -> None:
    build_library(settings, tmp_path / "videos")
    with serving(settings, FULL) as (_, url):
        assert json.loads(get(f"{url}/api/v1/search?q=quicksort"))["moments"][0]["video_id"] == LECTURE
        assert "quicksort" in get(f"{url}/?q=quicksort").decode()
        assert b"<video" in get(f"{url}/videos/{LECTURE}")
        tags = urllib.request.Request(
            f"{url}/api/v1/videos/{LECTURE}/tags",
            b'{"tags": ["x"]}',
            {"Content-Type": "application/json"},
            method="PUT",
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(tags, timeout=60)
        assert (refused.value.code, b"disk is full" in refused.value.read()) == (507, True)


def test_a_taken_port_is_told(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = load_settings({"data": settings.data, "web": {"port": taken.getsockname()[1]}})
        with pytest.raises(Conflict, match="Cannot listen"):
            serve(busy)


def test_another_address_is_refused_before_anything_listens(settings: Settings) -> None:
    with pytest.raises(Forbidden, match="without an API key"):
        serve(load_settings({"data": settings.data, "web": {"host": "0.0.0.0", "port": 0}}))
