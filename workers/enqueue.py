"""Queueing work: a row in the ledger first, then a ring at the broker."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from library.catalogue import Catalogue
from library.ledger import Ledger
from library.records import Job, JobState
from reelseek.records import JsonObject
from reelseek.settings import Settings

if TYPE_CHECKING:
    from celery import Celery

INDEX, CHUNK, SCAN, MAINTAIN, FETCH = "index", "chunk", "scan", "maintain", "fetch"
REINDEX, STALE, GC, SAVED, NOTES, NOTIFY = "reindex", "stale", "gc", "saved", "notes", "notify"
CAPTION, CAPTION_PART = "caption", "caption_part"
"""Kinds of jobs."""

_SCAN_PRIORITY, _LIVE_PRIORITY, PERSON_PRIORITY, _FOUND_PRIORITY, _MAINTAIN_PRIORITY = 30, 25, 20, 0, -10
_CAPTION_PRIORITY, NOTES_PRIORITY = -20, -25

REINDEX_PRIORITY, STALE_PRIORITY = 5, -5
"""Videos to be done again: what a person asked for goes before what scans found, what the schedule found after it."""

_log = logging.getLogger(__name__)


def enqueue_index(catalogue: Catalogue, settings: Settings, path: str | Path, library_id: int | None = None) -> Job:
    """Queue the indexing of a file that a person asked for; it goes before what scans have found."""
    job = queue_index(Ledger(catalogue, settings.workers), path, library_id, priority=PERSON_PRIORITY)
    ring(settings)
    return job


def enqueue_recording(catalogue: Catalogue, settings: Settings, path: Path, library_id: int) -> Job:
    """Queue the indexing of what was just recorded; it goes before everything that is not live."""
    job = queue_index(Ledger(catalogue, settings.workers), path, library_id, priority=_LIVE_PRIORITY)
    ring(settings)
    return job


def recordings_wait(catalogue: Catalogue) -> bool:
    """Whether something that was recorded waits to be indexed now."""
    waiting = Ledger(catalogue).jobs(JobState.QUEUED, None, kind=INDEX)
    return any(job.priority == _LIVE_PRIORITY and job.failures == 0 for job in waiting)


def enqueue_fetch(
    catalogue: Catalogue, settings: Settings, url: str, library_id: int | None = None, max_height: int | None = None
) -> Job:
    """Queue the download of a video."""
    payload = {"url": url, "library_id": library_id, "max_height": max_height}
    job = Ledger(catalogue, settings.workers).enqueue(FETCH, payload, f"{FETCH}:{library_id}:{url}", PERSON_PRIORITY)
    ring(settings)
    return job


def enqueue_scan(catalogue: Catalogue, settings: Settings, library_id: int) -> Job:
    """Queue the scan of a library."""
    job = queue_scan(Ledger(catalogue, settings.workers), library_id)
    ring(settings)
    return job


def queue_index(
    ledger: Ledger, path: str | Path, library_id: int | None = None, *, priority: int = _FOUND_PRIORITY
) -> Job:
    """Write an indexing job, without ringing."""
    where = os.path.abspath(path)  # noqa: PTH100 (as in `find_videos`)
    return ledger.enqueue(INDEX, {"path": where, "library_id": library_id}, f"{INDEX}:{where}", priority)


def queue_index_now(ledger: Ledger, path: str | Path) -> Job:
    """Write an indexing job that a person waits for, without ringing."""
    return queue_index(ledger, path, priority=PERSON_PRIORITY)


def queue_captions(ledger: Ledger, video_id: str) -> Job:
    """Write a job that captions a video which is in the index, behind all others, without ringing."""
    return ledger.enqueue(CAPTION, {"video_id": video_id}, f"{CAPTION}:{video_id}", _CAPTION_PRIORITY)


def queue_chunk(ledger: Ledger, path: Path, video_id: str, index: int, priority: int) -> Job:
    """Write a job that does one chunk of a long video, without ringing."""
    payload = {"path": str(path), "video_id": video_id, "chunk": index}
    return ledger.enqueue(CHUNK, payload, f"{CHUNK}:{video_id}:{index}", priority)


def queue_caption_part(ledger: Ledger, video_id: str, key: str, index: int, priority: int) -> Job:
    """Write a job that captions one part of a video, without ringing.

    Args:
        key: of the captions; once others are wanted the job is dropped.
    """
    payload = {"video_id": video_id, "captions": key, "part": index}
    return ledger.enqueue(CAPTION_PART, payload, f"{CAPTION_PART}:{video_id}:{key}:{index}", priority)


def queue_notes(ledger: Ledger, video_id: str, ingest_id: str, first: int, priority: int) -> Job:
    """Write a job that takes notes of a part of a video, without ringing.

    Args:
        ingest_id: the rows whose stretches are counted; once others are live the job is dropped.
        first: the number of the part's first stretch.
    """
    payload = {"video_id": video_id, "ingest": ingest_id, "first": first}
    return ledger.enqueue(NOTES, payload, f"{NOTES}:{video_id}:{ingest_id}:{first}", priority)


def queue_scan(ledger: Ledger, library_id: int) -> Job:
    """Write a scanning job, without ringing."""
    return ledger.enqueue(SCAN, {"library_id": library_id}, f"{SCAN}:{library_id}", _SCAN_PRIORITY)


def queue_maintenance(ledger: Ledger) -> Job:
    """Write a job that maintains the index, without ringing."""
    return ledger.enqueue(MAINTAIN, {}, MAINTAIN, _MAINTAIN_PRIORITY)


def queue_reindex(
    ledger: Ledger, video_id: str, again: Collection[str] = (), *, priority: int = REINDEX_PRIORITY
) -> Job:
    """Write a job that does what is stale of a video, and the stages in `again` whether they are or not."""
    stages = sorted(again)
    key = f"{REINDEX}:{video_id}:{','.join(stages)}"
    return ledger.enqueue(REINDEX, {"video_id": video_id, "again": stages}, key, priority)


def enqueue_reindex(catalogue: Catalogue, settings: Settings, video_id: str) -> Job:
    """Queue what is stale of a video that a person asked for; its file may be gone."""
    job = queue_reindex(Ledger(catalogue, settings.workers), video_id, priority=PERSON_PRIORITY)
    ring(settings)
    return job


def queue_upkeep(ledger: Ledger, kind: str) -> Job:
    """Write a job that looks after the whole library (`STALE`, `GC`, `SAVED`), without ringing."""
    return ledger.enqueue(kind, {}, kind, _MAINTAIN_PRIORITY)


def queue_notice(ledger: Ledger, notice: JsonObject, key: str) -> Job:
    """Write a job that posts what a saved search found to another program, without ringing."""
    return ledger.enqueue(NOTIFY, {"notice": notice}, f"{NOTIFY}:{key}", _MAINTAIN_PRIORITY)


def ring(settings: Settings, times: int = 1) -> None:
    """Tell workers that there is work. A broker that does not answer is no loss: the schedule rings again."""
    from kombu.exceptions import OperationalError

    try:
        app = _app(settings.model_dump_json())
        for _ in range(times):
            app.send_task("reelseek.run_next", retry=False)
    except (OperationalError, OSError) as error:
        _log.warning("The broker does not answer; the job starts when the schedule rings: %s", error)


@lru_cache(maxsize=4)
def _app(settings: str) -> Celery:
    from workers.factory import make_app

    return make_app(Settings.model_validate_json(settings))
