"""Loading PaddleOCR as Reelseek installs it: offline, quiet, and with the headless build of OpenCV."""

from __future__ import annotations

import importlib.metadata
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from engines.base import require
from engines.offline import go_offline

_ASKED_FOR = "opencv-contrib-python"
_INSTALLED = "opencv-python-headless"
_lock = threading.Lock()


def paddleocr(extra: str) -> Any:
    """Import PaddleOCR.

    Args:
        extra: whose message names it where the library is missing.

    Raises:
        EngineUnavailable: PaddleOCR is not installed.
    """
    go_offline()
    with headless_opencv():
        library = require("paddleocr", extra)
        # Asked once here, under the shim, so that the library's own cache holds the answer from now on.
        require("paddlex.utils.deps", extra).is_extra_available("ocr-core")
    logging.getLogger("paddlex").setLevel(logging.ERROR)
    return library


@contextmanager
def headless_opencv() -> Iterator[None]:
    """Let PaddleX find OpenCV under the name that it asks for, while the body runs.

    PaddleX asks the installed distributions for `opencv-contrib-python` before it runs, and even before it imports
    `cv2`. The headless build has the same module without the parts that open windows, and Reelseek installs only that
    one: two builds in one environment overwrite each other's files. PaddleX keeps the answers it got, so the shim is
    needed while it is imported and asked, and is gone afterwards.
    """
    with _lock:
        original = importlib.metadata.version
        if _has(_ASKED_FOR) or not _has(_INSTALLED):
            yield
            return

        def version(distribution_name: str) -> str:
            return original(_INSTALLED if distribution_name == _ASKED_FOR else distribution_name)

        importlib.metadata.version = version
        try:
            yield
        finally:
            importlib.metadata.version = original


def _has(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
