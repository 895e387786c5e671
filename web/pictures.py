"""A picture that somebody sends to search with: decoded with limits, turned upright."""

from __future__ import annotations

import base64
import io
import warnings

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError
from werkzeug.datastructures import FileStorage

from reelseek.errors import InvalidRequest
from reelseek.records import Image

MAX_BYTES = 32 << 20
MAX_PIXELS = 50_000_000
_FORMATS = ("JPEG", "PNG", "WEBP")
_SIDE = 1280
_PREVIEW_SIDE = 192


def read_picture(upload: FileStorage) -> Image:
    """Decode an uploaded picture, at most 1280 pixels on its longer side.

    Raises:
        InvalidRequest: it is no JPEG, PNG or WebP, is damaged, or has too many pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Pillow.DecompressionBombWarning)
            with Pillow.open(upload.stream, formats=_FORMATS) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise InvalidRequest(f"The picture has more than {MAX_PIXELS // 1_000_000} million pixels.")
                picture.draft("RGB", (_SIDE, _SIDE))
                upright = ImageOps.exif_transpose(picture).convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Pillow.DecompressionBombWarning) as error:
        raise InvalidRequest("The picture cannot be read.", hint="Send a JPEG, PNG or WebP.") from error
    upright.thumbnail((_SIDE, _SIDE))
    return np.asarray(upright, dtype=np.uint8)


def preview(image: Image) -> str:
    """A small copy as a `data:` URL, for showing what was searched with."""
    picture = Pillow.fromarray(image)
    picture.thumbnail((_PREVIEW_SIDE, _PREVIEW_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
