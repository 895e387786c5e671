"""Results of ingest stages as plain files, on this machine's disk or on any fsspec file system.

Layout: `<root>/<video_id[:2]>/<video_id>/<stage>/<key>/<name>`. A stage's folder counts only once it holds `done.json`,
which is written last. On a local disk the folder is made under a temporary name, flushed and renamed. An object store
has no rename: there the files go to their places at once, many in one go, and the marker after them.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt

from reelseek.durable import TEMPORARY, abandoned, publish_folder, storage_errors, temporary_name
from reelseek.errors import NotFound, ReelseekError
from reelseek.filetree import FileTree

__all__ = ["MARKER", "ArtefactStore", "StageWriter", "Stored", "storage_errors"]

MARKER = "done.json"
"""Written last into a stage's folder: `{"files": {name: bytes}, "made": what is remembered of the run}`."""

_POINTER = "current.json"
_VIDEO_ID = re.compile(r"[0-9a-f]{32}")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_SEND_FILES, _SEND_BYTES = 64, 16 << 20
"""What is gathered for an object store before it is sent."""

Array = npt.NDArray[Any]
_Bytes = bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """What lies under one key of one stage.

    Attributes:
        files: name to bytes, the marker too.
        linked: bytes of files that another result shares (hard links): deleting this one alone does not free them.
        modified: when the last file was written, in seconds since the epoch.
        complete: whether the marker is there.
    """

    stage: str
    key: str
    files: Mapping[str, int]
    linked: int
    modified: float
    complete: bool

    @property
    def bytes(self) -> int:
        """All its files."""
        return sum(self.files.values())


class StageWriter:
    """Takes the files of one stage; `ArtefactStore.write` makes it and publishes them together."""

    def __init__(self, store: ArtefactStore, tree: FileTree, folder: str) -> None:
        self._store, self._tree, self._folder = store, tree, folder
        self._files: dict[str, int] = {}
        self._made: dict[str, Any] = {}
        self._linked: set[str] = set()
        self._waiting: dict[str, _Bytes] = {}
        self._copies: dict[str, str] = {}
        self._sources: dict[tuple[str, str, str], dict[str, int]] = {}
        self._folders: set[str] = set()

    def bytes(self, name: str, content: _Bytes) -> None:
        """Write a file; `name` may hold folders, `thumbs/0.jpg`."""
        path = self._place(name)
        self._waiting[path] = content
        self._files[name] = len(content)
        waiting = sum(map(len, self._waiting.values()))
        if self._tree.is_local or len(self._waiting) >= _SEND_FILES or waiting >= _SEND_BYTES:
            self._send()

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

    def adopt(self, video_id: str, stage: str, key: str, name: str, as_name: str | None = None) -> None:
        """Take a file of a finished result into this one, by a hard link or a copy inside the object store.

        Args:
            as_name: its name here; by default the same.

        Raises:
            NotFound: that result is not there, or has no such file.
        """
        as_name, source = as_name or name, self._store.path(video_id, stage, key, name)
        files = self._sources.get((video_id, stage, key))
        if files is None:
            files = self._sources[video_id, stage, key] = self._store.files(video_id, stage, key)
        if name not in files:
            raise NotFound(f"The artefact {stage}/{name} of video {video_id} is not there.")
        self._copies[self._place(as_name)] = source
        self._files[as_name] = files[name]
        if len(self._copies) >= _SEND_FILES:
            self._send()

    def remember(self, **facts: Any) -> None:
        """Keep facts about this run beside the files (JSON's types): the engine, the inputs; `about` reads them."""
        self._made |= facts

    @property
    def files(self) -> dict[str, int]:
        """What was written so far, name to bytes."""
        return dict(self._files)

    def finish(self, seconds: float) -> set[str]:
        """Send what waits, then write the marker.

        Returns:
            The files that were written rather than linked.
        """
        self._send()
        self.json(MARKER, {"files": self.files, "made": {"seconds": round(seconds, 3)} | self._made})
        self._send()
        return {name for name in self._files if f"{self._folder}/{name}" not in self._linked}

    def _place(self, name: str) -> str:
        """The file's path; what was there under this name is given up."""
        path = f"{self._folder}/{_checked_name(name)}"
        folder = path.rpartition("/")[0]
        if folder not in self._folders:
            self._tree.make_folder(folder)
            self._folders.add(folder)
        if name in self._files:
            self._waiting.pop(path, None)
            self._copies.pop(path, None)
            self._linked.discard(path)
            if self._tree.is_local:  # never written into: it may be a second name of another result's file
                Path(path).unlink(missing_ok=True)
        return path

    def _send(self) -> None:
        self._tree.write(self._waiting)
        self._linked |= self._tree.copy(self._copies)
        self._waiting, self._copies = {}, {}


