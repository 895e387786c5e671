"""What `reelseek eval --library` found before: one JSON line a run, so that a change shows as a gain or a loss."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench.evaluation.corpus import rows
from bench.evaluation.judged import ABSENT, Outcome
from bench.evaluation.statistics import Difference, paired
from query.service import QueryService
from reelseek.errors import InvalidRequest, NotFound
from reelseek.records import JsonObject

FILE = "evaluation/history.jsonl"
LAST = "last"
_GROUPS = ("query", "engines", "ingest")


@dataclass(frozen=True, slots=True)
class Kept:
    """One run.

    Attributes:
        number: from 1, in order of time.
        engines: channel to the engine that its videos were indexed with.
        settings: those that matter to what is found.
        index: how many videos, lines and so on there were, and a hash of which state of which videos.
        figures: as `judged_figures` makes them.
        queries: query id to kind, query, rank of the first right moment (None for none) and confidence of the first.
    """

    number: int
    date: str
    note: str
    engines: Mapping[str, str | None]
    settings: JsonObject
    index: JsonObject
    figures: JsonObject
    queries: Mapping[str, JsonObject] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Compared:
    """Two runs over the queries that both asked.

    Attributes:
        kinds: kind (and `all`) to the difference of the reciprocal ranks; for `absent`, of what stays unanswered.
        gains, losses: queries that rose or fell: kind, query, rank before and after; the largest changes first.
        changed: the settings, engines and states that differ, as (name, before, after).
    """

    first: int
    second: int
    shared: int
    kinds: Mapping[str, Difference]
    gains: tuple[tuple[str, str, int | None, int | None], ...]
    losses: tuple[tuple[str, str, int | None, int | None], ...]
    changed: tuple[tuple[str, str, str], ...]


def kept_run(
    service: QueryService, outcomes: Sequence[Outcome], figures: JsonObject, *, number: int = 0, note: str = ""
) -> Kept:
    """A run with what it was made with."""
    entries = sorted((entry.video_id, entry.live_ingest or "") for entry in service.catalogue.videos())
    state = hashlib.blake2b(json.dumps(entries).encode(), digest_size=8).hexdigest()
    counts = [entry.counts for entry in service.catalogue.videos() if entry.live_ingest]
    engines, settings = made_with(service)
    return Kept(
        number=number,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        note=note,
        engines=engines,
        settings=settings,
        index={
            "state": state,
            "videos": len(counts),
            "segments": sum(item.segments for item in counts),
            "frames": sum(item.frames for item in counts),
            "lines": sum(item.lines for item in counts),
        },
        figures=figures,
        queries={
            item.query_id: {
                "kind": item.kind,
                "query": item.query,
                "rank": item.rank,
                "confidence": round(item.confidence, 4),
            }
            for item in outcomes
        },
    )


def made_with(service: QueryService) -> tuple[dict[str, str | None], JsonObject]:
    """The engine of each channel, and the settings that matter to what is found."""
    settings = service.settings.model_dump(mode="json", include=set(_GROUPS))
    return (
        {kind: found.ref.id if found.ref else None for kind, found in service.status().items()},
        {f"{group}.{name}": value for group in _GROUPS for name, value in settings[group].items()},
    )


def read_history(data: Path) -> list[Kept]:
    """All runs of a data folder, oldest first.

    Raises:
        InvalidRequest: the file is damaged; the message says where.
    """
    path = data / FILE
    if not path.is_file():
        return []
    runs = []
    for where, row in rows(path):
        try:
            runs.append(Kept(**row))
        except TypeError as error:
            raise InvalidRequest(f"{where}: it is no run of this version.") from error
    return runs


def add_run(data: Path, run: Kept) -> None:
    """Append a run."""
    path = data / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(run)) + "\n")


def find_run(runs: Sequence[Kept], name: str) -> Kept:
    """A run by its number, or `last`.

    Raises:
        NotFound: there is none.
    """
    for run in reversed(runs):
        if name == LAST or str(run.number) == name:
            return run
    known = f"there are 1 to {runs[-1].number}" if runs else "there are none yet"
    raise NotFound(f"There is no run {name!r}: {known}.", hint="Make one with: reelseek eval --library")


def compared(first: Kept, second: Kept, cutoff: float) -> Compared:
    """Two runs, query by query, over those that both asked.

    Args:
        cutoff: from which an absent query counts as answered.
    """
    shared = [name for name in first.queries if name in second.queries]
    worth: dict[str, tuple[list[float], list[float]]] = {}
    moved: list[tuple[float, tuple[str, str, int | None, int | None]]] = []
    for name in shared:
        before, after = first.queries[name], second.queries[name]
        kind = str(before["kind"])
        values = _worth(before, cutoff), _worth(after, cutoff)
        for group in (kind, *(["all"] if kind != ABSENT else [])):
            sides = worth.setdefault(group, ([], []))
            sides[0].append(values[0])
            sides[1].append(values[1])
        if values[0] != values[1] and kind != ABSENT:
            moved.append((values[1] - values[0], (kind, str(before["query"]), before["rank"], after["rank"])))
    moved.sort(key=lambda item: (-abs(item[0]), item[1][1]))
    return Compared(
        first.number,
        second.number,
        len(shared),
        {kind: paired(*sides) for kind, sides in worth.items()},
        tuple(row for change, row in moved if change > 0),
        tuple(row for change, row in moved if change < 0),
        _changes(first, second),
    )


def _worth(query: JsonObject, cutoff: float) -> float:
    if query["kind"] == ABSENT:
        return float(query["confidence"] < cutoff)
    return 1 / query["rank"] if query["rank"] else 0.0


def _changes(first: Kept, second: Kept) -> tuple[tuple[str, str, str], ...]:
    changed = []
    for before, after in (
        (first.settings, second.settings),
        (first.engines, second.engines),
        (first.index, second.index),
    ):
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                changed.append((name, str(before.get(name)), str(after.get(name))))
    return tuple(changed)
