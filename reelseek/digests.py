"""What a video, or what was found, is about in short: summaries, quotes, names and terms, each with its time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reelseek.answers import Citation
from reelseek.records import Channel

Length = Literal["short", "medium", "long"]
"""About three sentences, about eight, or about twenty."""


@dataclass(frozen=True, slots=True)
class Point:
    """A sentence of a summary, and where it is from.

    Attributes:
        weight: 0 to 1, how much of what is said around it it stands for.
        chapter: the title of the chapter it is in, or empty.
    """

    video_id: str
    start: float
    end: float
    channel: Channel
    text: str
    weight: float
    chapter: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """A name or a term with the places where it occurs.

    Attributes:
        kind: `name` of a person, place or thing; `term` of what stands on screen.
        count: how often it is said or written.
        times: (start, end) of its first occurrences, in order.
        context: the sentence that says most of it.
    """

    text: str
    kind: Literal["name", "term"]
    count: int
    times: tuple[tuple[float, float], ...]
    context: str = ""


@dataclass(frozen=True, slots=True)
class Digest:
    """A summary of a video, or of what a search found.

    Attributes:
        query: what it is focused on, or empty.
        engine: `extractive` (the sentences that stand for most of the others), or the model that wrote `text`.
        text: the summary in words; `[1]` is the first citation.
        points: the sentences it is made of, in order of time.
        quotes: single sentences worth reading out.
        names, terms: people, places and things that are named; terms that stand on screen.
        videos: id to title of the videos it is of.
        partial: whether parts of a long video stand in it in extracts only, since notes of them are still to be made.
    """

    query: str
    length: Length
    engine: str
    text: str
    points: tuple[Point, ...]
    citations: tuple[Citation, ...]
    quotes: tuple[Point, ...]
    names: tuple[Term, ...]
    terms: tuple[Term, ...]
    videos: dict[str, str]
    notes: tuple[str, ...] = ()
    partial: bool = False
