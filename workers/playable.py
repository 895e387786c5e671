"""Whether a file that somebody sends can be indexed at all, told before it is kept."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path

from ingest.probe import probe
from reelseek.settings import Settings
from workers.apart import look, looked_apart

_SECONDS = 30.0
_places = threading.BoundedSemaphore(2)
_log = logging.getLogger(__name__)


def check_playable(path: Path, settings: Settings) -> None:
    """Refuse what indexing would refuse at its first look; what takes too long to look at is left to it.

    Raises:
        MediaError: it is no readable video or sound, or is over a limit; the message says which.
    """
    try:
        with _places:
            looked_apart("workers.playable", path, settings, _SECONDS)
    except subprocess.TimeoutExpired:
        _log.warning("looking at an upload took more than %.0f s; it is taken unseen", _SECONDS)


def _probed(path: Path, settings: Settings) -> bytes:
    probe(path, settings.ingest, video_id="not hashed: the whole file would be read for it")
    return b""


if __name__ == "__main__":
    sys.exit(look(_probed))
