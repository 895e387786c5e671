"""The job ledger: nothing runs twice, nothing is lost, nothing fails for ever in silence."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import library.ledger
from library.catalogue import Catalogue, open_catalogue
from library.ledger import Ledger
from library.records import JobState
from reelseek.errors import Conflict, JobLost, NotFound
from reelseek.setting_groups import WorkerSettings
from reelseek.settings import Settings


@pytest.fixture
def ledger(settings: Settings) -> Ledger:
    return Ledger(open_catalogue(settings), WorkerSettings(lease_seconds=60, max_attempts=3))


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the ledger's clock on."""
    passed = [0.0]

    def move(seconds: float) -> None:
        passed[0] += seconds

    monkeypatch.setattr(library.ledger, "now", lambda: datetime.now(UTC) + timedelta(seconds=passed[0]))
    return move


def test_a_job_goes_from_queued_to_done_with_its_progress(ledger: Ledger) -> None:
    queued = ledger.enqueue("index", {"path": "/films/\udc80.mp4"}, "index:/films/\udc80.mp4")
    assert (queued.state, queued.attempt) == (JobState.QUEUED, 0)
    job = ledger.claim("worker:1")
    assert job is not None
    assert (job.job_id, job.state, job.attempt, job.worker) == (queued.job_id, JobState.RUNNING, 1, "worker:1")
    assert job.payload == {"path": "/films/\udc80.mp4"}
    assert ledger.claim("worker:2") is None
    ledger.progress(job, "speech", 0.25)
    ledger.progress(job, "speech", 0.26)  # too soon to be worth a write
    now = ledger.job(job.job_id)
    assert (now.stage, now.fraction) == ("speech", 0.25)
    ledger.progress(job, "objects", 7.0)
    assert ledger.job(job.job_id).fraction == 1.0
    ledger.complete(job, {"video_id": "a"})
    now = ledger.job(job.job_id)
    assert (now.state, now.result, now.lease_until) == (JobState.DONE, {"video_id": "a"}, None)
    assert ledger.counts()[JobState.DONE] == 1


def test_one_key_has_one_live_job(ledger: Ledger) -> None:
    first = ledger.enqueue("index", {"n": 1}, "k")
    assert ledger.enqueue("index", {"n": 2}, "k").job_id == first.job_id
    assert ledger.enqueue("index", {}, "other").job_id != first.job_id
    assert ledger.enqueue("index", {}).job_id != ledger.enqueue("index", {}).job_id, "no key, no deduplication"
    job = ledger.claim("w", kinds={"index"})
    while job is not None and job.job_id != first.job_id:
        job = ledger.claim("w")
    assert job is not None
    assert ledger.enqueue("index", {}, "k").job_id == first.job_id, "a running job is live too"
    ledger.complete(job)
    assert ledger.enqueue("index", {}, "k").job_id != first.job_id


def test_the_most_urgent_comes_first_and_then_the_newest(ledger: Ledger) -> None:
    for name, priority in (("old", 0), ("new", 0), ("upload", 20), ("tidy", -10)):
        ledger.enqueue("index", {"name": name}, name, priority)
    order = []
    while job := ledger.claim("w"):
        order.append(job.payload["name"])
    assert order == ["upload", "new", "old", "tidy"]


def test_a_worker_that_fell_silent_loses_its_job_and_can_write_nothing(
    ledger: Ledger, later: Callable[[float], None]
) -> None:
    ledger.enqueue("index", {}, "k")
    first = ledger.claim("sleepy")
    assert first is not None
    later(50)
    ledger.heartbeat(first)
    later(50)
    assert ledger.reconcile() == [], "the heartbeat renewed the lease"
    later(20)
    assert [job.state for job in ledger.reconcile()] == [JobState.QUEUED]
    second = ledger.claim("awake")
    assert second is not None
    assert (second.job_id, second.attempt) == (first.job_id, 2)
    writes: list[Callable[[], Any]] = [
        lambda: ledger.heartbeat(first),
        lambda: ledger.progress(first, "late", 0.5),
        lambda: ledger.complete(first),
        lambda: ledger.fail(first, "late"),
        lambda: ledger.fail(first, "late", retry=True),
        lambda: ledger.release(first),
    ]
    for write in writes:
        with pytest.raises(JobLost):
            write()
    now = ledger.job(second.job_id)
    assert (now.state, now.worker, now.stage) == (JobState.RUNNING, "awake", "")
    ledger.complete(second)


