"""Processes by name: who holds a job or a source, and whether it still lives."""

from __future__ import annotations

import os
import socket


def worker_name() -> str:
    """Which process this is, as jobs and sources name it."""
    return f"{socket.gethostname()}:{os.getpid()}"


def is_dead(name: str) -> bool:
    """Whether a process is known to have ended; of one on another machine nothing is known."""
    host, _, number = name.rpartition(":")
    if host != socket.gethostname() or not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
