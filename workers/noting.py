"""Notes of long videos as jobs: which are missing, queueing them, and taking a few."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from index.reader import IndexReader
from library.ledger import Ledger
from library.records import Job
from query.digest.notes import VideoNotes, notes_of
from reelseek.errors import EngineUnavailable
from reelseek.records import JsonObject
from workers.enqueue import NOTES_PRIORITY, queue_notes
from workers.workspace import Workspace

PART = 4
"""Stretches of a video whose notes are one job."""

_log = logging.getLogger(__name__)


@contextmanager
def notes_in(workspace: Workspace, video_id: str) -> Iterator[VideoNotes | None]:
    """The notes of a video, taken or not; None where it is not in the index, or no model is there to take them.

    Raises:
        EngineUnavailable: the settings name a model that cannot run.
    """
    entry = workspace.catalogue.find_video(video_id)
    ref = workspace.engines.ref("vlm")
    if entry is None or entry.live_ingest is None or ref is None:
        yield None
        return
    reader = IndexReader(workspace.settings)
    try:
        snapshot = reader.snapshot(workspace.catalogue.visibility)
        yield notes_of(snapshot, workspace.store, video_id, entry.live_ingest, ref)
    finally:
        reader.close()


def queue_missing(ledger: Ledger, notes: VideoNotes, priority: int) -> list[Job]:
    """Queue a job for each part of a video that lacks notes, without ringing; the parts are always the same ones."""
    parts = sorted({(item.number - 1) // PART for item in notes.missing()}, reverse=True)
    jobs = [queue_notes(ledger, notes.video_id, notes.ingest_id, part * PART + 1, priority) for part in parts]
    return jobs[::-1]  # of equal ones the ledger gives the newest first


def queue_wanted_notes(workspace: Workspace, video_id: str) -> None:
    """Queue the notes that a video lacks, behind all other work, where they are to be taken at once."""
    entry = workspace.catalogue.find_video(video_id)
    if workspace.settings.ingest.notes == "off" or entry is None or entry.partial:
        return
    try:
        with notes_in(workspace, video_id) as notes:
            if notes is not None:
                queue_missing(Ledger(workspace.catalogue, workspace.settings.workers), notes, NOTES_PRIORITY)
    except EngineUnavailable as error:
        _log.info("No notes: %s", error)


def take_part(workspace: Workspace, job: Job, report: Callable[[str, float], None]) -> JsonObject:
    """Take the notes of one part of a video. Notes that are there are not taken again.

    Raises:
        EngineUnavailable: the model fails. The notes that were taken stay.
    """
    video_id, ingest_id, first = str(job.payload["video_id"]), str(job.payload["ingest"]), int(job.payload["first"])

    def still_there() -> bool:
        entry = workspace.catalogue.find_video(video_id)
        return entry is not None and entry.live_ingest == ingest_id

    def go_on(fraction: float) -> bool:
        report("notes", fraction)
        return still_there()

    if not still_there():
        return {"video_id": video_id, "state": "gone"}
    with workspace.store.working(video_id), notes_in(workspace, video_id) as notes:
        vlm = workspace.engines.vlm()
        if notes is None or vlm is None:
            raise EngineUnavailable("The model that takes notes went away.")
        wanted = [item for item in notes.missing() if first <= item.number < first + PART]
        taken, problem = notes.take(vlm, wanted, workspace.settings.engines.vlm_timeout, go_on)
        if problem and not taken:
            raise EngineUnavailable(problem)
        state = "done" if still_there() else "gone"
        found: JsonObject = {"video_id": video_id, "state": state, "notes": taken, "problem": problem}
        return found
