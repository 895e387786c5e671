"""How long the stages of a search take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Stopwatch:
    """Milliseconds by stage. `retrieve.text` is a part of `retrieve`."""

    ms: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time of a block to a stage."""
        self.ms.setdefault(stage, 0.0)  # a stage stands before its parts
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.ms[stage] += (time.perf_counter() - begun) * 1000
