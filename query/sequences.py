"""`A then B`, `A while B`: the lists of the stages joined over time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from query.fuse import chain, meet
from query.language import Join
from query.runs import Run, suppress

PER_VIDEO = 40
"""Runs of one stage that are tried in one video."""


def join_stages(stages: Sequence[Sequence[Run]], joins: Sequence[Join], limit: int) -> list[Run]:
    """The best chains. `while` binds closer than `then`: `A then B while C` is A, and after it B and C together.

    Args:
        stages: each stage's runs, best first.
        joins: one fewer.
    """
    groups: list[list[Run]] = [list(stages[0])]
    gaps: list[float | None] = []
    for join, runs in zip(joins, stages[1:], strict=True):
        if join.kind == "while":
            groups[-1] = _pairs(groups[-1], runs, meet, limit)
        else:
            groups.append(list(runs))
            gaps.append(join.gap)
    chains = groups[0]
    for gap, runs in zip(gaps, groups[1:], strict=True):
        chains = _pairs(chains, runs, partial(chain, gap=gap), limit * 4)
    return suppress(chains, limit) if gaps else chains


def _pairs(
    first: Sequence[Run], second: Sequence[Run], combine: Callable[[Run, Run], Run | None], limit: int
) -> list[Run]:
    """All combinations within each video; of those that end in the same run only the best one is kept."""
    later = _by_video(second)
    found: list[Run] = []
    for video_id, starts in _by_video(first).items():
        for end in later.get(video_id, ()):
            combined = [pair for start in starts if (pair := combine(start, end)) is not None]
            if combined:
                found.append(max(combined, key=lambda run: (run.confidence, -run.length)))
    return sorted(found, key=lambda run: (-run.confidence, run.video_id, run.start))[:limit]


def _by_video(runs: Sequence[Run]) -> dict[str, list[Run]]:
    groups: dict[str, list[Run]] = {}
    for run in runs:
        group = groups.setdefault(run.video_id, [])
        if len(group) < PER_VIDEO:
            group.append(run)
    return groups
