"""A long video in chunks: always the same ones, so that one worker and many make the same of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reelseek.records import VideoInfo
from reelseek.setting_groups import IngestSettings

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
