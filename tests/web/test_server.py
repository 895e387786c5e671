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
from pathlib import Path

import pytest

from reelseek.errors import Conflict, Forbidden
from reelseek.settings import Settings, load_settings
from tests.support.web import LECTURE, SmallLibrary
from web.server import serve

ROOT = Path(__file__).resolve().parents[2]
CODE = "from reelseek.settings import load_settings; from web.server import serve; serve(load_settings())"


@pytest.fixture
def process(small_library: SmallLibrary) -> Iterator[tuple[subprocess.Popen[str], str]]:
    environment = os.environ | {"REELSEEK_DATA": str(small_library.settings.data), "REELSEEK_WEB__PORT": "0"}
    with subprocess.Popen(
        [sys.executable, "-c", CODE],
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
