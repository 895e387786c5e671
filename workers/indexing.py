"""Indexing files: identity, catalogue, ingest, rows, publishing; for the command line and the workers alike."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from index.schema import SCHEMA_VERSION
from ingest.captioned import keep_captions
from ingest.document import load_document
from ingest.identity import content_id
from ingest.outcome import IngestOutcome, StageRun
from ingest.pipeline import drop_leftovers, ingest_video
from ingest.plan import make_plan
from ingest.probe import probe, title_of
from ingest.running import Share, in_order
from library.records import Counts, FileState, VideoEntry, VideoState
from reelseek.errors import JobLost, MediaError, ReelseekError
from workers.files import find_videos
from workers.storage import check_space
from workers.upkeep import maintain_if_due, stored_video_info
from workers.workspace import Workspace

__all__ = ["FileReport", "IndexEvent", "Workspace", "index_file", "index_paths"]

IDENTITY, PUBLISHING = "identity", "index"
"""Stages of ours, before and after those of the ingest."""

StageProgress = Callable[[str, float], None]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file.

    Attributes:
        video_id: empty when the file could not even be read.
        state: `unchanged`: nothing had to be done; `renamed`: known content under a new name, no model ran.
        reason: why it failed, one sentence.
        may_pass: the failure was none of the file's own; another attempt may succeed.
        stages: every stage with `done`, `reused` or `off`; empty when nothing was looked at.
    """

    path: Path
    video_id: str
    state: Literal["indexed", "unchanged", "renamed", "failed"]
    reason: str = ""
    stages: tuple[StageRun, ...] = ()
    seconds: float = 0.0
    may_pass: bool = False


@dataclass(frozen=True, slots=True)
class IndexEvent:
    """Progress over several files: each is `found` (all of them first), `started`, makes `progress`, is `finished`."""

    kind: Literal["found", "started", "progress", "finished"]
    path: Path
    number: int
    total: int
    stage: str = ""
    fraction: float = 0.0
    report: FileReport | None = None


def ignore_progress(stage: str, fraction: float) -> None:
    """Ignore progress."""


def index_paths(
    workspace: Workspace, paths: Iterable[Path], on_event: Callable[[IndexEvent], None] | None = None
) -> list[FileReport]:
    """Index files and all videos in folders, one after the other. A broken one does not stop the others.

    Args:
        on_event: for progress bars; may raise to stop. What is finished by then is kept.

    Raises:
        EngineUnavailable: an engine that the settings name cannot run.
        IndexBusy: another process writes the index for too long.
        StorageError: the disk is full or read-only.
    """
    files, reports = list(find_videos(paths)), []

    def emit(event: IndexEvent) -> None:
        if on_event:
            on_event(event)

    for number, path in enumerate(files, start=1):
        emit(IndexEvent("found", path, number, len(files)))
    try:
        for number, path in enumerate(files, start=1):

            def tell(stage: str, fraction: float, number: int = number, path: Path = path) -> None:
                emit(IndexEvent("progress", path, number, len(files), stage, fraction))

            emit(IndexEvent("started", path, number, len(files)))
            try:
                report = index_file(workspace, path, tell)
            except JobLost as error:
                report = FileReport(path, "", "failed", str(error), may_pass=True)
            reports.append(report)
            emit(IndexEvent("finished", path, number, len(files), report=report))
    finally:
        maintain_if_due(workspace)
    return reports


def index_file(
    workspace: Workspace,
    path: Path,
    progress: StageProgress = ignore_progress,
    library_id: int | None = None,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    share: Callable[[str], Share] = lambda _: in_order,
) -> FileReport:
    """Index one file, as far as that is not done. One that cannot be indexed is noted in the catalogue with its reason.

    The beginning of a long video that is not in the index yet can be found before its end is looked at.

    Args:
        share: gets a video's id, gives what sees to it that the chunks of that video are done.

    Raises:
        ReelseekError: what is not the file's own fault: a missing engine, a full disk, a busy index, a stop, or
            another process that began the same video (`JobLost`).
    """
    started = time.monotonic()
    try:
        report = _index(workspace, path, library_id, _Calls(progress, cancelled, share))
    except MediaError as error:
        report = _failed(workspace, path, str(error), library_id, may_pass=isinstance(error, _StillWritten))
    except ReelseekError:
        raise
    except Exception as error:  # noqa: BLE001 (the boundary of one file: a codec or model may raise anything)
        _log.exception("Indexing %r failed", str(path))
        reason = f"It could not be indexed: {type(error).__name__}: {error}"
        report = _failed(workspace, path, reason, library_id, may_pass=True)
    return replace(report, seconds=time.monotonic() - started)


