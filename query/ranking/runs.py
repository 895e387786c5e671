"""Runs: stretches of a video that show one thing that was asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from reelseek.records import Channel
from reelseek.results import Contribution, Evidence, StageMatch

GAP = 1.5
"""Longest gap (s) over which pictures or objects are still one run."""


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of one video that shows one thing that was asked for.

    Attributes:
        channel: whose times these are.
        confidence: 0 to 1, that it is meant.
        parts: each channel's confidence, weighted, as it went into the whole.
        raw: the channel's own uncalibrated score (cosine, BM25, detector), for explanation.
        stages: of a sequence, where each part was found; of a part, itself.
        contributions: the steps that the confidence is made of.
    """

    video_id: str
    start: float
    end: float
    channel: Channel
    confidence: float
    evidence: tuple[Evidence, ...] = ()
    parts: dict[Channel, float] = field(default_factory=dict)
    raw: float = 0.0
    stages: tuple[StageMatch, ...] = ()
    contributions: tuple[Contribution, ...] = ()

    @property
    def length(self) -> float:
        """Seconds."""
        return self.end - self.start

    def overlap(self, other: Run) -> float:
        """Seconds that both cover; 0 in different videos."""
        if self.video_id != other.video_id:
            return 0.0
        return max(0.0, min(self.end, other.end) - max(self.start, other.start))

    def iou(self, other: Run) -> float:
        """Temporal intersection over union."""
        both = self.overlap(other)
        union = self.length + other.length - both
        return both / union if union > 0 else float(both > 0)


def suppress(runs: Iterable[Run], limit: int) -> list[Run]:
    """Temporal non-maximum suppression: of runs that show the same place the best remains. Best first.

    A run inside a longer one that was ranked before it says nothing new unless the longer is a whole long video.
    """
    kept: list[Run] = []
    by_video: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda item: (-item.confidence, item.video_id, item.start, item.length)):
        same = by_video.setdefault(run.video_id, [])
        if any(_repeats(run, better) for better in same):
            continue
        same.append(run)
        kept.append(run)
        if len(kept) >= limit:
            break
    return kept


def _repeats(run: Run, better: Run) -> bool:
    both = run.overlap(better)
    shorter = min(run.length, better.length)
    if shorter <= 0:
        return max(run.start, better.start) <= min(run.end, better.end) and run.video_id == better.video_id
    if run.iou(better) >= 0.4:
        return True
    return both >= 0.8 * shorter and max(run.length, better.length) <= 60.0
