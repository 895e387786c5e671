"""A long video in chunks: always the same ones, so that one worker and many make the same of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from reelseek.records import VideoInfo
from reelseek.setting_groups import IngestSettings

_T = TypeVar("_T")

CONTEXT = 2.0
"""Seconds on both sides of a chunk that the shot detector sees too, so that no cut depends on where a chunk ends."""

_LAST_AT_LEAST = 0.5
"""A rest shorter than this share of a chunk joins the chunk before it."""

PART_SUFFIX = "-part"
"""How the names of folders of parts end."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch `[start, end)` of a video, in seconds; of the last one `end` is the video's."""

    index: int
    start: float
    end: float

    def share(self, per_hour: int, settings: IngestSettings) -> int:
        """How many pictures of so many an hour it may have.

        A short video has the share of half a chunk: it costs little, and moves all the time more easily.
        """
        return round(per_hour * max(self.end - self.start, settings.chunk_seconds / 2) / 3600)


def evenly(items: Sequence[_T], most: int) -> Sequence[_T]:
    """The items, or of more than `most` so many evenly spread ones."""
    if len(items) <= most:
        return items
    return [items[place * len(items) // most] for place in range(most)]


def chunks_of(info: VideoInfo, settings: IngestSettings) -> tuple[Chunk, ...]:
    """The chunks of a video: at multiples of `chunk_seconds`; at least one."""
    length = settings.chunk_seconds
    count = max(1, math.floor(info.duration / length + 1 - _LAST_AT_LEAST))
    starts = [index * length for index in range(count)]
    ends = [*starts[1:], info.duration]
    return tuple(Chunk(index, start, end) for index, (start, end) in enumerate(zip(starts, ends, strict=True)))


def part_stage(stage: str) -> str:
    """The folder of a stage's parts, beside that of its whole result."""
    return f"{stage}{PART_SUFFIX}"


def part_key(key: str, chunk: Chunk) -> str:
    """The key of a part of a stage: that of the whole, and the chunk's number."""
    return f"{key}-{chunk.index:05d}"
