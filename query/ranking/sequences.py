"""Parts of a query joined over time: `A then B`, `A while B`, `A within 10s of B`, `not B within 10s of A`."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from query.language.terms import Join
from query.ranking.fuse import chained, exclude, meet
from query.ranking.runs import Run, suppress
from query.ranking.waterfall import shared

BLUR = 0.5
"""Seconds by which a part may begin before the one that it follows has ended: times of cuts and words are not exact."""

PAUSE = 600.0
"""Length of a pause (s) over which closeness falls to 1/e."""

PAUSE_COST = 0.1
"""The most that pauses take of a confidence: order is what was asked for, closeness only chooses between chains."""

PER_VIDEO = 25
"""Most chains that one video can have in a result."""

_Curve = npt.NDArray[np.float64]


def join_stages(stages: Sequence[Sequence[Run]], joins: Sequence[Join], limit: int) -> list[Run]:
    """The best chains. `while` binds closer than `then`: `A then B while C` is A, and after it B and C together.

    Args:
        stages: each stage's runs.
        joins: one fewer.
    """
    groups: list[list[Run]] = [list(stages[0])]
    gaps: list[float | None] = []
    for join, runs in zip(joins, stages[1:], strict=True):
        if join.kind == "while":
            groups[-1] = _meetings(groups[-1], runs, limit)
        else:
            groups.append(list(runs))
            gaps.append(join.gap)
    return best_chains(groups, gaps, limit) if gaps else groups[0]


def best_chains(groups: Sequence[Sequence[Run]], gaps: Sequence[float | None], limit: int) -> list[Run]:
    """For each place the best chain: one run of each group, in strict order.

    Dynamic programming over each video's runs: the best chain that ends in a run is the best of those that end in a
    run of the group before it, extended. The best chain is taken, its runs are used up, and again: so a run that stands
    between many others makes one result and not their product.

    Args:
        gaps: longest pause between the end of a group's run and the start of the next one's; None is any.
    """
    if len(gaps) != len(groups) - 1:
        raise ValueError("There is one gap between two groups.")
    by_group = [_by_video(runs) for runs in groups]
    common = set(by_group[0]).intersection(*by_group[1:])
    found = [run for video_id in sorted(common) for run in _chains([group[video_id] for group in by_group], gaps)]
    return suppress(found, limit)


def _chains(groups: list[list[Run]], gaps: Sequence[float | None]) -> Iterator[Run]:
    """The chains of one video, best first, no run in two of them."""
    share = 1.0 / len(gaps)  # of many pauses each costs less, so that a long chain is not worth less for it
    steps = [
        _closeness(first, second, gap) ** share for first, second, gap in zip(groups, groups[1:], gaps, strict=False)
    ]
    free = [np.array([run.confidence for run in group]) for group in groups]
    for _ in range(PER_VIDEO):
        way = _best_way(free, steps)
        if way is None:
            return
        closeness = math.prod(float(step[a, b]) for step, a, b in zip(steps, way, way[1:], strict=False))
        yield chained([group[at] for group, at in zip(groups, way, strict=True)], closeness)
        for values, at in zip(free, way, strict=True):
            values[at] = 0.0


def _closeness(first: Sequence[Run], second: Sequence[Run], gap: float | None) -> _Curve:
    """What each pair of runs leaves of a chain's confidence, `(first, second)`; 0 where they are not in order."""
    starts, ends = np.array([run.start for run in first]), np.array([run.end for run in first])
    following = np.array([run.start for run in second])
    pauses = following[None, :] - ends[:, None]
    allowed = (pauses >= -BLUR) & (following[None, :] > starts[:, None])
    if gap is not None:
        allowed &= pauses <= gap
    close = np.exp(-np.maximum(pauses, 0.0) / PAUSE)
    return np.where(allowed, 1.0 - PAUSE_COST * (1.0 - close), 0.0)


