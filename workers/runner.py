"""Runs one job of the ledger: claims it, keeps its lease, stops when it is lost, and writes down how it ended."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from ingest.running import Share
from ingest.storage import CAPTIONS
from library.ledger import Ledger
from library.records import Job
from library.searches import saved_searches
from reelseek.errors import Cancelled, Forbidden, InvalidRequest, JobLost, ReelseekError
from reelseek.records import JsonObject
from reelseek.urls import masked
from workers.captioning import caption_part, caption_video, queue_wanted_captions
from workers.collecting import collect_garbage
from workers.enqueue import (
    CAPTION,
    CAPTION_PART,
    CHUNK,
    FETCH,
    GC,
    INDEX,
    MAINTAIN,
    NOTES,
    NOTIFY,
    REINDEX,
    SAVED,
    SCAN,
    STALE,
    enqueue_index,
    queue_caption_part,
    queue_upkeep,
)
from workers.indexing import FileReport, index_file
from workers.lease import held
from workers.notifying import send_notice
from workers.noting import queue_wanted_notes, take_part
from workers.processes import worker_name
from workers.reindexing import queue_stale, reindex_video
from workers.saved import run_saved_searches
from workers.scan import scan_library
from workers.sharing import Shared, run_chunk, shared_chunks
from workers.upkeep import maintain, maintain_if_due
from workers.workspace import Workspace

_log = logging.getLogger(__name__)

Report = Callable[[str, float], None]


def run_next(
    workspace: Workspace, stopping: threading.Event, kinds: Collection[str] | None = None, *, only: int | None = None
) -> Job | None:
    """Claim the next job and run it to its end.

    Args:
        stopping: set when the worker is to end; the job is then put back, without counting as a failed attempt.
        kinds: of jobs that are taken; None for all.
        only: take this job, or none.

    Returns:
        The job as it was claimed, or None when nothing waited.
    """
    ledger = Ledger(workspace.catalogue, workspace.settings.workers)
    job = ledger.claim(worker_name(), kinds, only=only)
    if job is None:
        return None
    _log.info("Job %d begins: %s %s (attempt %d)", job.job_id, job.kind, _subject(job), job.attempt)

    def report(stage: str, fraction: float) -> None:
        if stopping.is_set():
            raise Cancelled("The worker ends.")
        if lost.is_set():
            raise JobLost(f"Job {job.job_id} was taken away.")
        ledger.progress(job, stage, fraction)

    with held(ledger, job, workspace.settings.workers.lease_seconds / 3) as lost:
        _settle(ledger, job, lambda: _DOERS[job.kind](workspace, job, report))
    return job


def _settle(ledger: Ledger, job: Job, work: Callable[[], JsonObject]) -> None:
    """Do the work and write down what came of it; whatever happens, the job does not stay with this worker."""
    with suppress(JobLost):  # by then the row is another worker's, who writes down how it ended
        try:
            result = work()
        except _Failed as failure:
            _log.warning("Job %d: %s (%s)", job.job_id, failure, ledger.fail(job, str(failure), retry=failure.may_pass))
        except Cancelled:
            _log.info("Job %d is put back: the worker ends.", job.job_id)
            ledger.release(job)
        except ReelseekError as error:
            _log.warning("Job %d: %s (%s)", job.job_id, error, ledger.fail(job, str(error), retry=True))
        except Exception as error:  # noqa: BLE001 (the boundary of a job)
            _log.exception("Job %d failed", job.job_id)
            ledger.fail(job, f"{type(error).__name__}: {error}", retry=True)
        except BaseException:  # the process is told to exit at once
            ledger.release(job)
            raise
        else:
            ledger.complete(job, result)
            _log.info("Job %d is done%s", job.job_id, _in_short(result))


def _in_short(result: JsonObject) -> str:
    """A job's result on one line of a log; its lists are in the ledger."""
    facts = [
        f"{name} {value}" for name, value in result.items() if isinstance(value, (str, int, float)) and value != ""
    ]
    return f": {', '.join(facts)}" if facts else ""


class _Failed(Exception):
    """A job's own bad end."""

    def __init__(self, reason: str, *, may_pass: bool) -> None:
        super().__init__(reason)
        self.may_pass = may_pass


def _index(workspace: Workspace, job: Job, report: Report) -> JsonObject:
    path, library = Path(job.payload["path"]), job.payload.get("library_id")

    def share(video_id: str) -> Share:
        return shared_chunks(workspace, path, video_id, job.priority + 1, report)

    return _indexed(workspace, index_file(workspace, path, report, library, share=share))


