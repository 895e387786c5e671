"""Starts a command that ends when the supervisor ends: `python -m workers.child SUPERVISOR_PID COMMAND…`.

On Linux the kernel kills the command with its parent. Elsewhere this process stays and watches.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time

_PR_SET_PDEATHSIG = 1
_WATCH_SECONDS = 0.5


def main(arguments: list[str]) -> int:
    """Become the command, or run it and watch the supervisor."""
    supervisor, command = int(arguments[0]), arguments[1:]
    if not sys.platform.startswith("linux"):
        return watch(supervisor, command)
    # SIGKILL, not SIGTERM: nothing here needs more care than a crash does, and a busy model may not listen
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() == supervisor:
        os.execvp(command[0], command)
    return 1  # the supervisor ended before the kernel was told


def watch(supervisor: int, command: list[str]) -> int:
    """Run a command until it ends or the supervisor is gone; signals are passed on."""
    process = subprocess.Popen(command)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: process.send_signal(received))
    while process.poll() is None:
        if os.getppid() != supervisor:
            process.kill()
            process.wait()
            return 1
        time.sleep(_WATCH_SECONDS)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
