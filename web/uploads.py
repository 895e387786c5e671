"""Uploaded files: written once, straight into the uploads folder, and named there only when complete."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import IO, Any

from flask import Request
from werkzeug.datastructures import FileStorage

from reelseek.artefacts import storage_errors
from reelseek.errors import InvalidRequest, MediaError
from reelseek.filenames import link_free, safe_name
from reelseek.settings import Settings
from workers.playable import check_playable

_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}$")


class UploadRequest(Request):
    """A request whose files land in the data folder, so that keeping one is a link, not a second copy."""

    incoming: Path

    def _get_file_stream(
        self,
        total_content_length: int | None,  # noqa: ARG002 (a signature of the library)
        content_type: str | None,  # noqa: ARG002
        filename: str | None = None,
        content_length: int | None = None,  # noqa: ARG002
    ) -> IO[bytes]:
        with storage_errors("The uploads folder"):
            self.incoming.mkdir(parents=True, exist_ok=True)
            # some formats without a signature are known by their suffix only
            suffix = match[0] if (match := _SUFFIX.search(filename or "")) else ""
            return tempfile.NamedTemporaryFile(dir=self.incoming, prefix="upload-", suffix=f".part{suffix}")


def request_class(settings: Settings) -> type[UploadRequest]:
    """The request class of an app over these settings."""
    return type("AppRequest", (UploadRequest,), {"incoming": settings.data / "incoming"})


def keep_upload(upload: FileStorage, settings: Settings) -> Path:
    """Give an uploaded file its name in the uploads folder, whole and flushed, over no other file; return its path.

    Raises:
        InvalidRequest: it is empty, or has no usable name.
        MediaError: it is no video or sound that can be indexed.
        StorageError: the disk is full or refuses.
    """
    name = safe_name(upload.filename or "")
    stream: Any = upload.stream
    if stream.seek(0, os.SEEK_END) == 0:
        raise InvalidRequest(f"{name} is empty.")
    folder = settings.uploads_path
    with storage_errors("The uploads folder"):
        stream.flush()
        os.fsync(stream.fileno())
    try:
        check_playable(Path(stream.name), settings)
    except MediaError as error:
        raise MediaError(f"{name} was not taken. {error.message}", hint=error.hint) from error
    with storage_errors("The uploads folder"):
        return link_free(Path(stream.name), folder, name)
