"""What one search reads: a pinned snapshot of the index, the videos it may look at, the library's statistics."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from index.reader import Scope, Snapshot
from index.scope import Condition, HasEvent, HasObject, OneOf, Overlaps
from query.language.parsing import EVENTS, ObjectCount, ObjectFact
from query.objects.scenes import Scene, tracks_from, whole
from query.pictures.scale import Sample
from query.texts.scale import WordStatistics
from reelseek.records import Box, Channel, DetectedObject, ObjectTrack, Vector, VectorSpace

if TYPE_CHECKING:
    from query.texts.passage_store import PassageStore

SAMPLE_LINES = 5_000
SAMPLE_FRAMES = 2_000
"""Rows that the library's statistics are taken from; a smaller library is taken whole."""

_BLOCK_TEXTS = (Channel.SPEECH, Channel.SCREEN_TEXT, Channel.CAPTION)
"""The channels whose texts segments have."""

LINE_COLUMNS = ("video_id", "line_index", "channel", "start", "end", "text", "language", "confidence", "speaker")
_BLOCK = ("video_id", "segment_index", "start", "end", *map(str, _BLOCK_TEXTS))
_SCENE = ("video_id", "start", "end", "object_counts", "tracks")
_FRAME = ("video_id", "frame_index", "shot", "start", "end", "image")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text that was found; `bm25` and `cosine` are 0 where that search did not find it."""

    video_id: str
    index: int
    channel: Channel
    start: float
    end: float
    text: str
    language: str = ""
    certainty: float = 1.0
    bm25: float = 0.0
    cosine: float | None = None
    speaker: str = ""

    @property
    def key(self) -> tuple[str, int]:
        """Unique within a snapshot."""
        return self.video_id, self.index


@dataclass(frozen=True, slots=True)
class Frame:
    """A keyframe; `[start, end)` is how long it stands."""

    video_id: str
    index: int
    shot: int
    start: float
    end: float
    image: str = ""
    objects: tuple[DetectedObject, ...] = ()

    @property
    def counts(self) -> Counter[str]:
        """How many of each label are seen."""
        return Counter(item.label for item in self.objects)

    def certainty(self, label: str) -> float:
        """The detector's surest find of a label, 0 without one."""
        return max((item.confidence for item in self.objects if item.label == label), default=0.0)


