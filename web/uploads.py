"""Uploaded files: written once, straight into the uploads folder, and named there only when complete."""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
import unicodedata
from pathlib import Path
from typing import IO, Any

from flask import Request
from werkzeug.datastructures import FileStorage

from reelseek.artefacts import storage_errors
from reelseek.errors import InvalidRequest
from reelseek.settings import Settings

_NO_HARD_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.EXDEV})
_MAX_NAME_BYTES = 180
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
_FORBIDDEN = re.compile(r'[<>:"/\\|?*%]')


def uploads_folder(settings: Settings) -> Path:
    """Where uploaded videos stay."""
    return settings.data / "uploads"


def safe_name(name: str) -> str:
    """A file name that cannot leave its folder, hide, or trouble any file system; the suffix is kept.

    Raises:
        InvalidRequest: nothing of the name is left.
    """
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    name = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in name)
    name = " ".join(_FORBIDDEN.sub("_", name).split()).strip(" .-_")
    if _RESERVED.match(name):
        name = f"video {name}"
    stem, suffix = Path(name).stem, Path(name).suffix
    room = _MAX_NAME_BYTES - len(suffix.encode())
    if room <= 0:
        stem, suffix, room = name, "", _MAX_NAME_BYTES
    stem = stem.encode()[:room].decode(errors="ignore").rstrip(" .")
    if not stem:
        raise InvalidRequest("The uploaded file has no usable name.", hint="Rename it and upload it again.")
    return stem + suffix


class UploadRequest(Request):
    """A request whose files land in the data folder, so that keeping one is a link, not a second copy."""

    incoming: Path

    def _get_file_stream(
        self,
        total_content_length: int | None,  # noqa: ARG002 (a signature of the library)
        content_type: str | None,  # noqa: ARG002
        filename: str | None = None,  # noqa: ARG002
        content_length: int | None = None,  # noqa: ARG002
    ) -> IO[bytes]:
        with storage_errors("The uploads folder"):
            self.incoming.mkdir(parents=True, exist_ok=True)
            return tempfile.NamedTemporaryFile(dir=self.incoming, prefix="upload-", suffix=".part")


def request_class(settings: Settings) -> type[UploadRequest]:
    """The request class of an app over these settings."""
    return type("AppRequest", (UploadRequest,), {"incoming": settings.data / "incoming"})


def keep_upload(upload: FileStorage, settings: Settings) -> Path:
    """Give an uploaded file its name in the uploads folder, whole and flushed, over no other file; return its path.

    Raises:
        InvalidRequest: it is empty, or has no usable name.
        StorageError: the disk is full or refuses.
    """
    name = safe_name(upload.filename or "")
    stream: Any = upload.stream
    if stream.seek(0, os.SEEK_END) == 0:
        raise InvalidRequest(f"{name} is empty.")
    folder = uploads_folder(settings)
    with storage_errors("The uploads folder"):
        stream.flush()
        os.fsync(stream.fileno())
        return _link_free(Path(stream.name), folder, name)


def _link_free(source: Path, folder: Path, name: str) -> Path:
    """Link `source` under the first free one of `name`, `name (2)`, ...; the temporary name goes with its stream."""
    folder.mkdir(parents=True, exist_ok=True)
    stem, suffix = Path(name).stem, Path(name).suffix
    number = 1
    while True:
        target = folder / (name if number == 1 else f"{stem} ({number}){suffix}")
        try:
            _link(source, target)
        except FileExistsError:
            number += 1
            continue
        target.chmod(0o644)
        return target


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        target.open("xb").close()  # takes the name, so that the replacement below overwrites nobody's file
        whole = source.with_name(f"{source.name}.whole")
        shutil.copyfile(source, whole)
        whole.replace(target)