class _StillWritten(MediaError):
    """The file changed while it was read."""


@dataclass(frozen=True, slots=True)
class _Calls:
    """What indexing a file calls on its way."""

    progress: StageProgress
    cancelled: Callable[[], bool]
    share: Callable[[str], Share]


def _index(workspace: Workspace, path: Path, library_id: int | None, calls: _Calls) -> FileReport:
    catalogue = workspace.catalogue
    if known := _unchanged(workspace, path):
        return FileReport(path, known, "unchanged")
    before = _file_state(path)
    calls.progress(IDENTITY, 0.0)
    video_id = content_id(path, lambda fraction: calls.progress(IDENTITY, fraction))
    if _file_state(path) != before:
        raise _StillWritten("It is still being written.", hint="Index it again when that is done.")
    earlier = catalogue.find_video(video_id)
    renamed = earlier is not None and earlier.live_ingest is not None and _has_moved(earlier, path)
    try:
        info = stored_video_info(workspace, video_id) or probe(path, workspace.settings.ingest, video_id)
        entry = catalogue.record_video(replace(info, title=title_of(path, info.tags)), path, library_id)
        _drop_vanished(workspace, entry)
        if entry.live_ingest is None or entry.partial:
            catalogue.set_state(video_id, VideoState.INDEXING)
        outcome, published = _ingest(workspace, path, entry, calls)
        state: Literal["indexed", "unchanged", "renamed"] = "renamed" if renamed else "unchanged"
        if published:
            state = "renamed" if renamed and not outcome.worked else "indexed"
    except MediaError as error:
        catalogue.mark_failed(path, str(error), video_id=video_id, library_id=library_id)
        return FileReport(path, video_id, "failed", str(error))
    except BaseException:
        if earlier is None or earlier.live_ingest is None:
            catalogue.set_state(video_id, VideoState.NEW)
        raise
    return FileReport(path, video_id, state, stages=outcome.stages)


def renew_video(
    workspace: Workspace,
    entry: VideoEntry,
    *,
    held: Mapping[str, str],
    editions: Mapping[str, int],
    progress: StageProgress = ignore_progress,
    cancelled: Callable[[], bool] = lambda: False,
    share: Callable[[str], Share] = lambda _: in_order,
) -> FileReport:
    """Bring a video that is in the index up to date, from its artefacts and, as far as it takes, its file.

    Args:
        held: stage to the key of a result that stays; where the file is gone, all that need it.
        editions: how often each stage was asked to be done again; kept, so that what is stopped goes on from there.

    Raises:
        ReelseekError: as `index_file`; of a file that cannot be read any more too.
    """
    started, path = time.monotonic(), Path(entry.path)
    with workspace.store.working(entry.video_id):
        workspace.store.set_editions(entry.video_id, editions)
        outcome, published = _ingest(workspace, path, entry, _Calls(progress, cancelled, share), held)
    seconds = time.monotonic() - started
    return FileReport(path, entry.video_id, "indexed" if published else "unchanged", "", outcome.stages, seconds)


