"""Subtitles as pictures, written by the test itself: a Blu-ray presentation graphics stream (`.sup`)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

WIDTH, HEIGHT = 640, 360
_PALETTES, _OBJECT, _COMPOSITION, _WINDOW, _END = 0x14, 0x15, 0x16, 0x17, 0x80
_INK, _EDGE = 1, 2
_CLOCK = 90_000


def write_sup(path: Path, cues: Sequence[tuple[float, float, str]], *, ink: int = 235) -> Path:
    """Write white (or `ink`) letters with a dark edge on nothing, as discs have them: start, end (s), text."""
    content = bytearray()
    for number, (start, end, text) in enumerate(cues):
        picture = _drawn(text)
        height, width = picture.shape
        left, top = (WIDTH - width) // 2, HEIGHT - height - 16
        window = struct.pack(">BBHHHH", 1, 0, left, top, width, height)
        shown = struct.pack(">HHBHBBBB", WIDTH, HEIGHT, 0x10, 2 * number, 0x80, 0, 0, 1)
        shown += struct.pack(">HBBHH", 0, 0, 0, left, top)
        colours = struct.pack(">BB", 0, 0) + bytes([_INK, ink, 128, 128, 255, _EDGE, 16, 128, 128, 255])
        lines = b"".join(_run_lengths(row) for row in picture)
        drawing = struct.pack(">HBB", 0, 0, 0xC0) + (len(lines) + 4).to_bytes(3, "big")
        drawing += struct.pack(">HH", width, height) + lines
        for kind, body in (
            (_COMPOSITION, shown), (_WINDOW, window), (_PALETTES, colours), (_OBJECT, drawing), (_END, b"")
        ):  # fmt: skip
            content += _segment(start, kind, body)
        gone = struct.pack(">HHBHBBBB", WIDTH, HEIGHT, 0x10, 2 * number + 1, 0, 0, 0, 0)
        for kind, body in ((_COMPOSITION, gone), (_WINDOW, window), (_END, b"")):
            content += _segment(end, kind, body)
    path.write_bytes(bytes(content))
    return path


def _segment(time: float, kind: int, body: bytes) -> bytes:
    return b"PG" + struct.pack(">IIBH", round(time * _CLOCK), 0, kind, len(body)) + body


def _drawn(text: str) -> npt.NDArray[np.uint8]:
    font = ImageFont.load_default(size=26)
    mask = Pillow.new("L", (WIDTH - 40, 36 * len(text.split("\n")) + 8))
    draw = ImageDraw.Draw(mask)
    draw.fontmode = "1"
    draw.multiline_text(
        (mask.width // 2, 2), text, fill=_INK, font=font, anchor="ma", align="center", stroke_width=2, stroke_fill=_EDGE
    )
    return np.asarray(mask, dtype=np.uint8)


def _run_lengths(row: npt.NDArray[np.uint8]) -> bytes:
    """One line in the run-length code of the format."""
    coded = bytearray()
    for colour, run in groupby(row.tolist()):
        length = len(list(run))
        if colour and length < 3:
            coded += bytes([colour]) * length
        elif colour:
            coded += bytes([0, 0x80 | length, colour] if length < 64 else [0, 0xC0 | length >> 8, length & 255, colour])
        else:
            coded += bytes([0, length] if length < 64 else [0, 0x40 | length >> 8, length & 255])
    return bytes(coded) + b"\0\0"
