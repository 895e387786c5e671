"""A handful of pictures of a clip that somebody searches with, decoded in a process of its own.

What FFmpeg does to a hostile file it does to that process alone; one that takes too long is ended.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np

from ingest.decode import pictures
from ingest.decoder import DecodeReport
from ingest.probe import probe
from reelseek.errors import Busy, MediaError, ReelseekError
from reelseek.records import Image
from reelseek.setting_groups import IngestSettings
from reelseek.settings import Settings, as_environment, load_settings

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
        done = subprocess.run(
            [sys.executable, "-m", "workers.child", str(os.getpid()), sys.executable, "-m", "workers.example_clips"],
            input=os.fsencode(path),
            capture_output=True,
            timeout=_SECONDS,
            env={**os.environ, **as_environment(settings)},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise MediaError("Looking at the clip took too long.", hint="Send a shorter one.") from error
    finally:
        _places.release()
    if done.returncode == 0:
        try:
            with np.load(io.BytesIO(done.stdout), allow_pickle=False) as found:
                return [found[name] for name in found.files]
        except (ValueError, OSError, zipfile.BadZipFile) as error:
            raise MediaError("Its decoder failed on it.") from error
    try:
        told = json.loads(done.stdout)
    except ValueError:
        raise MediaError("Its decoder failed on it.") from None
    raise MediaError(str(told["message"]), hint=str(told["hint"]))


def main() -> int:
    """Send the pictures of the file that standard input names, or as JSON why there are none."""
    path = Path(os.fsdecode(sys.stdin.buffer.read()))
    try:
        found = clip_pictures(path, load_settings().ingest)
    except ReelseekError as error:
        json.dump({"message": error.message, "hint": error.hint}, sys.stdout)
        return error.exit_code
    buffer = io.BytesIO()
    np.savez(buffer, *found)
    sys.stdout.buffer.write(buffer.getvalue())
    return 0


if __name__ == "__main__":
    sys.exit(main())
