"""Files as answers: whole, or the part that a range asks for."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import IO

from flask import Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from reelseek.errors import NotFound
from web.ranges import ByteRange, Whole, etag_matches, range_applies, select_range

_CHUNK = 256 * 1024
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


def send_file(path: Path, tag: str, name: str = "") -> Response:
    """The file, or the part that a `Range` asks for. The entity tag changes with `tag`, and the file's size or time.

    Args:
        name: as which it is saved; empty leaves that to the browser.

    Raises:
        NotFound: it cannot be opened.
        RequestedRangeNotSatisfiable: the range lies outside it.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise NotFound(
            "The video's file cannot be opened just now.", hint="Is the disk connected, and may Reelseek read it?"
        ) from error
    body = _FileBody(file)
    try:
        response = _answer(body, os.fstat(file.fileno()), tag, path.name)
    except BaseException:
        body.close()
        raise
    if name:
        response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _answer(body: _FileBody, stat: os.stat_result, tag: str, name: str) -> Response:
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{tag}-{stat.st_size:x}-{stat.st_mtime_ns:x}"',
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
