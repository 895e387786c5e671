"""Bringing videos up to date after an engine or a setting changed: one at a time, on artefacts as far as they go."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path

from ingest.running import Share, in_order
from library.ledger import Ledger
from library.records import Job, VideoEntry
from reelseek.errors import EngineUnavailable, JobLost, MediaError
from workers.enqueue import REINDEX_PRIORITY, STALE_PRIORITY, queue_reindex, ring
from workers.indexing import FileReport, IndexEvent, StageProgress, ignore_progress, index_file, renew_video
from workers.staleness import VideoChange, change_of, loses_engine
from workers.upkeep import maintain_if_due
from workers.workspace import Workspace

_log = logging.getLogger(__name__)


def reindex_video(
    workspace: Workspace,
    video_id: str,
    again: Collection[str] = (),
    progress: StageProgress = ignore_progress,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    share: Callable[[str], Share] = lambda _: in_order,
) -> FileReport:
    """Do what is stale of a published video; its old rows are found until the new ones are complete.

    A file that is gone is not needed for stages that work on artefacts. One that changed is indexed as what it is now.

    Args:
        again: stages to do although they are not stale; what builds on them is done too.

    Raises:
        NotFound: there is no such video.
        ReelseekError: as `workers.indexing.index_file`.
    """
    entry = workspace.catalogue.video(video_id)
    if entry.live_ingest is None or _file_changed(workspace, entry):
        return index_file(workspace, Path(entry.path), progress, cancelled=cancelled, share=share)
    change = change_of(workspace, entry, again)
    if not change.due:
        return FileReport(Path(entry.path), video_id, "unchanged")
    try:
        return renew_video(
            workspace,
            entry,
            held=change.held,
            editions=change.editions,
            progress=progress,
            cancelled=cancelled,
            share=share,
        )
    except MediaError as error:  # it stays as it is in the index
        return FileReport(Path(entry.path), video_id, "failed", str(error))


def reindex_videos(
    workspace: Workspace, changes: Collection[VideoChange], on_event: Callable[[IndexEvent], None] = lambda _: None
) -> list[FileReport]:
    """Do what is stale of several videos, one after the other. One that cannot be done does not stop the others.

    Args:
        on_event: for progress bars; may raise to stop. What is finished by then is kept.

    Raises:
        EngineUnavailable, IndexBusy, StorageError: as `workers.indexing.index_paths`.
    """
    reports, total = [], len(changes)
    paths = [Path(change.video.path or change.video.title) for change in changes]
    for number, path in enumerate(paths, start=1):
        on_event(IndexEvent("found", path, number, total))
    try:
        for number, (path, change) in enumerate(zip(paths, changes, strict=True), start=1):

            def tell(stage: str, fraction: float, number: int = number, path: Path = path) -> None:
                on_event(IndexEvent("progress", path, number, total, stage, fraction))

            on_event(IndexEvent("started", path, number, total))
            try:
                report = reindex_video(workspace, change.video.video_id, change.again, tell)
            except JobLost as error:
                report = FileReport(path, change.video.video_id, "failed", str(error), may_pass=True)
            reports.append(replace(report, path=path))
            on_event(IndexEvent("finished", path, number, total, report=reports[-1]))
    finally:
        maintain_if_due(workspace)
    return reports


def queue_videos(
    workspace: Workspace, video_ids: Iterable[str], again: Collection[str] = (), *, priority: int = REINDEX_PRIORITY
) -> list[Job]:
    """Queue videos for workers; the ledger gives the last one first.

    Args:
        again: as in `reindex_video`.
    """
    ledger = Ledger(workspace.catalogue, workspace.settings.workers)
    jobs = [queue_reindex(ledger, video_id, again, priority=priority) for video_id in video_ids]
    if jobs:
        ring(workspace.settings, min(len(jobs), workspace.settings.workers.concurrency))
    return jobs


def queue_stale(workspace: Workspace, progress: Callable[[float], None] = lambda _: None) -> int:
    """Queue what a changed engine or setting made stale, each video once for each change, so that the newest is first.

    A video that would lose a channel because an engine is missing here is left as it is: the engine may come back, or
    be on another machine.

    Args:
        progress: the fraction that was looked at; may raise to stop.

    Returns:
        How many were queued.
    """
    if workspace.settings.workers.reindex == "off":
        return 0
    due, entries = [], workspace.catalogue.videos()
    for number, entry in enumerate(entries):
        progress(number / len(entries))
        if entry.live_ingest is None or entry.partial:
            continue
        try:
            change = change_of(workspace, entry)
        except EngineUnavailable as error:
            _log.warning("Nothing is indexed again: %s", error)
            return 0
        if not change.due or loses_engine(workspace, change):
            continue
        if workspace.catalogue.want(entry.video_id, change.fingerprint):
            due.append(entry.video_id)
    queue_videos(workspace, reversed(due), priority=STALE_PRIORITY)
    return len(due)


def _file_changed(workspace: Workspace, entry: VideoEntry) -> bool:
    """Whether another file is now where the video was, by its size and time."""
    path = Path(entry.path)
    seen = workspace.catalogue.file_state(path)
    if seen is None or not path.is_file():
        return False
    stat = path.stat()
    return (seen.size, seen.mtime_ns) != (stat.st_size, stat.st_mtime_ns)