def test_after_its_attempts_a_job_is_set_aside_with_its_reason(ledger: Ledger, later: Callable[[float], None]) -> None:
    ledger.enqueue("index", {}, "k")
    for attempt in (1, 2, 3):
        job = ledger.claim("w")
        assert job is not None
        assert job.attempt == attempt
        ledger.progress(job, "objects", 0.5)
        later(61)
        ledger.reconcile()
    now = ledger.jobs(JobState.QUARANTINED)[0]
    assert "objects" in now.error
    assert now.failures == 3
    assert ledger.claim("w") is None
    assert ledger.enqueue("index", {}, "k").job_id != now.job_id, "the key is free again"
    with pytest.raises(Conflict):
        ledger.retry(now.job_id)


def test_a_person_can_retry_and_cancel(ledger: Ledger) -> None:
    queued = ledger.enqueue("index", {}, "k")
    with pytest.raises(Conflict):
        ledger.retry(queued.job_id)
    assert ledger.cancel(queued.job_id).state is JobState.CANCELLED
    assert ledger.claim("w") is None
    with pytest.raises(Conflict):
        ledger.cancel(queued.job_id)
    assert ledger.retry(queued.job_id).state is JobState.QUEUED
    job = ledger.claim("w")
    assert job is not None
    ledger.cancel(job.job_id)
    with pytest.raises(JobLost):
        ledger.heartbeat(job)
    for call in (ledger.job, ledger.retry, ledger.cancel):
        with pytest.raises(NotFound):
            call(999)


def test_a_passing_failure_waits_before_it_is_tried_again_and_a_lasting_one_is_not(
    ledger: Ledger, later: Callable[[float], None]
) -> None:
    ledger.enqueue("index", {}, "disk")
    job = ledger.claim("w")
    assert job is not None
    assert ledger.fail(job, "The disk is full.", retry=True) is JobState.QUEUED
    assert (ledger.due(), ledger.claim("w")) == (0, None)
    later(library.ledger.RETRY_SECONDS + 1)
    assert ledger.due() == 1
    again = ledger.claim("w")
    assert again is not None
    assert ledger.fail(again, "It is no video.") is JobState.FAILED
    later(10_000)
    assert ledger.claim("w") is None


def test_a_job_that_is_put_back_does_not_count_as_failed(ledger: Ledger) -> None:
    ledger.enqueue("index", {}, "k")
    for _ in range(5):
        job = ledger.claim("w")
        assert job is not None
        ledger.release(job)
    assert ledger.jobs()[0].failures == 0


def test_old_jobs_that_ended_well_are_forgotten(ledger: Ledger, later: Callable[[float], None]) -> None:
    for name in ("done", "failed"):
        ledger.enqueue("index", {}, name)
    for _ in range(2):
        job = ledger.claim("w")
        assert job is not None
        ledger.complete(job) if job.dedupe_key == "done" else ledger.fail(job, "broken")
    assert ledger.prune() == 0
    later(8 * 24 * 3600)
    assert ledger.prune() == 1
    assert [job.dedupe_key for job in ledger.jobs()] == ["failed"]


def test_no_job_runs_twice_when_processes_claim_at_once(settings: Settings, tmp_path: Path) -> None:
    with open_catalogue(settings) as catalogue:
        ledger = Ledger(catalogue)
        jobs = {ledger.enqueue("index", {}, f"k{number}").job_id for number in range(40)}
        context = multiprocessing.get_context("spawn")
        outputs = [tmp_path / f"claims{number}" for number in range(2)]
        claimers = [context.Process(target=_claim_all, args=(settings.database_url, str(output))) for output in outputs]
        for process in claimers:
            process.start()
        for process in claimers:
            process.join()
        claimed = [int(line) for output in outputs for line in output.read_text().split()]
        assert len(claimed) == len(jobs)
        assert set(claimed) == jobs
        assert ledger.counts()[JobState.DONE] == 40


def _claim_all(url: str, output: str) -> None:
    with Catalogue(url) as catalogue, Path(output).open("w") as file:
        ledger = Ledger(catalogue)
        while job := ledger.claim(output):
            file.write(f"{job.job_id}\n")
            ledger.complete(job)
