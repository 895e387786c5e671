"""Who a file is: the hash of its content, the same under every name and in every place."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from reelseek.errors import MediaError

_CHUNK = 4 << 20


def content_id(path: Path, progress: Callable[[float], None] | None = None) -> str:
    """BLAKE2b-128 over the whole file, 32 hex digits; it reads in chunks, so memory stays flat.

    Args:
        path: a regular file.
        progress: called with the fraction read; may raise to stop.

    Raises:
        MediaError: it is no regular file, or cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        if not path.is_file():
            raise MediaError("It is not a file." if path.exists() else "The file is not there.")
        total, done = max(1, path.stat().st_size), 0
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                done += len(chunk)
                if progress:
                    progress(min(1.0, done / total))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise MediaError(f"The file cannot be read: {reason}.") from error
    return digest.hexdigest()
