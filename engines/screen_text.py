"""What the screen-text adapters share: pictures in, lines in reading order out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reelseek.errors import InvalidRequest
from reelseek.records import Box, Image, TextBox

CONFIDENCE_FLOOR = 0.6
"""Lines that the recogniser is less sure of are dropped. On real clips most of what lies below is foliage, fabric and
motion blur read as letters; real captions lie above 0.8."""

LONGEST_SIDE = 1920
"""Pixels: lines are looked for in a picture no larger than this, and never in an enlarged one."""

MIN_SIDE = 32
"""Pixels: the detectors divide the picture by 32; a smaller one is put on a canvas of at least this size."""

MAX_ASPECT = 4
"""A picture longer than this many times its other side is put on a canvas of this shape: the detectors see nothing in
a strip of a few rows of pixels, and some enlarge it to tens of thousands of pixels."""

ROW_TOLERANCE = 0.5
"""Two lines stand in one row when their middles are closer than this share of the lower one's height."""

_PADDING_GREY = 127


@dataclass(frozen=True, slots=True)
class Canvas:
    """A picture as the libraries take it: BGR, contiguous, within `MIN_SIDE` and `MAX_ASPECT`.

    Attributes:
        pixels: `(height, width, 3)`, the picture at its top left corner, grey around it.
        width, height: of the picture itself, in pixels.
    """

    pixels: Image
    width: int
    height: int


def to_canvas(image: Image) -> Canvas:
    """Turn an RGB picture into what PaddleOCR and RapidOCR expect.

    Raises:
        InvalidRequest: it is no RGB picture of 8 bits, or has no pixels.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise InvalidRequest(f"A picture must be RGB, 8 bits, (height, width, 3); this one is {image.shape}.")
    height, width = image.shape[:2]
    bgr = image[:, :, ::-1]
    least = max(MIN_SIDE, math.ceil(max(height, width) / MAX_ASPECT))
    if min(height, width) < least:
        padded = np.full((max(height, least), max(width, least), 3), _PADDING_GREY, dtype=np.uint8)
        padded[:height, :width] = bgr
        bgr = padded
    return Canvas(np.ascontiguousarray(bgr), width, height)


def lines_of(
    polygons: Iterable[npt.ArrayLike], texts: Iterable[str], scores: Iterable[float], canvas: Canvas
) -> tuple[TextBox, ...]:
    """Turn a library's raw result into lines.

    Args:
        polygons: corners in pixels of the canvas, each `(points, 2)`.
        texts: what was read, in the same order.
        scores: confidence of each, 0 to 1.
        canvas: what was given to the library.
    """
    lines = []
    for polygon, text, score in zip(polygons, texts, scores, strict=True):
        clean = " ".join(str(text).split())
        box = _fractions(np.asarray(polygon, dtype=np.float64), canvas)
        if clean and score >= CONFIDENCE_FLOOR and box.area > 0:
            lines.append(TextBox(clean, min(1.0, float(score)), box))
    return tuple(reading_order(lines))


def _fractions(points: npt.NDArray[np.float64], canvas: Canvas) -> Box:
    left, top = points.min(axis=0)
    right, bottom = points.max(axis=0)
    return Box(
        left=_unit(left / canvas.width),
        top=_unit(top / canvas.height),
        right=_unit(right / canvas.width),
        bottom=_unit(bottom / canvas.height),
    )


def _unit(value: float) -> float:
    return float(min(1.0, max(0.0, value)))


def reading_order(lines: Sequence[TextBox]) -> list[TextBox]:
    """Sort lines into rows from top to bottom, and each row from left to right.

    A line joins the row whose first line's middle is at its own height, within `ROW_TOLERANCE`; so text that stands
    slightly askew in one row stays together.
    """
    rows: list[list[TextBox]] = []
    for line in sorted(lines, key=lambda item: item.box.centre[1]):
        if rows and _same_row(rows[-1][0].box, line.box):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda item: item.box.left)]


def _same_row(first: Box, second: Box) -> bool:
    lower = min(first.bottom - first.top, second.bottom - second.top)
    return abs(first.centre[1] - second.centre[1]) < ROW_TOLERANCE * lower
