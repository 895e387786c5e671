"""Where exactly, of what is seen: from the curve of picture scores to stretches of time."""

from __future__ import annotations

from collections.abc import Sequence

from query.ranking.runs import GAP, Run
from query.source import Frame
from reelseek.records import Channel
from reelseek.results import Evidence

CONTINUES = 0.7
"""A neighbour belongs to the run when its strength is at least this share of the run's peak."""

CONTINUES_PAST_CUT = 0.88
"""The same for a picture behind a cut: another shot is another thing unless it fits about as well."""


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
