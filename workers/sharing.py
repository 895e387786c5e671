"""The chunks of a long video, done by all workers that have nothing better to do."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.chunks import Chunk
from ingest.pipeline import ingest_chunk
from library.ledger import Ledger
from library.records import Job, JobState
from reelseek.errors import Conflict, JobLost
from reelseek.records import JsonObject
from workers.enqueue import CHUNK, ring
from workers.lease import held
from workers.processes import worker_name
from workers.workspace import Workspace

WAITING = "chunks"
"""The stage that is told while other workers finish what they took."""

_LOOK_AGAIN = 0.5
"""Seconds between two looks at the ledger while others work."""
_RINGS = 16
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shared:
    """Queues a job for each chunk but the first, does chunks itself, and waits for those that others took.

    So it ends whether there are other workers or not: what nobody has taken, this process takes. What another worker
    failed at, it tries itself, and fails with that chunk's own reason.

    Attributes:
        priority: of the jobs: above that of the video's own job, so that what has begun is finished first.
        progress: told how far the others are; may raise to stop.
    """

    workspace: Workspace
    path: Path
    video_id: str
    priority: int
    progress: Callable[[str, float], None]

    def __call__(self, chunks: Sequence[Chunk], do: Callable[[Chunk], None], done: Callable[[Chunk], bool]) -> None:
        """See to it that all chunks are done (an `ingest.running.Share`)."""
        settings = self.workspace.settings
        ledger = Ledger(self.workspace.catalogue, settings.workers)
        jobs: dict[int, Job] = {}
        for chunk in reversed(chunks[1:]):  # of equal ones the ledger gives the newest first
            jobs[chunk.index] = self._queue(ledger, chunk)
        if jobs:
            ring(settings, min(len(jobs), _RINGS))
        try:
            self._work(ledger, list(chunks), jobs, do, done)
        except BaseException:
            _withdraw(ledger, jobs)
            raise

    def _queue(self, ledger: Ledger, chunk: Chunk) -> Job:
        payload = {"path": str(self.path), "video_id": self.video_id, "chunk": chunk.index}
        return ledger.enqueue(CHUNK, payload, f"{CHUNK}:{self.video_id}:{chunk.index}", self.priority)

    def _work(
        self,
        ledger: Ledger,
        chunks: list[Chunk],
        jobs: dict[int, Job],
        do: Callable[[Chunk], None],
        done: Callable[[Chunk], bool],
    ) -> None:
        total = len(chunks)
        while chunks:
            chunk = next((chunk for chunk in chunks if self._take(ledger, chunk, jobs, do)), None)
            if chunk is not None:
                chunks.remove(chunk)
                continue
            chunks[:] = [chunk for chunk in chunks if not done(chunk)]
            self.progress(WAITING, 1 - len(chunks) / total)
            if chunks:
                time.sleep(_LOOK_AGAIN)
                ledger.reconcile()

    def _take(self, ledger: Ledger, chunk: Chunk, jobs: dict[int, Job], do: Callable[[Chunk], None]) -> bool:
        """Do a chunk that no other worker holds; False where one does."""
        queued = jobs.get(chunk.index)
        if queued is None:
            do(chunk)
            return True
        mine = ledger.claim(worker_name(), only=queued.job_id)
        if mine is not None:
            with held(ledger, mine, self.workspace.settings.workers.lease_seconds / 3):
                try:
                    do(chunk)
                except BaseException as error:
                    _give_up(ledger, mine, error)
                    raise
            _end(ledger, mine)
            return True
        if ledger.job(queued.job_id).state in (JobState.RUNNING, JobState.QUEUED):
            return False
        do(chunk)  # done, where it went well; else it fails here with its own reason
        return True


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
        ledger.complete(job, {"video_id": job.payload["video_id"], "chunk": job.payload["chunk"]})
    except JobLost:
        _log.info("Job %d was taken by another worker meanwhile; the chunk is done all the same.", job.job_id)


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
