"""Results of ingest stages as plain files, on this machine's disk or on any fsspec file system.

Layout: `<root>/<video_id[:2]>/<video_id>/<stage>/<key>/<name>`. A stage's folder counts only once it holds `done.json`,
which is written last. On a local disk the folder is made under a temporary name, flushed and renamed. An object store
has no rename: there the files go to their places at once, many in one go, and the marker after them. What is hidden
(`.tmp-MACHINE-PROCESS-…`) in a video's folder says that somebody is at work on it, or was killed.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from reelseek.durable import TEMPORARY, abandoned, publish_folder, storage_errors, temporary_name
from reelseek.errors import NotFound, ReelseekError
from reelseek.filetree import FileTree
from reelseek.stage_files import MARKER, NAME_PART, Array, StageWriter, Stored, checked_name

__all__ = ["MARKER", "ArtefactStore", "StageWriter", "Stored", "storage_errors"]

_POINTER, _EDITIONS = "current.json", "editions.json"
_VIDEO_ID = re.compile(r"[0-9a-f]{32}")


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
    def write(self, video_id: str, stage: str, key: str, *, replace: bool = False) -> Iterator[StageWriter]:
        """Write a stage: it counts after the block, or not at all when the block raises.

        Args:
            replace: put it in the place of a finished result; otherwise the one that was finished first stays.

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
                    publish_folder(Path(folder), Path(final), MARKER, written, replace=replace)
            except BaseException:
                # on an object store another worker may be writing the same files; what is left there is for `gc`
                if self.is_local:
                    shutil.rmtree(folder, ignore_errors=True)
                raise

    def current(self, video_id: str) -> dict[str, str]:
        """The key of each stage as of the last finished ingest; empty when there was none."""
        return cast(dict[str, str], self._of_video(video_id, _POINTER))

    def set_current(self, video_id: str, keys: Mapping[str, str]) -> None:
        """Say which keys the last finished ingest made or reused; nothing is written where they are the same.

        Raises:
            StorageError: the disk is full, read-only or refuses.
        """
        if self.current(video_id) == keys:
            return
        self._say_of_video(video_id, _POINTER, keys)

    def editions(self, video_id: str) -> dict[str, int]:
        """How often stages were asked to be done again, 1 and more; those that never were are not named."""
        return cast(dict[str, int], self._of_video(video_id, _EDITIONS))

    def set_editions(self, video_id: str, editions: Mapping[str, int]) -> None:
        """Remember how often stages were asked to be done again; nothing is written where that is the same.

        Raises:
            StorageError: the disk is full, read-only or refuses.
        """
        if self.editions(video_id) != editions:
            self._say_of_video(video_id, _EDITIONS, editions)

    def changed(self, video_id: str) -> float:
        """When `current` last changed, in seconds since the epoch; 0 where no ingest ever finished."""
        info = self._tree.entries(self._video(video_id)).get(_POINTER)
        return info.modified if info else 0.0

    def keys(self, video_id: str, stage: str) -> list[str]:
        """The keys under which finished results of a stage are there, sorted."""
        names = (folder.rpartition("/")[2] for folder in self._tree.folders(f"{self._video(video_id)}/{stage}"))
        return sorted(name for name in names if NAME_PART.fullmatch(name) and self.has(video_id, stage, name))

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

    def drop(self, video_id: str, stage: str, key: str, names: Collection[str]) -> None:
        """Delete files of a finished result, which stays finished; `about` tells how many were `dropped` so far.

        Raises:
            NotFound: the result is not there, or not complete.
            StorageError: the disk refuses.
        """
        folder = self._folder(video_id, stage, key)
        marker = self.read_json(video_id, stage, key, MARKER)
        gone = [name for name in marker["files"] if name in names]
        marker["files"] = {name: size for name, size in marker["files"].items() if name not in names}
        made = marker.setdefault("made", {})
        made["dropped"] = made.get("dropped", 0) + len(gone)
        with storage_errors("The artefact folder"):
            self._tree.replace(f"{folder}/{MARKER}", json.dumps(marker).encode())
            self._tree.delete([f"{folder}/{checked_name(name)}" for name in gone])

    @contextmanager
    def working(self, video_id: str) -> Iterator[None]:
        """Say that results of a video are being made or reused: `gc` leaves it alone meanwhile.

        Raises:
            StorageError: the disk is full, read-only or refuses.
        """
        path = f"{self._video(video_id)}/{temporary_name()}.json"
        with storage_errors("The artefact folder"):
            self._tree.make_folder(path.rpartition("/")[0])
            self._tree.write({path: b"{}"})
        try:
            yield
        finally:
            with suppress(OSError):
                self._tree.delete([path])
                if self.is_local:
                    Path(path).parent.rmdir()  # where nothing came of it; a folder with results in it stays

    def is_busy(self, video_id: str) -> bool:
        """Whether some process is at work on a video's results."""
        return any(not gone for gone in self._hidden(video_id).values())

    def sweep(self, video_id: str, *, dry_run: bool = False) -> int:
        """Remove what a killed run left: temporary folders of dead processes of this machine, and day-old ones.

        Returns:
            The bytes of what was left; with `dry_run` it still is.
        """
        freed = 0
        for path in [path for path, gone in self._hidden(video_id).items() if gone]:
            freed += self._tree.size(path)
            if not dry_run:
                with storage_errors("The artefact folder"):
                    self._tree.remove(path, ())
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
        return f"{self._folder(video_id, stage, key)}/{checked_name(name)}"

    def _hidden(self, video_id: str) -> dict[str, bool]:
        """What lies under a temporary name in a video's folder, and whether nobody is at work on it any more."""
        folder = self._video(video_id)
        found = self._tree.entries(folder)
        return {
            f"{folder}/{name}": abandoned(name, info.modified)
            for name, info in found.items()
            if name.startswith(TEMPORARY)
        }

    def _of_video(self, video_id: str, name: str) -> dict[str, Any]:
        """A small file about the whole video; empty where there is none."""
        try:
            content = self._tree.read(f"{self._video(video_id)}/{name}")
        except FileNotFoundError:
            return {}
        return cast(dict[str, Any], _parsed(content, f"{name} of video {video_id}"))

    def _say_of_video(self, video_id: str, name: str, content: Mapping[str, Any]) -> None:
        with storage_errors("The artefact folder"):
            self._tree.replace(f"{self._video(video_id)}/{name}", json.dumps(dict(content), sort_keys=True).encode())

    def _video(self, video_id: str) -> str:
        if not _VIDEO_ID.fullmatch(video_id):
            raise NotFound(f"There is no video {video_id!r}.")
        return f"{self._tree.root}/{video_id[:2]}/{video_id}"

    def _folder(self, video_id: str, stage: str, key: str) -> str:
        if not NAME_PART.fullmatch(stage) or not NAME_PART.fullmatch(key):
            raise NotFound(f"There is no stage {stage!r} with key {key!r}.")
        return f"{self._video(video_id)}/{stage}/{key}"


@contextmanager
def _found(video_id: str, stage: str, name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(f"The artefact {stage}/{name} of video {video_id} is not there.") from error


def _parsed(content: bytes, what: str) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        raise ReelseekError(f"The artefact {what} is damaged.", hint="Index the video again.") from error
