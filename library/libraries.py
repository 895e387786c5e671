"""Watched folders."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from library.conversion import library_record
from library.database import Database, now, storable
from library.records import Library
from library.schema import LibraryRow, LocationRow
from reelseek.errors import Conflict, InvalidRequest, NotFound


class Libraries:
    """The part of the catalogue that knows the watched folders."""

    database: Database

    def add_library(self, path: str | Path, name: str = "") -> Library:
        """Watch a folder. Its name is the folder's own unless one is given.

        Raises:
            NotFound: there is no such folder.
            Conflict: the folder or the name is taken, or the folder lies inside a watched one.
        """
        folder = Path(path).expanduser().absolute()
        if not folder.is_dir():
            raise NotFound(f"There is no folder {storable(str(folder))}.")
        name = storable(name.strip() or folder.name or str(folder))
        if len(name) > 200:
            raise InvalidRequest("A library's name has at most 200 characters.")
        with self.database.write() as session:
            for row in session.scalars(select(LibraryRow)):
                other = Path(row.path)
                if folder == other or other in folder.parents or folder in other.parents:
                    raise Conflict(f"{storable(str(folder))} overlaps the library {row.name} ({storable(row.path)}).")
                if row.name == name:
                    raise Conflict(f"There is a library named {name} already.", hint="Give it another --name.")
            row = LibraryRow(name=name, path=str(folder), added_at=now())
            session.add(row)
            session.flush()
            return library_record(row, 0)

    def libraries(self) -> list[Library]:
        """All watched folders, by name."""
        with self.database.read() as session:
            counts = _video_counts(session)
            rows = session.scalars(select(LibraryRow).order_by(LibraryRow.name))
            return [library_record(row, counts.get(row.library_id, 0)) for row in rows]

    def library(self, key: int | str) -> Library:
        """A library by its number, its name or its folder.

        Raises:
            NotFound: there is none.
        """
        with self.database.read() as session:
            row = _find(session, key)
            return library_record(row, _video_counts(session).get(row.library_id, 0))

    def remove_library(self, key: int | str) -> Library:
        """Stop watching a folder. Its videos stay in the catalogue and are still found.

        Raises:
            NotFound: there is none.
        """
        with self.database.write() as session:
            row = _find(session, key)
            record = library_record(row, _video_counts(session).get(row.library_id, 0))
            session.delete(row)
            return record

    def mark_scanned(self, library_id: int) -> None:
        """Note that a library was just scanned."""
        with self.database.write() as session:
            if row := session.get(LibraryRow, library_id):
                row.scanned_at = now()


def _find(session: Session, key: int | str) -> LibraryRow:
    row = None
    if isinstance(key, int) or key.isdecimal():
        row = session.get(LibraryRow, int(key))
    if row is None and isinstance(key, str):
        folder = str(Path(key).expanduser().absolute())
        row = session.scalar(select(LibraryRow).where(LibraryRow.name == storable(key))) or session.scalar(
            select(LibraryRow).where(LibraryRow.path == folder)
        )
    if row is None:
        raise NotFound(f"There is no library {storable(str(key))}.", hint="`reelseek library list` shows them.")
    return row


def _video_counts(session: Session) -> dict[int, int]:
    query = (
        select(LocationRow.library_id, func.count(LocationRow.video_id.distinct()))
        .where(LocationRow.library_id.is_not(None))
        .group_by(LocationRow.library_id)
    )
    return {library: count for library, count in session.execute(query) if library is not None}
