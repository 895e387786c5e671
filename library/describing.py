"""A job in words and as JSON, the same for the command line, the API and the page."""

from __future__ import annotations

from pathlib import Path

from library.catalogue import Catalogue
from library.records import Job
from reelseek.errors import NotFound
from reelseek.records import JsonObject
from reelseek.urls import masked

_OF_A_VIDEO = {
    "chunk": "Part of {}",
    "reindex": "Bringing {} up to date",
    "caption": "Captions of {}",
    "caption_part": "Captions of a part of {}",
    "notes": "Notes of {}",
}
_OF_NOTHING = {
    "maintain": "Care of the index",
    "stale": "Look for what engines or settings made stale",
    "gc": "Reclaiming space",
    "saved": "Saved searches",
    "notify": "Telling another program what a saved search found",
}


def job_payload(job: Job, catalogue: Catalogue) -> JsonObject:
    """A job, with what it works on in words."""
    return {
        "job_id": job.job_id,
        "kind": job.kind,
        "state": job.state.value,
        "what": job_words(job, catalogue),
        "video_id": str(job.payload.get("video_id", "")),
        "stage": job.stage,
        "fraction": round(job.fraction, 3),
        "attempt": job.attempt,
        "error": job.error,
        "created_at": job.created_at.isoformat(),
        "finished_at": job.finished_at.isoformat() if job.finished_at else None,
    }


def job_words(job: Job, catalogue: Catalogue) -> str:
    """What a job works on: a file, an address, a video, a folder, or what it cares for.

    Bytes of a file name that are no valid UTF-8 become replacement characters.
    """
    if path := job.payload.get("path"):
        return Path(str(path)).name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if url := job.payload.get("url"):
        return str(job.result.get("title") or masked(str(url)))
    if video_id := job.payload.get("video_id"):
        video = catalogue.find_video(str(video_id))
        return _OF_A_VIDEO.get(job.kind, "{}").format(video.title if video else "a video that was removed")
    if (library_id := job.payload.get("library_id")) is not None:
        return f"Scan of {_library_name(catalogue, int(library_id))}"
    return _OF_NOTHING.get(job.kind, job.kind)


def _library_name(catalogue: Catalogue, library_id: int) -> str:
    try:
        return catalogue.library(library_id).name
    except NotFound:
        return "a removed folder"
