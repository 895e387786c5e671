"""Database rows as the frozen records that leave the package."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from library.records import (
    Counts,
    Gap,
    Ingest,
    Job,
    JobState,
    Library,
    Location,
    Source,
    SourceState,
    VideoEntry,
    VideoState,
)
from library.schema import IngestRow, JobRow, LibraryRow, LocationRow, SourceRow, VideoRow


def library_record(row: LibraryRow, video_count: int) -> Library:
    """A library with its number of videos."""
    return Library(row.library_id, row.name, row.path, row.added_at, row.scanned_at, video_count)


def video_record(row: VideoRow) -> VideoEntry:
    """A video with its locations and tags."""
    return VideoEntry(
        video_id=row.video_id,
        title=row.title,
        path=preferred_path(row.locations),
        locations=tuple(Location(place.path, place.size, place.mtime_ns, place.library_id) for place in row.locations),
        state=VideoState(row.state),
        error=row.error,
        duration=row.duration,
        width=row.width,
        height=row.height,
        has_audio=row.has_audio,
        size=row.size,
        added_at=row.added_at,
        indexed_at=row.indexed_at,
        live_ingest=row.live_ingest,
        ingest_fingerprint=row.ingest_fingerprint,
        channels=dict(row.channels),
        counts=Counts(row.segment_count, row.frame_count, row.line_count),
        info=dict(row.info),
        tags=tuple(tag.tag for tag in row.tags),
    )


def preferred_path(locations: list[LocationRow]) -> str:
    """The first location that exists, else the first, else an empty string. A single one is not looked at."""
    if len(locations) > 1:
        for place in locations:
            if Path(place.path).exists():
                return place.path
    return locations[0].path if locations else ""


def ingest_record(row: IngestRow) -> Ingest:
    """A set of index rows."""
    return Ingest(row.ingest_id, row.video_id, row.fingerprint, row.state, row.begun_at, row.ended_at)


def job_record(row: JobRow) -> Job:
    """A job."""
    return Job(
        job_id=row.job_id,
        kind=row.kind,
        payload=dict(row.payload),
        dedupe_key=row.dedupe_key,
        priority=row.priority,
        state=JobState(row.state),
        attempt=row.attempt,
        failures=row.failures,
        worker=row.worker,
        stage=row.stage,
        fraction=row.fraction,
        error=row.error,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        lease_until=row.lease_until,
        result=dict(row.result),
    )


def source_record(row: SourceRow) -> Source:
    """A live source."""
    return Source(
        source_id=row.source_id,
        name=row.name,
        kind=row.kind,
        url=row.url,
        chunk_seconds=row.chunk_seconds,
        keep_hours=row.keep_hours,
        added_at=row.added_at,
        state=SourceState(row.state),
        detail=row.detail,
        holder=row.holder,
        lease_until=row.lease_until,
        last_chunk_at=row.last_chunk_at,
        chunk_count=row.chunk_count,
        gap_count=row.gap_count,
        gaps=tuple(
            Gap(datetime.fromisoformat(gap["start"]), datetime.fromisoformat(gap["end"]), gap["reason"])
            for gap in row.gaps
        ),
    )
