"""Results of ingest stages as plain files, on this machine's disk or on any fsspec file system.

Layout: `<root>/<video_id[:2]>/<video_id>/<stage>/<key>/<name>`. A stage's folder counts only once it holds `done.json`,
which is written last. On a local disk the folder is made under a temporary name, flushed and renamed.
"""

from __future__ import annotations

import errno
import io
import json
import os
import re
import shutil
import socket
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast

import fsspec
import numpy as np
import numpy.typing as npt
from fsspec.implementations.local import LocalFileSystem

from reelseek.errors import NotFound, ReelseekError, StorageError

MARKER = "done.json"
"""Written last into a stage's folder: `{"files": {name: bytes}}`."""

_POINTER = "current.json"
_TEMPORARY = ".tmp-"
_ABANDONED_AFTER = 24 * 3600.0
_VIDEO_ID = re.compile(r"[0-9a-f]{32}")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_STORAGE_ERRNOS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EFBIG}
)

Array = npt.NDArray[Any]


@contextmanager
def storage_errors(place: str) -> Iterator[None]:
    """Turn the operating system's refusals to write into a `StorageError` that names `place`."""
    try:
        yield
    except OSError as error:
        if error.errno not in _STORAGE_ERRNOS:
            raise
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise StorageError(
            f"{place} cannot be written: {error.strerror}.",
            hint="Free some space; what is finished is kept." if full else "Check its permissions.",
        ) from error


class StageWriter:
    """Takes the files of one stage; `ArtefactStore.write` makes it and publishes them together."""

    def __init__(self, filesystem: Any, folder: str) -> None:
        self._filesystem = filesystem
        self._folder = folder
        self._files: dict[str, int] = {}

    def bytes(self, name: str, content: bytes) -> None:
        """Write a file; `name` may hold folders, `thumbs/0.jpg`."""
        path = f"{self._folder}/{_checked_name(name)}"
        self._filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
        with self._filesystem.open(path, "wb") as file:
            file.write(content)
        self._files[name] = len(content)

    def json(self, name: str, value: object) -> None:
        """Write a value as JSON.

        Raises:
            ValueError: it holds NaN or an infinity.
        """
        self.bytes(name, json.dumps(value, allow_nan=False, separators=(",", ":")).encode())

    def array(self, name: str, value: Array) -> None:
        """Write an array in NumPy's format; `read_array` reads it."""
        buffer = io.BytesIO()
        np.save(buffer, value, allow_pickle=False)
        self.bytes(name, buffer.getvalue())

    @property
    def files(self) -> dict[str, int]:
        """What was written so far, name to bytes."""
        return dict(self._files)


