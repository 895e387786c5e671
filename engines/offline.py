"""Nothing but `reelseek models pull` downloads: the switches that hold the libraries to it."""

from __future__ import annotations

import os
import sys

SWITCHES = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "YOLO_OFFLINE": "true",
    "YOLO_AUTOINSTALL": "false",
    "PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK": "True",
    "DO_NOT_TRACK": "1",
}
"""Environment variables that the libraries read, most of them once, when they are imported."""


def go_offline() -> None:
    """Put the libraries of this process, and of the processes it starts, into their offline modes.

    `huggingface_hub` reads its switch when it is imported, so one that is already there is switched in place.
    """
    os.environ.update(SWITCHES)
    constants = sys.modules.get("huggingface_hub.constants")
    if constants is not None:
        constants.HF_HUB_OFFLINE = True  # type: ignore[attr-defined]


def online_environment() -> dict[str, str]:
    """The environment without the switches of the hub's client, for the one process that may fetch."""
    return {name: value for name, value in os.environ.items() if not name.endswith("_OFFLINE")}
