"""Which rows a read may return, as data; the one place where it becomes SQL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from index.schema import COLUMNS
from reelseek.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class HasObject:
    """Rows in which at least `at_least` objects of a label are seen at once (segments, frames)."""

    label: str
    at_least: int = 1


@dataclass(frozen=True, slots=True)
class HasEvent:
    """Rows in which an object of a label `enters` or `leaves` (segments)."""

    label: str
    kind: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """Rows whose column has one of the values: `OneOf("channel", ("speech",))`, `OneOf("language", ("en",))`."""

    column: str
    values: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Overlaps:
    """Rows whose time range touches `[start, end]`, seconds."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Not:
    """Rows that do not fit `condition`."""

    condition: HasObject | HasEvent | OneOf | Overlaps


Condition = HasObject | HasEvent | OneOf | Overlaps | Not


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows count.

    Attributes:
        hidden: ingests whose rows are not (or no longer) published; a snapshot fills it in.
        video_ids: only these videos; None is all, an empty set is none.
        where: conditions that all hold.
    """

    hidden: frozenset[str] = frozenset()
    video_ids: frozenset[str] | None = None
    where: tuple[Condition, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether no row can fit."""
        return self.video_ids is not None and not self.video_ids


def object_threshold(label: str, count: int) -> str:
    """The entry of the `objects` list that says "at least `count` of `label` at once"."""
    return f"{label}>={count}"


def object_event(label: str, kind: str) -> str:
    """The entry of the `objects` list that says "one of `label` enters" or "leaves"."""
    return f"{label} {kind}"


def object_thresholds(counts: dict[str, int], limit: int = 64) -> list[str]:
    """All thresholds that object counts reach: `{"car": 2}` is `["car>=1", "car>=2"]`. Counts above `limit` are cut."""
    return [
        object_threshold(label, number)
        for label, count in sorted(counts.items())
        for number in range(1, min(count, limit) + 1)
    ]


def to_sql(table: str, scope: Scope) -> str | None:
    """The filter of a scope, or None when every row fits.

    Raises:
        InvalidRequest: a condition names a column that the table does not have.
    """
    parts = []
    if scope.hidden:
        parts.append(f"ingest_id NOT IN ({_listed(scope.hidden)})")
    if scope.video_ids is not None:
        parts.append(f"video_id IN ({_listed(scope.video_ids)})" if scope.video_ids else "false")
    parts += [_condition(table, condition) for condition in scope.where]
    return " AND ".join(parts) or None


def _condition(table: str, condition: Condition) -> str:
    match condition:
        case HasObject(label, at_least):
            _check(table, "objects")
            return f"array_has(objects, {quote(object_threshold(label, max(1, at_least)))})"
        case HasEvent(label, kind):
            _check(table, "objects")
            return f"array_has(objects, {quote(object_event(label, kind))})"
        case OneOf(column, values):
            _check(table, column)
            return f"{column} IN ({_listed(values)})" if values else "false"
        case Overlaps(start, end):
            return f'(start <= {float(end)!r} AND "end" >= {float(start)!r})'
        case Not(inner):
            return f"NOT ({_condition(table, inner)})"


def _check(table: str, column: str) -> None:
    if column not in COLUMNS[table]:
        raise InvalidRequest(f"The index table {table} has no column {column}.")


def quote(value: str | int) -> str:
    """A value as an SQL literal that nothing in it can leave."""
    if isinstance(value, int):
        return str(int(value))
    return "'" + value.replace("'", "''") + "'"


def _listed(values: Iterable[str | int]) -> str:
    return ", ".join(quote(value) for value in sorted(values, key=str))