def _best_way(free: Sequence[_Curve], steps: Sequence[_Curve]) -> list[int] | None:
    """One index for each group, of the best chain; None where there is none (left)."""
    best = free[0]
    back: list[npt.NDArray[np.intp]] = []
    for step, values in zip(steps, free[1:], strict=True):
        worth = np.minimum(best[:, None], values[None, :]) * step
        origin = worth.argmax(axis=0)
        back.append(origin)
        best = worth[origin, np.arange(len(values))]
    at = int(best.argmax())
    if best[at] <= 0.0:
        return None
    way = [at]
    for origin in reversed(back):
        way.append(int(origin[way[-1]]))
    return way[::-1]


def _meetings(first: Sequence[Run], second: Sequence[Run], limit: int) -> list[Run]:
    """The times that two lists of runs share; what lies in the same place is told once."""
    later = _by_video(second)
    found: list[Run] = []
    for video_id, group in _by_video(first).items():
        others = later.get(video_id, ())
        found += [
            both
            for run in group
            for other in others
            if other.start < run.end and other.end > run.start and (both := meet(run, other)) is not None
        ]
    return suppress(found, limit)


def near(runs: Sequence[Run], others: Sequence[Run], window: float, limit: int) -> list[Run]:
    """Runs that have another at most `window` seconds away, before or after, each with the best of these.

    Both ends belong to the result; its parts are in the order of time.
    """
    by_video = _by_video(others)
    found = []
    for run in runs:
        pairs = [
            (other.confidence * _nearness(run, other, window), other)
            for other in by_video.get(run.video_id, ())
            if _apart(run, other) <= window
        ]
        if pairs:
            _, other = max(pairs, key=lambda pair: (pair[0], -pair[1].start))
            found.append(chained(sorted((run, other), key=lambda item: item.start), _nearness(run, other, window)))
    return suppress(found, limit)


def not_near(runs: Sequence[Run], unwanted: Sequence[Run], window: float) -> list[Run]:
    """Runs without any of the unwanted at most `window` seconds away; of a state that is seen, the time that is."""
    return exclude(runs, [replace(run, start=run.start - window, end=run.end + window) for run in unwanted])


def _apart(first: Run, second: Run) -> float:
    return max(0.0, second.start - first.end, first.start - second.end)


def _nearness(first: Run, second: Run, window: float) -> float:
    return 1.0 - PAUSE_COST * _apart(first, second) / window if window > 0 else 1.0


def cut_to(runs: Sequence[Run], ranges: Mapping[str, Sequence[tuple[float, float]]]) -> list[Run]:
    """The parts of runs that lie in ranges of their videos (ordered, apart), with the evidence that lies there.

    A part that has only weaker evidence is as much less sure.
    """
    found: list[Run] = []
    for run in runs:
        spans = ranges.get(run.video_id, ())
        at = max(0, bisect_left(spans, (run.start, run.start)) - 1)
        while at < len(spans) and spans[at][0] < run.end:
            start, end = max(run.start, spans[at][0]), min(run.end, spans[at][1])
            at += 1
            if end <= start:
                continue
            evidence = tuple(item for item in run.evidence if _mostly_in(item.start, item.end, start, end))
            if run.evidence and not evidence:
                continue
            best = max((item.score for item in run.evidence), default=0.0)
            share = max(item.score for item in evidence) / best if evidence and best > 0 else 1.0
            found.append(_scaled(replace(run, start=start, end=end, evidence=evidence), min(1.0, share)))
    return found


def _scaled(run: Run, share: float) -> Run:
    confidence = run.confidence * share
    parts = {channel: part * share for channel, part in run.parts.items()}
    return replace(run, confidence=confidence, parts=parts, contributions=shared(run.contributions, confidence))


def _mostly_in(start: float, end: float, low: float, high: float) -> bool:
    """Whether two stretches share half of the shorter one."""
    both = min(end, high) - max(start, low)
    return both >= 0.5 * min(end - start, high - low) and both >= 0


def _by_video(runs: Sequence[Run]) -> dict[str, list[Run]]:
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.video_id, []).append(run)
    return groups
