"""`python -m workers.helper`: runs jobs of the ledger until it is told to end; `reelseek index --jobs` starts some."""

from __future__ import annotations

import signal
import sys
import threading
import types

from reelseek.settings import load_settings
from workers.enqueue import CHUNK, INDEX
from workers.runner import run_next
from workers.workspace import Workspace

IDLE_SECONDS = 0.1


def main() -> int:
    """Run indexing jobs and chunks until SIGTERM; a job at hand is put back then."""
    stopping = threading.Event()

    def stop(_number: int, _frame: types.FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which ends this process properly
    with Workspace.open(load_settings()) as workspace:
        while not stopping.is_set():
            if run_next(workspace, stopping, (INDEX, CHUNK)) is None:
                stopping.wait(IDLE_SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
