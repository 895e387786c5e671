"""What a search has found so far, with what the user should know of how."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from query.ranking.runs import Run
from query.timing import Stopwatch
from reelseek.records import Channel

POOL = 200
"""Runs of a stage that go on to be joined."""


@dataclass(slots=True)
class Found:
    """Ranked runs, best first, with what the user should know of how they were found.

    Attributes:
        suggestions: the query as it was searched a second time, with near words for those that are nowhere.
    """

    runs: list[Run]
    notes: list[str] = field(default_factory=list)
    clock: Stopwatch = field(default_factory=Stopwatch)
    searched: set[Channel] = field(default_factory=set)
    suggestions: tuple[str, ...] = ()

    def timed(self, stage: str) -> AbstractContextManager[None]:
        """Add the time of a block to a stage."""
        return self.clock.timed(stage)
