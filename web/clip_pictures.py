"""A clip that somebody sends to search with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from werkzeug.datastructures import FileStorage

from reelseek.errors import InvalidRequest, MediaError
from reelseek.records import Image
from reelseek.settings import Settings
from workers.example_clips import clip_pictures_apart


def read_clip(upload: FileStorage, settings: Settings) -> list[Image]:
    """A handful of pictures of an uploaded clip.

    Raises:
        InvalidRequest: it is no video that can be read.
    """
    stream: Any = upload.stream  # a named file in the data folder (`web.uploads`)
    stream.flush()
    try:
        return clip_pictures_apart(Path(stream.name), settings)
    except MediaError as error:
        raise InvalidRequest(f"The clip cannot be read: {error.message}", hint=error.hint) from error
