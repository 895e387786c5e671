"""Opening the index for reading, and pinning it for one search."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from index.reads import Hit, TableReads
from index.schema import TABLES
from index.scope import Scope
from index.store import connect, current_generation, table_exists, translated
from reelseek.errors import IndexBusy
from reelseek.settings import Settings

__all__ = ["Hit", "IndexReader", "Scope", "Snapshot", "VisibilityLike"]


class VisibilityLike(Protocol):
    """What the catalogue says of ingests that must not be seen (`library.records.Visibility`)."""

    @property
    def revision(self) -> int: ...
    @property
    def hidden(self) -> frozenset[str]: ...


class Snapshot(TableReads):
    """The tables as they were at one moment. All its answers agree with one another, whatever is written meanwhile."""

    def __init__(
        self, tables: Mapping[str, Any], hidden: frozenset[str] = frozenset(), version: tuple[object, ...] = ()
    ) -> None:
        self._handles = tables
        self._hidden = hidden
        self.version = version
        """Equal for two snapshots that show the same rows: what is computed from one can be kept under it."""

    def _tables(self) -> Mapping[str, Any]:
        return self._handles

    def _hide(self, scope: Scope) -> Scope:
        return replace(scope, hidden=scope.hidden | self._hidden) if self._hidden else scope


class IndexReader(TableReads):
    """The index as it is now. Thread-safe. Everything that one search reads should come from one `snapshot`.

    Its own reads each look at the newest state and hide only what `scope.hidden` names.
    """

    def __init__(self, settings: Settings) -> None:
        self._root = settings.index_path
        self._lock = threading.Lock()
        self._generation: str | None = None
        self._fresh: dict[str, Any] = {}
        self._pinned: dict[str, tuple[int, Any]] = {}
        self._connections: tuple[Any, Any] | None = None

    def snapshot(self, visibility: Callable[[], VisibilityLike] | None = None) -> Snapshot:
        """Pin the tables together with what is published of them.

        Args:
            visibility: `catalogue.visibility`. It is asked before and after the tables are pinned, until both agree,
                so that a video that is published right then is seen whole or not at all, and never twice.

        Raises:
            IndexBusy: publishing did not pause for a moment (50 tries).
        """
        if visibility is None:
            tables, version = self._pin()
            return Snapshot(tables, version=version)
        for _ in range(50):
            before = visibility()
            tables, version = self._pin()
            if visibility().revision == before.revision:
                return Snapshot(tables, before.hidden, (*version, before.revision))
            time.sleep(0.01)
        raise IndexBusy("The index changes too fast to be read.", hint="Try again in a moment.")

    def close(self) -> None:
        """Let go of the tables."""
        with self._lock:
            self._forget()

    def _tables(self) -> Mapping[str, Any]:
        return self._pin()[0]

    def _pin(self) -> tuple[dict[str, Any], tuple[object, ...]]:
        """Handles on the newest versions that will not move; those that are still the newest are used again."""
        with self._lock, translated("opening the index"):
            generation = current_generation(self._root)
            if generation is None:
                self._forget()
                return {}, ()
            folder = self._root / generation
            if generation != self._generation or self._connections is None:
                self._forget()
                self._connections = connect(folder, fresh=True), connect(folder, fresh=False)
                self._generation = generation
            fresh, frozen = self._connections
            for table in TABLES:
                if table not in self._fresh:
                    if not table_exists(folder, table):
                        continue
                    self._fresh[table] = fresh.open_table(table)
                version = self._fresh[table].version
                if table not in self._pinned or self._pinned[table][0] != version:
                    handle = frozen.open_table(table)
                    handle.checkout(version)
                    self._pinned[table] = version, handle
            version = (generation, *(number for number, _ in self._pinned.values()))
            return {table: handle for table, (_, handle) in self._pinned.items()}, version

    def _forget(self) -> None:
        self._fresh, self._pinned, self._connections, self._generation = {}, {}, None, None