class ArtefactStore:
    """The artefacts of all videos.

    Args:
        url: a path, or an fsspec URL such as `s3://bucket/folder`.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        if "://" in url:
            self._filesystem, root = fsspec.core.url_to_fs(url)
        else:
            self._filesystem, root = LocalFileSystem(), str(Path(url).expanduser().absolute())
        self._local = isinstance(self._filesystem, LocalFileSystem)
        self._root = cast(str, root).rstrip("/")

    def has(self, video_id: str, stage: str, key: str) -> bool:
        """Whether the stage is there and complete."""
        return bool(self._filesystem.exists(f"{self._folder(video_id, stage, key)}/{MARKER}"))

    def files(self, video_id: str, stage: str, key: str) -> dict[str, int]:
        """The files of a complete stage, name to bytes.

        Raises:
            NotFound: the stage is not there, or not complete.
        """
        return cast(dict[str, int], self.read_json(video_id, stage, key, MARKER)["files"])

    def open(self, video_id: str, stage: str, key: str, name: str) -> IO[bytes]:
        """Open a file for reading.

        Raises:
            NotFound: it is not there.
        """
        path = f"{self._folder(video_id, stage, key)}/{_checked_name(name)}"
        try:
            return cast(IO[bytes], self._filesystem.open(path, "rb"))
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise NotFound(f"The artefact {stage}/{name} of video {video_id} is not there.") from error

    def read_bytes(self, video_id: str, stage: str, key: str, name: str) -> bytes:
        """Read a file. Raises `NotFound`."""
        with self.open(video_id, stage, key, name) as file:
            return file.read()

    def read_json(self, video_id: str, stage: str, key: str, name: str) -> Any:
        """Read a JSON file. Raises `NotFound`."""
        return _parsed(self.read_bytes(video_id, stage, key, name), f"{stage}/{name} of video {video_id}")

    def read_array(self, video_id: str, stage: str, key: str, name: str) -> Array:
        """Read what `StageWriter.array` wrote. Raises `NotFound`."""
        buffer = io.BytesIO(self.read_bytes(video_id, stage, key, name))
        return cast(Array, np.load(buffer, allow_pickle=False))

    @contextmanager
    def write(self, video_id: str, stage: str, key: str) -> Iterator[StageWriter]:
        """Write a stage: all of it is there after the block, or none of it when the block raises.

        Raises:
            StorageError: the disk is full, read-only or refuses.
        """
        final = self._folder(video_id, stage, key)
        folder = f"{self._video(video_id)}/{_temporary_name()}" if self._local else final
        with storage_errors("The artefact folder"):
            try:
                self._filesystem.makedirs(folder, exist_ok=True)
                writer = StageWriter(self._filesystem, folder)
                yield writer
                writer.bytes(MARKER, json.dumps({"files": writer.files}).encode())
                if self._local:
                    _publish(Path(folder), Path(final))
            except BaseException:
                if self._local or not self.has(video_id, stage, key):
                    with suppress(OSError):
                        self._filesystem.rm(folder, recursive=True)
                raise

    def current(self, video_id: str) -> dict[str, str]:
        """The key of each stage as of the last finished ingest; empty when there was none."""
        path = f"{self._video(video_id)}/{_POINTER}"
        try:
            content = cast(bytes, self._filesystem.cat_file(path))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        return cast(dict[str, str], _parsed(content, f"{_POINTER} of video {video_id}"))

    def set_current(self, video_id: str, keys: Mapping[str, str]) -> None:
        """Say which keys the last finished ingest made or reused.

        Raises:
            StorageError: the disk is full, read-only or refuses.
        """
        folder, content = self._video(video_id), json.dumps(dict(keys), sort_keys=True).encode()
        with storage_errors("The artefact folder"):
            if not self._local:
                self._filesystem.pipe_file(f"{folder}/{_POINTER}", content)
                return
            path = Path(folder) / f"{_temporary_name()}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                path.write_bytes(content)
                _flush(path)
                path.replace(path.parent / _POINTER)
                _flush(path.parent)
            finally:
                path.unlink(missing_ok=True)

    def prune(self, video_id: str, keep: Mapping[str, str]) -> None:
        """Delete every stage result of a video but those of `keep` (stage to key)."""
        kept = {self._folder(video_id, stage, key) for stage, key in keep.items()}
        for stage in self._folders(self._video(video_id)):
            for folder in self._folders(stage):
                if folder not in kept:
                    self._filesystem.rm(folder, recursive=True)

    def sweep(self, video_id: str) -> None:
        """Remove what a killed run left: temporary folders of dead processes of this machine, and day-old ones."""
        if not self._local:
            return
        for path in Path(self._video(video_id)).glob(f"{_TEMPORARY}*"):
            with suppress(OSError):
                if _abandoned(path):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    def delete_video(self, video_id: str) -> None:
        """Delete all artefacts of a video; nothing happens when there are none."""
        with suppress(FileNotFoundError):
            self._filesystem.rm(self._video(video_id), recursive=True)

    def local_path(self, video_id: str, stage: str, key: str, name: str) -> Path | None:
        """The file's path where the store is on a local disk and the file exists, else None."""
        path = Path(self._folder(video_id, stage, key)) / _checked_name(name)
        return path if self._local and path.is_file() else None

    def videos(self) -> list[str]:
        """Every video that has artefacts, sorted."""
        names = (folder.rpartition("/")[2] for shelf in self._folders(self._root) for folder in self._folders(shelf))
        return sorted(name for name in names if _VIDEO_ID.fullmatch(name))

    def _folders(self, path: str) -> list[str]:
        try:
            entries = self._filesystem.ls(path, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return []
        names = (cast(str, item["name"]).rstrip("/") for item in entries if item["type"] == "directory")
        return [name for name in names if not name.rpartition("/")[2].startswith(".")]

    def _video(self, video_id: str) -> str:
        if not _VIDEO_ID.fullmatch(video_id):
            raise NotFound(f"There is no video {video_id!r}.")
        return f"{self._root}/{video_id[:2]}/{video_id}"

    def _folder(self, video_id: str, stage: str, key: str) -> str:
        if not _PART.fullmatch(stage) or not _PART.fullmatch(key):
            raise NotFound(f"There is no stage {stage!r} with key {key!r}.")
        return f"{self._video(video_id)}/{stage}/{key}"


def _checked_name(name: str) -> str:
    if not all(_PART.fullmatch(part) for part in name.split("/")):
        raise NotFound(f"There is no artefact {name!r}.")
    return name


def _parsed(content: bytes, what: str) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        raise ReelseekError(f"The artefact {what} is damaged.", hint="Index the video again.") from error


def _temporary_name() -> str:
    return f"{_TEMPORARY}{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex}"


def _abandoned(path: Path) -> bool:
    host, _, rest = path.name.removeprefix(_TEMPORARY).removesuffix(".json").rpartition("-")[0].rpartition("-")
    if host == socket.gethostname() and rest.isdigit():
        try:
            os.kill(int(rest), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
    return time.time() - path.stat().st_mtime > _ABANDONED_AFTER


def _publish(folder: Path, final: Path) -> None:
    """Flush `folder` to the disk and give it its final name."""
    for path in folder.rglob("*"):
        _flush(path)
    _flush(folder)
    final.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(2):
        try:
            folder.rename(final)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            if (final / MARKER).exists():  # another worker was faster; the same key means the same result
                shutil.rmtree(folder)
                return
            shutil.rmtree(final)
        else:
            _flush(final.parent)
            return
    raise StorageError(f"The artefact folder {final} cannot be replaced.")


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
