"""The demo's ground truth, and how often search finds it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from reelseek.results import Moment
from reelseek.timecode import temporal_iou

IOU = 0.5
"""Temporal IoU from which a moment counts as found, the threshold that moment retrieval is usually reported at."""


@dataclass(frozen=True, slots=True)
class Place:
    """A range of a video, seconds."""

    video: str
    start: float
    end: float

    def is_found_by(self, moment: Moment, iou: float = IOU) -> bool:
        """Whether a moment lies in the same video and overlaps enough."""
        overlap = temporal_iou((self.start, self.end), (moment.start, moment.end))
        return Path(moment.path).name == self.video and overlap >= iou


@dataclass(frozen=True, slots=True)
class TrueQuery:
    """A query and the places that answer it. `kind` is spoken, written, seen, present or sequence."""

    query: str
    kind: str
    places: tuple[Place, ...]

    def rank(self, moments: Sequence[Moment], iou: float = IOU) -> int | None:
        """The rank (from 1) of the first moment that is right, or None."""
        for rank, moment in enumerate(moments, start=1):
            if any(place.is_found_by(moment, iou) for place in self.places):
                return rank
        return None


def demo_folder() -> Path:
    """The folder of the demo's videos."""
    return Path(str(resources.files("demo") / "videos"))


def demo_truth() -> list[TrueQuery]:
    """The demo's queries, from `demo/truth.json`."""
    rows = json.loads((resources.files("demo") / "truth.json").read_text(encoding="utf-8"))
    queries = []
    for row in rows:
        places = [Place(row["video"], row["start"], row["end"])]
        places += [Place(other["video"], other["start"], other["end"]) for other in row.get("also_ok", [])]
        queries.append(TrueQuery(row["query"], row["kind"], tuple(places)))
    return queries


def recall_at(ranks: Sequence[int | None], k: int) -> float:
    """Recall at k over queries with one answer each: the share that is found at rank k or better."""
    return sum(rank is not None and rank <= k for rank in ranks) / len(ranks) if ranks else 0.0
