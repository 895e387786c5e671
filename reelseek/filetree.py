"""Files below one root: on this machine's disk, or on any file system that fsspec knows."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from reelseek.durable import link_or_copy, remove_tree, replace_file
from reelseek.errors import StorageError

_OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "memory"})
"""Protocols without real folders: none has to be made before a file is written."""

_GONE = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file: its size in bytes, when it was written (seconds since the epoch), whether it has a second name."""

    size: int
    modified: float
    linked: bool


class FileTree:
    """Reads and writes files by paths that begin with `root`.

    Args:
        url: a path, or an fsspec URL such as `s3://bucket/folder`.

    Attributes:
        is_local: the files lie on a disk or a mounted folder, where names can be changed and linked.

    Raises:
        StorageError: the library for this kind of URL is not installed.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        if "://" in url:
            try:
                # other workers write too: a listing that was kept would hide what they made
                self._filesystem, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
            except (ImportError, ValueError) as error:
                raise StorageError(f"The artefact store {_bare(url)} cannot be opened: {error}", hint=_HINT) from error
        else:
            self._filesystem, root = LocalFileSystem(), str(Path(url).expanduser().absolute())
        self.is_local = isinstance(self._filesystem, LocalFileSystem)
        self.root = cast(str, root).rstrip("/")
        protocols = self._filesystem.protocol
        self._has_folders = _OBJECT_STORES.isdisjoint({protocols} if isinstance(protocols, str) else protocols)

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        if self.is_local:
            return Path(path).is_file()
        try:  # one request, whatever the answer; asking for its properties takes a second one where it is absent
            with self._asked():
                self._filesystem.cat_file(path, start=0, end=1)
        except _GONE:
            return False
        return True

    def read(self, path: str) -> bytes:
        """A file's content. Raises `FileNotFoundError`, also for a folder."""
        try:
            if self.is_local:
                return Path(path).read_bytes()
            with self._asked():
                return cast(bytes, self._filesystem.cat_file(path))
        except _GONE as error:
            raise FileNotFoundError(path) from error

    def open(self, path: str) -> IO[bytes]:
        """Open a file for reading. Raises `FileNotFoundError`, also for a folder."""
        try:
            with self._asked():
                return cast(IO[bytes], self._filesystem.open(path, "rb"))
        except _GONE as error:
            raise FileNotFoundError(path) from error

    def replace(self, path: str, content: bytes) -> None:
        """Write a file so that readers find the old content or the new one."""
        if self.is_local:
            replace_file(Path(path), content)
            return
        self.make_folder(path.rpartition("/")[0])
        self.write({path: content})

    def write(self, contents: Mapping[str, bytes]) -> None:
        """Write files, path to content, in parallel where the library can. Their folders are there."""
        if self.is_local:
            for path, content in contents.items():
                Path(path).write_bytes(content)
        elif contents:
            try:
                with self._asked():
                    self._filesystem.pipe(dict(contents))
            except FileNotFoundError as error:
                raise StorageError(f"{_bare(self.url)} cannot be written: {error}", hint=_HINT) from error

    def copy(self, copies: Mapping[str, str]) -> set[str]:
        """Copy files, target to source: a second name on a disk that has links, a copy inside an object store.

        Returns:
            The targets that share their bytes with the source.

        Raises:
            FileNotFoundError: a source is not there.
        """
        if self.is_local:
            return {target for target, source in copies.items() if link_or_copy(Path(source), Path(target))}
        if copies:
            with self._asked():
                self._filesystem.copy(list(copies.values()), list(copies), on_error="raise")
        return set()

    def make_folder(self, path: str) -> None:
        """Make a folder, where the file system has such."""
        if self._has_folders:
            with self._asked():
                self._filesystem.makedirs(path, exist_ok=True)

    def entries(self, folder: str) -> dict[str, FileInfo]:
        """What is in a folder, by name; hidden files and folders too. Empty where there is no such folder."""
        return {name: info for name, (info, _) in self._listed(folder).items()}

    def folders(self, folder: str) -> list[str]:
        """Paths of the folders in a folder; hidden ones are passed over. None where there is no such folder."""
        found = self._listed(folder).items()
        return [f"{folder}/{name}" for name, (_, is_folder) in found if is_folder and not name.startswith(".")]

    def size(self, path: str) -> int:
        """Bytes of a file, or of all files below a folder."""
        try:
            with self._asked():
                return int(self._filesystem.du(path))
        except _GONE:
            return 0

    def find(self, folder: str) -> dict[str, FileInfo]:
        """Every file below a folder, by its path from there."""
        try:
            with self._asked():
                found = self._filesystem.find(folder, detail=True)
        except _GONE:
            return {}
        return {path[len(folder) + 1 :]: _file_info(info) for path, info in found.items() if path != folder}

    def delete(self, paths: Collection[str]) -> None:
        """Delete files; those that are gone are passed over."""
        if self.is_local:
            for path in paths:
                Path(path).unlink(missing_ok=True)
        elif paths:
            with self._asked(), suppress(FileNotFoundError):
                self._filesystem.rm(list(paths))

    def remove(self, folder: str, first: Collection[str]) -> None:
        """Delete a file or a folder, files named as in `first` before others; nothing happens when it is gone."""
        if self.is_local:
            remove_tree(Path(folder), first)
            return
        with self._asked():
            paths = {path: path.rpartition("/")[2] in first for path in self._filesystem.find(folder)}
        for early in (True, False):
            self.delete([path for path, is_first in paths.items() if is_first is early])
        if self._has_folders:
            with self._asked(), suppress(FileNotFoundError):
                self._filesystem.rm(folder, recursive=True)

    def _listed(self, folder: str) -> dict[str, tuple[FileInfo, bool]]:
        try:
            with self._asked():
                entries = self._filesystem.ls(folder, detail=True)
        except _GONE:
            return {}
        named = ((cast(str, item["name"]).rstrip("/").rpartition("/")[2], item) for item in entries)
        return {name: (_file_info(item), item["type"] == "directory") for name, item in named}

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Turn what libraries of object stores raise of their own into a `StorageError`.

        Raises:
            StorageError: no credentials, no such bucket, no answer.
        """
        try:
            yield
        except _library_errors() as error:
            text = str(error).rstrip(".")
            raise StorageError(f"The artefact store {_bare(self.url)} does not answer: {text}.", hint=_HINT) from error
        except PermissionError as error:
            if self.is_local:
                raise
            raise StorageError(f"The artefact store {_bare(self.url)} refuses: {error}.", hint=_HINT) from error


_HINT = "docs/operations.md says how its address and credentials are set."


def _library_errors() -> tuple[type[Exception], ...]:
    """Errors of botocore that are no `OSError`, where it is in use."""
    module = sys.modules.get("botocore.exceptions")
    return () if module is None else (module.BotoCoreError, module.ClientError)


def _bare(url: str) -> str:
    """The URL without what may be a password."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if rest else url


def _file_info(info: Mapping[str, Any]) -> FileInfo:
    return FileInfo(int(info.get("size") or 0), _modified(info), int(info.get("nlink") or 1) > 1)


def _modified(info: Mapping[str, Any]) -> float:
    """When a file was written; now where the file system does not say, so that nothing seems old."""
    for name in ("mtime", "LastModified", "last_modified", "updated", "created"):
        value = info.get(name)
        if isinstance(value, str):
            with suppress(ValueError):
                value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            return value.timestamp()
        if isinstance(value, int | float):
            return float(value)
    return time.time()
