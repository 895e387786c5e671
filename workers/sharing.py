"""Parts of a long video (chunks, captions of stretches), done by all workers that have nothing better to do."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from ingest.pipeline import ingest_chunk
from library.ledger import Ledger
from library.records import Job, JobState
from reelseek.errors import Conflict, JobLost
from reelseek.records import JsonObject
from workers.enqueue import queue_chunk, ring
from workers.lease import held
from workers.processes import worker_name
from workers.workspace import Workspace

WAITING = "chunks"
"""The stage that is told while other workers finish what they took."""

_LOOK_AGAIN = 0.5
"""Seconds between two looks at the ledger while others work."""
_RINGS = 16
_log = logging.getLogger(__name__)


class Part(Protocol):
    """A part of a video; `index` counts from 0."""

    @property
    def index(self) -> int: ...


_Part = TypeVar("_Part", bound=Part)


@dataclass(frozen=True, slots=True)
class Shared:
    """Queues a job for each part but the first, does parts itself, and waits for those that others took.

    So it ends whether there are other workers or not: what nobody has taken, this process takes. What another worker
    failed at, it tries itself, and fails with that part's own reason.

    Attributes:
        queue: writes the job of the part with this index.
        stage: what is told while other workers finish what they took.
        progress: told how far the others are; may raise to stop.
    """

    workspace: Workspace
    queue: Callable[[Ledger, int], Job]
    stage: str
    progress: Callable[[str, float], None]

    def __call__(self, parts: Sequence[_Part], do: Callable[[_Part], None], done: Callable[[_Part], bool]) -> None:
        """See to it that all parts are done (an `ingest.running.Share`)."""
        settings = self.workspace.settings
        ledger = Ledger(self.workspace.catalogue, settings.workers)
        jobs: dict[int, Job] = {}
        for part in reversed(parts[1:]):  # of equal ones the ledger gives the newest first
            jobs[part.index] = self.queue(ledger, part.index)
        if jobs:
            ring(settings, min(len(jobs), _RINGS))
        try:
            self._work(ledger, list(parts), jobs, do, done)
        except BaseException:
            _withdraw(ledger, jobs)
            raise

    def _work(
        self,
        ledger: Ledger,
        parts: list[_Part],
        jobs: dict[int, Job],
        do: Callable[[_Part], None],
        done: Callable[[_Part], bool],
    ) -> None:
        total = len(parts)
        while parts:
            part = next((part for part in parts if self._take(ledger, part, jobs, do)), None)
            if part is not None:
                parts.remove(part)
                continue
            parts[:] = [part for part in parts if not done(part)]
            self.progress(self.stage, 1 - len(parts) / total)
            if parts:
                time.sleep(_LOOK_AGAIN)
                ledger.reconcile()

    def _take(self, ledger: Ledger, part: _Part, jobs: dict[int, Job], do: Callable[[_Part], None]) -> bool:
        """Do a part that no other worker holds; False where one does."""
        queued = jobs.get(part.index)
        if queued is None:
            do(part)
            return True
        mine = ledger.claim(worker_name(), only=queued.job_id)
        if mine is not None:
            with held(ledger, mine, self.workspace.settings.workers.lease_seconds / 3):
                try:
                    do(part)
                except BaseException as error:
                    _give_up(ledger, mine, error)
                    raise
            _end(ledger, mine)
            return True
        if ledger.job(queued.job_id).state in (JobState.RUNNING, JobState.QUEUED):
            return False
        do(part)  # done, where it went well; else it fails here with its own reason
        return True


def shared_chunks(
    workspace: Workspace, path: Path, video_id: str, priority: int, progress: Callable[[str, float], None]
) -> Shared:
    """The chunks of a video, shared.

    Args:
        priority: of the jobs: above that of the video's own job, so that what has begun is finished first.
    """
    return Shared(
        workspace, lambda ledger, index: queue_chunk(ledger, path, video_id, index, priority), WAITING, progress
    )


def run_chunk(workspace: Workspace, job: Job, report: Callable[[str, float], None]) -> JsonObject:
    """Do one chunk of a video that another worker takes apart.

    Raises:
        ReelseekError: as `ingest.pipeline.ingest_chunk`.
    """
    path, index = Path(job.payload["path"]), int(job.payload["chunk"])
    started = time.monotonic()
    ingest_chunk(
        path,
        index,
        settings=workspace.settings,
        engines=workspace.engines,
        store=workspace.store,
        video_id=job.payload["video_id"],
        progress=report,
    )
    return {"video_id": job.payload["video_id"], "chunk": index, "seconds": round(time.monotonic() - started, 3)}


def _end(ledger: Ledger, job: Job) -> None:
    try:
        ledger.complete(job, job.payload)
    except JobLost:
        _log.info("Job %d was taken by another worker meanwhile; its part is done all the same.", job.job_id)


def _give_up(ledger: Ledger, job: Job, error: BaseException) -> None:
    try:
        ledger.fail(job, str(error) or type(error).__name__)
    except JobLost:
        _log.info("Job %d was taken by another worker meanwhile.", job.job_id)


def _withdraw(ledger: Ledger, jobs: dict[int, Job]) -> None:
    """Take back what nobody has begun: the video's own job begins anew, fails or is stopped."""
    for job in jobs.values():
        if ledger.job(job.job_id).state is JobState.QUEUED:
            try:
                ledger.cancel(job.job_id)
            except Conflict:
                continue
