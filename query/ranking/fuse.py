"""One list of runs out of many: channels that agree support each other, and what must hold together is joined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from query.ranking.runs import Run, suppress
from query.ranking.waterfall import explained, joined, shared
from reelseek.records import Channel
from reelseek.results import Evidence

SUPPORT = 0.5
"""How much another channel's agreement counts beside the run's own evidence."""

TITLE_SUPPORT = 0.25
"""The same for the video's title, which speaks for every place in it alike."""

NEAR = 10.0
"""Longest distance (s) between two things that hold "at one place" though not at one time."""

_STATES = (Channel.VISUAL, Channel.OBJECTS)
EVIDENCE = 8
"""Pieces of evidence that a moment shows."""


def fuse(runs: Sequence[Run], limit: int, asked: str = "") -> list[Run]:
    """Fuse one requirement's runs: noisy-or of a run's own confidence and what other channels say of the same place.

    Each run stays an anchor with its own boundaries; the best of those that show the same place remain. Titles speak
    for a whole video: they lift what is found in it, and stand alone only where nothing else is found.

    Args:
        asked: the part of the query that the runs answer, for the explanation; empty where it is the whole query.
    """
    runs = explained(runs, asked)
    titles: dict[str, Run] = {}
    timed: dict[str, list[Run]] = {}
    for run in runs:
        if run.channel is Channel.TITLE:
            if run.video_id not in titles or run.confidence > titles[run.video_id].confidence:
                titles[run.video_id] = run
        else:
            timed.setdefault(run.video_id, []).append(run)
    fused: list[Run] = []
    for video_id, group in timed.items():
        fused += [_supported(run, group, titles.get(video_id)) for run in group]
    for video_id, title in titles.items():
        best = max((run.confidence for run in timed.get(video_id, ())), default=0.0)
        if best < title.confidence:
            fused.append(title)
    return suppress(fused, limit)


def _supported(run: Run, group: Sequence[Run], title: Run | None) -> Run:
    """A run with the support of the other channels at its place."""
    helpers: dict[Channel, Run] = {}
    for other in group:
        if other.channel is run.channel or not _together(run, other):
            continue
        if other.channel not in helpers or other.confidence > helpers[other.channel].confidence:
            helpers[other.channel] = other
    if title is not None:
        helpers[Channel.TITLE] = title
    if not helpers:
        return run
    remaining = 1.0 - run.confidence
    standing = min(1.0, run.confidence / 0.5)  # support makes a likely place surer, not an unlikely one likely
    parts = dict(run.parts)
    evidence = list(run.evidence)
    contributions = list(run.contributions)
    for channel, other in sorted(helpers.items(), key=lambda item: -item[1].confidence):
        share = TITLE_SUPPORT if channel is Channel.TITLE else SUPPORT
        gain = remaining * standing * share * max(0.0, (other.confidence - 0.2) / 0.8)
        remaining -= gain
        if gain > 0:
            parts[channel] = gain
            evidence += other.evidence[:2]
            contributions += shared(other.contributions, gain)
    return replace(
        run,
        confidence=1.0 - remaining,
        parts=parts,
        evidence=_best(evidence),
        contributions=tuple(contributions),
    )


def _together(run: Run, other: Run) -> bool:
    shorter = min(run.length, other.length)
    both = run.overlap(other)
    return both > 0 and both >= 0.5 * shorter


def conjoin(parts: Sequence[Sequence[Run]], limit: int) -> list[Run]:
    """Places where every requirement holds: at the same time, or else within `NEAR` seconds.

    The weakest of them is the confidence of the whole.
    """
    together = list(parts[0])
    for following in parts[1:]:
        by_video: dict[str, list[Run]] = {}
        for run in following:
            by_video.setdefault(run.video_id, []).append(run)
        pairs = (_join(first, second) for first in together for second in by_video.get(first.video_id, ()))
        together = suppress((pair for pair in pairs if pair is not None), limit)
    return together


def _join(first: Run, second: Run, *, near: float = NEAR) -> Run | None:
    start, end = max(first.start, second.start), min(first.end, second.end)
    factor = 1.0
    if end <= start:
        if start - end > near:
            return None
        factor = 1.0 - 0.3 * (start - end) / near
        start, end = min(first.start, second.start), max(first.end, second.end)
    stronger, weaker = sorted((first, second), key=lambda run: -run.confidence)
    # the weaker decides; the stronger only orders what is equally weak
    confidence = factor * weaker.confidence * (0.95 + 0.05 * stronger.confidence)
    return Run(
        first.video_id,
        start,
        end,
        weaker.channel,
        confidence,
        _best((*first.evidence, *second.evidence)),
        _shares(confidence, first, second),
        weaker.raw,
        contributions=joined(confidence, first, second),
    )


def meet(first: Run, second: Run) -> Run | None:
    """Two runs at the same time (`A while B`): the time that both cover, or None."""
    run = _join(first, second, near=-1.0)
    return replace(run, stages=(*first.stages, *second.stages)) if run is not None else None


def chained(runs: Sequence[Run], closeness: float) -> Run:
    """Runs of one video, one after the other, as one: the weakest decides.

    Args:
        closeness: 0 to 1, what the pauses between them leave of the confidence.
    """
    weakest = min(runs, key=lambda run: run.confidence)
    confidence = weakest.confidence * closeness
    each = max(1, EVIDENCE // len(runs))
    return Run(
        weakest.video_id,
        min(run.start for run in runs),
        max(run.end for run in runs),
        weakest.channel,
        confidence,
        tuple(item for run in runs for item in _best(run.evidence, each)),
        _shares(confidence, *runs),
        weakest.raw,
        tuple(stage for run in runs for stage in run.stages),
        joined(confidence, *runs),
    )


def _shares(confidence: float, *runs: Run) -> dict[Channel, float]:
    """Share a joint confidence out to the channels in proportion to what they brought."""
    parts: dict[Channel, float] = {}
    for run in runs:
        for channel, value in run.parts.items():
            parts[channel] = parts.get(channel, 0.0) + value
    whole = sum(parts.values())
    return {channel: confidence * value / whole for channel, value in parts.items()} if whole > 0 else parts


def exclude(runs: Iterable[Run], unwanted: Sequence[Run]) -> list[Run]:
    """Take away what must not be there: of a state that is seen its time, of a sentence or a text all of it."""
    by_video: dict[str, list[Run]] = {}
    for run in unwanted:
        by_video.setdefault(run.video_id, []).append(run)
    kept: list[Run] = []
    for run in runs:
        touching = [
            other for other in by_video.get(run.video_id, ()) if other.start < run.end and other.end > run.start
        ]
        if not touching:
            kept.append(run)
        elif run.channel in _STATES and not run.stages:
            kept += _without(run, touching)
    return kept


def _without(run: Run, others: Sequence[Run]) -> Iterable[Run]:
    """The parts of a run that are longer than a second and outside the others."""
    start = run.start
    for other in sorted(others, key=lambda item: item.start):
        if other.start - start >= 1.0:
            yield replace(run, start=start, end=other.start)
        start = max(start, other.end)
    if run.end - start >= 1.0:
        yield replace(run, start=start)


def _best(evidence: Iterable[Evidence], most: int = EVIDENCE) -> tuple[Evidence, ...]:
    """The strongest distinct pieces, in the order of time."""
    distinct = {(item.channel, item.start, item.text): item for item in evidence}
    strongest = sorted(distinct.values(), key=lambda item: -item.score)[:most]
    return tuple(sorted(strongest, key=lambda item: (item.start, item.channel)))
