"""Bytes of a video: the file itself with ranges, its pictures and its text tracks."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response, request

from reelseek.export.captions import VTT_MIMETYPE, chapters_vtt, transcript_vtt
from reelseek.records import Channel
from web import contents
from web.backend import backend
from web.ranges import etag_matches
from web.schemas import TranscriptQuery
from web.sending import send_file

_KEEP = "private, max-age=86400"


def _binary(kind: str) -> Any:
    return {200: {"description": "The bytes", "content": {kind: {"schema": {"type": "string"}}}}}


def register(api: APIBlueprint) -> None:
    """Add the routes."""

    @api.get("/videos/<video:video_id>/media")
    @api.doc(
        responses={
            **_binary("video/*"),
            206: {"description": "Part of it", "content": {"video/*": {"schema": {"type": "string"}}}},
            304: "Unchanged",
            416: "The range lies outside the file",
        }
    )
    def media(video_id: str) -> Response:
        """Send the video's file; `Range`, `If-Range` and `If-None-Match` are honoured."""
        return send_file(contents.file_of(backend(), video_id), video_id[:12])

    @api.get("/videos/<video:video_id>/thumbnails/<number:segment>.jpg")
    @api.doc(responses=_binary("image/jpeg"))
    def thumbnail(video_id: str, segment: int) -> Response:
        """Send the picture of a segment."""
        return _picture(video_id, f"thumbs/{segment}.jpg")

    @api.get("/videos/<video:video_id>/poster.jpg")
    @api.doc(responses=_binary("image/jpeg"))
    def poster(video_id: str) -> Response:
        """Send the picture that stands for the video."""
        return _picture(video_id, "poster.jpg")

    @api.get("/videos/<video:video_id>/storyboard.vtt")
    @api.doc(responses=_binary(VTT_MIMETYPE))
    def storyboard(video_id: str) -> Response:
        """Send the storyboard: which part of which sheet shows which second."""
        return _vtt(contents.media_file(backend(), video_id, "storyboard.vtt")[1].decode())

    @api.get("/videos/<video:video_id>/<sheet:name>")
    @api.doc(responses=_binary("image/jpeg"))
    def storyboard_sheet(video_id: str, name: str) -> Response:
        """Send a sheet of the storyboard, as its WebVTT names it."""
        return _picture(video_id, name)

    @api.get("/videos/<video:video_id>/transcript.vtt")
    @api.input(TranscriptQuery, location="query", arg_name="query")
    @api.doc(responses=_binary(VTT_MIMETYPE))
    def transcript(video_id: str, query: TranscriptQuery) -> Response:
        """Send what is said, or with `kind=screen_text` what stands on screen, as WebVTT."""
        return _vtt(transcript_vtt(contents.lines(backend(), video_id, Channel(query.kind))))

    @api.get("/videos/<video:video_id>/chapters.vtt")
    @api.doc(responses=_binary(VTT_MIMETYPE))
    def chapters(video_id: str) -> Response:
        """Send the chapters as WebVTT."""
        return _vtt(chapters_vtt(contents.chapters(backend(), video_id)))


def _vtt(text: str) -> Response:
    return Response(text, mimetype=VTT_MIMETYPE)


def _picture(video_id: str, name: str) -> Response:
    tag, content = contents.media_file(backend(), video_id, name)
    headers = {"ETag": f'"{tag}"', "Cache-Control": _KEEP}
    if etag_matches(request.headers.get("If-None-Match"), headers["ETag"]):
        return Response(status=304, headers=headers)
    return Response(content, mimetype="image/jpeg", headers=headers)
