"""Videos, and what searches find, in short."""

from __future__ import annotations

from apiflask import APIBlueprint

from query.digest.digests import DigestRequest, digest, video_notes
from reelseek.errors import EngineUnavailable
from reelseek.records import JsonObject
from reelseek.wire import digest_payload
from web.backend import backend
from web.digest_schemas import DigestOut, NotesOut, SearchDigest, VideoDigest


def register(api: APIBlueprint) -> None:
    """Add the routes."""

    @api.get("/videos/<video:video_id>/summary")
    @api.input(VideoDigest, location="query", arg_name="query")
    @api.output(DigestOut)
    def video_summary(video_id: str, query: VideoDigest) -> JsonObject:
        """Sum up a video: sentences with their times, quotes, names, terms."""
        wanted = DigestRequest(video_id, query.q, query.length, by_model=query.model)
        return digest_payload(digest(backend().service, wanted))

    @api.get("/videos/<video:video_id>/notes")
    @api.output(NotesOut)
    def notes_state(video_id: str) -> JsonObject:
        """Tell how far the notes go that a model takes of a long video."""
        return _notes_payload(video_id, take=False)

    @api.post("/videos/<video:video_id>/notes")
    @api.output(NotesOut, status_code=202)
    def take_notes(video_id: str) -> JsonObject:
        """Have the workers take the notes that a video lacks, so that no question waits for them."""
        return _notes_payload(video_id, take=True)

    @api.get("/summary")
    @api.input(SearchDigest, location="query", arg_name="query")
    @api.output(DigestOut)
    def search_summary(query: SearchDigest) -> JsonObject:
        """Sum up what a search finds."""
        wanted = DigestRequest("", query.q, query.length, query.library, query.model)
        return digest_payload(digest(backend().service, wanted))


def _notes_payload(video_id: str, *, take: bool) -> JsonObject:
    service = backend().service
    notes = video_notes(service, video_id)
    if notes is None:
        raise EngineUnavailable("No model is there that could take notes of it.", hint="See the setting engines.vlm.")
    missing = notes.missing()
    rest = service.note_takers(service.engines, notes, 0.0) if take and missing else ""
    coverage = notes.coverage(missing)
    if missing and not take:
        rest = "They are taken when they are first needed, or when this is posted to."
    return {"video_id": video_id, "segments": coverage.segments, "noted": coverage.noted, "rest": rest}
