"""The API's inputs and outputs of summaries."""

from __future__ import annotations

from pydantic import Field

from reelseek.digests import Length
from web.schemas import ID_MAX, QUERY_MAX, In, Out
from web.search_schemas import CitationOut


class VideoDigest(In):
    """How a video is summed up."""

    q: str = Field("", max_length=QUERY_MAX, description="what matters; empty sums up all of it")
    length: Length = Field("medium", description="about three, eight or twenty sentences")
    model: bool = Field(True, description="whether a model may write it, where there is one")


class SearchDigest(VideoDigest):
    """What is searched for and summed up."""

    q: str = Field(..., min_length=1, max_length=QUERY_MAX, description="words, or the query language")
    library: int | None = Field(None, ge=1, le=ID_MAX, description="only in this library")


class SpanOut(Out):
    """A stretch of time in seconds."""

    start: float
    end: float


class PointOut(Out):
    """A sentence of a summary, and where it is from."""

    video_id: str
    start: float
    end: float
    channel: str
    text: str
    weight: float = Field(description="0 to 1, how much of what is said around it it stands for")
    chapter: str = Field(description="the chapter it is in, or empty")


class TermOut(Out):
    """A name or a term."""

    text: str
    kind: str = Field(description="`name` or `term`")
    count: int
    times: list[SpanOut] = Field(description="its first occurrences")
    context: str = Field(description="the sentence that says most of it, or empty")


class DigestOut(Out):
    """A summary."""

    query: str
    length: str
    engine: str = Field(description="the model that wrote the text, or `extractive`")
    text: str = Field(description="`[1]` is the first citation")
    points: list[PointOut]
    citations: list[CitationOut]
    quotes: list[PointOut]
    names: list[TermOut]
    terms: list[TermOut]
    videos: dict[str, str] = Field(description="id to title")
    notes: list[str]
    partial: bool = Field(description="whether notes of parts of a long video are still to be made; `notes` says more")


class NotesOut(Out):
    """How far a model's notes of a video go."""

    video_id: str
    segments: int = Field(description="segments in which something is said or written")
    noted: int = Field(description="those of which notes exist; a short video needs none, and counts as whole")
    rest: str = Field(description="what becomes of the others, in a sentence; empty where none is missing")
