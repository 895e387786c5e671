"""Which pictures can show text that was not read yet: decided from small grey versions, without a reader."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reelseek.records import Image

Grey = npt.NDArray[np.uint8]
"""A grey picture, `(height, width)`."""

_SIDE = 480
"""Longer side (px) of the grey version: strokes of the smallest text that is read at 960 still stand out."""
_CELL = 12
_STEP = 8
"""Difference of neighbouring pixels (of 255) that counts as an edge."""
_DETAIL = 0.03
"""Share of a cell's pixels that are rising edges, and that are falling ones, from which it can hold writing. On the
real clips each of 978 texts read has a cell of at least 0.048; a fifth of the cells without text have 0.03."""
_CHANGED = 3.5
"""Mean difference (of 255) of a cell that can hold writing; what compression does to standing text stays below."""
_MEMORY = 6
"""Read pictures that are remembered: a lecture that cuts between speaker and slide shows the same slide again."""
_SMALLEST = 16
"""Side (px) under which nothing can be read."""


def grey_of(image: Image, side: int = _SIDE) -> Grey:
    """An RGB picture in grey, its longer side at most `side` pixels."""
    import cv2

    grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    scale = min(1.0, side / max(height, width))
    if scale < 1.0:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return np.asarray(grey, dtype=np.uint8)


def text_cells(grey: Grey) -> npt.NDArray[np.bool_]:
    """Which cells of 12 × 12 pixels can hold writing: strokes have a rising and a falling edge close together."""
    steps = np.diff(grey.astype(np.int16), axis=1, append=grey[:, -1:].astype(np.int16))
    return np.asarray(np.minimum(cells_of(steps > _STEP), cells_of(steps < -_STEP)) > _DETAIL)


def cells_of(values: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """The mean of each cell of 12 × 12 pixels."""
    height, width = values.shape
    rows, columns = -(-height // _CELL), -(-width // _CELL)
    padded = np.zeros((rows * _CELL, columns * _CELL), np.float32)
    padded[:height, :width] = values
    return np.asarray(padded.reshape(rows, _CELL, columns, _CELL).mean(axis=(1, 3)), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class TextLook:
    """How the writing of a picture looks."""

    grey: Grey
    cells: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, image: Image) -> TextLook:
        """Look at a picture."""
        grey = grey_of(image)
        return cls(grey, text_cells(grey))

    @property
    def empty(self) -> bool:
        """Nothing in it can be writing: it is tiny, of one colour, or without fine detail."""
        return min(self.grey.shape) < _SMALLEST or not self.cells.any()

    def same(self, other: TextLook) -> bool:
        """Whether all that can be writing in either stands unchanged in both."""
        if self.grey.shape != other.grey.shape:
            return False
        difference = cells_of(np.abs(self.grey.astype(np.int16) - other.grey.astype(np.int16)))
        return not bool(((difference > _CHANGED) & (self.cells | other.cells)).any())


class ReadBefore:
    """Remembers the last pictures that were read, and knows one that shows the same writing."""

    def __init__(self) -> None:
        self._known: deque[tuple[TextLook, int]] = deque(maxlen=_MEMORY)

    def find(self, look: TextLook) -> int | None:
        """The number under which a picture with the same writing was read, the latest first."""
        return next((number for known, number in reversed(self._known) if known.same(look)), None)

    def add(self, look: TextLook, number: int) -> None:
        """Remember a picture that is being read."""
        self._known.append((look, number))
