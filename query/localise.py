"""Where exactly: from scored lines, pictures and objects to stretches of time."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from query.calibrate import WordStatistics
from query.source import Frame, Line
from query.words import squash
from reelseek.records import Channel, Evidence

SPEECH_PAUSE = 3.0
"""Longest silence (s) over which two sentences are still one moment."""

GAP = 1.5
"""Longest gap (s) over which pictures or objects are still one run."""

CONTINUES = 0.7
"""A neighbour belongs to the run when its strength is at least this share of the run's peak."""

CONTINUES_PAST_CUT = 0.88
"""The same for a picture behind a cut: another shot is another thing unless it fits about as well."""

_WAVER = 1.0
_SAME = 0.75


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of one video that shows one thing that was asked for.

    Attributes:
        channel: whose times these are.
        confidence: 0 to 1, that it is meant.
        parts: each channel's confidence, weighted, as it went into the whole.
        raw: the channel's own uncalibrated score (cosine, BM25, detector), for explanation.
    """

    video_id: str
    start: float
    end: float
    channel: Channel
    confidence: float
    evidence: tuple[Evidence, ...] = ()
    parts: dict[Channel, float] = field(default_factory=dict)
    raw: float = 0.0
    stages: tuple[tuple[float, float], ...] = ()

    @property
    def length(self) -> float:
        """Seconds."""
        return self.end - self.start

    def overlap(self, other: Run) -> float:
        """Seconds that both cover; 0 in different videos."""
        if self.video_id != other.video_id:
            return 0.0
        return max(0.0, min(self.end, other.end) - max(self.start, other.start))

    def iou(self, other: Run) -> float:
        """Temporal intersection over union."""
        both = self.overlap(other)
        union = self.length + other.length - both
        return both / union if union > 0 else float(both > 0)


@dataclass(frozen=True, slots=True)
class ScoredLine:
    """A line with the query words it has, its meaning's confidence, and both together."""

    line: Line
    matched: frozenset[str]
    meaning: float
    confidence: float


def text_runs(lines: Iterable[ScoredLine], terms: Sequence[str], words: WordStatistics) -> list[Run]:
    """Stretches of speech, screen text or captions: sentences that continue one another, text that stands together."""
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
            members = join(group, at, free, terms, words)
            free -= set(members)
            runs.append(_run_of([group[i] for i in members], channel, terms, words))
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


def _spoken_run(
    group: Sequence[ScoredLine], at: int, free: set[int], terms: Sequence[str], words: WordStatistics
) -> list[int]:
    """The peak and its neighbours, as long as they are said right before or after and add to it or are as good."""
    members = [at]
    for step in (1, -1):
        edge = at
        while (beside := edge + step) in free:
            first, second = (edge, beside) if step > 0 else (beside, edge)
            if group[second].line.start - group[first].line.end > SPEECH_PAUSE:
                break
            if not _continues(group, members, beside, terms, words):
                break
            members.append(beside)
            edge = beside
    return sorted(members)


def _written_run(
    group: Sequence[ScoredLine], at: int, free: set[int], terms: Sequence[str], words: WordStatistics
) -> list[int]:
    """The peak and the lines that stand on screen at the same time for most of their showing."""
    members = [at]
    peak = group[at].line
    others = sorted(free - {at}, key=lambda i: -group[i].confidence)
    for other in others:
        line = group[other].line
        shared = min(peak.end, line.end) - max(peak.start, line.start)
        together = shared >= 0.5 * max(1e-6, peak.end - peak.start, line.end - line.start)
        if together and shared >= 0 and _continues(group, members, other, terms, words):
            members.append(other)
    return members


def _continues(
    group: Sequence[ScoredLine], members: Sequence[int], other: int, terms: Sequence[str], words: WordStatistics
) -> bool:
    have = frozenset[str]().union(*(group[i].matched for i in members))
    gained = words.coverage(terms, have | group[other].matched) - words.coverage(terms, have)
    return gained >= 0.1 or group[other].confidence >= CONTINUES * group[members[0]].confidence


