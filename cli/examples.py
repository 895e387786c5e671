"""Examples and marks on the command line: pictures, clips, parts of indexed videos."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from library.catalogue import Catalogue
from query.examples.stretches import locate, read_stretch
from query.requests import Stretch
from reelseek.errors import InvalidRequest, MediaError
from reelseek.records import Image
from reelseek.settings import Settings


class ByName(StrEnum):
    """In what an example is to be found again."""

    ALL = "all"
    SEEN = "seen"
    SAID = "said"


def read_images(pictures: Iterable[Path], clips: Iterable[str], settings: Settings) -> dict[str, Image]:
    """The pictures that are searched with, by the names that a query may use: `image:red` is `red.jpg`.

    Raises:
        InvalidRequest: a file is no picture, no video, or has the name of another.
    """
    found: dict[str, Image] = {}
    for path in pictures:
        if path.stem in found:
            raise InvalidRequest(f"Two pictures are called {path.stem}.", hint="Rename one.")
        found[path.stem] = read_picture(path)
    for clip in clips:
        if (path := Path(clip)).is_file():
            found |= {f"{path.name} {number}": image for number, image in enumerate(_pictures_of(path, settings), 1)}
    return found


def read_stretches(texts: Iterable[str], catalogue: Catalogue) -> tuple[Stretch, ...]:
    """Parts of indexed videos, written `VIDEO@1:20-1:30`; what is a file is left out.

    Raises:
        InvalidRequest: one is not written so.
        NotFound: there is no such video.
    """
    return tuple(locate(read_stretch(text), catalogue) for text in texts if not Path(text).is_file())


def read_picture(path: Path) -> Image:
    """A picture, turned upright.

    Raises:
        InvalidRequest: it cannot be read.
    """
    import numpy as np
    from PIL import Image as Pillow
    from PIL import ImageOps

    try:
        with Pillow.open(path) as picture:
            return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"), dtype=np.uint8)
    except (OSError, ValueError, Pillow.DecompressionBombError) as error:
        raise InvalidRequest(f"{path} is no picture that can be read.") from error


def _pictures_of(path: Path, settings: Settings) -> list[Image]:
    from workers.example_clips import clip_pictures

    try:
        return clip_pictures(path, settings.ingest)
    except MediaError as error:
        raise InvalidRequest(f"{path} cannot be searched with: {error.message}", hint=error.hint) from error
