"""What stands beside a place: what a follow-up points to, and what comes after or before what was found."""

from __future__ import annotations

import re
from collections.abc import Sequence

from query.answering.asked import TEXTS
from query.answering.followups import FollowUp, Side
from query.answering.quantities import quantity_run
from query.found import Found
from query.planning.plan import Plan
from query.ranking.runs import Run
from query.source import Line, Source
from reelseek.answers import Citation
from reelseek.records import Channel
from reelseek.results import Evidence
from reelseek.tracks import tell

BESIDE = 30.0
"""Seconds after (or before) a place that "and then?" is about, and on both sides of it "and why?"."""

_SEEN_BESIDE = 10.0
_NEAREST = 3
_OF_PLACE = re.compile(r"\b(?:who|whose|where|when)\b", re.I)


def found_for(follow: FollowUp, plan: Plan, found: Found, source: Source, cutoff: float) -> Found:
    """What a question is answered from: what was found, or what stands beside that or where the question points to."""
    best = found.runs[0] if found.runs and found.runs[0].confidence >= cutoff else None
    if not follow.bare and (number := quantity_run(follow.question, plan, best, source)) is not None:
        best, found.runs = number, [number]  # what else was found does not say it
    if follow.beside and best is not None:
        next_to = _next_to(source, best, follow.side)
        return Found([next_to] if next_to is not None else [], found.notes + _nothing(next_to is None))
    if follow.about and best is None:
        runs = runs_about(source, follow)
        return Found(runs, _nothing(not runs))
    return found


def _nothing(nothing: bool) -> list[str]:
    return ["Nothing is said or written there."] if nothing else []


def runs_about(source: Source, follow: FollowUp) -> list[Run]:
    """What is said and written where a question points to, as runs; empty where that is nothing."""
    runs: list[Run] = []
    for cited in follow.about:
        sides: list[Side] = [follow.side]
        if follow.side == "at" and not _OF_PLACE.search(follow.question):
            sides = ["before", "after"]
        found = [run for side in sides if (run := _beside(source, cited, side)) is not None]
        if not found and follow.side == "at":
            found = [_seen(cited)]
        runs += [run for run in found if not any(run.overlap(other) for other in runs)]
    return runs


def _next_to(source: Source, found: Run, side: Side) -> Run | None:
    """What comes after or before what was found, with that itself, so that the answer shows after what."""
    shown = max(found.evidence, key=lambda item: item.score, default=None)
    texts = shown is not None and shown.channel in TEXTS
    anchor = shown if shown is not None and texts else Evidence(found.channel, found.start, found.end, "", 1.0)
    # a text on screen stands for long: what is said while it stands comes after it
    end = anchor.start if anchor.channel is Channel.SCREEN_TEXT else anchor.end
    run = _beside(source, Citation(found.video_id, anchor.start, end, anchor.channel, anchor.text), side)
    if run is None or not texts:
        return run
    evidence = (anchor, *run.evidence) if side == "after" else (*run.evidence, anchor)
    start, end = min(item.start for item in evidence), max(item.end for item in evidence)
    return _run(found.video_id, start, end, evidence, run.channel)


def _beside(source: Source, cited: Citation, side: Side) -> Run | None:
    """The nearest lines after or before a place: what is said, else written; what is seen where there is neither."""
    if side == "at":
        return _seen(cited)
    start, end = (cited.end, cited.end + BESIDE) if side == "after" else (max(0.0, cited.start - BESIDE), cited.start)
    lines = _nearest(source.lines_between(cited.video_id, start, end, TEXTS), start, end, side)
    if lines:
        evidence = tuple(Evidence(line.channel, line.start, line.end, line.text, 1.0) for line in lines)
        start, end = max(start, min(line.start for line in lines)), min(end, max(line.end for line in lines))
        return _run(cited.video_id, start, end, evidence, lines[0].channel)
    start, end = (start, start + _SEEN_BESIDE) if side == "after" else (max(0.0, end - _SEEN_BESIDE), end)
    tracks = source.tracks_between(cited.video_id, start, end)
    if not tracks:
        return None
    end = min(end, max(track.end for track in tracks))
    told = Evidence(Channel.OBJECTS, start, end, tell(tracks, start, end), 1.0)
    return _run(cited.video_id, start, end, (told,), Channel.OBJECTS)


def _nearest(found: Sequence[Line], start: float, end: float, side: Side) -> Sequence[Line]:
    inside = [line for line in found if start <= (line.start + line.end) / 2 <= end]
    lines = [line for line in inside if line.channel is Channel.SPEECH] or inside
    return lines[:_NEAREST] if side == "after" else lines[-_NEAREST:]


def _seen(cited: Citation) -> Run:
    """The place of a citation itself."""
    seen = Evidence(cited.channel, cited.start, cited.end, cited.quote, 1.0)
    return _run(cited.video_id, cited.start, cited.end, (seen,), cited.channel)


def _run(video_id: str, start: float, end: float, evidence: tuple[Evidence, ...], channel: Channel) -> Run:
    return Run(video_id, start, end, channel, 1.0, evidence, {channel: 1.0}, 1.0)