def _reindex(workspace: Workspace, job: Job, report: Report) -> JsonObject:
    video_id = str(job.payload["video_id"])
    entry = workspace.catalogue.find_video(video_id)
    if entry is None:
        return {"video_id": video_id, "state": "gone"}
    path = Path(entry.path)

    def share(video_id: str) -> Share:
        return shared_chunks(workspace, path, video_id, job.priority + 1, report)

    return _indexed(workspace, reindex_video(workspace, video_id, job.payload["again"], report, share=share))


def _caption(workspace: Workspace, job: Job, report: Report) -> JsonObject:
    video_id = str(job.payload["video_id"])

    def share(key: str) -> Shared:
        def queue(ledger: Ledger, index: int) -> Job:
            return queue_caption_part(ledger, video_id, key, index, job.priority + 1)

        return Shared(workspace, queue, CAPTIONS, report)

    told = caption_video(workspace, video_id, report, share)
    queue_wanted_notes(workspace, video_id)  # of what is seen in it as well
    return {"video_id": video_id, "captions": told}


def _indexed(workspace: Workspace, found: FileReport) -> JsonObject:
    maintain_if_due(workspace)
    if found.state == "failed":
        raise _Failed(found.reason, may_pass=found.may_pass)
    if not queue_wanted_captions(workspace, found.video_id):
        queue_wanted_notes(workspace, found.video_id)
    if found.state == "indexed" and saved_searches(workspace.catalogue):
        queue_upkeep(Ledger(workspace.catalogue, workspace.settings.workers), SAVED)
    stages = [asdict(stage) | {"seconds": round(stage.seconds, 3)} for stage in found.stages]
    return {"video_id": found.video_id, "state": found.state, "seconds": round(found.seconds, 3), "stages": stages}


def _stale(workspace: Workspace, _job: Job, report: Report) -> JsonObject:
    return {"queued": queue_stale(workspace, lambda fraction: report("stale", fraction))}


def _collect(workspace: Workspace, _job: Job, report: Report) -> JsonObject:
    return collect_garbage(workspace, progress=lambda fraction: report("gc", fraction)).payload()


def _saved(workspace: Workspace, _job: Job, report: Report) -> JsonObject:
    report("saved", 0.0)
    return {"new": run_saved_searches(workspace)}


def _notify(workspace: Workspace, job: Job, report: Report) -> JsonObject:
    report("notify", 0.0)
    return send_notice(workspace.settings, job.payload["notice"])


def _scan(workspace: Workspace, job: Job, report: Report) -> JsonObject:
    library = workspace.catalogue.library(int(job.payload["library_id"]))
    found = scan_library(
        workspace.catalogue, workspace.settings, library, progress=lambda fraction: report("scan", fraction)
    )
    return {"summary": found.sentence(), "new": len(found.new), "changed": len(found.changed)}


def _fetch(workspace: Workspace, job: Job, report: Report) -> JsonObject:
    from workers.download import FetchFailed
    from workers.fetching import fetch_video

    catalogue, settings, library_id = workspace.catalogue, workspace.settings, job.payload.get("library_id")
    folder = Path(catalogue.library(int(library_id)).path) if library_id is not None else None
    height = job.payload.get("max_height")
    try:
        found = fetch_video(
            catalogue, settings, str(job.payload["url"]), folder=folder, max_height=height, progress=report
        )
    except FetchFailed as error:
        raise _Failed(str(error), may_pass=error.may_pass) from error
    except (Forbidden, InvalidRequest) as error:
        raise _Failed(str(error), may_pass=False) from error
    if not found.known:
        enqueue_index(catalogue, settings, found.path, library_id)
    return {"path": str(found.path), "title": found.title, "known": found.known}


def _maintain(workspace: Workspace, _job: Job, report: Report) -> JsonObject:
    report("maintain", 0.0)
    done: JsonObject = dict(maintain(workspace))
    Ledger(workspace.catalogue).prune()
    return done


_DOERS: dict[str, Callable[[Workspace, Job, Report], JsonObject]] = {
    INDEX: _index,
    CHUNK: run_chunk,
    SCAN: _scan,
    MAINTAIN: _maintain,
    FETCH: _fetch,
    REINDEX: _reindex,
    STALE: _stale,
    GC: _collect,
    SAVED: _saved,
    NOTIFY: _notify,
    CAPTION: _caption,
    CAPTION_PART: caption_part,
    NOTES: take_part,
}


def _subject(job: Job) -> str:
    if url := job.payload.get("url"):
        return repr(masked(str(url)))
    return repr(job.payload.get("path", job.payload.get("video_id", job.payload.get("library_id", ""))))
