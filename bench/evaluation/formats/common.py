"""What all formats share: a query with its true ranges, a prediction for it, and how broken rows are told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from reelseek.errors import InvalidRequest, NotFound
from reelseek.records import JsonObject

Place = Literal["video", "library"]
"""Where a query is searched: in its own video, or everywhere."""


@dataclass(frozen=True, slots=True)
class TrueMoment:
    """A query of a ground truth.

    Attributes:
        video: as the ground truth names it, with a path or an ending or without.
        windows: the ranges (s) that fit the query.
        duration: of the video (s), 0 where it is not told.
        row: what else its file says of it.
    """

    query_id: str
    query: str
    video: str
    windows: tuple[tuple[float, float], ...]
    duration: float = 0.0
    row: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Window:
    """A place that was found; `video` as the ground truth names it, seconds."""

    video: str
    start: float
    end: float
    score: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a query found, best first.

    Attributes:
        within: in its own video.
        anywhere: in the whole library.
        saliency: how well each clip of 2 s of its video fits it.
    """

    query_id: str
    within: tuple[Window, ...] = ()
    anywhere: tuple[Window, ...] = ()
    saliency: tuple[float, ...] = ()


Truth = Sequence[TrueMoment]
Predictions = Mapping[str, Prediction]
"""By the query's id."""


@dataclass(frozen=True, slots=True)
class Format:
    """How a benchmark's files are read and written, and how its predictions are scored.

    Attributes:
        places: where its tasks search.
        depth: how many windows a prediction holds at most.
        figures: may raise `InvalidRequest` where nothing can be scored.
        saliency: whether a prediction has a score for every 2 s.
    """

    name: str
    places: tuple[Place, ...]
    depth: int
    read_truth: Callable[[Path], list[TrueMoment]]
    write: Callable[[Path, Truth, Predictions], None]
    read: Callable[[Path, Truth], dict[str, Prediction]]
    figures: Callable[[Truth, Predictions], JsonObject]
    saliency: bool = False


@contextmanager
def broken(where: str) -> Iterator[None]:
    """Tell of a row that lacks something, or has something else there.

    Raises:
        InvalidRequest: instead of what came of it.
    """
    try:
        yield
    except KeyError as error:
        raise InvalidRequest(f"{where}: it has no {error.args[0]}.") from error
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise InvalidRequest(f"{where}: it is not in the format ({error}).") from error


def read_json(path: Path) -> Any:
    """A JSON file.

    Raises:
        NotFound: it cannot be read.
        InvalidRequest: it is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise InvalidRequest(f"{path} is no JSON: {error}.") from error


def window_list(windows: Sequence[Window]) -> list[list[float]]:
    """As most formats write them: `[[start, end, score], …]`."""
    return [[round(item.start, 3), round(item.end, 3), round(item.score, 4)] for item in windows]


def windows_from(video: str, rows: Sequence[Sequence[float]]) -> tuple[Window, ...]:
    """The reverse of `window_list`."""
    return tuple(Window(video, float(row[0]), float(row[1]), float(row[2])) for row in rows)


def write_lines(path: Path, rows: Iterator[JsonObject]) -> None:
    """Write JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write one JSON document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value) + "\n", encoding="utf-8")


def percent(value: float) -> float:
    """A share as its scorers print it: in percent, two decimals."""
    return float(f"{100 * value:.2f}")
