"""Keeping index and catalogue in step: purging hidden rows, maintenance, rebuilding from artefacts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace

from index.reader import IndexReader
from ingest.document import load_document, stored_info
from ingest.storage import Results
from library.records import VideoEntry
from reelseek.errors import IndexDamaged, NotFound
from reelseek.records import VideoDocument, VideoInfo
from workers.workspace import Workspace

_log = logging.getLogger(__name__)


def purge_hidden(workspace: Workspace, *, grace: float | None = None) -> int:
    """Delete rows that nobody sees any more.

    Args:
        grace: seconds since they were hidden; by default long enough for a search that began before.

    Returns:
        How many sets of rows were purged.
    """
    catalogue = workspace.catalogue
    stale = catalogue.stale_ingests() if grace is None else catalogue.stale_ingests(grace)
    if stale:
        workspace.writer.purge(stale)
        catalogue.forget_ingests(stale)
    return len(stale)


def purge_unknown(workspace: Workspace) -> int:
    """Delete rows of ingests that the catalogue does not know, as after restoring an older catalogue."""
    # the rows first: a set is registered before its first row is written, so what is unknown afterwards is nobody's
    present = IndexReader(workspace.settings).ingest_ids()
    unknown = present - {ingest.ingest_id for ingest in workspace.catalogue.ingests()}
    workspace.writer.purge(unknown)
    return len(unknown)


def maintain_if_due(workspace: Workspace) -> None:
    """What indexing leaves to be tidied, when enough has gathered."""
    purge_hidden(workspace)
    workspace.writer.maintain()


def maintain(workspace: Workspace) -> dict[str, str]:
    """All upkeep: check the tables, make them again if they are damaged, purge, fold in, drop old versions.

    Returns:
        What was done.
    """
    done = {}
    if damage := _damage(workspace):
        _log.warning("The index is made again from the artefacts: %s", damage)
        done["rebuilt"] = f"{rebuild_index(workspace)} videos"
    if purged := purge_hidden(workspace) + purge_unknown(workspace):
        done["purged"] = f"{purged} sets of rows"
    return done | workspace.writer.maintain()


def _damage(workspace: Workspace) -> str:
    """What is wrong with the tables: they cannot be read, or rows that should be seen are not there."""
    try:
        workspace.writer.validate()
        present = IndexReader(workspace.settings).ingest_ids()
    except IndexDamaged as error:
        return str(error)
    # every published video has a row, that of its title
    lost = [
        video.title for video in workspace.catalogue.videos() if video.live_ingest and video.live_ingest not in present
    ]
    return f"it lacks {len(lost)} videos that are published." if lost else ""


def rebuild_index(workspace: Workspace, on_video: Callable[[VideoEntry, bool], None] | None = None) -> int:
    """Make the tables again from the artefacts of all videos that are published. No model runs.

    Args:
        on_video: called with each video, and whether its artefacts were there. Where they are not, the video leaves the
            index until it is indexed again.

    Returns:
        How many videos are in the new tables.
    """

    def documents() -> Iterator[tuple[VideoDocument, str]]:
        for entry in workspace.catalogue.videos():
            if entry.live_ingest is None:
                continue
            try:
                document = load_document(workspace.store, entry.video_id)
            except NotFound as error:
                _log.warning("%s is left out of the index: %s", entry.title, error)
                if on_video:
                    on_video(entry, False)
                continue
            if on_video:
                on_video(entry, True)
            yield replace(document, info=replace(document.info, title=entry.title)), entry.live_ingest

    return workspace.writer.rebuild(documents())


def stored_video_info(workspace: Workspace, video_id: str) -> VideoInfo | None:
    """What probing told of a video that was ingested before, or None."""
    keys = workspace.store.current(video_id)
    if not keys:
        return None
    try:
        return stored_info(Results(workspace.store, video_id, keys))
    except NotFound:
        return None
