"""What keeps a server that fails, falls silent or never ends from holding up whoever asks."""

from __future__ import annotations

import contextlib
import math
import socket
import threading
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

from reelseek.errors import EngineUnavailable

BETWEEN_SECONDS = 20.0
"""Longest silence between two pieces of an answer that has begun."""
BREAK_AFTER = 3
BREAK_SECONDS = 30.0
LATE = "did not finish in time"
STOPPED = "was not waited for any more"
_POLL = 0.2


class Breaker:
    """After some failures in a row, fail at once for a while: a search must not wait for a dead server every time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._until = 0.0

    def check(self, url: str) -> None:
        with self._lock:
            left = self._until - monotonic()
        if left > 0:
            raise EngineUnavailable(
                f"The server at {url} failed {BREAK_AFTER} times in a row; it is asked again in {math.ceil(left)} s."
            )

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            if self._failures >= BREAK_AFTER:
                self._until = monotonic() + BREAK_SECONDS

    def worked(self) -> None:
        with self._lock:
            self._failures, self._until = 0, 0.0


class Watchdog:
    """Shuts a request's connection when it is not wanted any more; a blocked read then returns at once.

    That is when the answer takes too long, falls silent, or nobody waits for it. What a read's own time-out cannot see
    is a server that sends a byte now and then.

    Attributes:
        heard: whether any text came.
        cut: why the connection was shut; empty where it was not.
    """

    def __init__(self, deadline: float, stopped: Callable[[], bool] | None) -> None:
        self.heard = False
        self.cut = ""
        self._stopped = stopped
        self._deadline = self._next = deadline
        self._condition = threading.Condition()
        self._done = False
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._watch, name="vlm-watchdog", daemon=True)

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Told by the client what it does (httpx's `trace` extension); takes the connection once it is made."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            with self._condition:
                self._socket = info["return_value"].get_extra_info("socket")

    def reading(self) -> None:
        """The next piece is waited for from now on. Before the first one, a server may load the model for long."""
        with self._condition:
            self._next = min(self._deadline, monotonic() + BETWEEN_SECONDS)
            self._condition.notify()

    def pause(self) -> None:
        """Whoever reads the answer takes their time; that is no fault of the server."""
        with self._condition:
            self.heard = True
            self._next = self._deadline
            self._condition.notify()

    def _watch(self) -> None:
        with self._condition:
            while not self._done:
                left = self._next - monotonic()
                if left <= 0 or (self._stopped is not None and self._stopped()):
                    self.cut = (
                        STOPPED
                        if left > 0
                        else LATE
                        if self._next >= self._deadline
                        else f"fell silent for {BETWEEN_SECONDS:g} s"
                    )
                    break
                self._condition.wait(left if self._stopped is None else min(left, _POLL))
            while not self._done:  # where it is still being connected, there is nothing to shut yet
                if self._socket is not None:
                    with contextlib.suppress(OSError):
                        self._socket.shutdown(socket.SHUT_RDWR)
                    return
                self._condition.wait(_POLL)

    def __enter__(self) -> Watchdog:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        with self._condition:
            self._done = True
            self._condition.notify()
        self._thread.join()