def _ingest(
    workspace: Workspace,
    path: Path,
    entry: VideoEntry,
    calls: _Calls,
    held: Mapping[str, str] | None = None,
) -> tuple[IngestOutcome, bool]:
    """Take a video apart and publish what came of it; whether that is other than what was there."""
    fresh = entry.live_ingest is None or entry.partial

    def early(outcome: IngestOutcome) -> None:
        publish(workspace, outcome, entry.title)

    check_space(workspace)
    with workspace.store.working(entry.video_id):  # until its results are the current ones
        outcome = ingest_video(
            path,
            settings=workspace.settings,
            engines=workspace.engines,
            store=workspace.store,
            title=entry.title,
            video_id=entry.video_id,
            progress=calls.progress,
            cancelled=calls.cancelled,
            share=calls.share(entry.video_id),
            early=early if fresh else None,
            held=held,
            make_current=False,
        )
        published = rows_fingerprint(outcome.fingerprint, entry.title) != entry.ingest_fingerprint
        if published:
            calls.progress(PUBLISHING, 0.0)
            publish(workspace, outcome, entry.title)
            calls.progress(PUBLISHING, 1.0)
        drop_leftovers(workspace.store, outcome)
    return outcome, published


def publish(workspace: Workspace, outcome: IngestOutcome, title: str) -> VideoEntry:
    """Write a video's rows and make them the ones that are seen. Stopped at any point, nobody sees half of them.

    Raises:
        JobLost: another process began the same video after this one.
    """
    catalogue, video_id, partial = workspace.catalogue, outcome.video_id, outcome.covered is not None
    outcome = replace(outcome, keys=keep_captions(workspace.store.current(video_id), outcome.keys))
    document = load_document(workspace.store, outcome)
    document = replace(document, info=replace(document.info, title=title), partial=partial)
    ingest_id = catalogue.begin_ingest(video_id, rows_fingerprint(outcome.fingerprint, title))
    try:
        workspace.writer.publish(document, ingest_id)
        channels = {str(channel): ref.id if ref else None for channel, ref in document.channels.items()}
        counts = Counts(len(document.segments), len(document.frames), len(document.lines))
        workspace.store.set_current(video_id, outcome.keys)
        return catalogue.publish(ingest_id, counts, channels, partial=partial)
    except BaseException:
        catalogue.abandon_ingest(ingest_id)
        raise


def rows_fingerprint(ingest: str, title: str) -> str:
    """What a video's rows are made from: its artefacts, its title, and the layout of the tables."""
    text = "\0".join((ingest, title, SCHEMA_VERSION))
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


def _unchanged(workspace: Workspace, path: Path) -> str | None:
    """The id of a file's video when neither the file nor what is made of it has changed. The file is not read."""
    seen = workspace.catalogue.file_state(path)
    if seen is None or seen.failed or seen != _file_state(path, seen.video_id):
        return None
    entry = workspace.catalogue.find_video(seen.video_id)
    if entry is None or entry.live_ingest is None or entry.error:
        return None
    info = stored_video_info(workspace, entry.video_id)
    if info is None:
        return None
    editions = workspace.store.editions(entry.video_id)
    plan = make_plan(path, replace(info, title=entry.title), workspace.settings, workspace.engines, editions=editions)
    expected = IngestOutcome(entry.video_id, info, plan.keys, ()).fingerprint
    return entry.video_id if rows_fingerprint(expected, entry.title) == entry.ingest_fingerprint else None


def _file_state(path: Path, video_id: str = "") -> FileState | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return FileState(stat.st_size, stat.st_mtime_ns, video_id)


def _has_moved(entry: VideoEntry, path: Path) -> bool:
    """Whether a path is new to a video of which an older place is gone."""
    paths = [Path(place.path) for place in entry.locations]
    return path not in paths and (not paths or not all(place.exists() for place in paths))


def _drop_vanished(workspace: Workspace, entry: VideoEntry) -> None:
    """Of a video that exists here, forget the paths where it is no more."""
    for place in entry.locations:
        if not Path(place.path).exists():
            workspace.catalogue.remove_location(place.path)


def _failed(workspace: Workspace, path: Path, reason: str, library_id: int | None, *, may_pass: bool) -> FileReport:
    if not path.exists():
        return FileReport(path, "", "failed", "The file is not there.")
    entry = workspace.catalogue.mark_failed(path, reason, library_id=library_id)
    return FileReport(path, entry.video_id, "failed", reason, may_pass=may_pass)