@dataclass(frozen=True, slots=True)
class Block:
    """A segment that was found, with its texts."""

    video_id: str
    index: int
    start: float
    end: float
    texts: dict[Channel, str]
    bm25: float = 0.0
    cosine: float | None = None


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the library looks like as a whole. Made once for each state of it.

    Attributes:
        pictures: a sample of them, in the space named; None where they cannot be searched.
        labels: what its detector found somewhere, commonest first.
    """

    words: WordStatistics
    lines: int
    segments: int
    frames: int
    labels: tuple[str, ...]
    pictures: Sample | None = None
    visual_space: VectorSpace | None = None

    @property
    def frame_vectors(self) -> Vector | None:
        """The vectors of the sample of pictures, `(n, d)`."""
        return self.pictures.vectors if self.pictures is not None else None

    @classmethod
    def of(cls, snapshot: Snapshot, visual_space: VectorSpace | None) -> Statistics:
        """Read them."""
        lines = snapshot.rows("lines", columns=("text", "channel"), limit=SAMPLE_LINES)
        texts = [row["text"] for row in lines if row["channel"] != Channel.TITLE]
        labels: Counter[str] = Counter()
        for row in snapshot.rows("segments", columns=("object_counts",), limit=SAMPLE_LINES):
            labels.update(json.loads(row["object_counts"] or "{}").keys())
        return cls(
            WordStatistics.of(texts),
            snapshot.count("lines"),
            snapshot.count("segments"),
            snapshot.count("frames"),
            tuple(label for label, _ in labels.most_common()),
            _sample(snapshot, visual_space) if visual_space is not None else None,
            visual_space,
        )


def _sample(snapshot: Snapshot, space: VectorSpace) -> Sample:
    """Up to `SAMPLE_FRAMES` keyframes, spread evenly over a larger library's videos by taking every n-th."""
    frames = snapshot.count("frames")
    step = max(1, frames // SAMPLE_FRAMES)
    scope = Scope()
    if step > 1:
        largest = max((row["frame_index"] for row in snapshot.rows("frames", columns=("frame_index",))), default=0)
        scope = Scope(where=(OneOf("frame_index", tuple(range(step // 2, largest + 1, step))),))
    rows, vectors = snapshot.scan_vectors("frames", "visual", scope, space=space, columns=("video_id", "start", "end"))
    rows, vectors = rows[: 2 * SAMPLE_FRAMES], vectors[: 2 * SAMPLE_FRAMES]
    seconds = [row["end"] - row["start"] for row in rows]
    return Sample.of(vectors, seconds, [row["video_id"] for row in rows], frames)


class Source:
    """The reads of one search, as records.

    Args:
        scope: videos and times that count.
        languages: primary language tags that lines must have; empty allows all.
        by_words: whether BM25 is asked; without it only phrases are found by their words.
        passages: the videos' texts as arrays, kept between searches.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        scope: Scope,
        statistics: Statistics,
        languages: frozenset[str] = frozenset(),
        *,
        by_words: bool = True,
        passages: PassageStore | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.scope = scope
        self.statistics = statistics
        self.by_words = by_words
        self.passages = passages
        self._languages = languages

    def within(self, video_ids: Iterable[str]) -> Source:
        """The same, for these videos only."""
        allowed = frozenset(video_ids)
        if self.scope.video_ids is not None:
            allowed &= self.scope.video_ids
        scope = replace(self.scope, video_ids=allowed)
        return Source(
            self.snapshot, scope, self.statistics, self._languages, by_words=self.by_words, passages=self.passages
        )

    def lines_by_words(
        self, text: str, channels: Sequence[Channel], k: int, *, phrase: bool = False, fuzziness: int = 0
    ) -> list[Line]:
        """Lines by BM25."""
        if not self.by_words and not phrase:
            return []
        scope = self._where(OneOf("channel", tuple(str(channel) for channel in channels)))
        hits = self.snapshot.search_text("lines", text, k, scope, phrase=phrase, fuzziness=fuzziness)
        return self._spoken([line_of(hit.row, bm25=hit.score) for hit in hits])

    def lines_by_vector(self, vector: Vector, channels: Sequence[Channel], k: int, space: VectorSpace) -> list[Line]:
        """Lines by meaning."""
        scope = self._where(OneOf("channel", tuple(str(channel) for channel in channels)))
        hits = self.snapshot.search_vectors("lines", "text", vector, k, scope, space=space, columns=LINE_COLUMNS)
        return self._spoken([line_of(hit.row, cosine=hit.score) for hit in hits])

    def lines_between(
        self, video_id: str, start: float, end: float, channels: Sequence[Channel], limit: int | None = None
    ) -> list[Line]:
        """What is said or written in a stretch of a video, in order."""
        where = (OneOf("channel", tuple(str(channel) for channel in channels)), Overlaps(start, end))
        scope = Scope(hidden=self.scope.hidden, video_ids=frozenset((video_id,)), where=where)
        lines = [line_of(row) for row in self.snapshot.rows("lines", scope, LINE_COLUMNS, limit)]
        return sorted(self._spoken(lines), key=lambda line: (line.start, line.index))

    def blocks_by_words(self, text: str, channels: Sequence[Channel], k: int) -> list[Block]:
        """Segments by BM25."""
        columns = [str(channel) for channel in channels if channel in _BLOCK_TEXTS]
        if not columns or not self.by_words:
            return []
        hits = self.snapshot.search_text("segments", text, k, self.scope, columns)
        return [_block(hit.row, bm25=hit.score) for hit in hits]

    def blocks_by_vector(self, vector: Vector, k: int, space: VectorSpace) -> list[Block]:
        """Segments by meaning."""
        hits = self.snapshot.search_vectors("segments", "text", vector, k, self.scope, space=space)
        return [_block(hit.row, cosine=hit.score) for hit in hits]

    def blocks_between(self, video_id: str, start: float, end: float) -> list[Block]:
        """The segments of a stretch of a video, in order."""
        scope = Scope(self.scope.hidden, frozenset((video_id,)), (Overlaps(start, end),))
        rows = self.snapshot.rows("segments", scope, _BLOCK)
        return sorted((_block(row) for row in rows), key=lambda block: block.index)

    def videos_by_picture(self, vector: Vector, k: int, limit: int, space: VectorSpace) -> list[str]:
        """The videos with the pictures nearest to a vector, nearest first."""
        hits = self.snapshot.search_vectors(
            "frames", "visual", vector, k, self.scope, space=space, columns=("video_id",)
        )
        return list(dict.fromkeys(hit.row["video_id"] for hit in hits))[:limit]

    def videos_by_pictures(self, vectors: Vector, k: int, limit: int, space: VectorSpace) -> list[str]:
        """The same for several vectors, `(n, d)`: as near as a picture of theirs is to one of them."""
        nearest: dict[str, float] = {}
        for vector in vectors:
            hits = self.snapshot.search_vectors(
                "frames", "visual", vector, k, self.scope, space=space, columns=("video_id",)
            )
            for hit in hits:
                nearest[hit.row["video_id"]] = max(hit.score, nearest.get(hit.row["video_id"], -1.0))
        return sorted(nearest, key=lambda video: -nearest[video])[:limit]

    def pictures(self, video_ids: Iterable[str], space: VectorSpace) -> tuple[list[Frame], Vector]:
        """All keyframes of some videos with their vectors, by video and time."""
        scope = self.within(video_ids).scope
        rows, vectors = self.snapshot.scan_vectors(
            "frames", "visual", scope, space=space, columns=(*_FRAME, "detections")
        )
        return [_frame(row) for row in rows], vectors

    def frames_between(self, video_id: str, start: float, end: float) -> list[Frame]:
        """Keyframes of a stretch of a video, with their objects."""
        scope = Scope(self.scope.hidden, frozenset((video_id,)), (Overlaps(start, end),))
        return [_frame(row) for row in self.snapshot.rows("frames", scope, (*_FRAME, "detections"))]

    def scenes_with(self, objects: Sequence[ObjectCount], limit: int) -> list[Scene]:
        """The objects of segments in which all the counts can hold at some time, by video and time."""
        return self._scenes([HasObject(count.label, _least(count)) for count in objects if count.present], limit)

    def scenes_where(self, fact: ObjectFact, limit: int) -> list[Scene]:
        """The objects of segments in which what is asked for can be found, by video and time."""
        if fact.kind in EVENTS:
            return self._scenes([HasEvent(fact.label, fact.kind)], limit)
        return self._scenes([HasObject(fact.label), HasObject(fact.other)], limit)

    def tracks_between(self, video_id: str, start: float, end: float) -> list[ObjectTrack]:
        """The objects of a stretch of a video, in order of their first showing."""
        scope = Scope(self.scope.hidden, frozenset((video_id,)), (Overlaps(start, end),))
        rows = self.snapshot.rows("segments", scope, ("tracks",))
        found = whole(track for row in rows for track in tracks_from(row["tracks"]))
        return [track for track in found if track.start < end and track.end > start]

    def _scenes(self, conditions: Sequence[Condition], limit: int) -> list[Scene]:
        scope = self._where(*conditions)
        return [_scene(row) for row in self.snapshot.rows("segments", scope, _SCENE, limit) if row["tracks"] != ""]

    def segment_ranges(self, video_ids: Iterable[str]) -> dict[str, list[tuple[int, float, float]]]:
        """Index, start and end of all segments of some videos, in order."""
        scope = Scope(self.scope.hidden, frozenset(video_ids))
        found: dict[str, list[tuple[int, float, float]]] = {}
        for row in self.snapshot.rows("segments", scope, ("video_id", "segment_index", "start", "end")):
            found.setdefault(row["video_id"], []).append((row["segment_index"], row["start"], row["end"]))
        return found

    def line_keys(self) -> frozenset[tuple[str, int]]:
        """The keys of all lines that count."""
        rows = self.snapshot.rows("lines", self.scope, ("video_id", "line_index"))
        return frozenset((row["video_id"], row["line_index"]) for row in rows)

    def understood(self, line: Line) -> bool:
        """Whether a line is in a language that counts."""
        return not self._languages or primary(line.language) in self._languages

    def _where(self, *conditions: Condition) -> Scope:
        return replace(self.scope, where=(*self.scope.where, *conditions))

    def _spoken(self, lines: list[Line]) -> list[Line]:
        return [line for line in lines if self.understood(line)]


def primary(language: str) -> str:
    """The primary subtag of a BCP 47 tag: `de` of `de-AT`."""
    return language.replace("_", "-").partition("-")[0].lower()


def videos_in_language(snapshot: Snapshot, languages: frozenset[str]) -> frozenset[str]:
    """Videos with at least one line in one of the languages."""
    rows = snapshot.rows("lines", columns=("video_id", "language"))
    return frozenset(row["video_id"] for row in rows if primary(row["language"]) in languages)


def _least(count: ObjectCount) -> int:
    """The least number with which a count can hold."""
    return {">=": count.number, ">": count.number + 1, "=": count.number}.get(count.op, 1)


def _scene(row: dict[str, Any]) -> Scene:
    if row["tracks"] is None:
        counts = json.loads(row["object_counts"] or "{}")
        return Scene(row["video_id"], row["start"], row["end"], counts=counts)
    return Scene(row["video_id"], row["start"], row["end"], tracks_from(row["tracks"]))


def line_of(row: dict[str, Any], *, bm25: float = 0.0, cosine: float | None = None) -> Line:
    """A row of `LINE_COLUMNS` as a record."""
    certainty = float(row["confidence"]) if np.isfinite(row["confidence"]) else 1.0
    return Line(
        row["video_id"],
        row["line_index"],
        Channel(row["channel"]),
        row["start"],
        row["end"],
        row["text"],
        row["language"] or "",
        min(1.0, max(0.0, certainty)),
        bm25,
        cosine,
        row.get("speaker") or "",
    )


def _block(row: dict[str, Any], *, bm25: float = 0.0, cosine: float | None = None) -> Block:
    texts = {channel: row[channel] for channel in _BLOCK_TEXTS if row[channel]}
    return Block(row["video_id"], row["segment_index"], row["start"], row["end"], texts, bm25, cosine)


def _frame(row: dict[str, Any]) -> Frame:
    found = json.loads(row.get("detections") or "[]")
    objects = tuple(DetectedObject(**{**item, "box": Box(**item["box"])}) for item in found)
    return Frame(row["video_id"], row["frame_index"], row["shot"], row["start"], row["end"], row["image"], objects)
