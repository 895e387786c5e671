"""What a digest is made from: the lines of a stretch of video, with their meaning and their chapter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from index.reader import Scope, Snapshot
from index.scope import OneOf, Overlaps
from query.answering.asked import TEXTS
from reelseek.records import Channel, Chapter, Vector, VectorSpace

MOST = 20_000
"""Lines of one video that are read; of a longer text evenly picked ones."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A line with its place. `part` numbers the chapter, or the range asked for, that it is in."""

    video_id: str
    channel: Channel
    start: float
    end: float
    text: str
    part: int


@dataclass(frozen=True, slots=True)
class Material:
    """Lines in order of time.

    Attributes:
        vectors: `(len(passages), d)`; None where nothing is indexed by meaning.
        parts: titles of the chapters, or empty texts.
    """

    passages: tuple[Passage, ...]
    vectors: Vector | None
    parts: tuple[str, ...]

    def of(self, channel: Channel) -> list[int]:
        """The numbers of the lines of a channel."""
        return [at for at, passage in enumerate(self.passages) if passage.channel is channel]


def read_video(snapshot: Snapshot, video_id: str, chapters: Sequence[Chapter], space: VectorSpace | None) -> Material:
    """All of a video."""
    titles = tuple(chapter.title for chapter in chapters) or ("",)
    starts = [chapter.start for chapter in chapters][1:]
    passages, vectors = _read(snapshot, video_id, None, space)
    placed = [
        Passage(video_id, channel, start, end, text, sum(edge <= start for edge in starts))
        for channel, start, end, text in passages
    ]
    return Material(tuple(placed), vectors, titles)


def read_ranges(snapshot: Snapshot, ranges: Iterable[tuple[str, float, float]], space: VectorSpace | None) -> Material:
    """What is said and written in some stretches (video, start, end), a part for each."""
    passages: list[Passage] = []
    stacks: list[Vector] = []
    count = 0
    for part, (video_id, start, end) in enumerate(ranges):
        found, vectors = _read(snapshot, video_id, (start, end), space)
        passages += [Passage(video_id, channel, low, high, text, part) for channel, low, high, text in found]
        if vectors is not None:
            stacks.append(vectors)
        count = part + 1
    return Material(tuple(passages), np.concatenate(stacks) if stacks and space else None, ("",) * max(1, count))


def _read(
    snapshot: Snapshot, video_id: str, within: tuple[float, float] | None, space: VectorSpace | None
) -> tuple[list[tuple[Channel, float, float, str]], Vector | None]:
    channels = OneOf("channel", tuple(map(str, TEXTS)))
    where = (channels, Overlaps(*within)) if within is not None else (channels,)
    scope = Scope(video_ids=frozenset((video_id,)), where=where)
    columns = ("channel", "start", "end", "text")
    vectors: Vector | None = None
    if space is None:
        rows = snapshot.rows("lines", scope, columns)
    else:
        rows, vectors = snapshot.scan_vectors("lines", "text", scope, space=space, columns=columns)
    order = sorted(range(len(rows)), key=lambda at: tuple(rows[at][column] for column in ("start", "end", *columns)))
    if len(order) > MOST:
        order = order[:: -(-len(order) // MOST)]
    found = [(Channel(rows[at]["channel"]), rows[at]["start"], rows[at]["end"], rows[at]["text"]) for at in order]
    return found, vectors[order] if vectors is not None else None
