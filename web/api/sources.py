"""Live sources, and videos from URLs."""

from __future__ import annotations

from apiflask import APIBlueprint

from library.records import Job, Source
from reelseek.records import JsonObject
from reelseek.urls import masked
from web.backend import Backend, backend
from web.payloads import job_payload, moment_text
from web.schemas import JobOut, NewFetch, SourceList
from workers.enqueue import enqueue_fetch


def register(api: APIBlueprint) -> None:
    """Add the routes."""

    @api.get("/sources")
    @api.output(SourceList)
    def list_sources() -> JsonObject:
        """List the live sources with their state, newest recording and gaps."""
        return {"sources": source_payloads(backend())}

    @api.post("/videos/fetch")
    @api.input(NewFetch, location="json", arg_name="wanted")
    @api.doc(responses={403: "Fetching is switched off (`fetch.enabled`)", 503: "yt-dlp is not installed"})
    @api.output(JobOut, status_code=202)
    def fetch_video(wanted: NewFetch) -> JsonObject:
        """Have a video downloaded from a URL and indexed, where fetching is switched on."""
        return job_payload(queue_fetch(backend(), wanted), backend().catalogue)


def queue_fetch(served: Backend, wanted: NewFetch) -> Job:
    """Queue a download.

    Raises:
        Forbidden: fetching is off.
        InvalidRequest: the URL is none.
        NotFound: there is no such library.
    """
    from workers.fetching import check_fetching

    url = check_fetching(served.settings, wanted.url)
    if wanted.library is not None:
        served.catalogue.library(wanted.library)
    return enqueue_fetch(served.catalogue, served.settings, url, wanted.library, wanted.max_height)


def source_payloads(served: Backend) -> list[JsonObject]:
    """The live sources as they are sent."""
    return [_payload(source) for source in served.catalogue.sources()]


def _payload(source: Source) -> JsonObject:
    return {
        "name": source.name,
        "kind": source.kind,
        "url": masked(source.url),
        "state": source.state.value,
        "detail": source.detail,
        "recordings": source.chunk_count,
        "newest_ended": moment_text(source.last_chunk_at),
        "keep_hours": source.keep_hours,
        "gap_count": source.gap_count,
        "gaps": [
            {"start": moment_text(gap.start), "end": moment_text(gap.end), "reason": gap.reason} for gap in source.gaps
        ],
    }
