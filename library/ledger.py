"""The job ledger. A job is a row: written before anyone is told of it, claimed by compare-and-set, held by a lease.

`Job.attempt` is the fencing token: each claim raises it, and every later write names it, so a worker whose lease ran
out (a stopped process, a laptop that slept) cannot write over the one that took the job after it.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from library.catalogue import Catalogue
from library.conversion import job_record
from library.database import changed, now, storable
from library.records import LIVE_JOB_STATES, Job, JobState
from library.schema import JobRow
from reelseek.errors import Conflict, JobLost, NotFound
from reelseek.records import JsonObject
from reelseek.setting_groups import WorkerSettings

RETRY_SECONDS = 15.0
"""Wait before the second attempt after a failure that may pass; four times as long before each further one."""

PROGRESS_SECONDS = 0.5
"""Progress within a stage is written at most this often."""


class Ledger:
    """Jobs in the catalogue's database. Thread-safe.

    Args:
        catalogue: whose database holds the jobs.
        settings: the length of a lease and the number of attempts.
    """

    def __init__(self, catalogue: Catalogue, settings: WorkerSettings | None = None) -> None:
        self._database = catalogue.database
        self._settings = settings or WorkerSettings()
        self._last_progress: dict[tuple[int, int], tuple[str, float]] = {}
        self._lock = threading.Lock()

    def enqueue(self, kind: str, payload: JsonObject, dedupe_key: str = "", priority: int = 0) -> Job:
        """Queue a job. While one with the same key is queued or running, that one is returned instead."""
        dedupe_key = dedupe_key.encode("utf-8", "backslashreplace").decode()
        live_key = _hashed(dedupe_key)
        for _ in range(10):
            try:
                with self._database.write() as session:
                    if live_key and (live := session.scalar(select(JobRow).where(JobRow.live_key == live_key))):
                        return job_record(live)
                    row = JobRow(
                        kind=kind,
                        payload=payload,
                        dedupe_key=dedupe_key,
                        live_key=live_key,
                        priority=priority,
                        state=JobState.QUEUED,
                        created_at=now(),
                        result={},
                    )
                    session.add(row)
                    session.flush()
                    return job_record(row)
            except IntegrityError:
                continue  # another process queued the same key at the same moment: take its job
        raise Conflict(f"The job {dedupe_key} is queued and finished over and over.")

    def claim(self, worker: str, kinds: Collection[str] | None = None, *, only: int | None = None) -> Job | None:
        """Take the next job: highest priority first, then the newest. None when nothing waits.

        Args:
            only: take this job, or none.
        """
        waiting = select(JobRow.job_id).where(_is_due(now()))
        if only is not None:
            waiting = waiting.where(JobRow.job_id == only)
        if kinds is not None:
            waiting = waiting.where(JobRow.kind.in_(list(kinds)))
        waiting = waiting.order_by(JobRow.priority.desc(), JobRow.job_id.desc()).limit(1)
        while True:
            with self._database.write() as session:
                job_id = session.scalar(waiting)
                if job_id is None:
                    return None
                moment = now()
                taken = changed(
                    session,
                    update(JobRow)
                    .where(JobRow.job_id == job_id, JobRow.state == JobState.QUEUED)
                    .values(
                        state=JobState.RUNNING,
                        attempt=JobRow.attempt + 1,
                        worker=storable(worker),
                        lease_until=moment + timedelta(seconds=self._settings.lease_seconds),
                        not_before=None,
                        started_at=moment,
                        stage="",
                        fraction=0.0,
                    ),
                )
                if taken == 1:
                    return job_record(session.get_one(JobRow, job_id, populate_existing=True))

    def heartbeat(self, job: Job) -> None:
        """Renew the lease.

        Raises:
            JobLost: the job is no longer this worker's.
        """
        self._write(job, lease_until=now() + timedelta(seconds=self._settings.lease_seconds))

    def progress(self, job: Job, stage: str, fraction: float) -> None:
        """Note how far a job is; within a stage at most twice a second.

        Raises:
            JobLost: the job is no longer this worker's.
        """
        moment = time.monotonic()
        with self._lock:
            last_stage, last = self._last_progress.get((job.job_id, job.attempt), ("", -PROGRESS_SECONDS))
            if stage == last_stage and fraction < 1.0 and moment - last < PROGRESS_SECONDS:
                return
            self._last_progress[job.job_id, job.attempt] = stage, moment
        self._write(job, stage=storable(stage)[:60], fraction=min(1.0, max(0.0, fraction)))

    def complete(self, job: Job, result: JsonObject | None = None) -> None:
        """A job is done.

        Raises:
            JobLost: the job is no longer this worker's.
        """
        self._end(job, JobState.DONE, error="", result=result or {}, fraction=1.0)

    def fail(self, job: Job, reason: str, *, retry: bool = False) -> JobState:
        """A job ended badly.

        Args:
            retry: the reason may pass (a full disk, a busy index): it is queued again for a while later, or quarantined
                when its attempts are used up. Otherwise it has failed for good (a broken file stays broken).

        Returns:
            The state it has now.

        Raises:
            JobLost: the job is no longer this worker's.
        """
        if not retry:
            self._end(job, JobState.FAILED, error=storable(reason), failures=JobRow.failures + 1)
            return JobState.FAILED
        with self._database.write() as session:
            row = session.get(JobRow, job.job_id, with_for_update=True)
            if row is None or row.state != JobState.RUNNING or row.attempt != job.attempt:
                raise _lost(job)
            wait = RETRY_SECONDS * 4 ** min(row.failures, 6)
            return self._again(row, storable(reason), wait)

    def release(self, job: Job) -> None:
        """Put a job back because its worker ends; that is no failure of the job.

        Raises:
            JobLost: the job is no longer this worker's.
        """
        self._write(job, state=JobState.QUEUED, worker="", lease_until=None, stage="", fraction=0.0)

    def reconcile(self) -> list[Job]:
        """Take back jobs whose worker fell silent: queued again, or quarantined after `max_attempts`.

        Returns:
            The jobs as they are now.
        """
        with self._database.write() as session:
            silent = session.scalars(
                select(JobRow)
                .where(JobRow.state == JobState.RUNNING, JobRow.lease_until < now())
                .with_for_update(skip_locked=True)
            ).all()
            for row in silent:
                self._again(row, f"The worker ended in the middle of it ({row.stage or 'at the start'}).")
            session.flush()
            return [job_record(row) for row in silent]

    def retry(self, job_id: int) -> Job:
        """Queue a job again that failed, was set aside or cancelled, with all its attempts.

        Raises:
            NotFound: there is no such job.
            Conflict: it is queued, running or done, or a newer job does the same.
        """
        try:
            with self._database.write() as session:
                row = _get(session, job_id)
                if row.state not in (JobState.FAILED, JobState.QUARANTINED, JobState.CANCELLED):
                    raise Conflict(f"Job {job_id} is {row.state}.")
                row.state, row.failures, row.error, row.finished_at = JobState.QUEUED, 0, "", None
                row.not_before = None
                row.stage, row.fraction = "", 0.0
                row.live_key = _hashed(row.dedupe_key)
                session.flush()
                return job_record(row)
        except IntegrityError as error:
            raise Conflict(f"A newer job already does what job {job_id} would do.") from error

    def cancel(self, job_id: int) -> Job:
        """Cancel a job that is queued or running; its worker stops at its next heartbeat.

        Raises:
            NotFound: there is no such job.
            Conflict: it has ended already.
        """
        with self._database.write() as session:
            row = _get(session, job_id)
            if row.state not in LIVE_JOB_STATES:
                raise Conflict(f"Job {job_id} is {row.state}.")
            row.state, row.live_key, row.finished_at, row.lease_until = JobState.CANCELLED, None, now(), None
            session.flush()
            return job_record(row)

    def job(self, job_id: int) -> Job:
        """A job.

        Raises:
            NotFound: there is none.
        """
        with self._database.read() as session:
            return job_record(_get(session, job_id))

    def jobs(
        self, state: JobState | None = None, limit: int | None = 100, *, kind: str | None = None, offset: int = 0
    ) -> list[Job]:
        """Jobs, newest first."""
        statement = select(JobRow).order_by(JobRow.job_id.desc()).limit(limit).offset(offset)
        if state is not None:
            statement = statement.where(JobRow.state == state)
        if kind is not None:
            statement = statement.where(JobRow.kind == kind)
        with self._database.read() as session:
            return [job_record(row) for row in session.scalars(statement)]

    def counts(self) -> dict[JobState, int]:
        """How many jobs are in each state."""
        with self._database.read() as session:
            found = session.execute(select(JobRow.state, func.count()).group_by(JobRow.state)).all()
        return dict.fromkeys(JobState, 0) | {JobState(state): count for state, count in found}

    def oldest_queued(self) -> datetime | None:
        """When the queued job that has waited longest was made; None where none waits."""
        with self._database.read() as session:
            return session.scalar(select(func.min(JobRow.created_at)).where(JobRow.state == JobState.QUEUED))

    def due(self) -> int:
        """How many queued jobs could be claimed now."""
        with self._database.read() as session:
            return session.scalar(select(func.count()).select_from(JobRow).where(_is_due(now()))) or 0

    def prune(self, keep_days: float = 7.0) -> int:
        """Forget jobs that were done or cancelled longer ago than that; those that failed stay for a person to see."""
        ended = (JobState.DONE, JobState.CANCELLED)
        with self._database.write() as session:
            return changed(
                session,
                delete(JobRow).where(JobRow.state.in_(ended), JobRow.finished_at < now() - timedelta(days=keep_days)),
            )

    def _again(self, row: JobRow, reason: str, wait: float = 0.0) -> JobState:
        row.failures += 1
        row.not_before = now() + timedelta(seconds=wait) if wait else None
        row.error, row.worker, row.lease_until = reason, "", None
        if row.failures >= self._settings.max_attempts:
            row.state, row.live_key, row.finished_at = JobState.QUARANTINED, None, now()
        else:
            row.state, row.stage, row.fraction = JobState.QUEUED, "", 0.0
        return JobState(row.state)

    def _end(self, job: Job, state: JobState, **values: Any) -> None:
        self._write(job, state=state, live_key=None, lease_until=None, finished_at=now(), **values)
        with self._lock:
            self._last_progress.pop((job.job_id, job.attempt), None)

    def _write(self, job: Job, **values: Any) -> None:
        """Change a running job, if this attempt still holds it."""
        with self._database.write() as session:
            held = update(JobRow).where(
                JobRow.job_id == job.job_id, JobRow.state == JobState.RUNNING, JobRow.attempt == job.attempt
            )
            if changed(session, held.values(**values)) != 1:
                raise _lost(job)


def _is_due(moment: datetime) -> ColumnElement[bool]:
    return and_(JobRow.state == JobState.QUEUED, or_(JobRow.not_before.is_(None), JobRow.not_before <= moment))


def _hashed(dedupe_key: str) -> str | None:
    return hashlib.sha256(dedupe_key.encode()).hexdigest() if dedupe_key else None


def _lost(job: Job) -> JobLost:
    return JobLost(f"Job {job.job_id} is no longer this worker's (attempt {job.attempt}).")


def _get(session: Session, job_id: int) -> JobRow:
    row = session.get(JobRow, job_id)
    if row is None:
        raise NotFound(f"There is no job {job_id}.")
    return row
