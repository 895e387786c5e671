"""The demo's truth file and the pictures of its videos, decoded without the product's own code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

DEMO = Path(__file__).resolve().parent.parent.parent / "demo"
VIDEOS = DEMO / "videos"


@dataclass(frozen=True)
class Range:
    """A stretch of a video in seconds."""

    video: str
    start: float
    end: float

    def holds(self, video: str, time: float) -> bool:
        return video == self.video and self.start <= time < self.end


@dataclass(frozen=True)
class Truth:
    """One row of the truth file: a query, its moment, and other moments that are right too."""

    query: str
    kind: str
    moment: Range
    also_ok: tuple[Range, ...]

    def accepts(self, video: str, time: float) -> bool:
        return any(span.holds(video, time) for span in (self.moment, *self.also_ok))


def load_truth(path: Path = DEMO / "truth.json") -> list[Truth]:
    def span(row: dict[str, Any]) -> Range:
        return Range(row["video"], row["start"], row["end"])

    rows = json.loads(path.read_text(encoding="utf-8"))
    return [Truth(row["query"], row["kind"], span(row), tuple(map(span, row["also_ok"]))) for row in rows]


def frames(path: Path, step: float) -> Iterator[tuple[float, npt.NDArray[np.uint8]]]:
    """A picture every `step` seconds, upright, with its time from the first picture on."""
    with av.open(str(path)) as container:
        first: float | None = None
        due = 0.0
        for frame in container.decode(video=0):
            first = frame.time if first is None else first
            time = frame.time - first
            if time + 1e-3 >= due:
                due = time + step
                picture = frame.to_ndarray(format="rgb24")
                yield time, np.ascontiguousarray(np.rot90(picture, round(frame.rotation / 90)))
