"""Keeping a job while it is worked on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from library.ledger import Ledger
from library.records import Job
from reelseek.errors import JobLost, StorageError

_log = logging.getLogger(__name__)


@contextmanager
def held(ledger: Ledger, job: Job, every: float) -> Iterator[threading.Event]:
    """Renew a job's lease from a thread while the block runs: a model may be busy for longer than a lease.

    Args:
        every: seconds between two renewals.

    Yields:
        What is set when the job was taken away.
    """
    done, lost = threading.Event(), threading.Event()

    def beat() -> None:
        while not done.wait(every):
            try:
                ledger.heartbeat(job)
            except JobLost:
                lost.set()
                return
            except StorageError as error:
                _log.warning("No heartbeat for job %d: %s", job.job_id, error)

    thread = threading.Thread(target=beat, name=f"heartbeat-{job.job_id}", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        done.set()
        thread.join()
