"""Bytes of a video: the file itself with ranges, its pictures and its text tracks."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import IO, Any

from apiflask import APIBlueprint
from flask import Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from reelseek.errors import NotFound
from reelseek.export.captions import VTT_MIMETYPE, chapters_vtt, transcript_vtt
from reelseek.records import Channel
from web import contents
from web.backend import backend
from web.ranges import ByteRange, Whole, etag_matches, range_applies, select_range
from web.schemas import TranscriptQuery

_CHUNK = 256 * 1024
_KEEP = "private, max-age=86400"
_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/mp4",  # the same boxes; browsers play it under this name
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".ogv": "video/ogg",
    ".avi": "video/x-msvideo",
    ".ts": "video/mp2t",
    ".mts": "video/mp2t",
    ".m2ts": "video/mp2t",
    ".3gp": "video/3gpp",
}


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
        return _send_file(contents.file_of(backend(), video_id), video_id)

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


def _send_file(path: Path, video_id: str) -> Response:
    """The file, or the part that is asked for. The entity tag changes with the file's content, size or time."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise NotFound(
            "The video's file cannot be opened just now.", hint="Is the disk connected, and may Reelseek read it?"
        ) from error
    body = _FileBody(file)
    try:
        return _answer(body, os.fstat(file.fileno()), video_id, path.name)
    except BaseException:
        body.close()
        raise


def _answer(body: _FileBody, stat: os.stat_result, video_id: str, name: str) -> Response:
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{video_id[:12]}-{stat.st_size:x}-{stat.st_mtime_ns:x}"',
        "Last-Modified": formatdate(stat.st_mtime, usegmt=True),
        "Cache-Control": "private, no-cache",
    }
    if etag_matches(request.headers.get("If-None-Match"), headers["ETag"]):
        body.close()
        return Response(status=304, headers=headers)
    part: ByteRange | Whole = Whole.FULL
    if range_applies(request.headers.get("If-Range"), headers["ETag"], headers["Last-Modified"]):
        part = select_range(request.headers.get("Range"), stat.st_size)
    if part is Whole.UNSATISFIABLE:
        raise RequestedRangeNotSatisfiable(stat.st_size)
    status = 200
    if isinstance(part, ByteRange):
        status = 206
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{stat.st_size}"
    else:
        part = ByteRange(0, stat.st_size)
    body.limit(part)
    headers["Content-Length"] = str(part.length)
    suffix = Path(name).suffix.lower()
    kind = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or ""
    return Response(
        body,
        status,
        headers,
        mimetype=kind if kind.startswith("video/") or kind == "image/gif" else "application/octet-stream",
        direct_passthrough=True,
    )


class _FileBody:
    """A part of an open file as a response body; closed by the server, whether it was sent or not."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.remaining = 0

    def limit(self, part: ByteRange) -> None:
        """Send these bytes."""
        self._file.seek(part.start)
        self.remaining = part.length

    def __iter__(self) -> Iterator[bytes]:
        while self.remaining > 0 and (chunk := self._file.read(min(_CHUNK, self.remaining))):
            self.remaining -= len(chunk)
            yield chunk

    def close(self) -> None:
        """Close the file."""
        self._file.close()
