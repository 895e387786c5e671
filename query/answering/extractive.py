"""Answers without a model: the sentences, screen texts, counts and times that answer, quoted and cited."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from query.answering.asked import EXTRACTIVE, TEXTS, Asked, Draft, abstention, citation_of, flat, strongest_citation
from query.answering.choosing import choose
from query.answering.quoting import quotations
from reelseek.answers import Answer
from reelseek.records import Channel, CountStep
from reelseek.results import Evidence, Moment
from reelseek.timecode import format_time
from reelseek.tracks import counts_over_time

_COUNT = re.compile(r"\bhow\s+many\b", re.IGNORECASE)
_WHEN = re.compile(
    r"^\s*(?:(?:and|but|so|by|since|until)\s+)*(?:when|where\s+in|where\s+(?:is|was|are|were)\s+(?:that|this|it|these|those)|at\s+(?:what|which)\s+(?:time|point|minute|second)|what\s+time|from\s+when)\b"
    r"|^\s*(?:and\s+)?where\s*\?*\s*$",
    re.IGNORECASE,
)
_WRITTEN = re.compile(
    r"\b(?:slide|screen|sign|page|board|whiteboard|poster|banner|label|text|title|heading|menu)s?\b.{0,40}"
    r"\b(?:says?|reads?|shows?|written|lists?|contains?)\b|\bwhat\s+is\s+(?:written|shown\s+on)\b",
    re.IGNORECASE,
)
_SEVERAL = re.compile(r"\b(?:slides|screens|signs|pages|boards|posters|banners|labels|menus)\b", re.IGNORECASE)
_SLIDES = 3
_WHO = re.compile(
    r"\bwho(?:se)?\s+(?:else\s+)?(?:(?:said|says|speaks|spoke|talks|talked|told|tells|mentions|mentioned)\b"
    r"|(?:is|was)\s+(?:speaking|talking|saying|that|this|it)\b|(?:words|voice)\b)",
    re.IGNORECASE,
)
_NAMELESS = "a voice without a name"
_VERBS = {Channel.SPEECH: "is said", Channel.CAPTION: "is seen"}
_RELATIVE = 0.75
_COUNTED_VIDEOS = 3


def extractive_answer(asked: Asked, notes: Iterable[str] = ()) -> Answer:
    """Answer with what was found itself, or abstain."""
    if asked.options:
        return choose(asked, notes)
    told = tuple(dict.fromkeys((*asked.result.notes, *notes)))
    if not asked.moments:
        return abstention(asked, EXTRACTIVE, told)
    draft = Draft()
    if _COUNT.search(asked.question):
        _count(asked, draft)
    if _WHO.search(asked.question):
        _who(asked, draft)
    if not draft.sentences and _WRITTEN.search(asked.question):
        _written(asked, draft)
    if not draft.sentences and _WHEN.search(asked.question):
        _when(asked, draft)
    if not draft.sentences:
        _quote(asked, draft)
    if not draft.sentences:
        _seen(asked, draft)
    return Answer(
        asked.question,
        "\n".join(draft.sentences),
        False,
        EXTRACTIVE,
        tuple(draft.citations),
        asked.moments,
        told,
    )


def _quote(asked: Asked, draft: Draft) -> None:
    """The sentences and screen texts that answer, in the order of the moments and of time."""
    for quotation in quotations(asked):
        moment, line = asked.moments[quotation.moment], quotation.line
        citation = citation_of(moment, Evidence(line.channel, line.start, line.end, line.text, quotation.fit))
        if citation is not None:
            verb = _VERBS.get(line.channel, "stands on screen")
            where = f"At {format_time(citation.start)} in “{moment.title}”"
            draft.sentences.append(f"{where} it {verb}: “{flat(line.text)}” [{draft.cite(citation)}]")


def _who(asked: Asked, draft: Draft) -> None:
    """Whose voice says it, as far as voices were told apart and have names."""
    for quotation in quotations(asked, (Channel.SPEECH,)):
        moment, line = asked.moments[quotation.moment], quotation.line
        citation = citation_of(moment, Evidence(line.channel, line.start, line.end, line.text, quotation.fit))
        if citation is not None:
            where = f"At {format_time(citation.start)} in “{moment.title}”"
            voice = flat(line.speaker) or _NAMELESS
            draft.sentences.append(f"{where} {voice} says: “{flat(line.text)}” [{draft.cite(citation)}]")


def _when(asked: Asked, draft: Draft) -> None:
    """The times of the best moments."""
    best = asked.moments[0].confidence
    for moment in asked.moments[:3]:
        if moment.confidence < _RELATIVE * best:
            break
        citation = strongest_citation(moment)
        quote = f": “{citation.quote}”" if citation.quote and citation.channel in TEXTS else ""
        times = f"{format_time(moment.start)} to {format_time(moment.end)}"
        draft.sentences.append(f"From {times} in “{moment.title}”{quote} [{draft.cite(citation)}]")


def _written(asked: Asked, draft: Draft) -> None:
    """Everything that stands on screen at the best moment, in reading order; at several where slides are asked for."""
    for moment in asked.moments[: _SLIDES if _SEVERAL.search(asked.question) else 1]:
        lines = asked.source.lines_between(moment.video_id, moment.start, moment.end, (Channel.SCREEN_TEXT,))
        middle = (moment.start + moment.end) / 2
        standing = [line for line in lines if line.start <= middle <= line.end] or lines
        if not standing:
            continue
        text = " / ".join(dict.fromkeys(flat(line.text) for line in standing))
        start, end = min(line.start for line in standing), max(line.end for line in standing)
        citation = citation_of(moment, Evidence(Channel.SCREEN_TEXT, start, end, text, moment.confidence))
        if citation is not None:
            where = f"At {format_time(citation.start)} in “{moment.title}”"
            draft.sentences.append(f"{where} the screen says: “{text}” [{draft.cite(citation)}]")


def _count(asked: Asked, draft: Draft) -> None:
    """The largest number of each thing asked for that is seen at once, in each of the best videos."""
    asked_for = [count for stage in asked.plan.stages for need in stage.requirements for count in need.objects]
    for moment in _best_per_video(asked.moments):
        tracks = asked.source.tracks_between(moment.video_id, moment.start, moment.end)
        curves = counts_over_time(tracks)
        for count in asked_for:
            most, start, end = _most(curves.get(count.label, ()), moment)
            if not most:
                continue
            seen = Evidence(Channel.OBJECTS, start, end, f"{most} × {count.label}", moment.confidence)
            citation = citation_of(moment, seen)
            if citation is not None:
                draft.sentences.append(
                    f"At most {most} × {count.label} at once, at {format_time(start)} in “{moment.title}” "
                    f"[{draft.cite(citation)}]"
                )


def _most(steps: Sequence[CountStep], moment: Moment) -> tuple[int, float, float]:
    """The largest number within a moment, and when it is first reached and left."""
    best = (0, moment.start, moment.end)
    for first, second in pairwise(steps):
        start, end = max(first.time, moment.start), min(second.time, moment.end)
        if end > start and first.count > best[0]:
            best = (first.count, start, end)
    return best


def _best_per_video(moments: Sequence[Moment]) -> list[Moment]:
    """Of each video the moment with the highest object count in its evidence, for the first few videos."""
    best: dict[str, Moment] = {}
    for moment in moments:
        if moment.video_id not in best or _highest(moment) > _highest(best[moment.video_id]):
            best[moment.video_id] = moment
    return list(best.values())[:_COUNTED_VIDEOS]


def _highest(moment: Moment) -> int:
    numbers = [
        int(number)
        for item in moment.evidence
        if item.channel is Channel.OBJECTS
        for number in re.findall(r"(\d+) ×", item.text)
    ]
    return max(numbers, default=0)


def _seen(asked: Asked, draft: Draft) -> None:
    """Where it is seen, when nothing about it is said or written."""
    for moment in asked.moments[:3]:
        citation = strongest_citation(moment)
        times = f"{format_time(moment.start)} to {format_time(moment.end)}"
        what = f" ({citation.quote})" if citation.channel is Channel.OBJECTS and citation.quote else ""
        draft.sentences.append(f"It is seen in “{moment.title}” from {times}{what} [{draft.cite(citation)}]")
