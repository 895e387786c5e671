"""Videos, and what searches find, in short."""

from __future__ import annotations

from apiflask import APIBlueprint

from query.digest.digests import DigestRequest, digest
from reelseek.records import JsonObject
from reelseek.wire import digest_payload
from web.backend import backend
from web.digest_schemas import DigestOut, SearchDigest, VideoDigest


def register(api: APIBlueprint) -> None:
    """Add the routes."""

    @api.get("/videos/<video:video_id>/summary")
    @api.input(VideoDigest, location="query", arg_name="query")
    @api.output(DigestOut)
    def video_summary(video_id: str, query: VideoDigest) -> JsonObject:
        """Sum up a video: sentences with their times, quotes, names, terms."""
        wanted = DigestRequest(video_id, query.q, query.length, by_model=query.model)
        return digest_payload(digest(backend().service, wanted))

    @api.get("/summary")
    @api.input(SearchDigest, location="query", arg_name="query")
    @api.output(DigestOut)
    def search_summary(query: SearchDigest) -> JsonObject:
        """Sum up what a search finds."""
        wanted = DigestRequest("", query.q, query.length, query.library, query.model)
        return digest_payload(digest(backend().service, wanted))
