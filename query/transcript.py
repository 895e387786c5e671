"""A video's lines, segments, objects and chapters as records, for pages that show all of it."""

from __future__ import annotations

import json
from typing import Any

from index.reader import Scope, Snapshot
from index.scope import OneOf
from query.objects.scenes import tracks_from, whole
from query.source import Frame, Source, Statistics
from query.texts.scale import WordStatistics
from reelseek.artefacts import ArtefactStore
from reelseek.errors import NotFound
from reelseek.records import Box, Channel, Chapter, ObjectTrack, Segment, TimedText, Word

_CHAPTERS = "chapters"


def lines_of(snapshot: Snapshot, video_id: str, channel: Channel) -> tuple[TimedText, ...]:
    """What is said or written in a video, in order of time."""
    scope = Scope(video_ids=frozenset((video_id,)), where=(OneOf("channel", (str(channel),)),))
    lines = [_timed_text(row) for row in snapshot.rows("lines", scope)]
    return tuple(sorted(lines, key=lambda line: (line.start, line.end)))


def segments_of(snapshot: Snapshot, video_id: str) -> tuple[Segment, ...]:
    """A video's segments, in order."""
    rows = snapshot.rows("segments", Scope(video_ids=frozenset((video_id,))))
    return tuple(
        Segment(
            row["segment_index"],
            row["start"],
            row["end"],
            row["speech"],
            row["screen_text"],
            row["caption"],
            json.loads(row["object_counts"] or "{}"),
            tuple(row["speakers"] or ()),
            json.loads(row["typical_counts"] or "{}"),
        )
        for row in rows
    )


def tracks_of(snapshot: Snapshot, video_id: str) -> tuple[ObjectTrack, ...]:
    """A video's objects as they were followed, in order of their first showing."""
    rows = snapshot.rows("segments", Scope(video_ids=frozenset((video_id,))), ("tracks",))
    return tuple(whole(track for row in rows for track in tracks_from(row["tracks"])))


def frames_of(snapshot: Snapshot, video_id: str, start: float, end: float) -> tuple[Frame, ...]:
    """The keyframes that stand in a stretch of a video, in order, with their objects."""
    source = Source(snapshot, Scope(), Statistics(WordStatistics.of(()), 0, 0, 0, ()))
    return tuple(sorted(source.frames_between(video_id, start, end), key=lambda frame: frame.start))


def chapters_of(store: ArtefactStore, video_id: str) -> tuple[Chapter, ...]:
    """A video's chapters, in order; none where they were not made."""
    key = store.current(video_id).get(_CHAPTERS)
    if key is None:
        return ()
    try:
        found = store.read_json(video_id, _CHAPTERS, key, "chapters.json")["chapters"]
    except NotFound:
        return ()
    return tuple(Chapter(**item) for item in found)


def _timed_text(row: dict[str, Any]) -> TimedText:
    return TimedText(
        Channel(row["channel"]),
        row["start"],
        row["end"],
        row["text"],
        row["source"] or "",
        row["language"] or "",
        row["confidence"],
        row["speaker"] or "",
        tuple(Word(**word) for word in json.loads(row["words"] or "[]")),
        Box(**json.loads(row["box"])) if row["box"] else None,
    )
