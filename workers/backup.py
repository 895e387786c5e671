"""A copy of what cannot be made anew, or only at the cost of the models, taken while workers go on."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from library.database import Database
from reelseek.artefacts import ArtefactStore
from reelseek.durable import TEMPORARY, storage_errors, temporary_name
from reelseek.errors import InvalidRequest, StorageError
from reelseek.settings import CONFIG_NAME, Settings

PARTS = ("artefacts", "uploads", "live")
"""What is copied beside the catalogue and the settings."""

_CATALOGUE = "catalogue.sqlite3"
_PAGES = 256
"""Pages of the catalogue that are copied at a time; writers get their turn between."""


@dataclass
class Backup:
    """What a backup has done.

    Attributes:
        files, bytes: written now.
        unchanged: files that lay there already.
        notes: what was not copied, and why.
    """

    files: int = 0
    bytes: int = 0
    unchanged: int = 0
    notes: list[str] = field(default_factory=list)


def back_up(settings: Settings, target: Path, skip: Collection[str] = ()) -> Backup:
    """Copy catalogue, settings, artefacts, uploads and recordings into a folder; what lies there unchanged stays.

    The catalogue is copied first, in one state: all that it names is complete by then. A file is there wholly or not at
    all, so a backup that was stopped is gone on with. Nothing is ever deleted from the folder.

    Args:
        skip: of `PARTS`.

    Raises:
        InvalidRequest: the folder lies inside what is copied, or the other way round.
        StorageError: the folder cannot be written, or the catalogue not read.
    """
    sources = _sources(settings, skip)
    target = target.expanduser().absolute()
    for source in (settings.data, *sources.values()):
        if target == source or source in target.parents or target in source.parents:
            raise InvalidRequest(f"{target} and {source} lie inside each other: name a folder elsewhere.")
    done = Backup(notes=_left_out(settings, skip))
    with storage_errors(f"The backup folder {target}"):
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        _copy_catalogue(settings, target, done)
        if (config := settings.data / CONFIG_NAME).is_file():
            _copy(config, target / CONFIG_NAME, done)
        for name, source in sources.items():
            for path in _files(source):
                _copy(path, target / name / path.relative_to(source), done)
    return done


def _sources(settings: Settings, skip: Collection[str]) -> dict[str, Path]:
    folders = {"uploads": settings.uploads_path, "live": settings.live_path}
    if ArtefactStore(settings.artefacts_url).is_local:
        folders["artefacts"] = Path(settings.artefacts_url).expanduser().absolute()
    return {name: folders[name] for name in PARTS if name in folders and name not in skip}


def _left_out(settings: Settings, skip: Collection[str]) -> list[str]:
    notes = []
    if not ArtefactStore(settings.artefacts_url).is_local and "artefacts" not in skip:
        notes.append(f"Artefacts lie in {settings.artefacts_url.partition('://')[0]}: copy them with its own means.")
    if settings.database:
        notes.append("The catalogue is where the setting `database` says: copy it with that database's own means.")
    return notes


def _copy_catalogue(settings: Settings, target: Path, done: Backup) -> None:
    """One state of the catalogue, taken by SQLite itself while others write."""
    if settings.database:
        return
    Database(settings.database_url).close()  # an older schema, or none, is brought up to date first
    temporary = target / temporary_name()
    try:
        with (
            closing(sqlite3.connect(settings.data / _CATALOGUE)) as source,
            closing(sqlite3.connect(temporary)) as copy,
        ):
            source.backup(copy, pages=_PAGES, sleep=0.02)
            copy.execute("PRAGMA journal_mode=DELETE").close()  # one file, without a log beside it
        done.files, done.bytes = done.files + 1, done.bytes + temporary.stat().st_size
        for beside in ("-wal", "-shm"):  # of a catalogue that was used here meanwhile: they are not the copy's
            (target / f"{_CATALOGUE}{beside}").unlink(missing_ok=True)
        temporary.replace(target / _CATALOGUE)
    except sqlite3.Error as error:
        raise StorageError(
            f"The catalogue cannot be copied: {error}.", hint="See whether the backup's disk is full."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _files(folder: Path) -> Iterator[Path]:
    """All files below a folder that are complete; links are passed over."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(TEMPORARY))
        for name in sorted(names):
            path = Path(parent, name)
            if not name.startswith(TEMPORARY) and path.is_file() and not path.is_symlink():
                yield path


def _copy(source: Path, target: Path, done: Backup) -> None:
    """Copy a file that is new or has changed; one that has just been removed is passed over."""
    try:
        now = source.stat()
    except FileNotFoundError:
        return
    if target.is_file() and (there := target.stat()).st_size == now.st_size and there.st_mtime >= now.st_mtime:
        done.unchanged += 1
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / temporary_name()
    try:
        shutil.copy2(source, temporary)
        temporary.replace(target)
    except FileNotFoundError:
        if source.exists():
            raise
        return
    finally:
        temporary.unlink(missing_ok=True)
    done.files, done.bytes = done.files + 1, done.bytes + now.st_size
