"""Followed objects as answers: when how many of them are there, come, go, or stand beside one another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from query.language.parsing import ObjectCount, ObjectFact
from query.objects.scenes import Scene, Showing
from query.ranking.runs import GAP, Run
from reelseek.records import Channel, ObjectTrack
from reelseek.results import Contribution, Evidence
from reelseek.tracks import BRIEF, Event, box_at, events, stands, tell

EVENT_SECONDS = 3.0
"""How much of a thing's showing belongs to its coming, and to its going."""

_STEP = 0.5
"""Seconds between two times at which places are compared."""


def count_runs(found: Sequence[tuple[Showing, float]], asked: Sequence[ObjectCount], *, exactly: bool) -> list[Run]:
    """Join neighbouring showings into runs.

    Args:
        found: showings in which the counts hold, by video and time, with their scores.
        exactly: a run ends where the numbers change; else it goes on for as long as what was asked for holds.
    """
    groups: list[list[tuple[Showing, float]]] = []
    for showing, score in found:
        last = groups[-1][-1][0] if groups else None
        near = last is not None and last.video_id == showing.video_id and showing.start - last.end <= GAP
        if last is not None and near and (not exactly or _is_part(groups[-1], showing)):
            groups[-1].append((showing, score))
        else:
            groups.append([(showing, score)])
    return [_run(group, asked) for group in groups]


def _is_part(group: Sequence[tuple[Showing, float]], showing: Showing) -> bool:
    """Whether a showing has the numbers of a group, or is too brief to be one of its own."""
    return showing.counts == group[0][0].counts or showing.end - showing.start < BRIEF


def _run(group: Sequence[tuple[Showing, float]], asked: Sequence[ObjectCount]) -> Run:
    first, last = group[0][0], group[-1][0]
    start, end = first.start, last.end
    score = max(each for _, each in group)
    known = {track.number: track for showing, _ in group for track in showing.tracks}
    text = tell(list(known.values()), start, end) if known else _plain(first, asked)
    counted = [showing.certainty(count.label) for showing, _ in group for count in asked if showing.counts[count.label]]
    return _object_run(first.video_id, start, end, score, text, max(counted, default=score))


def _plain(showing: Showing, asked: Sequence[ObjectCount]) -> str:
    return ", ".join(f"{showing.counts[count.label]} × {count.label}" for count in asked)


def _object_run(video_id: str, start: float, end: float, score: float, text: str, certainty: float) -> Run:
    """A run whose explanation tells the detector's own certainty; its rank is given when all are known."""
    channel = Channel.OBJECTS
    evidence = (Evidence(channel, start, end, text, score),)
    told = (Contribution(channel, "objects", 0, certainty, score, 1.0, score),)
    return Run(video_id, start, end, channel, score, evidence, {channel: score}, certainty, contributions=told)


def event_runs(scenes: Iterable[Scene], fact: ObjectFact, weight: float) -> list[Run]:
    """Comings or goings, each with the first or last seconds of what comes or goes."""
    found: dict[tuple[str, int], tuple[str, Event]] = {}
    for scene in scenes:
        for event in events(scene.tracks):
            if _is_meant(event, fact) and scene.start <= event.time <= scene.end:
                found.setdefault((scene.video_id, event.track.number), (scene.video_id, event))
    runs = []
    for video_id, event in found.values():
        track = event.track
        if event.kind == "enters":
            start, end = track.start, min(track.end, track.start + EVENT_SECONDS)
        else:
            start, end = max(track.start, track.end - EVENT_SECONDS), track.end
        runs.append(_object_run(video_id, start, end, weight * _sure(track), event.text, track.confidence))
    return sorted(runs, key=lambda run: (run.video_id, run.start))


def _is_meant(event: Event, fact: ObjectFact) -> bool:
    return event.kind == fact.kind and event.track.label == fact.label and fact.other in ("", event.side)


def _sure(*tracks: ObjectTrack) -> float:
    return 0.6 + 0.4 * min(track.confidence for track in tracks)


def relation_runs(scenes: Iterable[Scene], fact: ObjectFact, weight: float) -> list[Run]:
    """Stretches in which one thing stands to another as is asked."""
    found: list[tuple[str, float, float, float, float]] = []
    for scene in scenes:
        ones = [track for track in scene.tracks if track.label == fact.label]
        others = [track for track in scene.tracks if track.label == fact.other]
        for one in ones:
            for other in others:
                if one.number != other.number:
                    score, certainty = weight * _sure(one, other), min(one.confidence, other.confidence)
                    for start, end in _stretches(one, other, fact.kind, scene):
                        found.append((scene.video_id, start, end, score, certainty))
    text = f"{fact.label} {fact.kind.replace('-', ' ')} {fact.other}"
    joined: list[Run] = []
    for video_id, start, end, score, certainty in sorted(found):
        last = joined[-1] if joined else None
        if last is not None and last.video_id == video_id and start - last.end <= GAP:
            best, surest = max(last.confidence, score), max(last.raw, certainty)
            joined[-1] = _object_run(video_id, last.start, max(last.end, end), best, text, surest)
        else:
            joined.append(_object_run(video_id, start, end, score, text, certainty))
    return [run for run in joined if run.length >= BRIEF]


def _stretches(one: ObjectTrack, other: ObjectTrack, relation: str, scene: Scene) -> Iterator[tuple[float, float]]:
    """When two objects stand to one another as asked, within a scene."""
    start, end = max(one.start, other.start, scene.start), min(one.end, other.end, scene.end)
    begun: float | None = None
    steps = max(1, round((end - start) / _STEP)) if end > start else 0
    for step in range(steps):
        time = start + (end - start) * step / steps
        if stands(box_at(one, time), relation, box_at(other, time)):
            begun = time if begun is None else begun
        elif begun is not None:
            yield begun, time
            begun = None
    if begun is not None:
        yield begun, end
