"""Connections to the catalogue's database, its transactions, and its migrations."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from filelock import FileLock, Timeout
from sqlalchemy import Connection, CursorResult, Delete, Engine, Update, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from reelseek.errors import StorageError

HEAD = "0003"
"""The newest migration. Compared first, so that a command on an up-to-date catalogue does not load Alembic."""

BUSY_SECONDS = 30.0
_UNWRITABLE = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN})
_MIGRATION_SECONDS = 300.0
_ADVISORY_LOCK = 7_305_808_869  # any number that is ours
_MIGRATIONS = Path(__file__).parent / "migrations"
_log = logging.getLogger(__name__)


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def storable(value: str) -> str:
    """Text that every database takes: lone surrogates and NUL, as in hostile file names, are replaced."""
    return value.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")


def changed(session: Session, statement: Update | Delete) -> int:
    """Run an UPDATE or DELETE: how many rows it met."""
    return cast("CursorResult[Any]", session.execute(statement)).rowcount


class Database:
    """The catalogue's database, brought to the newest schema when it is opened.

    Thread-safe; never share it over a fork. SQLite runs in WAL mode: readers never wait. Every commit is flushed
    to the disk (`synchronous=FULL`): this is the truth that the index is made again from. A transaction that writes
    takes the write lock at its beginning: one that reads first and writes later can fail where no waiting helps.

    Raises:
        StorageError: it cannot be opened, or was made by a newer version.
    """

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self._file = self._database_file()
        if self._file:
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StorageError(f"The data folder cannot be made: {error}") from error
        self.engine = _engine(url, sqlite=self.is_sqlite)
        self._told = False
        try:
            self._migrate()
        except BaseException:
            self.engine.dispose()
            raise

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of ours rather than a server."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only reads; it sees one state of the database."""
        with _translated(), self._reading() as connection, Session(connection, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that writes: committed at the end, rolled back when the block raises."""
        engine = self.engine.execution_options(reelseek_write=True)
        with _translated(), Session(engine, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """A connection to read with; where the disk is full or read-only one that needs no file beside the database."""
        try:
            connection = self.engine.connect()
        except OperationalError as error:
            if not self._is_all_there(error):
                raise
            if not self._told:
                _log.warning("the disk cannot be written (%s): the catalogue is only read", error.orig)
                self._told = True
            connection = _frozen(cast(Path, self._file)).connect()
        with connection:
            yield connection

    def _is_all_there(self, error: OperationalError) -> bool:
        """Whether only the files beside the database cannot be made, and it has no part in them."""
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        if self._file is None or code not in _UNWRITABLE or not self._file.is_file():
            return False
        log = self._file.with_name(f"{self._file.name}-wal")
        return not log.exists() or log.stat().st_size == 0

    def _database_file(self) -> Path | None:
        if not self.is_sqlite:
            return None
        name = self.url.database
        return Path(name) if name and name != ":memory:" else None

    def _migrate(self) -> None:
        with _translated():
            if self._revision() == HEAD:
                return
            with self._migration_lock() as connection:
                if self._revision() != HEAD:
                    _upgrade(connection)
                    connection.commit()

    def _revision(self) -> str | None:
        with self._reading() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()

    @contextmanager
    def _migration_lock(self) -> Iterator[Connection]:
        """One process migrates at a time: a lock file beside an SQLite database, an advisory lock on a server."""
        if self._file:
            try:
                with FileLock(f"{self._file}.lock", timeout=_MIGRATION_SECONDS), self.engine.connect() as connection:
                    yield connection
            except Timeout as error:
                raise StorageError("Another process has been migrating the catalogue for five minutes.") from error
            return
        with self.engine.connect() as connection:
            if not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            yield connection


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StorageError(
            f"The catalogue was made by another version of Reelseek ({error}).", hint="Install the newer version again."
        ) from error


def _engine(url: str, *, sqlite: bool) -> Engine:
    if not sqlite:
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
        for pragma in (
            f"busy_timeout={int(BUSY_SECONDS * 1000)}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("reelseek_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _frozen(file: Path) -> Engine:
    """The database as it lies on the disk, for one transaction: another process may be able to write by the next."""
    address = f"{file.absolute().as_uri()}?immutable=1"
    return create_engine("sqlite://", creator=lambda: sqlite3.connect(address, uri=True), poolclass=NullPool)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the database's refusals into one sentence.

    Raises:
        StorageError: no connection, a full or read-only disk, a damaged file, a lock that is never let go.
    """
    try:
        yield
    except OperationalError as error:
        raise StorageError(
            f"The catalogue cannot be used: {error.orig}.", hint="See whether its disk is full or read-only."
        ) from error
    except DBAPIError as error:
        # the bare class is SQLite's "file is not a database" and "disk image is malformed"
        if error.connection_invalidated or type(error.orig) is sqlite3.DatabaseError:
            raise StorageError(f"The catalogue cannot be read: {error.orig}") from error
        raise
