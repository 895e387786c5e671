"""Writing the index: one process at a time, rows of a video appended under an ingest id, never changed afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from index.rows import arrow_table
from index.schema import (
    COLUMNS,
    TABLES,
    TEXT_COLUMNS,
    VECTORS,
    base_field,
    base_schema,
    check_space,
    spaces_of,
    vector_column,
    vector_field,
    vectors_of,
)
from index.scope import Scope, to_sql
from index.store import (
    REBUILD_HINT,
    connect,
    current_generation,
    new_generation,
    set_current,
    table_exists,
    translated,
)
from reelseek.errors import IndexBusy, IndexDamaged, SpaceMismatch, StorageError
from reelseek.records import VectorSpace, VideoDocument
from reelseek.settings import Settings

_SCALAR_INDEXES = {"segments": ("objects",), "frames": ("objects",), "lines": ()}
_COMMITS_BEFORE_OPTIMIZE = 50
_UNINDEXED_SHARE = 20
"""New rows are folded in from one in so many: they are searched without an index, slower and not with typing errors."""


class IndexWriter:
    """The one writer. Every method takes the writers' lock, waits for it, and lets it go.

    Args:
        settings: the data folder, the lock's time-out, when indexes are built.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.index
        self._root = settings.index_path
        self._lock_path = settings.data / "index.lock"

    def publish(self, document: VideoDocument, ingest_id: str) -> dict[str, int]:
        """Append a document's rows to the three tables. Nobody sees them before the catalogue makes the ingest live.

        Returns:
            Rows written per table.

        Raises:
            IndexBusy: another process wrote for longer than `index.lock_timeout`.
            SpaceMismatch: vectors do not belong to the space that the document names.
            StorageError: the disk is full or read-only.
        """
        with self._locked():
            return _append(self._folder(), document, ingest_id)

    def purge(self, ingest_ids: Iterable[str]) -> None:
        """Delete the rows of ingests that nobody sees. Deleting again, or what never was, changes nothing."""
        ids = frozenset(ingest_ids)
        if not ids or current_generation(self._root) is None:
            return
        with self._locked():
            for table, handle in _handles(self._folder()).items():
                with translated(f"deleting from {table}"):
                    handle.delete(_only(ids))

    def maintain(self, *, force: bool = False) -> dict[str, str]:
        """Fold new rows into the indexes, build vector indexes that are due, drop old versions and spaces without rows.

        Args:
            force: also when little has changed.

        Returns:
            What was done per table.
        """
        if current_generation(self._root) is None:
            return {}
        done = {}
        with self._locked():
            self._drop_old_generations()
            for table, handle in _handles(self._folder()).items():
                with translated(f"maintaining {table}"):
                    steps = self._maintain_table(table, handle, force=force)
                if steps:
                    done[table] = ", ".join(steps)
        return done

    def validate(self) -> dict[str, int]:
        """Read a column of every fragment: after a power loss a table may be cut short, and this finds it.

        Returns:
            Rows per table.

        Raises:
            IndexDamaged: a table cannot be read; the hint says how it is made again.
        """
        generation = current_generation(self._root)
        if generation is None:
            return {}
        folder = self._root / generation
        rows: dict[str, int] = {}
        with translated("checking the index"):
            handles = _complete(folder)
            for table, handle in handles.items():
                counted = sum(
                    batch.num_rows for batch in handle.search().select(["ingest_id"]).limit(None).to_batches()
                )
                if counted != handle.count_rows():
                    raise IndexDamaged(f"The table {table} of the index has lost rows.", hint=REBUILD_HINT)
                rows[table] = counted
        return rows

    def rebuild(self, documents: Iterable[tuple[VideoDocument, str]]) -> int:
        """Make the tables again from documents with their live ingest ids, beside the old ones, and then change over.

        Returns:
            How many documents were written.
        """
        with self._locked():
            generation, count = new_generation(), 0
            folder = self._root / generation
            try:
                _create(folder)
                for document, ingest_id in documents:
                    _append(folder, document, ingest_id)
                    count += 1
                for table, handle in _handles(folder).items():
                    with translated(f"maintaining {table}"):
                        self._maintain_table(table, handle, force=True)
                set_current(self._root, generation)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            self._drop_old_generations()
            return count

    def _maintain_table(self, table: str, handle: Any, *, force: bool) -> list[str]:
        steps = _drop_empty_spaces(table, handle)
        rows = handle.count_rows()
        for kind in VECTORS[table]:
            for column, space in spaces_of(handle.schema, kind).items():
                if _indexed(handle, column) or rows < self._settings.vector_index_rows:
                    continue
                if handle.count_rows(f"{column} IS NOT NULL") >= self._settings.vector_index_rows:
                    handle.create_index(column, config=_vector_index(space))
                    steps.append(f"built the vector index {column}")
        unindexed = max((index.num_unindexed_rows or 0 for index in handle.list_indices()), default=0)
        commits = handle.stats()["fragment_stats"]["num_fragments"]
        due = min(self._settings.optimize_rows, rows // _UNINDEXED_SHARE + 1)
        if force or unindexed >= due or commits >= _COMMITS_BEFORE_OPTIMIZE:
            # never `delete_unverified`: it destroys what other processes have open
            handle.optimize(cleanup_older_than=timedelta(minutes=self._settings.keep_versions_minutes))
            steps.append(f"folded in {unindexed} rows")
        return steps

    def _folder(self) -> Path:
        """The generation in use, made at the first write."""
        generation = current_generation(self._root)
        if generation is None:
            generation = new_generation()
            _create(self._root / generation)
            set_current(self._root, generation)
        return self._root / generation

    def _drop_old_generations(self) -> None:
        """Remove folders of tables that are no longer in use, and what a killed rebuild left."""
        current = current_generation(self._root)
        for folder in self._root.glob("tables-*"):
            if folder.name != current:
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self._lock_path, timeout=self._settings.lock_timeout)
            with lock:
                yield
        except Timeout as error:
            raise IndexBusy(
                f"Another process has been writing the index for more than {self._settings.lock_timeout:.0f} s.",
                hint="Wait until it is done, or raise index.lock_timeout.",
            ) from error
        except OSError as error:
            raise StorageError(f"The data folder cannot be written: {error}") from error


