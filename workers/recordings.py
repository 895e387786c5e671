"""What is recorded of a live source: its folder, its videos, and how long they are kept."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

from library.catalogue import Catalogue
from library.records import Library, Source
from reelseek.artefacts import ArtefactStore, storage_errors
from reelseek.errors import InvalidRequest, NotFound
from reelseek.filenames import safe_name
from reelseek.settings import Settings
from reelseek.urls import LIVE_SCHEMES, checked_url

_log = logging.getLogger(__name__)
_LONGEST_NAME = 80


def add_source(
    catalogue: Catalogue,
    settings: Settings,
    name: str,
    url: str,
    *,
    kind: str = "url",
    chunk_seconds: float | None = None,
    keep_hours: float | None = None,
) -> Source:
    """Add a live source and the library that its recordings go into.

    Args:
        kind: `url`; or `pipe` and `file`, which only the command that reads them records.

    Raises:
        InvalidRequest: the name or the URL does not fit.
        Conflict: the name is taken, or the folder lies in a watched one.
    """
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or safe_name(name) != name:
        raise InvalidRequest(f"{name!r} is no name for a source.", hint="Take letters, digits, spaces and dashes.")
    if kind == "url":
        url = checked_url(url, LIVE_SCHEMES)
    source = catalogue.add_source(name, url, kind, chunk_seconds=chunk_seconds, keep_hours=keep_hours)
    try:
        library_of(catalogue, settings, source)
    except BaseException:
        catalogue.remove_source(name)
        raise
    return source


def library_of(catalogue: Catalogue, settings: Settings, source: Source) -> Library:
    """The library of a source's recordings; it and its folder are made where they are not there."""
    folder = settings.live_path / source.name
    with storage_errors("The folder of recordings"):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        return catalogue.library(str(folder))
    except NotFound:
        return catalogue.add_library(folder, source.name)


def remove_source(catalogue: Catalogue, settings: Settings, name: str, *, recordings: bool = False) -> int:
    """Remove a source; what is recorded stays, unless `recordings` is true.

    Returns:
        How many recordings were deleted.

    Raises:
        NotFound: there is no such source.
    """
    source = catalogue.remove_source(name)
    if not recordings:
        return 0
    library = library_of(catalogue, settings, source)
    count = _delete(catalogue, settings, library, datetime.max.replace(tzinfo=UTC))
    catalogue.remove_library(library.library_id)
    return count


def drop_old(catalogue: Catalogue, settings: Settings, source: Source, library: Library) -> int:
    """Delete the recordings that are older than they are kept: files, what was found in them, their index rows.

    Returns:
        How many were deleted.
    """
    hours = settings.live.keep_hours if source.keep_hours is None else source.keep_hours
    if hours <= 0:
        return 0
    return _delete(catalogue, settings, library, datetime.now(UTC) - timedelta(hours=hours))


def _delete(catalogue: Catalogue, settings: Settings, library: Library, before: datetime) -> int:
    """Delete recordings that began before a time.

    A video leaves the catalogue before its file leaves the disk: stopped in between, a scan finds the file again, and
    the next call deletes it.
    """
    from ingest.recording import recorded_at

    folder = Path(library.path)
    known = catalogue.file_states(library.library_id)
    with storage_errors("The folder of recordings"):
        present = {str(path) for path in folder.iterdir()} if folder.is_dir() else set()
    old = [
        place
        for place in sorted({*known, *present})
        if (begun := recorded_at(Path(place))) is not None and begun < before
    ]
    store = ArtefactStore(settings.artefacts_url) if old else None
    for place in old:
        video = catalogue.find_video(known[place].video_id) if place in known else None
        if video is not None and store is not None and [at.path for at in video.locations] == [place]:
            catalogue.delete_video(video.video_id)
            store.delete_video(video.video_id)
        else:
            catalogue.remove_location(place)
        with storage_errors("The folder of recordings"):
            Path(place).unlink(missing_ok=True)
        _log.info("%s is deleted: it is older than it is kept.", Path(place).name)
    return len(old)
