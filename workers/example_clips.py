"""A handful of pictures of a clip that somebody searches with, decoded in a process of its own."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np

from ingest.decode import pictures
from ingest.decoder import DecodeReport
from ingest.probe import probe
from reelseek.errors import Busy, MediaError
from reelseek.records import Image
from reelseek.setting_groups import IngestSettings
from reelseek.settings import Settings
from workers.apart import look, looked_apart

PICTURES = 8
"""Pictures that are taken of a clip, evenly over its length."""

_SIDE = 512
_SECONDS = 60.0
_places = threading.BoundedSemaphore(2)


def clip_pictures(path: Path, settings: IngestSettings, count: int = PICTURES) -> list[Image]:
    """Pictures from the middles of `count` equal parts of a video file.

    Raises:
        MediaError: it is no readable video, or is over a limit.
    """
    info = probe(path, settings)
    if not info.has_video:
        raise MediaError("It has no pictures.")
    found: list[Image] = []
    last = -1.0
    for part in range(count):
        start = info.duration * (part + 0.5) / count
        picture = next(iter(pictures(path, info, settings, DecodeReport(), start=start)), None)
        if picture is not None and picture.time > last:
            found.append(picture.image(_SIDE))
            last = picture.time
    if not found:  # a very short one may have its only picture before the first middle
        first = next(iter(pictures(path, info, settings, DecodeReport())), None)
        found = [first.image(_SIDE)] if first is not None else []
    if not found:
        raise MediaError("None of its pictures can be decoded.")
    return found


def clip_pictures_apart(path: Path, settings: Settings) -> list[Image]:
    """The same, in a process of its own.

    Raises:
        MediaError: it is no readable video, is over a limit, or takes too long.
        Busy: others are being decoded just now.
    """
    if not _places.acquire(blocking=False):
        raise Busy("Other clips are being looked at just now.", hint="Try again in a few seconds.")
    try:
        found = looked_apart("workers.example_clips", path, settings, _SECONDS)
        with np.load(io.BytesIO(found), allow_pickle=False) as packed:
            return [packed[name] for name in packed.files]
    except subprocess.TimeoutExpired as error:
        raise MediaError("Looking at the clip took too long.", hint="Send a shorter one.") from error
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise MediaError("Its decoder failed on it.") from error
    finally:
        _places.release()


def _packed(path: Path, settings: Settings) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, *clip_pictures(path, settings.ingest))
    return buffer.getvalue()


if __name__ == "__main__":
    sys.exit(look(_packed))
