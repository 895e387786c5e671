"""Passages and single lines as one list: which stretch of time is shown, how sure it is, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from query.ranking.runs import Run
from query.source import Line
from query.texts.passages import Passage
from reelseek.records import Channel
from reelseek.results import Contribution, Evidence

SURE = 0.8
"""Confidence of a line by its own words or meaning from which it is a find of its own, with its own boundaries."""

NEAR_MISS = 0.35
"""Confidence up to which a line's own holds for its passage: too little for a find, enough to be a near miss."""

TELLS = 0.5
"""Confidence of a line from which it is where a passage says what was asked for."""

LITERAL_SHARE, NEARLY_SHARE = 0.9, 0.5
"""How much a sure line's own confidence counts beside its surroundings where words are looked for: where a line has
them all, and where none does. In an answer to a question it counts among the signals of the passage alone."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """The places of lines in the two searches of the index, from 1."""

    words: dict[tuple[str, int], int]
    meaning: dict[tuple[str, int], int]

    @classmethod
    def of(cls, lines: Sequence[Line]) -> Ranks:
        """By BM25 and by cosine."""
        by_words = sorted((line for line in lines if line.bm25 > 0), key=lambda line: -line.bm25)
        by_meaning = sorted((line for line in lines if line.cosine is not None), key=lambda line: -(line.cosine or 0.0))
        return cls(
            {line.key: rank for rank, line in enumerate(by_words, start=1)},
            {line.key: rank for rank, line in enumerate(by_meaning, start=1)},
        )


def ranked(passages: Sequence[Passage], runs: Sequence[Run], ranks: Ranks, *, literal: bool, asks: bool) -> list[Run]:
    """Runs of passages, and of the lines that are sure finds by themselves.

    A passage around a sure find takes its boundaries: the sentence that says what was asked for is the answer. Where no
    sentence does, the answer is the passage. A question is answered in the order of the passages, whose surroundings
    say more than one sentence does; where words are looked for, every sentence that surely has them is a find.

    Args:
        passages: best first.
        runs: of lines judged alone.
        literal: the words themselves are looked for, nothing is asked, and a line has them all: that one says most.
        asks: something is asked.
    """
    titles = [run for run in runs if run.channel is Channel.TITLE]
    lines = [run for run in runs if run.channel is not Channel.TITLE]
    return titles + (_looked_for(passages, lines, ranks) if literal else _asked(passages, lines, ranks, asks))


def _looked_for(passages: Sequence[Passage], lines: Sequence[Run], ranks: Ranks) -> list[Run]:
    sure = _by_video(lines, SURE)
    found: list[Run] = []
    used: set[int] = set()
    for place, passage in enumerate(passages, start=1):
        made = _run(passage, place, ranks)
        if own := [run for run in sure.get(made.video_id, ()) if _holds(run, passage)]:
            best = max(own, key=lambda run: run.confidence)
            used.add(id(best))
            made = _as_sure(_tight(made, best), _surer(made, best, LITERAL_SHARE))
        else:
            # words that stand in one line somewhere are not looked for in what stands around others
            made = _as_sure(made, min(made.confidence, max(_own(lines, passage), default=0.0)))
        found.append(made)
    # a sure find that a better passage nearby stands for is still another sentence that has what was looked for
    return found + [run for own in sure.values() for run in own if id(run) not in used]


def _asked(passages: Sequence[Passage], lines: Sequence[Run], ranks: Ranks, asks: bool) -> list[Run]:
    telling = _by_video(lines, TELLS)
    found: list[Run] = []
    for place, passage in enumerate(passages, start=1):
        made = _run(passage, place, ranks)
        made = _as_sure(made, max(made.confidence, min(NEAR_MISS, max(_own(lines, passage), default=0.0))))
        if own := [run for run in telling.get(made.video_id, ()) if _lies_in(run, passage)]:
            best = next((run for run in own if _holds(run, passage)), max(own, key=lambda run: run.confidence))
            sure = not asks and best.confidence >= SURE
            made = _as_sure(_tight(made, best), _surer(made, best, NEARLY_SHARE) if sure else made.confidence)
        found.append(made)
    surest = _falling(sorted((run.confidence for run in found), reverse=True))
    return [_as_sure(run, confidence) for run, confidence in zip(found, surest, strict=True)]


def _falling(confidences: Iterable[float]) -> Iterator[float]:
    """The same, with none equal to the one before: the order is kept wherever they go."""
    last = 1.0
    for confidence in confidences:
        last = min(confidence, last * 0.9999)
        yield last


def _own(lines: Sequence[Run], passage: Passage) -> list[float]:
    return [run.confidence for run in lines if run.video_id == passage.line.video_id and _holds(run, passage)]


def _by_video(lines: Sequence[Run], least: float) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = {}
    for run in lines:
        if run.confidence >= least:
            found.setdefault(run.video_id, []).append(run)
    return found


def _holds(run: Run, passage: Passage) -> bool:
    line = passage.line
    return run.channel is line.channel and run.start <= line.start + 0.01 and run.end >= line.end - 0.01


def _lies_in(run: Run, passage: Passage) -> bool:
    return run.channel is passage.line.channel and passage.start <= (run.start + run.end) / 2 <= passage.end


def _tight(passage: Run, line: Run) -> Run:
    """A passage with the boundaries of the line that it is about."""
    return replace(passage, start=line.start, end=line.end, evidence=line.evidence or passage.evidence)


def _surer(passage: Run, line: Run, share: float) -> float:
    return share * line.confidence + (1.0 - share) * max(passage.confidence, 0.9 * line.confidence)


def _as_sure(run: Run, confidence: float) -> Run:
    """The same find with another confidence; what speaks for it adds up to that."""
    contributions = _scaled(run.contributions, confidence)
    return replace(run, confidence=confidence, parts={run.channel: confidence}, contributions=contributions)


def _run(passage: Passage, place: int, ranks: Ranks) -> Run:
    line, confidence = passage.line, passage.confidence
    evidence = (Evidence(line.channel, line.start, line.end, line.text, confidence),)
    whole = max(1e-9, max(0.0, passage.words) + max(0.0, passage.meaning))
    contributions = tuple(
        Contribution(
            channel=line.channel,
            kind=kind,
            rank=own.get(line.key, place),
            raw=value,
            calibrated=confidence,
            weight=1.0,
            gain=confidence * max(0.0, value) / whole,
        )
        for kind, value, own in (("words", passage.words, ranks.words), ("meaning", passage.meaning, ranks.meaning))
        if value > 0
    )
    return Run(
        line.video_id,
        passage.start,
        passage.end,
        line.channel,
        confidence,
        evidence,
        {line.channel: confidence},
        passage.score,
        contributions=contributions,
    )


def _scaled(contributions: Sequence[Contribution], confidence: float) -> tuple[Contribution, ...]:
    have = sum(item.gain for item in contributions)
    return tuple(replace(item, gain=item.gain * confidence / have) if have > 0 else item for item in contributions)
