"""Where the tables lie on disk, and the errors of the library that keeps them.

`<data>/index/CURRENT` names the generation folder in use. A rebuild fills a new folder and then replaces that one small
file, so readers have either the old tables or the new ones.
"""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from reelseek.errors import IndexDamaged, ReelseekError, StorageError

CURRENT = "CURRENT"
REBUILD_HINT = "Run `reelseek index --rebuild`: it is made again from the artefacts, without any model."
_DISK = ("no space left", "disk quota", "read-only file system", "permission denied")


def current_generation(root: Path) -> str | None:
    """The generation in use, or None before the first write."""
    try:
        return (root / CURRENT).read_text(encoding="ascii").strip() or None
    except FileNotFoundError:
        return None


def new_generation() -> str:
    """A name for a generation folder."""
    return f"tables-{uuid.uuid4().hex[:12]}"


def set_current(root: Path, generation: str) -> None:
    """Make a generation the one in use, durably and at once."""
    temporary = root / f"{CURRENT}.{os.getpid()}.tmp"
    with temporary.open("w", encoding="ascii") as file:
        file.write(generation)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(root / CURRENT)


def connect(folder: Path, *, fresh: bool) -> Any:
    """Open a generation. With `fresh`, its tables look for new versions at each use; otherwise they stay as opened."""
    os.environ.setdefault("LANCEDB_LOG", "error")  # it warns at every query otherwise; read when it is imported
    import lancedb

    return lancedb.connect(str(folder), read_consistency_interval=timedelta(0) if fresh else None)


def table_exists(folder: Path, table: str) -> bool:
    """Whether a table was made; a folder without any version is none."""
    return (folder / f"{table}.lance" / "_versions").is_dir()


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn the library's errors into ours, which say what can be done.

    Raises:
        StorageError: the disk is full or cannot be written.
        IndexDamaged: anything else that reading or writing a table brings up.
    """
    try:
        yield
    except ReelseekError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT):
            raise StorageError(f"The index cannot be written ({doing}): {error}") from error
        raise IndexDamaged(f"The index failed ({doing}): {_short(error)}", hint=REBUILD_HINT) from error
    except (RuntimeError, ValueError) as error:
        if any(phrase in str(error).lower() for phrase in _DISK):
            raise StorageError(f"The index cannot be written ({doing}): {_short(error)}") from error
        raise IndexDamaged(f"The index failed ({doing}): {_short(error)}", hint=REBUILD_HINT) from error


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else text[:300] + "…"
