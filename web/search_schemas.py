"""The API's inputs and outputs of searches and questions."""

from __future__ import annotations

from pydantic import Field

from reelseek.results import Level
from web.schemas import ID_MAX, K_MAX, QUERY_MAX, Channels, In, Out, VideoIds


class SearchQuery(In):
    """A search."""

    q: str = Field("", max_length=QUERY_MAX, description="words, or the query language")
    k: int | None = Field(None, ge=1, le=K_MAX, description="most moments returned")
    video: VideoIds = Field(default_factory=list, description="only in these videos, ids separated by commas")
    library: int | None = Field(None, ge=1, le=ID_MAX, description="only in this library")
    min_confidence: float | None = Field(None, ge=0, le=1, description="what is under it is a near miss")
    channel: Channels = Field(default_factory=list, description="only in these channels, separated by commas")
    level: Level = Field("moments", description="single moments, or chapters or whole videos with the best in each")


class MomentQuery(In):
    """A search in one video."""

    q: str = Field(..., min_length=1, max_length=QUERY_MAX, description="words, or the query language")
    k: int | None = Field(None, ge=1, le=K_MAX, description="most moments returned")


class EvidenceOut(Out):
    """One reason for a moment."""

    channel: str
    start: float
    end: float
    text: str
    score: float


class StageOut(Out):
    """Where one part of a sequence was found."""

    query: str = Field(description="the part as it was written")
    start: float
    end: float
    confidence: float = Field(description="of this part alone")
    evidence: list[EvidenceOut]


class ContributionOut(Out):
    """One step of a moment's score. All gains of a moment add up to its confidence."""

    channel: str
    kind: str = Field(description="how the channel was searched: words, meaning, picture, objects, title, …")
    rank: int = Field(description="place in that search's own list, from 1")
    raw: float = Field(description="that search's own score: BM25, cosine, the detector's certainty")
    calibrated: float = Field(description="0 to 1, what the raw score is worth against chance")
    weight: float = Field(description="0 to 1, how much this channel counts for this query")
    gain: float = Field(description="what it added to the confidence")
    asked: str = Field(description="the part of the query that it answers; empty where there is one part only")


class ChapterPlaceOut(Out):
    """A chapter, by its number from 1."""

    number: int
    title: str
    start: float
    end: float


class StepOut(Out):
    """A part of a long moment, and what happens in it."""

    start: float
    end: float
    text: str


class PlaceOut(Out):
    """Where in its video a moment sits."""

    duration: float = Field(description="of the video, in seconds")
    share: float = Field(description="of the video that the moment covers, 0 to 1")
    chapter: ChapterPlaceOut | None
    chapters: int = Field(description="how many the video has")
    segment: int = Field(description="number of the segment that holds most of it, from 1")
    segments: int = Field(description="how many the video has")
    steps: list[StepOut] = Field(description="the parts of a moment that is longer than 20 s, else empty")


class MomentOut(Out):
    """A place in a video that answers a query."""

    video_id: str
    title: str
    path: str
    start: float
    end: float
    score: float
    confidence: float
    thumbnail: str
    channels: dict[str, float]
    evidence: list[EvidenceOut]
    stages: list[StageOut] | None = Field(None, description="of a sequence, where each part was found, in order")
    offline: bool = Field(False, description="whether the video's file is not there now, so that it cannot be played")
    contributions: list[ContributionOut] = Field(default_factory=list, description="how the confidence came about")
    place: PlaceOut | None = Field(None, description="where in its video it sits")
    shortfall: str = Field("", description="of a near miss, why it is under the cut-off")


class GroupOut(Out):
    """A video or one of its chapters with the best moments inside it."""

    video_id: str
    title: str
    path: str
    chapter: ChapterPlaceOut | None
    start: float
    end: float
    confidence: float = Field(description="of the whole: that of its best moment, lifted by the others")
    found: int = Field(description="moments that passed the cut-off inside it, shown or not")
    offline: bool
    moments: list[MomentOut]


class SaliencyQuery(In):
    """What highlight scores are of."""

    q: str = Field(..., min_length=1, max_length=QUERY_MAX, description="words, or the query language")


class SaliencyOut(Out):
    """How much each stretch of a video has to do with a query."""

    query: str
    step: float = Field(description="seconds that have one score; the last may be shorter")
    scores: list[float] = Field(description="0 to 1, in order from the start of the video")


class SearchOut(Out):
    """Ranked moments; what is under the cut-off is a near miss."""

    query: str
    took_ms: float
    channels: dict[str, str | None] = Field(description="channel to engine, null where it is off")
    level: str
    moments: list[MomentOut]
    groups: list[GroupOut] = Field(description="at the levels of chapters and videos, what was found, best first")
    near_misses: list[MomentOut]
    notes: list[str]
    suggestions: list[str] = Field(
        default_factory=list, description="the query with near words for those that the library does not have"
    )
    timings_ms: dict[str, float] = Field(description="stage to milliseconds")


class CitationOut(Out):
    """What a claim rests on."""

    video_id: str
    start: float
    end: float
    channel: str
    quote: str
