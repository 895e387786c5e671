"""Text that runs sideways through a band: told by readings that repeat one another shifted, and put together again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from ingest.text_tracks import same_row, union
from reelseek.records import Box, TextBox

Reading = tuple[float, float, Sequence[TextBox]]
"""What was read in a picture: its time, until when it stood (s), its texts."""

_WIDE = 0.5
"""A ticker's row covers at least this share of the width."""
_STEP = 0.02
_LEAST_SHARED = 6
_SHARED = 0.3
_LEAST_ROWS = 3
_RUNNING = 0.7
"""Share of the steps in which a ticker must be seen to have moved, all the same way."""
_PAUSE = 6.0
_LONGEST = 600
"""Characters after which a ticker goes on as another line."""


@dataclass(frozen=True, slots=True)
class _Row:
    place: int
    time: float
    end: float
    items: tuple[TextBox, ...]
    box: Box

    @property
    def text(self) -> str:
        return " ".join(item.text for item in self.items)


@dataclass
class _Chain:
    rows: list[_Row] = field(default_factory=list)
    steps: list[float] = field(default_factory=list)

    @property
    def runs(self) -> bool:
        """Whether it is a ticker: it moved in most steps, always the same way."""
        if len(self.rows) < _LEAST_ROWS:
            return False
        left = sum(step <= -_STEP for step in self.steps)
        right = sum(step >= _STEP for step in self.steps)
        return max(left, right) >= max(_LEAST_ROWS - 1, _RUNNING * len(self.steps))


@dataclass(frozen=True, slots=True)
class Ticker:
    """A text that ran through the picture, from its first to its last showing."""

    start: float
    end: float
    text: str
    confidence: float
    box: Box


def without_tickers(readings: Sequence[Reading]) -> tuple[list[Ticker], list[Reading]]:
    """Take tickers out of readings: what they said, and the readings without them."""
    chains = [chain for chain in _chains(readings) if chain.runs]
    taken: dict[int, set[TextBox]] = {}
    for chain in chains:
        for row in chain.rows:
            taken.setdefault(row.place, set()).update(row.items)
    rest: list[Reading] = [
        (time, end, tuple(item for item in items if item not in taken.get(place, ())))
        for place, (time, end, items) in enumerate(readings)
    ]
    found = [ticker for chain in chains for ticker in _told(chain)]
    return sorted(found, key=lambda ticker: ticker.start), rest


def _chains(readings: Sequence[Reading]) -> list[_Chain]:
    """Rows of pictures that follow one another, at one height, each with how far its text moved."""
    done: list[_Chain] = []
    live: list[_Chain] = []
    for place, (time, end, items) in enumerate(readings):
        done += [chain for chain in live if time - chain.rows[-1].end > _PAUSE]
        live = [chain for chain in live if time - chain.rows[-1].end <= _PAUSE]
        free = list(live)
        for row in _rows(place, time, end, items):
            chain = next((item for item in free if _same_band(item.rows[-1].box, row.box)), None)
            if chain is None:
                live.append(_Chain([row]))
                continue
            free.remove(chain)
            step = _moved(chain.rows[-1], row)
            if step is None and not chain.runs:
                done.append(chain)
                live.remove(chain)
                live.append(_Chain([row]))
                continue
            chain.rows.append(row)
            if step is not None:
                chain.steps.append(step)
    return [*done, *live]


def _rows(place: int, time: float, end: float, items: Sequence[TextBox]) -> list[_Row]:
    groups: list[list[TextBox]] = []
    for item in items:
        group = next((group for group in groups if _same_band(group[0].box, item.box)), None)
        if group is None:
            groups.append([item])
        else:
            group.append(item)
    rows = []
    for group in groups:
        box = union(item.box for item in group)
        if box.right - box.left >= _WIDE:
            rows.append(_Row(place, time, end, tuple(sorted(group, key=lambda item: item.box.left)), box))
    return rows


def _same_band(a: Box, b: Box) -> bool:
    """Whether two boxes stand at one height and are about as high."""
    high, low = max(a.bottom - a.top, b.bottom - b.top), min(a.bottom - a.top, b.bottom - b.top)
    return same_row(a, b) and low > 0.6 * high


def _moved(a: _Row, b: _Row) -> float | None:
    """How far the text that both rows share went, as a share of the width; None where they share none."""
    first, second = a.text.casefold(), b.text.casefold()
    match = SequenceMatcher(None, first, second, autojunk=False).find_longest_match()
    if match.size < max(_LEAST_SHARED, _SHARED * min(len(first), len(second))):
        return None
    return _x(b, match.b + match.size / 2) - _x(a, match.a + match.size / 2)


def _x(row: _Row, character: float) -> float:
    """Where a character of a row's text stands."""
    for item in row.items:
        if character <= len(item.text):
            return item.box.left + (item.box.right - item.box.left) * character / max(1, len(item.text))
        character -= len(item.text) + 1
    return row.box.right


def _told(chain: _Chain) -> list[Ticker]:
    """What a ticker said, in lines of at most some hundred characters."""
    told: list[Ticker] = []
    text, rows = "", list[_Row]()
    for row in chain.rows:
        if rows and len(text) >= _LONGEST:
            told.append(_ticker(text, rows))
            text, rows = "", []
        text = stitched(text, row.text)
        rows.append(row)
    return [*told, _ticker(text, rows)]


def _ticker(text: str, rows: Sequence[_Row]) -> Ticker:
    items = [item for row in rows for item in row.items]
    confidence = sum(item.confidence for item in items) / len(items)
    return Ticker(rows[0].time, max(row.end for row in rows), text, confidence, union(row.box for row in rows))


def stitched(before: str, row: str) -> str:
    """Text that ran by, with the next sight of it: what both show is kept once, what is new is added.

    What stood cut off at the edge of the picture is replaced by what the next sight shows of it.
    """
    match = SequenceMatcher(None, before.casefold(), row.casefold(), autojunk=False).find_longest_match()
    if match.size < _LEAST_SHARED:
        return f"{before} {row}".strip()
    new, old = row[match.b + match.size :], before[match.a + match.size :]
    return before[: match.a + match.size] + new if len(new) >= len(old) else before
