"""Indexing several files, or the chunks of a long one, in several processes at once: `reelseek index --jobs`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from ingest.outcome import StageRun
from library.ledger import Ledger
from library.records import LIVE_JOB_STATES, Job, JobState
from reelseek.errors import Conflict, ReelseekError
from reelseek.settings import Settings, as_environment
from workers.enqueue import queue_index_now
from workers.files import find_videos
from workers.indexing import FileReport, IndexEvent
from workers.upkeep import maintain_if_due
from workers.workspace import Workspace

_LOOK_SECONDS = 0.2
_END_SECONDS = 10.0
_RECONCILE_SECONDS = 5.0


def index_in_parallel(
    workspace: Workspace, paths: Iterable[Path], jobs: int, on_event: Callable[[IndexEvent], None]
) -> list[FileReport]:
    """Index files and all videos in folders with `jobs` processes; each loads its own models.

    The files become jobs of the ledger, so that workers that run already help, and what is stopped goes back.

    Args:
        on_event: as for `workers.indexing.index_paths`; files start and finish in any order.

    Raises:
        ReelseekError: the processes cannot work.
    """
    files = list(find_videos(paths))
    ledger = Ledger(workspace.catalogue, workspace.settings.workers)
    for number, path in enumerate(files, start=1):
        on_event(IndexEvent("found", path, number, len(files)))
    queued = [queue_index_now(ledger, path) for path in reversed(files)][::-1]  # the newest job goes first
    numbers = {job.job_id: number for number, job in enumerate(queued, start=1)}
    if not files:
        return []
    try:
        with _helpers(workspace.settings, jobs) as helpers:
            done = dict(_watched(ledger, files, numbers, on_event, helpers))
    finally:
        _withdraw(ledger, queued)
    maintain_if_due(workspace)
    return [done[job.job_id] for job in queued]


def threads_each(processes: int) -> int:
    """How many threads the models of one of so many processes should have."""
    return max(1, (os.cpu_count() or 1) // processes)


def environment_of(settings: Settings, processes: int) -> dict[str, str]:
    """The environment of one of several working processes: the settings, and its share of the processor's threads."""
    found = os.environ | as_environment(settings)
    if processes > 1 and not settings.engines.threads:
        threads = str(threads_each(processes))
        found |= {"REELSEEK_ENGINES__THREADS": threads, "OMP_NUM_THREADS": threads}
    return found


@contextmanager
def _helpers(settings: Settings, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    command = [sys.executable, "-m", "workers.child", str(os.getpid()), sys.executable, "-m", "workers.helper"]
    environment = environment_of(settings, count)
    started = [
        subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, process_group=0) for _ in range(count)
    ]
    try:
        yield started
    finally:
        for process in started:
            process.terminate()
        for process in started:
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _watched(
    ledger: Ledger,
    files: list[Path],
    numbers: dict[int, int],
    on_event: Callable[[IndexEvent], None],
    helpers: list[subprocess.Popen[bytes]],
) -> Iterator[tuple[int, FileReport]]:
    """Tell what happens to the jobs until all have ended."""
    begun: set[int] = set()
    left = dict(numbers)
    reconciled = time.monotonic()
    while left:
        for job_id, number in list(left.items()):
            job, path = ledger.job(job_id), files[number - 1]
            if job.state is not JobState.QUEUED and job_id not in begun:
                begun.add(job_id)
                on_event(IndexEvent("started", path, number, len(files)))
            if job.state is JobState.RUNNING:
                on_event(IndexEvent("progress", path, number, len(files), job.stage, job.fraction))
            elif job.state not in LIVE_JOB_STATES:
                del left[job_id]
                report = _report(path, job)
                on_event(IndexEvent("finished", path, number, len(files), report=report))
                yield job_id, report
        if left and all(process.poll() is not None for process in helpers):
            raise ReelseekError("The helping processes ended.", hint="Index without --jobs to see why.")
        time.sleep(_LOOK_SECONDS)
        if time.monotonic() - reconciled > _RECONCILE_SECONDS:
            ledger.reconcile()
            reconciled = time.monotonic()


def _report(path: Path, job: Job) -> FileReport:
    result = job.result
    if job.state is not JobState.DONE:
        return FileReport(path, "", "failed", job.error, may_pass=job.state is not JobState.FAILED)
    stages = tuple(StageRun(**stage) for stage in result.get("stages", ()))
    state = cast("str", result["state"])
    return FileReport(path, result["video_id"], state, stages=stages, seconds=result["seconds"])  # type: ignore[arg-type]


def _withdraw(ledger: Ledger, jobs: list[Job]) -> None:
    for job in jobs:
        if ledger.job(job.job_id).state in LIVE_JOB_STATES:
            try:
                ledger.cancel(job.job_id)
            except Conflict:
                continue
