"""What searching and asking give: moments with their reasons, answers with their citations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from reelseek.records import Channel, Chapter

Level = Literal["moments", "chapters", "videos"]
"""What a search gives: single moments, or chapters or whole videos with the best moments in each."""
NEAR = 0.05
"""Confidence from which a near miss comes near at all."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason for a moment: a line, a frame, an object count, with its own time and score."""

    channel: Channel
    start: float
    end: float
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Contribution:
    """One step of a moment's score: what one search of one channel said of it. All gains add up to the confidence.

    Attributes:
        kind: how the channel was searched: `words` (BM25), `meaning` (sentence vectors), `picture`, `objects`, `title`.
        rank: its place in that search's own list, from 1.
        raw: that search's own score: BM25, cosine, the detector's certainty.
        calibrated: 0 to 1, what the raw score is worth against chance.
        weight: 0 to 1, how much this channel counts for this query.
        gain: what it added to the confidence.
        asked: the part of the query that it answers; empty where the query has one part only.
    """

    channel: Channel
    kind: str
    rank: int
    raw: float
    calibrated: float
    weight: float
    gain: float
    asked: str = ""


@dataclass(frozen=True, slots=True)
class StageMatch:
    """Where one part of a sequence was found.

    Attributes:
        query: the part as it was written: `said:hello` of `said:hello then a red car`.
        confidence: 0 to 1, of this part alone.
    """

    query: str
    start: float
    end: float
    confidence: float
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a long moment, and what happens in it."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where in its video a moment sits: video, chapter, segment; and the steps inside it.

    Attributes:
        duration: of the video, in seconds.
        share: of the video that the moment covers, 0 to 1.
        chapter: the one that holds most of it, None where the video has none or they cannot be read.
        chapters: how many the video has.
        segment: number of the segment that holds most of it, from 1; 0 where nothing is known of segments.
        segments: how many the video has.
        steps: the parts of a moment that is longer than some sentences, in order; else empty.
    """

    duration: float
    share: float
    chapter: Chapter | None = None
    chapters: int = 0
    segment: int = 0
    segments: int = 0
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """A place in a video that answers a query.

    Attributes:
        score: fused score, comparable within one result list only.
        confidence: 0 to 1, calibrated against the query's own background.
        thumbnail: URL path of its picture on the server, empty without one.
        channels: each channel's contribution to the score.
        stages: for a sequence query (also `while`, `within`), where each part was found, in order.
        offline: the video's file is not there just now: it is found, and cannot be played.
        contributions: how the confidence came about, the largest gain first.
        place: where in its video it sits.
        shortfall: of a near miss, why it is under the cut-off.
    """

    video_id: str
    title: str
    path: str
    start: float
    end: float
    score: float
    confidence: float
    thumbnail: str
    channels: dict[Channel, float]
    evidence: tuple[Evidence, ...]
    stages: tuple[StageMatch, ...] = ()
    offline: bool = False
    contributions: tuple[Contribution, ...] = ()
    place: Place | None = None
    shortfall: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A video or one of its chapters with the best moments inside it.

    Attributes:
        start, end: of the chapter, or of the whole video.
        confidence: 0 to 1, of the whole: that of its best moment, lifted by the others.
        chapter: the chapter; None for a whole video, and for a video that has no chapters.
        moments: the best ones inside it, best first.
        found: how many passed the cut-off inside it, shown or not.
    """

    video_id: str
    title: str
    path: str
    start: float
    end: float
    confidence: float
    moments: tuple[Moment, ...]
    found: int
    chapter: Chapter | None = None
    offline: bool = False


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A ranked list of moments. Those under the cut-off are `near_misses`, never moments.

    Attributes:
        channels: channel to the id of the engine that serves it, None where it is off.
        notes: what the user should know: a channel that is off, a syntax error that was searched as words.
        timings_ms: stage to milliseconds.
        level: what was asked for.
        groups: at the levels of chapters and videos, those that were found, best first; their moments are in `moments`.
        suggestions: the query with near words in the place of those that the library does not have.
    """

    query: str
    took_ms: float
    channels: dict[Channel, str | None]
    moments: tuple[Moment, ...]
    near_misses: tuple[Moment, ...] = ()
    notes: tuple[str, ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict)
    level: Level = "moments"
    groups: tuple[Group, ...] = ()
    suggestions: tuple[str, ...] = ()


def nearest(misses: Sequence[Moment]) -> tuple[Moment, ...]:
    """Of near misses those that a person is shown: what is less sure is noise."""
    return tuple(moment for moment in misses if moment.confidence >= NEAR)
