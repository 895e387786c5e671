"""Where exactly, of what is said and written: from scored lines to stretches of time."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from query.ranking.runs import Run
from query.source import Line
from query.texts.scale import WordStatistics
from query.texts.words import squash
from reelseek.records import Channel
from reelseek.results import Evidence

SPEECH_PAUSE = 3.0
"""Longest silence (s) over which two sentences are still one moment."""

CONTINUES = 0.7
"""A neighbour belongs to the run when its confidence is at least this share of the run's peak."""

SPREAD_SHARE = 0.7
"""What several sentences together add to the best of them alone."""

_WAVER = 1.0
_SAME = 0.75


@dataclass(frozen=True, slots=True)
class ScoredLine:
    """A line with the query words it has, its meaning's confidence, and both together."""

    line: Line
    matched: frozenset[str]
    meaning: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Sought:
    """The stems that are looked for, what they are worth here, and whether it is a question."""

    terms: Sequence[str]
    words: WordStatistics
    asks: bool


def text_runs(
    lines: Iterable[ScoredLine], terms: Sequence[str], words: WordStatistics, *, asks: bool = False
) -> list[Run]:
    """Stretches of speech, screen text or captions: sentences that continue one another, text that stands together.

    Args:
        asks: something is asked: the answer may go on in a sentence that has fewer of the words.
    """
    sought = Sought(terms, words, asks)
    groups: dict[tuple[str, Channel], list[ScoredLine]] = {}
    for item in lines:
        groups.setdefault((item.line.video_id, item.line.channel), []).append(item)
    runs: list[Run] = []
    for (_, channel), group in groups.items():
        group.sort(key=lambda item: (item.line.start, item.line.index))
        join = _spoken_run if channel is Channel.SPEECH else _written_run
        free = set(range(len(group)))
        for at in sorted(free, key=lambda i: (-group[i].confidence, group[i].line.start)):
            if at not in free:
                continue
            members = join(group, at, free, sought)
            free -= set(members)
            runs.append(_run_of([group[i] for i in members], channel, sought))
    return _rejoined(runs)


def _rejoined(runs: Iterable[Run]) -> list[Run]:
    """Join runs of screen text that are one text: a reading that wavers begins new lines for no reason."""
    joined: list[Run] = []
    for run in sorted(runs, key=lambda item: (item.video_id, item.channel, item.start)):
        last = joined[-1] if joined else None
        if last is None or not _same_text(last, run):
            joined.append(run)
            continue
        better = max(last, run, key=lambda item: item.confidence)
        joined[-1] = replace(
            better, start=last.start, end=max(last.end, run.end), evidence=(*last.evidence, *run.evidence)
        )
    return joined


def _same_text(first: Run, second: Run) -> bool:
    if first.video_id != second.video_id or first.channel is not second.channel or first.channel is Channel.SPEECH:
        return False
    if not -0.5 <= second.start - first.end <= _WAVER or second.end <= first.end:
        return False
    before, after = (squash(" ".join(sorted(item.text for item in run.evidence))) for run in (first, second))
    return difflib.SequenceMatcher(None, before, after, autojunk=False).ratio() >= _SAME


def _spoken_run(group: Sequence[ScoredLine], at: int, free: set[int], sought: Sought) -> list[int]:
    """The peak and its neighbours, as long as they are said right before or after and add to it or are as good."""
    members = [at]
    for step in (1, -1):
        edge = at
        while (beside := edge + step) in free:
            first, second = (edge, beside) if step > 0 else (beside, edge)
            if group[second].line.start - group[first].line.end > SPEECH_PAUSE:
                break
            if not _continues(group, members, beside, sought):
                break
            members.append(beside)
            edge = beside
    return sorted(members)


def _written_run(group: Sequence[ScoredLine], at: int, free: set[int], sought: Sought) -> list[int]:
    """The peak and the lines that stand on screen at the same time for most of their showing."""
    members = [at]
    peak = group[at].line
    others = sorted(free - {at}, key=lambda i: -group[i].confidence)
    for other in others:
        line = group[other].line
        shared = min(peak.end, line.end) - max(peak.start, line.start)
        together = shared >= 0.5 * max(1e-6, peak.end - peak.start, line.end - line.start)
        if together and shared >= 0 and _continues(group, members, other, sought):
            members.append(other)
    return members


def _continues(group: Sequence[ScoredLine], members: Sequence[int], other: int, sought: Sought) -> bool:
    terms, words = sought.terms, sought.words
    have = frozenset[str]().union(*(group[i].matched for i in members))
    gained = words.coverage(terms, have | group[other].matched) - words.coverage(terms, have)
    if gained >= 0.1:
        return True
    # beside what has every word, what has some of them is another matter
    complete = not sought.asks and bool(terms) and have.issuperset(terms)
    like = group[other].confidence >= CONTINUES * group[members[0]].confidence
    return like and (not complete or group[other].matched.issuperset(terms))


def _run_of(members: Sequence[ScoredLine], channel: Channel, sought: Sought) -> Run:
    peak = max(members, key=lambda item: item.confidence)
    matched = frozenset[str]().union(*(item.matched for item in members))
    together = (
        sought.words.confidence(sought.terms, matched) * (0.7 + 0.3 * peak.line.certainty) if len(members) > 1 else 0.0
    )
    # words that are spread over sentences say less than a sentence that has them all
    share = SPREAD_SHARE if channel is Channel.SPEECH else 1.0
    confidence = peak.confidence + share * max(0.0, together - peak.confidence)
    if channel is Channel.SPEECH:
        start, end = min(item.line.start for item in members), max(item.line.end for item in members)
    else:
        # lines that stand together: the time they share, for that is when all of it can be read
        start, end = max(item.line.start for item in members), min(item.line.end for item in members)
        if end <= start:
            start, end = peak.line.start, peak.line.end
    evidence = tuple(
        Evidence(channel, item.line.start, item.line.end, item.line.text, item.confidence) for item in members
    )
    raw = peak.line.cosine if peak.line.cosine is not None else peak.line.bm25
    return Run(peak.line.video_id, start, end, channel, confidence, evidence, {channel: confidence}, raw)
