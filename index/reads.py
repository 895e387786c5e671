"""The reads that the index offers: vectors, words, rows. A missing or empty table simply finds nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from index.rows import clean
from index.schema import COLUMNS, TEXT_COLUMNS, VectorKind, spaces_of, vector_column
from index.scope import Scope, to_sql
from index.store import translated
from reelseek.errors import InvalidRequest, SpaceMismatch
from reelseek.records import Vector, VectorSpace

EXACT_ROWS = 20_000
"""A filter that leaves fewer rows is searched exactly: the vector index would miss most of them (measured)."""

_PROBES, _REFINE = 50, 10
_schemas: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
_ROW_ORDER = {"segments": "segment_index", "frames": "frame_index", "lines": "line_index"}


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that was found. `score` is the cosine similarity (-1 to 1) or the BM25 score (0 and up, no upper end)."""

    row: dict[str, Any]
    score: float


class TableReads(ABC):
    """The reads. `Snapshot` and `IndexReader` differ only in which version of the tables they look at."""

    @abstractmethod
    def _tables(self) -> Mapping[str, Any]:
        """Handles of the tables that exist."""

    def _hide(self, scope: Scope) -> Scope:
        """The scope together with what must not be seen anyway."""
        return scope

    def search_vectors(
        self,
        table: str,
        column: VectorKind,
        vector: Vector,
        k: int,
        scope: Scope = Scope(),  # noqa: B008 (frozen)
        *,
        space: VectorSpace | None = None,
        columns: Sequence[str] | None = None,
    ) -> list[Hit]:
        """The rows nearest to a vector by cosine, best first.

        Args:
            column: `visual` (segments, frames) or `text` (segments, lines).
            vector: `(dimension,)`, of `space`.
            space: the model that made `vector`; None is allowed while the table knows a single space.
            columns: what of each row is returned; all but vectors without it.

        Raises:
            SpaceMismatch: the vector is not of a space that the table knows.
        """
        handle = self._tables().get(table)
        if handle is None or scope.is_empty or k < 1:
            return []
        name = self._column(table, column, space, int(vector.shape[-1]))
        if name is None:
            return []
        where = to_sql(table, self._hide(scope))
        with translated(f"searching {table}"):
            query = handle.search(np.asarray(vector, dtype=np.float32), vector_column_name=name, query_type="vector")
            shown = _present(handle, _checked(table, columns))
            query = query.distance_type("cosine").select([*shown, "_distance"]).limit(k)
            if where:
                query = query.where(where, prefilter=True)
            if _is_indexed(handle, name):
                narrow = where is not None and handle.count_rows(where) < EXACT_ROWS
                query = query.bypass_vector_index() if narrow else query.nprobes(_PROBES).refine_factor(_REFINE)
            found = query.to_arrow().to_pylist()
        return [Hit(row, 1.0 - float(row.pop("_distance"))) for row in found]

    def search_text(
        self,
        table: str,
        text: str,
        k: int,
        scope: Scope = Scope(),  # noqa: B008
        columns: Sequence[str] | None = None,
        *,
        phrase: bool = False,
        every_word: bool = False,
        fuzziness: int = 0,
    ) -> list[Hit]:
        """The rows whose text fits best by BM25, best first. `text` is words, never a query language.

        Args:
            columns: text columns that are searched together; all of the table without it. Rows come back whole.
            phrase: the words must stand side by side in this order.
            every_word: all words must occur; otherwise any.
            fuzziness: edits allowed in a word.
        """
        handle = self._tables().get(table)
        names = list(columns or TEXT_COLUMNS[table])
        for name in names:
            if name not in TEXT_COLUMNS[table]:
                raise InvalidRequest(f"{table}.{name} is no text column.")
        text = clean(text).strip()
        if handle is None or scope.is_empty or k < 1 or not any(char.isalnum() for char in text):
            return []
        from lancedb.query import BooleanQuery, FullTextOperator, MatchQuery, Occur, PhraseQuery

        def one(name: str) -> Any:
            if phrase:
                return PhraseQuery(text, name)
            operator = FullTextOperator.AND if every_word else FullTextOperator.OR
            return MatchQuery(text, name, fuzziness=fuzziness, operator=operator)

        where = to_sql(table, self._hide(scope))
        with translated(f"searching {table}"):
            asked = one(names[0]) if len(names) == 1 else BooleanQuery([(Occur.SHOULD, one(name)) for name in names])
            shown = _present(handle, COLUMNS[table])
            query = handle.search(asked, query_type="fts").select([*shown, "_score"]).limit(k)
            if where:
                query = query.where(where, prefilter=True)
            found = query.to_arrow().to_pylist()
        return [Hit(row, float(row.pop("_score"))) for row in found]

    def rows(
        self,
        table: str,
        scope: Scope = Scope(),  # noqa: B008
        columns: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> list[dict[str, Any]]:
        """Rows in the order of their videos and times; with `limit`, any that many."""
        handle = self._tables().get(table)
        if handle is None or scope.is_empty:
            return []
        wanted = _checked(table, columns)
        order = ("video_id", _ROW_ORDER[table])
        with translated(f"reading {table}"):
            query = handle.search().select(_present(handle, dict.fromkeys((*wanted, *order)))).limit(limit)
            if where := to_sql(table, self._hide(scope)):
                query = query.where(where)
            found = query.to_arrow().to_pylist()
        found.sort(key=lambda row: tuple(row[name] for name in order))
        return [{name: row.get(name) for name in wanted} for row in found]

    def scan_vectors(
        self,
        table: str,
        column: VectorKind,
        scope: Scope = Scope(),  # noqa: B008
        *,
        space: VectorSpace | None = None,
        columns: Sequence[str] | None = None,
    ) -> tuple[list[dict[str, Any]], Vector]:
        """Rows with their vectors, `(n, dimension)`, in the order of `rows`; those without a vector are left out.

        Raises:
            SpaceMismatch: the table does not know the space.
        """
        name = self._column(table, column, space, space.dimension if space else None)
        handle = self._tables().get(table)
        if handle is None or scope.is_empty or name is None:
            return [], np.zeros((0, space.dimension if space else 0), dtype=np.float32)
        wanted = _checked(table, columns)
        order = ["video_id", _ROW_ORDER[table]]
        where = to_sql(table, self._hide(scope))
        present = f"{name} IS NOT NULL"
        with translated(f"reading {table}"):
            query = handle.search().select(list(dict.fromkeys((*wanted, *order, name)))).limit(None)
            found = query.where(f"{where} AND {present}" if where else present).to_arrow()
            found = found.sort_by([(key, "ascending") for key in order])
        array = found.column(name).combine_chunks()
        vectors = array.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
        return found.select(wanted).to_pylist(), vectors.reshape(len(found), array.type.list_size)

    def count(self, table: str, scope: Scope = Scope()) -> int:  # noqa: B008
        """How many rows fit."""
        handle = self._tables().get(table)
        if handle is None or scope.is_empty:
            return 0
        with translated(f"counting {table}"):
            return int(handle.count_rows(to_sql(table, self._hide(scope))))

    def ingest_ids(self) -> frozenset[str]:
        """Every ingest that has a row in any table, hidden or not."""
        found: set[str] = set()
        for table, handle in self._tables().items():
            with translated(f"reading {table}"):
                column = handle.search().select(["ingest_id"]).limit(None).to_arrow().column("ingest_id")
                found.update(column.unique().to_pylist())
        return frozenset(found)

    def spaces(self, table: str, column: VectorKind) -> tuple[VectorSpace, ...]:
        """The vector spaces that a table knows, oldest first."""
        return tuple(self._spaces(table, column).values())

    def space(self, table: str, column: VectorKind) -> VectorSpace | None:
        """The vector space that was added last, or None."""
        known = self.spaces(table, column)
        return known[-1] if known else None

    def _spaces(self, table: str, column: VectorKind) -> dict[str, VectorSpace]:
        handle = self._tables().get(table)
        if handle is None:
            return {}
        with translated(f"opening {table}"):
            return spaces_of(_schema(handle), column)

    def _column(self, table: str, column: VectorKind, space: VectorSpace | None, dimension: int | None) -> str | None:
        known = self._spaces(table, column)
        if not known:
            return None
        if space is None:
            if len(known) > 1:
                raise SpaceMismatch(
                    f"{table} holds {column} vectors of several models; which one is meant must be said."
                )
            space = next(iter(known.values()))
        name = vector_column(column, space)
        if name not in known:
            models = ", ".join(item.model for item in known.values())
            raise SpaceMismatch(
                f"Nothing in the index was embedded with {space.model} (it holds {models}).",
                hint="Index the videos again with this engine (`reelseek index PATH`), or set the engine back.",
            )
        if dimension != space.dimension and dimension is not None:
            raise SpaceMismatch(
                f"A vector of {dimension} numbers is none of {space.model}, which has {space.dimension}."
            )
        return name


def _checked(table: str, columns: Sequence[str] | None) -> list[str]:
    if columns is None:
        return list(COLUMNS[table])
    for name in columns:
        if name not in COLUMNS[table]:
            raise InvalidRequest(f"The index table {table} has no column {name}.")
    return list(columns)


def _present(handle: Any, columns: Iterable[str]) -> list[str]:
    """Those columns that a table has: one that an older version made may lack some until it is written again."""
    have = set(_schema(handle).names)
    return [name for name in columns if name in have]


def _schema(handle: Any) -> Any:
    """The schema of a pinned version, which never changes; LanceDB reads it anew each time it is asked for."""
    schema = _schemas.get(handle)
    if schema is None:
        schema = _schemas[handle] = handle.schema
    return schema


def _is_indexed(handle: Any, column: str) -> bool:
    return any(column in index.columns for index in handle.list_indices())
