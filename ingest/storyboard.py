"""The storyboard: small pictures at even distances on few large sheets, and the WebVTT that says which is where."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ingest.decode import Picture
from ingest.storage import jpeg
from reelseek.records import Image
from reelseek.timecode import vtt_time

CELL = 160
COLUMNS, ROWS = 10, 10
_MOST_CELLS = 2_000

Layout = dict[str, Any]
"""Where pictures are: `times` of all, `width` and `height` of one, `cells`: how many are on each sheet."""


class Storyboard:
    """Takes pictures as they are decoded; a full sheet is written at once, so that memory is flat.

    Args:
        duration: of the video (s).
        interval: seconds between two pictures; wider for videos so long that they would fill over 20 sheets.
        write: takes a file's name and its content.
    """

    def __init__(self, duration: float, interval: float, write: Callable[[str, bytes], None]) -> None:
        self._interval = max(interval, duration / _MOST_CELLS)
        self._write = write
        self._cells: list[Image] = []
        self._filled: list[int] = []
        self._next = 0.0
        self._size = (0, 0)
        self.times: list[float] = []

    def add(self, picture: Picture) -> None:
        """Take the picture where it is the first in its interval."""
        if picture.time < self._next:
            return
        self._next = (math.floor(picture.time / self._interval + 1e-6) + 1) * self._interval - 1e-6
        self.times.append(picture.time)
        self._cells.append(picture.image(CELL))
        if len(self._cells) == COLUMNS * ROWS:
            self._flush()

    def finish(self) -> Layout:
        """Write what is left; say where each picture is."""
        self._flush()
        width, height = self._size
        return {"times": self.times, "width": width, "height": height, "cells": self._filled}

    def _flush(self) -> None:
        if not self._cells:
            return
        height, width = self._cells[0].shape[:2]
        self._size = (width, height)
        rows = math.ceil(len(self._cells) / COLUMNS)
        sheet = np.zeros((rows * height, min(COLUMNS, len(self._cells)) * width, 3), np.uint8)
        for index, cell in enumerate(self._cells):
            row, column = divmod(index, COLUMNS)
            part = cell[:height, :width]
            sheet[row * height : row * height + part.shape[0], column * width : column * width + part.shape[1]] = part
        self._write(sheet_name(len(self._filled)), jpeg(sheet, quality=75))
        self._filled.append(len(self._cells))
        self._cells = []


def sheet_name(index: int) -> str:
    """The file of a sheet: `storyboard.jpg`, `storyboard-1.jpg`, …"""
    return f"storyboard-{index}.jpg" if index else "storyboard.jpg"


def joined(layouts: Sequence[Layout]) -> Layout:
    """The storyboard of a video from those of its chunks: their sheets, one after another."""
    shown = [layout for layout in layouts if layout["cells"]]
    size = shown[0] if shown else {"width": 0, "height": 0}
    return {
        "times": [time for layout in shown for time in layout["times"]],
        "width": size["width"],
        "height": size["height"],
        "cells": [cells for layout in shown for cells in layout["cells"]],
    }


def storyboard_vtt(layout: Layout, duration: float) -> str:
    """The WebVTT of a storyboard: one cue per picture, its place on its sheet as a media fragment."""
    times: Sequence[float] = layout["times"]
    width, height = layout["width"], layout["height"]
    places = [(sheet, place) for sheet, cells in enumerate(layout["cells"]) for place in range(cells)]
    parts = ["WEBVTT"]
    for index, (start, (sheet, place)) in enumerate(zip(times, places, strict=True)):
        shown = 0.0 if index == 0 else start
        end = times[index + 1] if index + 1 < len(times) else max(duration, start + 0.001)
        row, column = divmod(place, COLUMNS)
        box = f"{column * width},{row * height},{width},{height}"
        parts.append(f"{vtt_time(shown)} --> {vtt_time(end)}\n{sheet_name(sheet)}#xywh={box}")
    return "\n\n".join(parts) + "\n"
