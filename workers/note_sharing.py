"""Notes that somebody waits for: jobs for all workers, of which the one who waits does its share."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from engines.registry import Engines
from index.writer import IndexWriter
from library.catalogue import Catalogue
from library.ledger import Ledger
from library.records import LIVE_JOB_STATES, Job, JobState
from query.digest.notes import VideoNotes
from query.service import QueryService
from reelseek.settings import Settings
from workers.enqueue import PERSON_PRIORITY, ring
from workers.noting import queue_missing
from workers.runner import run_next
from workers.workspace import Workspace

_LOOK_AGAIN = 0.2
_RINGS = 16


@dataclass(frozen=True, slots=True)
class SharedNotes:
    """Queues the missing notes of a video, takes some itself, and waits a while for those that others took.

    So a question is answered from whole notes at once where that is quick, or many workers are there, and where no
    worker runs it still goes on by itself (`query.digest.notes.NoteTakers`).
    """

    settings: Settings
    catalogue: Catalogue

    def __call__(self, engines: Engines, notes: VideoNotes, seconds: float) -> str:
        """See to the notes of a video; what is not done in time stays queued."""
        ledger = Ledger(self.catalogue, self.settings.workers)
        jobs = queue_missing(ledger, notes, PERSON_PRIORITY)
        ring(self.settings, min(len(jobs), _RINGS))
        workspace = Workspace(self.settings, self.catalogue, notes.store, engines, IndexWriter(self.settings))
        with _over_after(seconds) as over:
            self._work(workspace, ledger, jobs, over)
        return self._rest(ledger, jobs) if notes.missing() else ""

    def _work(self, workspace: Workspace, ledger: Ledger, jobs: Sequence[Job], stopping: threading.Event) -> None:
        """Do what nobody else does, until all is done, the time is over or the model fails."""
        left = [job.job_id for job in jobs]
        while left and not stopping.is_set():
            mine = next((job for at in left if (job := run_next(workspace, stopping, only=at)) is not None), None)
            if mine is not None and ledger.job(mine.job_id).error:
                return
            left = [at for at in left if ledger.job(at).state in LIVE_JOB_STATES]
            if mine is None and left:
                stopping.wait(_LOOK_AGAIN)
                ledger.reconcile()

    def _rest(self, ledger: Ledger, jobs: Sequence[Job]) -> str:
        """What becomes of the notes that are still missing."""
        now = [ledger.job(job.job_id) for job in jobs]
        states = {job.state for job in now}
        problem = next((str(job.error or job.result.get("problem", "")) for job in now if _problem(job)), "")
        if JobState.RUNNING in states:
            return "The rest is being made."
        if problem:
            return f"The model failed at others: {problem}"
        if JobState.QUEUED in states:
            ring(self.settings)
            return "The rest waits for a worker; `reelseek serve` runs one."
        return "The next question goes on with the rest."


@contextmanager
def _over_after(seconds: float) -> Iterator[threading.Event]:
    """What is set once the seconds are over."""
    over = threading.Event()
    if seconds <= 0:
        over.set()
    timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), over.set)
    timer.daemon = True
    timer.start()
    try:
        yield over
    finally:
        timer.cancel()


def _problem(job: Job) -> bool:
    return bool(job.error or job.result.get("problem"))


def share_notes(service: QueryService) -> QueryService:
    """Let the workers take part in the notes that questions to a service lack."""
    service.note_takers = SharedNotes(service.settings, service.catalogue)
    return service
