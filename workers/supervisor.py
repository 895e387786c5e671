"""`reelseek serve`: the web server, the workers, the recorder of live sources and the schedule, together."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from reelseek.settings import Settings, as_environment
from workers.factory import run_folder
from workers.parallel import environment_of

STOP_SECONDS = 10.0
"""How long children have to end by themselves."""

_POLL_SECONDS = 0.1
_STEADY_SECONDS = 30.0
_MAX_BACKOFF = 30.0
_GIVE_UP = 4

_log = logging.getLogger(__name__)


class Child:
    """One process of ours, started again when it ends.

    Args:
        name: as its lines are marked.
        command: what runs.
        environment: its environment.
    """

    def __init__(self, name: str, command: Sequence[str], environment: dict[str, str]) -> None:
        self.name = name
        self._command = [sys.executable, "-m", "workers.child", str(os.getpid()), *command]
        self._environment = environment
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._started = 0.0
        self._next_start = 0.0
        self.failures = 0

    def start(self) -> None:
        """Start it in a process group of its own, so that a terminal's Ctrl-C reaches the supervisor alone."""
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
        )
        self._started = time.monotonic()
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=_copy, args=(self._process.stdout, self.name), daemon=True)
        self._reader.start()

    def tend(self) -> int | None:
        """Start it again if it ended and its wait is over.

        Returns:
            Its exit status when it ended so often at once that trying on is no use, else None.
        """
        moment = time.monotonic()
        if self._process is None:
            if moment >= self._next_start:
                self.start()
            return None
        status = self._process.poll()
        if status is None:
            if self.failures and moment - self._started > _STEADY_SECONDS:
                self.failures = 0
            return None
        self._drain()
        self.failures += 1
        if self.failures >= _GIVE_UP:
            return status
        wait = min(_MAX_BACKOFF, 2.0 ** (self.failures - 1))
        _say(self.name, f"ended ({_meaning(status)}); it is started again in {wait:.0f} s")
        self._process, self._next_start = None, moment + wait
        return None

    def signal(self, number: int) -> None:
        """Send a signal to it and to what it started."""
        if self._process is not None and self._process.poll() is None:
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                return

    def wait(self, until: float) -> bool:
        """Wait for its end until a time on the monotonic clock; whether it has ended."""
        if self._process is None:
            return True
        try:
            self._process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            return False
        self._drain()
        return True

    def _drain(self) -> None:
        """Let the last lines through, and close the pipe."""
        if self._reader is not None:
            self._reader.join(timeout=2.0)
        if (
            self._process is not None
            and self._process.stdout is not None
            and self._reader
            and not self._reader.is_alive()
        ):
            self._process.stdout.close()


def serve(settings: Settings, web_command: Sequence[str]) -> int:
    """Run the web server, `workers.concurrency` workers, the recorder and the schedule until SIGINT or SIGTERM.

    A child that ends is started again, after a wait that grows; one that ends again and again ends them all. Where the
    data folder cannot be written the web server alone runs: it only reads. If this process is killed its children end
    too.

    Args:
        settings: passed on to all of them.
        web_command: what serves the page and the API.

    Returns:
        The exit status: 0 after a signal, else that of the child that could not run.
    """
    plain = os.environ | as_environment(settings) | {"PYTHONUNBUFFERED": "1"}
    working = environment_of(settings, settings.workers.concurrency) | {"PYTHONUNBUFFERED": "1"}
    children = [
        Child(name, command, working if name.startswith("worker") else plain)
        for name, command in _commands(settings, web_command)
        if name == "web" or _writable(settings)
    ]
    if len(children) == 1:
        _say("web", f"{settings.data} cannot be written: what is there is served, nothing is indexed or recorded")
    stop = threading.Event()
    with _signals(stop):
        try:
            for child in children:
                child.start()
            return _watch(children, stop, settings)
        finally:
            _stop(children)


def _watch(children: list[Child], stop: threading.Event, settings: Settings) -> int:
    while not stop.wait(_POLL_SECONDS):
        for child in list(children):
            status = child.tend()
            if status is not None and child.name != "web" and not _writable(settings):
                _say(child.name, f"does not run any more: {settings.data} cannot be written")
                children.remove(child)
            elif status is not None:
                _say(child.name, f"cannot be kept running ({_meaning(status)}); everything ends")
                return status if status > 0 else 1
    return 0


def _writable(settings: Settings) -> bool:
    """Whether files can be made in the data folder; on a full disk they can, and workers wait for space."""
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=settings.data).close()
    except OSError:
        return False
    return True


def _stop(children: list[Child]) -> None:
    """End all at once: politely, and those that do not listen by force. What they were doing is picked up again."""
    for child in children:
        child.signal(signal.SIGTERM)
    until = time.monotonic() + STOP_SECONDS
    for child in [child for child in children if not child.wait(until)]:
        _say(child.name, f"did not end within {STOP_SECONDS:.0f} s and is killed; its job starts again next time")
        child.signal(signal.SIGKILL)
        child.wait(time.monotonic() + STOP_SECONDS)


def _commands(settings: Settings, web_command: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    celery = [sys.executable, "-m", "celery", "-A", "workers.app"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    yield "web", list(web_command)
    for number in range(1, settings.workers.concurrency + 1):
        name = "worker" if settings.workers.concurrency == 1 else f"worker{number}"
        yield name, [*celery, "--quiet", "worker", f"--hostname={name}@%h", *quiet]
    schedule = run_folder(settings) / "beat-schedule"
    yield "live", [sys.executable, "-m", "workers.recorder"]
    yield "beat", [*celery, "--quiet", "beat", f"--schedule={schedule}", "--pidfile="]


@contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """SIGINT and SIGTERM set `stop`, while this lasts."""

    def handle(_number: int, _frame: object) -> None:
        stop.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _copy(stream: IO[str], name: str) -> None:
    for line in stream:
        _say(name, line.rstrip())


def _say(name: str, text: str) -> None:
    sys.stdout.write(f"{name:<7} | {text}\n")
    sys.stdout.flush()


def _meaning(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
