"""The catalogue's records as the API and the pages show them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from flask import url_for

from library.records import Job, JobState, Library, VideoEntry
from reelseek.records import JsonObject
from reelseek.urls import masked
from web.present import STAGE_NAMES

_UPKEEP = {
    "maintain": "Care of the index",
    "scan": "Scan of the folders",
    "reindex": "A video that is brought up to date",
    "stale": "Look for what engines or settings made stale",
    "gc": "Reclaiming space",
    "saved": "Saved searches",
    "caption": "Captions of a video",
    "notes": "Notes of a long video",
}
"""Jobs that are of no file, in words."""


def printable(text: str) -> str:
    """Text that can be sent: bytes of a file name that are no valid UTF-8 become replacement characters."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def moment_text(moment: datetime | None) -> str | None:
    """A time as ISO 8601."""
    return moment.isoformat() if moment else None


def video_payload(video: VideoEntry) -> JsonObject:
    """A video of the list."""
    return {
        "video_id": video.video_id,
        "title": video.title,
        "path": printable(video.path),
        "state": video.state.value,
        "partial": video.partial,
        "error": video.error,
        "duration": video.duration,
        "width": video.width,
        "height": video.height,
        "has_audio": video.has_audio,
        "size": video.size,
        "added_at": moment_text(video.added_at),
        "indexed_at": moment_text(video.indexed_at),
        "channels": video.channels,
        "segments": video.counts.segments,
        "frames": video.counts.frames,
        "lines": video.counts.lines,
        "tags": list(video.tags),
        "poster": url_for("api.poster", video_id=video.video_id) if video.indexed_at and video.width else "",
        "playable": not video.offline,
    }


def library_payload(library: Library) -> JsonObject:
    """A watched folder."""
    return {
        "library_id": library.library_id,
        "name": library.name,
        "path": printable(library.path),
        "video_count": library.video_count,
        "scanned_at": moment_text(library.scanned_at),
    }


def job_payload(job: Job, library_names: dict[int, str]) -> JsonObject:
    """A job, with what it works on in words."""
    return {
        "job_id": job.job_id,
        "kind": job.kind,
        "state": job.state.value,
        "what": _what(job, library_names),
        "video_id": str(job.payload.get("video_id", "")),
        "stage": job.stage,
        "stage_name": STAGE_NAMES.get(job.stage, job.stage) if job.state is JobState.RUNNING else "",
        "fraction": job.fraction,
        "attempt": job.attempt,
        "error": job.error,
        "created_at": moment_text(job.created_at),
        "finished_at": moment_text(job.finished_at),
    }


def _what(job: Job, library_names: dict[int, str]) -> str:
    if path := job.payload.get("path"):
        return printable(Path(str(path)).name)
    if url := job.payload.get("url"):
        return str(job.result.get("title") or masked(str(url)))
    if (library_id := job.payload.get("library_id")) is not None:
        return f"Scan of {library_names.get(int(library_id), 'a removed folder')}"
    return _UPKEEP.get(job.kind, job.kind)