def _create(folder: Path) -> None:
    """Empty tables with their indexes, so that rows can be searched from the first one on."""
    from lancedb.index import FTS, Bitmap, BTree, LabelList

    folder.mkdir(parents=True)
    with translated("making the tables"):
        connection = connect(folder, fresh=True)
        for table in TABLES:
            handle = connection.create_table(table, schema=base_schema(table))
            handle.create_index("video_id", config=BTree())
            handle.create_index("ingest_id", config=Bitmap())
            for column in _SCALAR_INDEXES[table]:
                handle.create_index(column, config=LabelList())
            for column in TEXT_COLUMNS[table]:
                # `icu/split` also finds words in scripts without spaces; stop words stay, phrases need them
                config = FTS(
                    with_position=True, base_tokenizer="icu/split", remove_stop_words=False, max_token_length=64
                )
                handle.create_index(column, config=config)


def _handles(folder: Path) -> dict[str, Any]:
    with translated("opening the index"):
        connection = connect(folder, fresh=True)
        return {table: connection.open_table(table) for table in TABLES if table_exists(folder, table)}


def _complete(folder: Path) -> dict[str, Any]:
    handles = _handles(folder)
    if missing := [table for table in TABLES if table not in handles]:
        raise IndexDamaged(f"The table {missing[0]} of the index is missing.", hint=REBUILD_HINT)
    return handles


def _append(folder: Path, document: VideoDocument, ingest_id: str) -> dict[str, int]:
    handles = _complete(folder)
    batches = {}
    for table, handle in handles.items():
        _add_columns(table, handle)
        _add_spaces(table, handle, document)
        batches[table] = arrow_table(document, ingest_id, table, handle.schema)
    for table, batch in batches.items():
        with translated(f"writing {table}"):
            if batch.num_rows:
                handles[table].add(batch)
    return {table: batch.num_rows for table, batch in batches.items()}


def _add_columns(table: str, handle: Any) -> None:
    """Give a table that an older version made the columns that came since; its rows have nothing in them."""
    import pyarrow as pa

    missing = [base_field(table, name) for name in COLUMNS[table] if name not in handle.schema.names]
    if missing:
        with translated(f"adding columns to {table}"):
            handle.add_columns(pa.schema(missing))


def _add_spaces(table: str, handle: Any, document: VideoDocument) -> None:
    import pyarrow as pa

    for kind, (space, vectors) in vectors_of(document, table).items():
        check_space(space, vectors, len(vectors) if vectors is not None else 0, f"{kind} vectors of {table}")
        if space is None or vectors is None:
            continue
        known = spaces_of(handle.schema, kind).get(vector_column(kind, space))
        if known is None:
            with translated(f"adding a vector space to {table}"):
                handle.add_columns(pa.schema([vector_field(kind, space)]))
        elif known != space:
            raise SpaceMismatch(f"{space.model} and {known.model} would share a column.", hint=REBUILD_HINT)


def _drop_empty_spaces(table: str, handle: Any) -> list[str]:
    """Drop vector columns in which no row is left: those of an engine that all videos have left behind."""
    steps = []
    for kind in VECTORS[table]:
        columns = list(spaces_of(handle.schema, kind))
        empty = [column for column in columns if not handle.count_rows(f"{column} IS NOT NULL")]
        for column in empty if len(empty) < len(columns) else empty[:-1]:
            handle.drop_columns([column])
            steps.append(f"dropped the empty space {column}")
    return steps


def _vector_index(space: VectorSpace) -> Any:
    """RaBitQ with 4 bits: of those measured the quickest to build, to search, and with the best recall."""
    from lancedb.index import IvfRq, IvfSq

    if space.dimension % 8:  # RaBitQ takes whole bytes only
        return IvfSq(distance_type="cosine")
    return IvfRq(distance_type="cosine", num_bits=4)


def _indexed(handle: Any, column: str) -> bool:
    return any(column in index.columns for index in handle.list_indices())


def _only(ingest_ids: frozenset[str]) -> str:
    from index.scope import OneOf

    sql = to_sql("segments", Scope(where=(OneOf("ingest_id", tuple(ingest_ids)),)))
    assert sql is not None
    return sql
