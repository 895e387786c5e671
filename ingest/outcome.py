"""What an ingest gives back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ingest.storage import STAGES
from reelseek.records import VideoInfo

StageProgress = Callable[[str, float], None]
"""Called with a stage's name and the fraction of it that is done, 0 to 1."""


@dataclass(frozen=True, slots=True)
class StageRun:
    """What became of one stage.

    Attributes:
        state: `done` now, `reused` from an earlier ingest, or `off`.
        detail: counts, the source that was used, or why it is off; what a person should know of it after a `; `.
    """

    name: str
    state: Literal["done", "reused", "off"]
    seconds: float = 0.0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class IngestOutcome:
    """A finished ingest.

    Attributes:
        keys: stage to the key under which its result lies in the artefact store.
        stages: every stage in order, those that are off too.
        covered: seconds from the start that it is of, while the rest is still to be done; None when it is whole.
        leftovers: (stage, key) of what only led to the result; it can go once the result is the current one.
    """

    video_id: str
    info: VideoInfo
    keys: dict[str, str]
    stages: tuple[StageRun, ...]
    covered: float | None = None
    leftovers: tuple[tuple[str, str], ...] = ()

    @property
    def fingerprint(self) -> str:
        """Changes whenever any result that the index holds of the video has another key; captions come on top of it."""
        text = "\n".join(f"{stage}={key}" for stage, key in sorted(self.keys.items()) if stage in STAGES)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    @property
    def worked(self) -> bool:
        """Whether any stage had to be done."""
        return any(stage.state == "done" for stage in self.stages)
