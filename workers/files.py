"""Which files are taken for videos."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

VIDEO_SUFFIXES = frozenset({
    ".3g2", ".3gp", ".asf", ".avi", ".divx", ".f4v", ".flv", ".gif", ".m2ts", ".m2v", ".m4v", ".mkv", ".mov", ".mp4",
    ".mpeg", ".mpg", ".mts", ".mxf", ".ogm", ".ogv", ".ts", ".vob", ".webm", ".wmv",
})  # fmt: skip
SOUND_SUFFIXES = frozenset({
    ".aac", ".flac", ".m4a", ".m4b", ".mka", ".mp3", ".oga", ".ogg", ".opus", ".wav", ".wma",
})  # fmt: skip
"""Suffixes that are looked at in folders. A file that is named itself is tried whatever it is called."""

_TRANSPORT_STREAM = frozenset({".ts", ".mts", ".m2ts"})
_SYNC_BYTE = 0x47


def find_videos(paths: Iterable[Path]) -> Iterator[Path]:
    """Videos at paths, each once: files as they are named, folders walked in the order of their names.

    In folders hidden names are passed over, and links to folders (they may lead in circles); links to files are taken.
    A sound file beside a video of the same name is that video's own sound, and is passed over too.
    Paths come back absolute; one that does not exist comes back too, for its user to be told.
    """
    seen = set()
    for path in paths:
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 (normalises `..`, and keeps links as they are)
        for found in _walk(absolute) if absolute.is_dir() else (absolute,):
            if found not in seen:
                seen.add(found)
                yield found


def is_video(path: Path) -> bool:
    """Whether a file in a folder is taken for a video: by its suffix, and for `.ts` and `.mts` by its first bytes too.

    TypeScript uses these two suffixes as well.
    """
    suffix = path.suffix.lower()
    if suffix not in VIDEO_SUFFIXES or path.name.startswith(".") or not path.is_file():
        return False
    return suffix not in _TRANSPORT_STREAM or _begins_as_transport_stream(path)


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = [Path(root, name) for name in sorted(names)]
        videos = {path for path in paths if is_video(path)}
        stems = {path.stem for path in videos}
        yield from (path for path in paths if path in videos or (_is_sound(path) and path.stem not in stems))


def _is_sound(path: Path) -> bool:
    return path.suffix.lower() in SOUND_SUFFIXES and not path.name.startswith(".") and path.is_file()


def _begins_as_transport_stream(path: Path) -> bool:
    """A packet begins with a sync byte; Blu-ray's packets have a time stamp of four bytes before it."""
    try:
        with path.open("rb") as file:
            head = file.read(5)
    except OSError:
        return True  # taken, so that its reason is told
    return not head or head[0] == _SYNC_BYTE or (len(head) == 5 and head[4] == _SYNC_BYTE)
