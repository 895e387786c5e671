"""Runs gathered to what they are part of: whole videos, or chapters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from query.ranking.places import holding
from query.ranking.runs import Run
from reelseek.records import Chapter
from reelseek.results import Level

SHOWN = 5
"""Most moments of a group that are shown."""

LIFT = 0.25
"""How much a group's second moment counts beside its best; each further one counts half as much."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """The runs of one video or chapter, best first, and the confidence of the whole."""

    video_id: str
    chapter: Chapter | None
    runs: tuple[Run, ...]
    confidence: float


def gather(
    runs: Sequence[Run], level: Level, limit: int, chapters: Callable[[str], Sequence[Chapter]]
) -> list[Gathered]:
    """Group runs by chapter or video, best first.

    Args:
        runs: those that passed the cut-off, best first. A group of near misses does not become a find.
        limit: most groups.
        chapters: of a video; asked only for the level of chapters. A video without any is one group.
    """
    groups: dict[tuple[str, int], tuple[Chapter | None, list[Run]]] = {}
    for run in runs:
        chapter = holding(run.start, run.end, chapters(run.video_id)) if level == "chapters" else None
        key = (run.video_id, chapter.index if chapter is not None else -1)
        groups.setdefault(key, (chapter, []))[1].append(run)
    found = [
        Gathered(video_id, chapter, tuple(inside), whole([run.confidence for run in inside]))
        for (video_id, _), (chapter, inside) in groups.items()
    ]
    return sorted(found, key=lambda group: (-group.confidence, group.video_id, group.runs[0].start))[:limit]


def whole(confidences: Sequence[float]) -> float:
    """How sure it is that a whole is meant: as sure as its best part, and a little more for each further good one.

    A noisy-or in which the parts after the best count less and less: three good moments outrank one that is as good,
    and a long video with many weak ones outranks nothing.
    """
    ordered = sorted(confidences, reverse=True)
    remaining = 1.0 - ordered[0]
    share = LIFT
    for confidence in ordered[1:]:
        remaining *= 1.0 - share * max(0.0, (confidence - 0.2) / 0.8)
        share /= 2
    return 1.0 - remaining