class ArtefactStore:
    """The artefacts of all videos.

    Args:
        url: a path, or an fsspec URL such as `s3://bucket/folder`.

    Raises:
        StorageError: the URL's file system is not installed or cannot be opened.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._tree = FileTree(url)
        self.is_local = self._tree.is_local

    def has(self, video_id: str, stage: str, key: str) -> bool:
        """Whether the stage is there and complete."""
        return self._tree.exists(self.path(video_id, stage, key, MARKER))

    def files(self, video_id: str, stage: str, key: str) -> dict[str, int]:
        """The files of a complete stage, name to bytes.

        Raises:
            NotFound: the stage is not there, or not complete.
        """
        return cast(dict[str, int], self.read_json(video_id, stage, key, MARKER)["files"])

    def about(self, video_id: str, stage: str, key: str) -> dict[str, Any]:
        """What is remembered of the run that made a stage: `seconds` of wall time, and what `remember` was given.

        Raises:
            NotFound: the stage is not there, or not complete.
        """
        return cast(dict[str, Any], self.read_json(video_id, stage, key, MARKER).get("made", {}))

    def open(self, video_id: str, stage: str, key: str, name: str) -> IO[bytes]:
        """Open a file for reading.

        Raises:
            NotFound: it is not there.
        """
        with _found(video_id, stage, name):
            return self._tree.open(self.path(video_id, stage, key, name))

    def read_bytes(self, video_id: str, stage: str, key: str, name: str) -> bytes:
        """Read a file. Raises `NotFound`."""
        with _found(video_id, stage, name):
            return self._tree.read(self.path(video_id, stage, key, name))

    def read_json(self, video_id: str, stage: str, key: str, name: str) -> Any:
        """Read a JSON file. Raises `NotFound`."""
        return _parsed(self.read_bytes(video_id, stage, key, name), f"{stage}/{name} of video {video_id}")

    def read_array(self, video_id: str, stage: str, key: str, name: str) -> Array:
        """Read what `StageWriter.array` wrote. Raises `NotFound`."""
        buffer = io.BytesIO(self.read_bytes(video_id, stage, key, name))
        return cast(Array, np.load(buffer, allow_pickle=False))

    @contextmanager
    def write(self, video_id: str, stage: str, key: str) -> Iterator[StageWriter]:
        """Write a stage: it counts after the block, or not at all when the block raises.

        Raises:
            StorageError: the disk is full, read-only or refuses.
        """
        final, started = self._folder(video_id, stage, key), time.monotonic()
        folder = f"{self._video(video_id)}/{temporary_name()}" if self.is_local else final
        with storage_errors("The artefact folder"):
            try:
                self._tree.make_folder(folder)
                writer = StageWriter(self, self._tree, folder)
                yield writer
                written = writer.finish(time.monotonic() - started)
                if self.is_local:
                    publish_folder(Path(folder), Path(final), MARKER, written)
            except BaseException:
                # on an object store another worker may be writing the same files; what is left there is for `gc`
                if self.is_local:
                    shutil.rmtree(folder, ignore_errors=True)
                raise

    def current(self, video_id: str) -> dict[str, str]:
        """The key of each stage as of the last finished ingest; empty when there was none."""
        try:
            content = self._tree.read(f"{self._video(video_id)}/{_POINTER}")
        except FileNotFoundError:
            return {}
        return cast(dict[str, str], _parsed(content, f"{_POINTER} of video {video_id}"))

    def set_current(self, video_id: str, keys: Mapping[str, str]) -> None:
        """Say which keys the last finished ingest made or reused; nothing is written where they are the same.

        Raises:
            StorageError: the disk is full, read-only or refuses.
        """
        if self.current(video_id) == keys:
            return
        content = json.dumps(dict(keys), sort_keys=True).encode()
        with storage_errors("The artefact folder"):
            self._tree.replace(f"{self._video(video_id)}/{_POINTER}", content)

    def keys(self, video_id: str, stage: str) -> list[str]:
        """The keys under which finished results of a stage are there, sorted."""
        names = (folder.rpartition("/")[2] for folder in self._tree.folders(f"{self._video(video_id)}/{stage}"))
        return sorted(name for name in names if _PART.fullmatch(name) and self.has(video_id, stage, name))

    def sizes(self, video_id: str) -> dict[tuple[str, str], int]:
        """Bytes of every result of a video, finished or not, by (stage, key)."""
        return {(stored.stage, stored.key): stored.bytes for stored in self.stored(video_id)}

    def stored(self, video_id: str) -> list[Stored]:
        """Every result of a video, finished or not, in order of stage and key. One listing of the video's folder."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for path, info in self._tree.find(self._video(video_id)).items():
            stage, _, rest = path.partition("/")
            key, _, name = rest.partition("/")
            if name and not stage.startswith("."):
                found.setdefault((stage, key), {})[name] = info
        return [
            Stored(
                stage,
                key,
                {name: info.size for name, info in infos.items()},
                sum(info.size for info in infos.values() if info.linked),
                max(info.modified for info in infos.values()),
                MARKER in infos,
            )
            for (stage, key), infos in sorted(found.items())
        ]

    def delete(self, video_id: str, stage: str, key: str) -> None:
        """Delete a result, its marker first, so that a half of it never counts; nothing happens when it is not there.

        Raises:
            StorageError: the disk refuses.
        """
        with storage_errors("The artefact folder"):
            self._tree.remove(self._folder(video_id, stage, key), (MARKER,))

    def prune(self, video_id: str, keep: Mapping[str, str]) -> None:
        """Delete every stage result of a video but those of `keep` (stage to key)."""
        for stored in self.stored(video_id):
            if keep.get(stored.stage) != stored.key:
                self.delete(video_id, stored.stage, stored.key)

    def sweep(self, video_id: str, *, dry_run: bool = False) -> int:
        """Remove what a killed run left: temporary folders of dead processes of this machine, and day-old ones.

        Returns:
            The bytes of what was left; with `dry_run` it still is.
        """
        if not self.is_local:
            return 0
        freed = 0
        for path in Path(self._video(video_id)).glob(f"{TEMPORARY}*"):
            with suppress(FileNotFoundError):
                if abandoned(path):
                    inner = [path] if path.is_file() else [item for item in path.rglob("*") if item.is_file()]
                    freed += sum(item.stat().st_size for item in inner)
                    if not dry_run:
                        shutil.rmtree(path) if path.is_dir() else path.unlink()
        return freed

    def delete_video(self, video_id: str) -> None:
        """Delete all artefacts of a video; nothing happens when there are none.

        Raises:
            StorageError: the disk refuses.
        """
        with storage_errors("The artefact folder"):
            self._tree.remove(self._video(video_id), (MARKER, _POINTER))

    def local_path(self, video_id: str, stage: str, key: str, name: str) -> Path | None:
        """The file's path where the store is on a local disk and the file exists, else None."""
        path = Path(self.path(video_id, stage, key, name))
        return path if self.is_local and path.is_file() else None

    def videos(self) -> list[str]:
        """Every video that has artefacts, sorted."""
        shelves = self._tree.folders(self._tree.root)
        names = (folder.rpartition("/")[2] for shelf in shelves for folder in self._tree.folders(shelf))
        return sorted(name for name in names if _VIDEO_ID.fullmatch(name))

    def path(self, video_id: str, stage: str, key: str, name: str) -> str:
        """Where a file lies in the file system. Raises `NotFound` for names that would leave the store."""
        return f"{self._folder(video_id, stage, key)}/{_checked_name(name)}"

    def _video(self, video_id: str) -> str:
        if not _VIDEO_ID.fullmatch(video_id):
            raise NotFound(f"There is no video {video_id!r}.")
        return f"{self._tree.root}/{video_id[:2]}/{video_id}"

    def _folder(self, video_id: str, stage: str, key: str) -> str:
        if not _PART.fullmatch(stage) or not _PART.fullmatch(key):
            raise NotFound(f"There is no stage {stage!r} with key {key!r}.")
        return f"{self._video(video_id)}/{stage}/{key}"


@contextmanager
def _found(video_id: str, stage: str, name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(f"The artefact {stage}/{name} of video {video_id} is not there.") from error


def _checked_name(name: str) -> str:
    if not all(_PART.fullmatch(part) for part in name.split("/")):
        raise NotFound(f"There is no artefact {name!r}.")
    return name


def _parsed(content: bytes, what: str) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        raise ReelseekError(f"The artefact {what} is damaged.", hint="Index the video again.") from error