def _run_of(members: Sequence[ScoredLine], channel: Channel, terms: Sequence[str], words: WordStatistics) -> Run:
    peak = max(members, key=lambda item: item.confidence)
    matched = frozenset[str]().union(*(item.matched for item in members))
    together = words.confidence(terms, matched) * (0.7 + 0.3 * peak.line.certainty) if len(members) > 1 else 0.0
    confidence = max(peak.confidence, together)
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


def picture_runs(
    frames: Sequence[Frame],
    strengths: Sequence[float],
    confidences: Sequence[float],
    *,
    least: float,
    described: str,
    cosines: Sequence[float],
) -> list[Run]:
    """Stretches of keyframes around each peak of the score curve.

    A run takes neighbours while their strength stays at `CONTINUES` of the peak's. It begins with the change that made
    its first keyframe and ends where its last one stops standing; at the first or last keyframe of a shot these are the
    shot's own boundaries. `frames` come ordered by video and time.
    """
    free = {i for i in range(len(frames)) if confidences[i] >= least}
    runs: list[Run] = []
    for at in sorted(free, key=lambda i: -strengths[i]):
        if at not in free or strengths[at] <= 0:
            continue
        first = last = at
        while _joins(frames, last, last + 1, strengths, free, peak=strengths[at]):
            last += 1
        while _joins(frames, first, first - 1, strengths, free, peak=strengths[at]):
            first -= 1
        free -= set(range(_foot(frames, first, -1, strengths), _foot(frames, last, 1, strengths) + 1))
        start, end = frames[first].start, max(frames[last].end, frames[last].start)
        before = frames[first - 1].end if first and _same_video(frames, first, first - 1) else 0.0
        start = min(start, before) if start - before <= GAP else start
        text = f"looks like {described}" if described else "looks like the example picture"
        evidence = Evidence(Channel.VISUAL, frames[at].start, frames[at].end, text, confidences[at])
        runs.append(
            Run(
                frames[at].video_id,
                start,
                end,
                Channel.VISUAL,
                confidences[at],
                (evidence,),
                {Channel.VISUAL: confidences[at]},
                cosines[at],
            )
        )
    return runs


def _joins(
    frames: Sequence[Frame], edge: int, beside: int, strengths: Sequence[float], free: set[int], *, peak: float
) -> bool:
    if beside not in free or not _same_video(frames, edge, beside):
        return False
    earlier, later = min(edge, beside), max(edge, beside)
    share = CONTINUES if frames[earlier].shot == frames[later].shot else CONTINUES_PAST_CUT
    return frames[later].start - frames[earlier].end <= GAP and strengths[beside] >= share * peak


def _foot(frames: Sequence[Frame], edge: int, step: int, strengths: Sequence[float]) -> int:
    """How far the score falls away from a run: its flank is no moment of its own."""
    while 0 <= edge + step < len(frames) and _same_video(frames, edge, edge + step):
        earlier, later = sorted((edge, edge + step))
        if strengths[edge + step] > strengths[edge] or frames[later].start - frames[earlier].end > GAP:
            break
        edge += step
    return edge


def _same_video(frames: Sequence[Frame], a: int, b: int) -> bool:
    return frames[a].video_id == frames[b].video_id


def suppress(runs: Iterable[Run], limit: int) -> list[Run]:
    """Temporal non-maximum suppression: of runs that show the same place the best remains. Best first.

    A run inside a longer one that was ranked before it says nothing new unless the longer is a whole long video.
    """
    kept: list[Run] = []
    by_video: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda item: (-item.confidence, item.video_id, item.start, item.length)):
        same = by_video.setdefault(run.video_id, [])
        if any(_repeats(run, better) for better in same):
            continue
        same.append(run)
        kept.append(run)
        if len(kept) >= limit:
            break
    return kept


def _repeats(run: Run, better: Run) -> bool:
    both = run.overlap(better)
    shorter = min(run.length, better.length)
    if shorter <= 0:
        return max(run.start, better.start) <= min(run.end, better.end) and run.video_id == better.video_id
    if run.iou(better) >= 0.4:
        return True
    return both >= 0.8 * shorter and max(run.length, better.length) <= 60.0
