"""Exports: captions, chapters, tables, playlists, timelines, clips and reels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request, url_for

from library import searches
from reelseek.errors import InvalidRequest
from reelseek.export.captions import CHAPTERS, TRANSCRIPTS, VTT_MIMETYPE
from reelseek.export.excerpts import Excerpt, excerpts_of
from reelseek.export.formats import FORMATS, Listing, file_name
from reelseek.records import Channel
from web import contents
from web.api.search import search_request
from web.backend import Backend, backend
from web.export_schemas import (
    CaptionsExport,
    ChaptersExport,
    ClipExport,
    RangesExport,
    SavedExport,
    SearchExport,
    SelectionExport,
)
from web.sending import send_file
from workers.cutter import CutRequest
from workers.exports import cut_plan, excerpt_of, excerpts_of_choice, excerpts_of_hits, media_clocks

_TEXTS = {"vtt": VTT_MIMETYPE, "srt": "application/x-subrip", "ffmetadata": "text/plain"}
_SUFFIXES = {"vtt": ".vtt", "srt": ".srt", "ffmetadata": ".ffmetadata.txt"}
_ANY: Any = {200: {"description": "The file", "content": {"*/*": {"schema": {"type": "string"}}}}}
_CLIP: Any = {
    200: {"description": "The clip", "content": {"video/mp4": {"schema": {"type": "string"}}}},
    206: {"description": "Part of it", "content": {"video/mp4": {"schema": {"type": "string"}}}},
    503: "As many clips as may be are being cut just now",
}


def register(api: APIBlueprint) -> None:
    """Add the routes."""
    _register_of_video(api)
    _register_of_moments(api)


def _register_of_video(api: APIBlueprint) -> None:
    """What leaves one video."""

    @api.get("/videos/<video:video_id>/export/captions")
    @api.input(CaptionsExport, location="query", arg_name="query")
    @api.doc(responses=_ANY)
    def export_captions(video_id: str, query: CaptionsExport) -> Response:
        """Send what is said, written, seen or heard as subtitles to save."""
        lines = contents.lines(backend(), video_id, Channel(query.channel))
        suffix = "" if query.channel == "speech" else f".{query.channel}"
        return _text(TRANSCRIPTS[query.format](lines), query.format, video_id, suffix)

    @api.get("/videos/<video:video_id>/export/chapters")
    @api.input(ChaptersExport, location="query", arg_name="query")
    @api.doc(responses=_ANY)
    def export_chapters(video_id: str, query: ChaptersExport) -> Response:
        """Send the chapters to save, as WebVTT or as FFmpeg's metadata file."""
        return _text(
            CHAPTERS[query.format](contents.chapters(backend(), video_id)), query.format, video_id, ".chapters"
        )

    @api.get("/videos/<video:video_id>/export/timeline")
    @api.input(RangesExport, location="query", arg_name="query")
    @api.doc(responses=_ANY)
    def export_timeline(video_id: str, query: RangesExport) -> Response:
        """Send stretches of a video, or its chapters, as a timeline, a playlist or a table."""
        title = backend().catalogue.video(video_id).title
        return _listing(backend(), _stretches(backend(), video_id, query), query.format, title)

    @api.get("/videos/<video:video_id>/export/clip")
    @api.input(ClipExport, location="query", arg_name="query")
    @api.doc(responses=_CLIP)
    def export_clip(video_id: str, query: ClipExport) -> Response:
        """Cut a stretch out of a video and send it; `Range` is honoured."""
        found = excerpt_of(backend().catalogue, video_id, query.start, query.end)
        plan = cut_plan(backend().catalogue, [found], copy=query.mode == "copy", height=query.height)
        return _cut(backend(), plan, file_name(found.title, ".mp4", found.start, found.end))


def _register_of_moments(api: APIBlueprint) -> None:
    """Moments of any videos: found, saved, or chosen by hand."""

    @api.get("/search/export")
    @api.input(SearchExport, location="query", arg_name="query")
    @api.doc(responses=_ANY | {503: _CLIP[503]})
    def export_search(query: SearchExport) -> Response:
        """Search, and send the moments as a table, a playlist, a timeline, or cut into a reel."""
        moments = excerpts_of(backend().service.search(search_request(query)).moments)
        return _moments(backend(), moments, query.format, query.q or "moments", query.height)

    @api.get("/saved/<number:search_id>/export")
    @api.input(SavedExport, location="query", arg_name="query")
    @api.doc(responses=_ANY | {503: _CLIP[503]})
    def export_saved(search_id: int, query: SavedExport) -> Response:
        """Send what a saved search found as a table, a playlist, a timeline, or cut into a reel."""
        catalogue = backend().catalogue
        saved = searches.saved_search(catalogue, search_id)
        moments = excerpts_of_hits(catalogue, searches.saved_hits(catalogue, search_id, query.k))
        return _moments(backend(), moments, query.format, saved.name, query.height)

    @api.post("/export")
    @api.input(SelectionExport, location="json", arg_name="chosen")
    @api.doc(responses=_ANY | {404: "A video or its file is not there", 503: _CLIP[503]})
    def export_selection(chosen: SelectionExport) -> Response:
        """Send moments of any videos, in order, as a table, a playlist, a timeline, or cut into a reel."""
        moments = excerpts_of_choice(
            backend().catalogue, [(item.video_id, item.start, item.end, item.title) for item in chosen.moments]
        )
        return _moments(backend(), moments, chosen.format, chosen.title or "Selection", chosen.height)


def _stretches(served: Backend, video_id: str, query: RangesExport) -> list[Excerpt]:
    if query.ranges:
        return excerpts_of_choice(served.catalogue, [(video_id, start, end, "") for start, end in query.stretches])
    entry = served.catalogue.video(video_id)
    return [
        Excerpt(video_id, entry.title, entry.path, chapter.start, chapter.end, text=chapter.title, label=chapter.title)
        for chapter in contents.chapters(served, video_id)
    ]


def _moments(served: Backend, excerpts: Sequence[Excerpt], name: str, title: str, height: int) -> Response:
    if name != "mp4":
        return _listing(served, excerpts, name, title)
    return _cut(served, cut_plan(served.catalogue, excerpts, height=height, title=title), file_name(title, ".mp4"))


def _listing(served: Backend, excerpts: Sequence[Excerpt], name: str, title: str) -> Response:
    wanted = FORMATS[name]
    if wanted.needs_clocks and not excerpts:
        raise InvalidRequest("There is nothing to put on a timeline.")
    clocks = media_clocks(served.catalogue, excerpts) if wanted.needs_clocks else {}
    base = served.settings.web.public_url.rstrip("/") or request.host_url.rstrip("/")

    def address(excerpt: Excerpt) -> str:
        return base + url_for("api.media", video_id=excerpt.video_id)

    text = wanted.write(Listing(excerpts, title, base, clocks, address))
    return _attached(text, wanted.mimetype, file_name(title, wanted.suffix))


def _text(text: str, name: str, video_id: str, suffix: str) -> Response:
    title = backend().catalogue.video(video_id).title
    return _attached(text, _TEXTS[name], file_name(title, suffix + _SUFFIXES[name]))


def _attached(text: str, mimetype: str, name: str) -> Response:
    response = Response(text.encode("utf-8", "replace"), content_type=f"{mimetype}; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _cut(served: Backend, plan: CutRequest, name: str) -> Response:
    path = served.clips.clip(plan)
    return send_file(path, path.stem[:12], name)
