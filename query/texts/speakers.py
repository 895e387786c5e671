"""Where somebody speaks: the turns of a person whose name is known from subtitles or from telling voices apart."""

from __future__ import annotations

from dataclasses import replace

from index.scope import OneOf
from query.language.terms import Speaker
from query.ranking.runs import Run
from query.source import Source
from query.texts.words import tokens
from reelseek.records import Channel
from reelseek.results import Evidence

PAUSE = 3.0
"""Longest silence (s) inside a turn."""

SURE = 0.95
"""Confidence that who is named as the speaker speaks."""

_TOLD = 3
_NAMES = 8


def turns(source: Source, speaker: Speaker) -> tuple[list[Run], str]:
    """The turns of everybody whose name has all the words, by video and time; and a note where there is nobody.

    Turns end where another speaks or nobody does.
    """
    spoken = OneOf("channel", (str(Channel.SPEECH),))
    scope = replace(source.scope, where=(*source.scope.where, spoken))
    known = {row["speaker"] for row in source.snapshot.rows("lines", scope, ("speaker",)) if row["speaker"]}
    wanted = set(tokens(speaker.name))
    names = sorted(name for name in known if wanted and wanted <= set(tokens(name)))
    if not names:
        some = ", ".join(f"“{name}”" for name in sorted(known)[:_NAMES])
        return [], f"Nobody called “{speaker.name}” is known to speak here" + (f"; known are {some}." if some else ".")
    scope = replace(scope, where=(*scope.where, OneOf("speaker", tuple(names))))
    rows = source.snapshot.rows("lines", scope, ("video_id", "start", "end", "text", "speaker"))
    found: list[Run] = []
    last = ""
    for row in sorted(rows, key=lambda item: (item["video_id"], item["start"])):
        evidence = Evidence(Channel.SPEECH, row["start"], row["end"], f"{row['speaker']}: {row['text']}", SURE)
        turn = found[-1] if found else None
        here = turn is not None and turn.video_id == row["video_id"] and last == row["speaker"]
        if turn is not None and here and row["start"] - turn.end <= PAUSE:
            told = (*turn.evidence, evidence)[:_TOLD]
            found[-1] = replace(turn, end=max(turn.end, row["end"]), evidence=told)
        else:
            parts = {Channel.SPEECH: SURE}
            found.append(Run(row["video_id"], row["start"], row["end"], Channel.SPEECH, SURE, (evidence,), parts, SURE))
        last = row["speaker"]
    return found, ""


def ranges_of(runs: list[Run]) -> dict[str, list[tuple[float, float]]]:
    """The times of runs by video, in order, those that touch joined."""
    found: dict[str, list[tuple[float, float]]] = {}
    for run in sorted(runs, key=lambda item: (item.video_id, item.start)):
        spans = found.setdefault(run.video_id, [])
        if spans and run.start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], run.end))
        else:
            spans.append((run.start, run.end))
    return found
