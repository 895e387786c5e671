"""`transformers serve`, a real OpenAI-compatible server, as a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

_STARTS = 600.0


@dataclass(frozen=True)
class Served:
    """A running server: its URL with `/v1`, what it calls its model, and its process."""

    url: str
    model: str
    process: subprocess.Popen[bytes]


@contextmanager
def transformers_server(checkpoint: Path) -> Iterator[Served]:
    """Serve a checkpoint on a free port of the loopback interface, without any other model or network."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["serve", str(checkpoint), "--device", "cpu", "--host", "127.0.0.1", "--port", str(port)]
    log = checkpoint.parent / "serve.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "transformers.cli.transformers", *arguments],
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(checkpoint.parent / "hub")},
        )
    try:
        _await(f"http://127.0.0.1:{port}/health", process, log)
        yield Served(f"http://127.0.0.1:{port}/v1", str(checkpoint), process)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _STARTS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError(f"transformers serve did not start:\n{log.read_text(errors='replace')[-4000:]}")
