"""Which sentences and screen texts answer a question: the ones that a person would read out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.reader import Scope
from index.scope import OneOf, Overlaps
from query.answering.asked import TEXTS, Asked, flat
from query.planning.plan import cue_free_terms
from query.ranking.calibrate import Null
from query.source import Line
from query.texts.numbers import numbers_in
from query.texts.words import stems
from reelseek.records import Channel, Vector
from reelseek.results import Evidence, Moment

MOMENTS = 3
"""Moments that are read for quotations."""

RELATIVE = 0.75
"""A further moment, or sentence, is read out when it is at least this share as good as the best."""

_SENTENCES = 4
_SURVEY = 8
_SURVEYED = re.compile(
    r"\b(?:summari[sz]e|summary|overview|outline|discuss(?:ed|ion)?|explain|describe|opinions?|main\s+points?)\b", re.I
)
_NUMERIC = re.compile(
    r"\bhow\s+(?:many|much|long|old|far|often|hot|big|large|high|fast)\b|\bwhat\s+(?:number|price|size|percentage|temperature)\b",
    re.I,
)
_REPEATS = 0.85
_BESIDE = 0.25
_NUMBERED = 0.1


@dataclass(frozen=True, slots=True)
class Quotation:
    """A line that answers. `fit` is 0 to 1, how well; `moment` counts from 0, best first."""

    moment: int
    line: Line
    fit: float


def quotations(asked: Asked, channels: Sequence[Channel] = TEXTS) -> list[Quotation]:
    """The lines that answer best: the best one, then by moment and in order of time; each says something new.

    The best one is of the best moment: what was found for the question as a whole outranks how well a single sentence
    resembles it.
    """
    moments = _good(asked.moments)
    read = [
        (at, line, vector) for at, moment in enumerate(moments) for line, vector in _lines_of(asked, moment, channels)
    ]
    if not read:
        return []
    if asked.bare and (told := _told(moments, read)):
        return told
    fits = _fits(asked, read, moments)
    most = _SURVEY if _SURVEYED.search(asked.question) else _SENTENCES
    chosen: list[int] = []
    first = max((i for i, item in enumerate(read) if item[0] == read[0][0]), key=lambda i: fits[i])
    for at in (first, *sorted(range(len(read)), key=lambda i: -fits[i])):
        if len(chosen) >= most or fits[at] < RELATIVE * fits[first]:
            continue
        if at not in chosen and not any(_repeats(read[at], read[other]) for other in chosen):
            chosen.append(at)
    chosen.sort(key=lambda i: (i != first, read[i][0], read[i][1].start))
    return [Quotation(read[i][0], read[i][1], fits[i]) for i in chosen]


def _told(moments: Sequence[Moment], read: Sequence[_Read]) -> list[Quotation]:
    """The lines that are evidence of their moments, whatever they say."""
    return [
        Quotation(at, line, 1.0) for at, line, _ in read if any(_is_told(item, line) for item in moments[at].evidence)
    ]


def _is_told(item: Evidence, line: Line) -> bool:
    """Whether a piece of evidence is that line; what a conversation sends back has no text."""
    return (item.channel, item.start) == (line.channel, line.start) and flat(item.text) in ("", flat(line.text))


def _good(moments: Sequence[Moment]) -> list[Moment]:
    best = moments[0].confidence if moments else 0.0
    return [moment for moment in moments[:MOMENTS] if moment.confidence >= RELATIVE * best]


_Read = tuple[int, Line, Vector | None]


def _lines_of(asked: Asked, moment: Moment, channels: Sequence[Channel]) -> list[tuple[Line, Vector | None]]:
    """What is said and written in a moment, with its meaning where that is indexed."""
    found = asked.source.lines_between(moment.video_id, moment.start, moment.end, channels)
    inside = [line for line in found if min(line.end, moment.end) - max(line.start, moment.start) > 0] or found
    if asked.searcher.text_space is None:
        return [(line, None) for line in inside]
    where = (OneOf("channel", tuple(map(str, channels))), Overlaps(moment.start, moment.end))
    scope = Scope(asked.source.scope.hidden, frozenset((moment.video_id,)), where)
    rows, vectors = asked.source.snapshot.scan_vectors(
        "lines", "text", scope, space=asked.searcher.text_space, columns=("line_index",)
    )
    known = {row["line_index"]: vector for row, vector in zip(rows, vectors, strict=True)}
    return [(line, known.get(line.index)) for line in inside]


def _fits(asked: Asked, read: Sequence[_Read], moments: Sequence[Moment]) -> list[float]:
    """How well each line answers, 0 to 1: words and meaning, its own and a share of its neighbours, and evidence."""
    terms = cue_free_terms(asked.question)
    words = asked.source.statistics.words
    query: Vector | None = None
    chance = Null.of(())
    if asked.searcher.text_space is not None:
        query = asked.searcher.encoders.sentence(asked.question)
        chance = Null.of(asked.searcher.encoders.sentence_bank(query) @ query)
    wants_number = bool(_NUMERIC.search(asked.question))
    own = []
    for at, line, vector in read:
        covered = words.coverage(terms, set(stems(line.text)))
        near = chance.nearness(float(vector @ query)) if vector is not None and query is not None else 0.0
        shown = max((item.score for item in moments[at].evidence if _is_of(item.start, item.end, line)), default=0.0)
        own.append(0.35 * covered + 0.45 * near + 0.2 * shown)
    fits = []
    for i, (at, line, _) in enumerate(read):
        beside = max((own[j] for j in (i - 1, i + 1) if 0 <= j < len(read) and read[j][0] == at), default=0.0)
        bonus = _NUMBERED if wants_number and numbers_in(line.text) else 0.0
        length = min(1.0, len(flat(line.text).split()) / 4)  # "Okay." answers nothing
        fits.append(min(1.0, (own[i] + _BESIDE * max(0.0, beside - own[i]) + bonus) * (0.5 + 0.5 * length)))
    return fits


def _is_of(start: float, end: float, line: Line) -> bool:
    return min(end, line.end) - max(start, line.start) > 0.5 * max(1e-6, min(end - start, line.end - line.start))


def _repeats(one: _Read, other: _Read) -> bool:
    """Whether two lines say the same."""
    if flat(one[1].text).casefold() == flat(other[1].text).casefold():
        return True
    first, second = one[2], other[2]
    return first is not None and second is not None and float(first @ second) >= _REPEATS
