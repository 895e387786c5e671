"""What lies under one key of one stage: writing its files, and the list of them."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from reelseek.errors import NotFound
from reelseek.filetree import FileTree

if TYPE_CHECKING:
    from reelseek.artefacts import ArtefactStore

MARKER = "done.json"
"""Written last into a stage's folder: `{"files": {name: bytes}, "made": what is remembered of the run}`."""

NAME_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
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
        path = f"{self._folder}/{checked_name(name)}"
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


def checked_name(name: str) -> str:
    """A file's name, of one or more parts.

    Raises:
        NotFound: it could leave its folder, or hide.
    """
    if not all(NAME_PART.fullmatch(part) for part in name.split("/")):
        raise NotFound(f"There is no artefact {name!r}.")
    return name
