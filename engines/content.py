"""Hashes of weights, remembered by (path, size, time of change) so that a large file is read once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import threading
from pathlib import Path

_CACHE_NAME = "weights-hashes.json"
_LEGAL = frozenset(("LICENSE", "LICENCE", "NOTICE", "COPYING"))
_lock = threading.Lock()
_memory: dict[str, str] = {}


def folder_files(path: Path) -> list[Path]:
    """A file itself, or the files of a folder in a stable order; hidden ones and caches are left out."""
    if path.is_file():
        return [path]
    return sorted(
        file
        for file in path.rglob("*")
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )


def content_hash(path: Path, data: Path) -> str:
    """SHA-256 over the names and contents of a file, or of what a loader may read in a folder.

    Args:
        path: weights.
        data: the data folder, in which the hashes of files are remembered where it can be written.
    """
    digest = hashlib.sha256()
    for file in folder_files(path):
        if file != path and _is_prose(file):
            continue
        name = file.name if file == path else file.relative_to(path).as_posix()
        digest.update(f"{name}\0{file_hash(file, data)}\n".encode())
    return digest.hexdigest()


def _is_prose(file: Path) -> bool:
    """Whether a file is for people alone: model cards and licences are edited while the weights stay as they are."""
    suffix = file.suffix.lower()
    return suffix == ".md" or (suffix in ("", ".txt") and file.stem.upper() in _LEGAL)


def file_hash(file: Path, data: Path) -> str:
    """SHA-256 of a file, from memory where its size and time of change are as they were."""
    key = _key(file)
    with _lock:
        if key in _memory:
            return _memory[key]
        _memory.update(_read(data / _CACHE_NAME))
        if key in _memory:
            return _memory[key]
    value = sha256_file(file)
    remember_hash(file, value, data)
    return value


def remember_hash(file: Path, value: str, data: Path) -> None:
    """Keep a file's known hash, in the data folder where that can be written."""
    with _lock:
        _memory[_key(file)] = value
        _write(data / _CACHE_NAME, _read(data / _CACHE_NAME) | {_key(file): value})


def sha256_file(file: Path) -> str:
    """SHA-256 of a file's bytes, read now."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _key(file: Path) -> str:
    stat = file.stat()
    return f"{file.absolute()}|{stat.st_size}|{stat.st_mtime_ns}"


def _read(path: Path) -> dict[str, str]:
    """The remembered hashes. A lost or damaged memory only costs the reading again."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in values.items()} if isinstance(values, dict) else {}


def _write(path: Path, values: dict[str, str]) -> None:
    """Replace the memory in one step; where the folder cannot be written nothing is kept."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".hashes-")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(values, stream)
        Path(name).replace(path)
