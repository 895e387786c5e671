"""How much each two seconds of a video have to do with a query: highlight scores (QVHighlights, Lei et al. 2021)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from query.planning.plan import Plan, StagePlan
from query.planning.requirement import Requirement
from query.ranking.fuse import SUPPORT
from query.ranking.runs import Run
from query.retrieve import Retriever
from query.source import Frame
from reelseek.records import Channel

STEP = 2.0
"""Seconds of video that have one score."""

WHOLE_VIDEO = 0.25
"""How much of its confidence a title, which speaks for no place in particular, gives to all of them."""

Scores = npt.NDArray[np.float64]


def saliency_of(plan: Plan, retriever: Retriever, duration: float) -> tuple[float, ...]:
    """A score, 0 to 1, for each `STEP` seconds from the start of a video; the last may be shorter.

    Of a sequence every stage counts; of several things that must be there together the least does. Channels that agree
    are fused as they are for moments.

    Args:
        retriever: its source has this video only.
        duration: of the video, s.
    """
    steps = max(1, math.ceil(duration / STEP - 1e-6))
    stages = [_stage(stage, retriever, steps) for stage in plan.stages if not stage.empty]
    best = np.max(stages, axis=0) if stages else np.zeros(steps)
    return tuple(round(float(score), 4) for score in np.clip(best, 0.0, 1.0))


def _stage(stage: StagePlan, retriever: Retriever, steps: int) -> Scores:
    wanted = [_requirement(requirement, retriever, steps) for requirement in stage.requirements]
    for options in stage.either:
        wanted.append(np.max([_stage(option, retriever, steps) for option in options], axis=0))
    scores: Scores = np.min(wanted, axis=0) if wanted else np.zeros(steps)
    for requirement in stage.excluded:
        scores = scores * (1.0 - _requirement(requirement, retriever, steps))
    return scores


def _requirement(requirement: Requirement, retriever: Retriever, steps: int) -> Scores:
    """What all channels say of each step: the surest, and a share of the others."""
    channels: dict[Channel, Scores] = {}
    for run in retriever.runs(requirement):
        scores = channels.setdefault(run.channel, np.zeros(steps))
        _raise(scores, run, run.confidence * (WHOLE_VIDEO if run.channel is Channel.TITLE else 1.0))
    frames, confidences = retriever.picture_curve(requirement)
    if len(frames):
        weight = requirement.weight(Channel.VISUAL)
        seen = channels.setdefault(Channel.VISUAL, np.zeros(steps))
        np.maximum(seen, weight * _shown(frames, confidences, steps), out=seen)
    fused: Scores = np.zeros(steps)
    if channels:
        surest, *others = np.sort(list(channels.values()), axis=0)[::-1]
        fused = surest
        for scores in others:
            fused = fused + (1.0 - fused) * SUPPORT * scores * fused
    return fused


def _raise(scores: Scores, run: Run, confidence: float) -> None:
    """Lift the steps that a run covers, those at its ends by the share of them that it covers."""
    for step in _steps(run.start, run.end, len(scores)):
        shared = min(run.end, (step + 1) * STEP) - max(run.start, step * STEP)
        share = 1.0 if run.end <= run.start else min(1.0, shared / STEP + 0.25)
        scores[step] = max(scores[step], confidence * share)


def _shown(frames: Sequence[Frame], confidences: Iterable[float], steps: int) -> Scores:
    """The mean over each step of what stands in the picture, by the time it stands."""
    weighted, covered = np.zeros(steps), np.zeros(steps)
    for frame, confidence in zip(frames, confidences, strict=True):
        for step in _steps(frame.start, frame.end, steps):
            shared = max(1e-3, min(frame.end, (step + 1) * STEP) - max(frame.start, step * STEP))
            weighted[step] += shared * confidence
            covered[step] += shared
    scores: Scores = weighted / np.maximum(covered, 1e-9)
    return scores


def _steps(start: float, end: float, steps: int) -> range:
    """The steps that a stretch touches."""
    first = max(0, int(start // STEP))
    return range(min(first, steps - 1), max(first + 1, min(steps, math.ceil(end / STEP))))
