"""Stretches of videos that are exported, wherever they come from: a search, a saved search, a person's own choice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reelseek.results import Moment

_LONGEST_TEXT = 2_000


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A stretch of a video, `[start, end)` in seconds, with what is known of it.

    Attributes:
        path: of its file, or empty where none is known.
        confidence: 0 to 1; None where nobody searched for it.
        channels: what it was found by, the strongest first.
        text: what speaks for it.
        label: what a person calls it; empty where nobody named it.
    """

    video_id: str
    title: str
    path: str
    start: float
    end: float
    confidence: float | None = None
    channels: tuple[str, ...] = ()
    text: str = ""
    label: str = ""

    @property
    def name(self) -> str:
        """What it is called among others: its label, or the title of its video."""
        return self.label or self.title

    @property
    def duration(self) -> float:
        """Seconds."""
        return max(0.0, self.end - self.start)


def excerpts_of(moments: Iterable[Moment]) -> list[Excerpt]:
    """Moments as excerpts, in their order."""
    return [
        Excerpt(
            moment.video_id,
            moment.title,
            moment.path,
            moment.start,
            moment.end,
            moment.confidence,
            tuple(channel.value for channel in moment.channels),
            " · ".join(dict.fromkeys(item.text for item in moment.evidence if item.text))[:_LONGEST_TEXT],
        )
        for moment in moments
    ]


def permalink(base: str, video_id: str, start: float, end: float | None = None) -> str:
    """The page of a video at a moment, which it plays to its end.

    Args:
        base: the server's address without a slash at its end; empty gives a path.
    """
    until = f"&end={_seconds(end)}" if end is not None and end > start else ""
    return f"{base}/videos/{video_id}?t={_seconds(start)}{until}"


def _seconds(time: float) -> str:
    return f"{max(0.0, time):.2f}".rstrip("0").rstrip(".")
