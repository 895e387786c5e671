"""The catalogue's records as the API and the pages show them."""

from __future__ import annotations

from datetime import datetime

from flask import url_for

from library import describing
from library.catalogue import Catalogue
from library.records import Job, JobState, Library, VideoEntry
from reelseek.records import JsonObject
from web.present import STAGE_NAMES


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


def job_payload(job: Job, catalogue: Catalogue) -> JsonObject:
    """A job, with what it works on and what it is doing in words."""
    running = job.state is JobState.RUNNING
    return describing.job_payload(job, catalogue) | {
        "stage_name": STAGE_NAMES.get(job.stage, job.stage) if running else ""
    }
