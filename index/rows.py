"""A document as rows of the three tables."""

from __future__ import annotations

import bisect
import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from index.schema import COLUMNS, VECTORS, check_space, dumps, spaces_of, vector_array, vector_column, vectors_of
from index.scope import object_event, object_thresholds
from reelseek.records import Box, Channel, DetectedObject, ObjectTrack, Segment, TimedText, VideoDocument
from reelseek.tracks import events, within

Row = dict[str, Any]


def arrow_table(document: VideoDocument, ingest_id: str, table: str, schema: Any) -> Any:
    """The rows of a document in one table, as an Arrow table with the columns of `schema`.

    Raises:
        SpaceMismatch: the document's vectors do not fit the spaces it names.
    """
    import pyarrow as pa

    rows = ROWS[table](document, ingest_id)
    arrays = {name: [row[name] for row in rows] for name in COLUMNS[table]}
    columns: dict[str, Any] = {name: pa.array(arrays[name], type=schema.field(name).type) for name in arrays}
    for kind, (space, vectors) in vectors_of(document, table).items():
        expected = len(document.lines) if table == "lines" else len(rows)
        check_space(space, vectors, expected, f"{kind} vectors of {table}")
        if space is None or vectors is None:
            continue
        array = vector_array(vectors, space.dimension)
        if expected < len(rows):  # the title line has no vector
            array = pa.concat_arrays([array, pa.nulls(len(rows) - expected, array.type)])
        columns[vector_column(kind, space)] = array
    for kind in VECTORS[table]:
        for name in spaces_of(schema, kind):
            columns.setdefault(name, pa.nulls(len(rows), schema.field(name).type))
    return pa.table([columns[field.name] for field in schema], schema=schema)


def segment_rows(document: VideoDocument, ingest_id: str) -> list[Row]:
    """One row per segment."""
    looked = document.channels.get(Channel.OBJECTS) is not None or bool(document.tracks)
    parts = _tracks_of_segments(document)
    return [
        {
            "video_id": document.info.video_id,
            "ingest_id": ingest_id,
            "segment_index": segment.index,
            "start": segment.start,
            "end": segment.end,
            "speech": clean(segment.speech),
            "screen_text": clean(segment.screen_text),
            "caption": clean(segment.caption),
            "objects": [*object_thresholds(segment.object_counts), *_happens(segment, tracks)],
            "object_counts": json.dumps(segment.object_counts, ensure_ascii=False),
            "speakers": [clean(speaker) for speaker in segment.speakers],
            "typical_counts": json.dumps(segment.typical_counts, ensure_ascii=False),
            "tracks": dumps(tracks) if looked else "",
        }
        for segment, tracks in zip(document.segments, parts, strict=True)
    ]


def _tracks_of_segments(document: VideoDocument) -> list[list[ObjectTrack]]:
    """The tracks that are seen in each segment, each with its path there."""
    parts: list[list[ObjectTrack]] = [[] for _ in document.segments]
    ordered = sorted(range(len(parts)), key=lambda index: document.segments[index].start)
    ends = [document.segments[index].end for index in ordered]
    for track in document.tracks:
        for index in ordered[bisect.bisect_right(ends, track.start) :]:
            segment = document.segments[index]
            if segment.start >= track.end:
                break
            parts[index] += within([track], segment.start, segment.end)
    return parts


def _happens(segment: Segment, tracks: list[ObjectTrack]) -> list[str]:
    """Which objects come and go in a segment."""
    inside = (event for event in events(tracks) if segment.start <= event.time <= segment.end)
    return sorted({object_event(event.track.label, event.kind) for event in inside})


def frame_rows(document: VideoDocument, ingest_id: str) -> list[Row]:
    """One row per keyframe; `start` is its own time, `end` until when it stands."""
    find = _segment_finder(document.segments)
    return [
        {
            "video_id": document.info.video_id,
            "ingest_id": ingest_id,
            "frame_index": frame.index,
            "segment_index": find(frame.time),
            "shot": frame.shot,
            "start": frame.time,
            "end": max(frame.time, frame.end),
            "image": frame.image,
            "screen_text": clean("\n".join(box.text for box in frame.screen_text)),
            "objects": object_thresholds(_count(frame.objects)),
            "detections": dumps(frame.objects),
            "text_boxes": clean(dumps(frame.screen_text)),
        }
        for frame in document.frames
    ]


def line_rows(document: VideoDocument, ingest_id: str) -> list[Row]:
    """One row per line of text, and one for the title over the whole video, which comes last."""
    find = _segment_finder(document.segments)
    title = TimedText(Channel.TITLE, 0.0, document.info.duration, document.info.title, source="title")
    return [
        {
            "video_id": document.info.video_id,
            "ingest_id": ingest_id,
            "line_index": number,
            "segment_index": find(line.start),
            "channel": str(line.channel),
            "start": line.start,
            "end": line.end,
            "text": clean(line.text),
            "source": line.source,
            "language": line.language,
            "speaker": clean(line.speaker),
            "confidence": line.confidence,
            "words": clean(dumps(line.words)),
            "box": _box(line.box),
        }
        for number, line in enumerate((*document.lines, title))
    ]


ROWS = {"segments": segment_rows, "frames": frame_rows, "lines": line_rows}


def clean(text: str) -> str:
    """Text that UTF-8 can carry: lone surrogates (of undecodable file names) become `?`."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")


def _count(objects: tuple[DetectedObject, ...]) -> dict[str, int]:
    return dict(Counter(item.label for item in objects))


def _box(box: Box | None) -> str:
    return json.dumps(asdict(box)) if box else ""


def _segment_finder(segments: tuple[Segment, ...]) -> Any:
    """A function from a time to the index of the segment it falls in, -1 without segments."""
    ordered = sorted(segments, key=lambda segment: segment.start)
    starts = [segment.start for segment in ordered]

    def find(time: float) -> int:
        if not ordered:
            return -1
        return ordered[max(0, bisect.bisect_right(starts, time) - 1)].index

    return find
