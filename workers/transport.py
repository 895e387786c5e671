"""The broker of one machine: a folder, no server.

Kombu's own folder transport writes a message under its final name, so that a consumer can read half of one and fall
over. Here a message gets its name when it is whole.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from kombu.transport import filesystem

from reelseek.artefacts import storage_errors
from reelseek.errors import StorageError

_log = logging.getLogger(__name__)


class Channel(filesystem.Channel):  # type: ignore[misc]  # kombu has no types
    """A channel whose messages appear at once."""

    def _put(self, queue: str, payload: Any, **_: Any) -> None:
        folder = Path(self.data_folder_out)
        name = f"{time.time_ns()}_{uuid.uuid4()}.{queue}.msg"
        temporary = folder / f".{name}.part"
        try:
            with storage_errors("The broker's folder"):
                temporary.write_text(json.dumps(payload), encoding="utf-8")
                temporary.rename(folder / name)
        except StorageError as error:
            # jobs lie in the catalogue, and the schedule rings for those that wait
            _log.warning("%s A message is dropped.", error.message)
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


class Transport(filesystem.Transport):  # type: ignore[misc]
    """Kombu's folder transport over that channel."""

    Channel = Channel
