"""Subtitles that are pictures (Blu-ray, DVD, DVB), read with the screen-text engine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from av.error import FFmpegError
from av.subtitles.subtitle import BitmapSubtitle

from engines.protocols import ScreenTextEngine
from ingest.opening import open_media, seconds
from ingest.subtitle_palettes import Palette, Palettes
from ingest.subtitles import Cue, tidy
from ingest.text_tracks import same_row
from reelseek.records import Image, TextBox, VideoInfo

BITMAP = "subtitles:bitmap"
_FOREVER = 0xFFFFFFFF
_LONGEST = 12.0
"""Seconds: a subtitle whose end nobody states is not on for longer."""
_MOST_PIXELS = 4096 * 2304
_BORDER = 24
_OPAQUE = 64
_OUTLINED = 48
"""Difference of brightness between the rim of the letters and their inside that makes an outline."""
_LEAST_CONFIDENCE = 0.5


@dataclass(frozen=True, slots=True)
class Shown:
    """A subtitle as a picture: its time (s), its letters on an even ground; None where the screen is cleared."""

    start: float
    end: float
    image: Image | None

    @property
    def look(self) -> bytes:
        """Equal for equal pictures."""
        return b"" if self.image is None else hashlib.blake2b(self.image.tobytes(), digest_size=16).digest()


def read_bitmaps(
    path: Path,
    info: VideoInfo,
    index: int,
    engine: ScreenTextEngine,
    *,
    progress: Callable[[float], None],
    batch_size: int = 16,
) -> list[Cue]:
    """Read an embedded track of pictures by its stream index, times relative to the video's start.

    A picture that is repeated is read once. Memory is flat in the track's length.

    Args:
        progress: called with the fraction done; may raise to stop.
        batch_size: pictures given to the engine at a time.

    Raises:
        MediaError: the file cannot be opened.
    """
    cues: list[Cue] = []
    shown = joined(bitmaps(path, info, index))
    while part := list(islice(shown, batch_size)):
        progress(min(1.0, part[0].start / info.duration))
        answers = engine.read([item.image for item in part if item.image is not None])
        cues += [Cue(item.start, item.end, _text(boxes)) for item, boxes in zip(part, answers, strict=True)]
    return tidy(cues)


def bitmaps(path: Path, info: VideoInfo, index: int) -> Iterator[Shown]:
    """Decode a track of pictures; each lasts at most until the next one.

    Raises:
        MediaError: the file cannot be opened.
    """
    with open_media(path) as container:
        stream: Any = container.streams[index]
        context = stream.codec_context
        palettes = Palettes(context.name, context.extradata)
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, FFmpegError):
                return
            start = seconds(stream, packet.pts)
            if start is None or not packet.size:
                continue
            palettes.feed(bytes(packet))
            try:
                decoded = stream.decode2(packet)
            except FFmpegError:
                continue
            if decoded is not None:
                yield _shown(decoded, start - info.start_offset, seconds(stream, packet.duration) or 0.0, palettes)


def joined(shown: Iterator[Shown]) -> Iterator[Shown]:
    """Subtitles with their ends: the next picture or an empty screen ends one, and a repeated one goes on."""
    held: Shown | None = None
    for item in shown:
        if held is not None:
            if item.image is not None and item.look == held.look and item.start <= held.end + 0.1:
                held = replace(held, end=item.end)
                continue
            yield replace(held, end=min(held.end, max(item.start, held.start)))
        held = item if item.image is not None else None
    if held is not None:
        yield held


def _shown(decoded: Any, start: float, stated: float, palettes: Palettes) -> Shown:
    begin = start + decoded.start_display_time / 1000
    length = decoded.end_display_time / 1000 if 0 < decoded.end_display_time < _FOREVER else stated
    end = begin + (min(length, _LONGEST) if length > 0 else _LONGEST)
    rects = [rect for rect in decoded.rects if isinstance(rect, BitmapSubtitle) and rect.planes]
    rects = [rect for rect in rects if 0 < rect.width * rect.height <= _MOST_PIXELS]
    return Shown(begin, end, composed(rects, palettes) if rects else None)


def composed(rects: Sequence[BitmapSubtitle], palettes: Palettes) -> Image | None:
    """The pictures of one moment on an even ground from which their letters stand out; None where nothing is seen."""
    left, top = min(rect.x for rect in rects), min(rect.y for rect in rects)
    width = max(rect.x + rect.width for rect in rects) - left
    height = max(rect.y + rect.height for rect in rects) - top
    if width * height > _MOST_PIXELS:
        return None
    bright = np.zeros((height, width), np.float32)
    opaque = np.zeros((height, width), np.float32)
    for rect in rects:
        numbers = np.frombuffer(rect.planes[0], np.uint8).reshape(rect.height, rect.width)  # type: ignore[call-overload]
        palette = palettes.of(rect.x, rect.y)
        values = (_guessed(numbers) if palette is None else palette)[numbers]
        place = np.s_[rect.y - top : rect.y - top + rect.height, rect.x - left : rect.x - left + rect.width]
        bright[place], opaque[place] = values[..., 0], values[..., 1]
    if not (opaque > _OPAQUE).any():
        return None
    ground = _ground(bright, opaque > _OPAQUE)
    share = opaque / 255.0
    flat = np.pad(bright * share + ground * (1 - share), _BORDER, constant_values=ground)
    return np.ascontiguousarray(np.repeat(flat.round().astype(np.uint8)[..., None], 3, axis=2))


def _ground(bright: npt.NDArray[np.float32], seen: npt.NDArray[np.bool_]) -> float:
    """Black or white, whichever lets the letters stand out: like their outline, else unlike themselves."""
    padded = np.pad(seen, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:] & seen
    rim = float(bright[seen & ~inside].mean())
    # A rim that is thicker than a pixel lies inside too; the letters are what differs from it.
    differs = inside & (np.abs(bright - rim) > _OUTLINED)
    if differs.sum() > 0.1 * inside.sum():
        return 0.0 if rim < float(bright[differs].mean()) else 255.0
    return 0.0 if float(bright[seen].mean()) > 127 else 255.0


def _guessed(numbers: npt.NDArray[np.uint8]) -> Palette:
    """Colours where none are known: what lies at the edges most is nothing, all else is white."""
    rim = np.concatenate([numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]])
    table = np.full((256, 2), 255, np.uint8)
    table[int(np.bincount(rim, minlength=256).argmax())] = 0
    return table


def _text(boxes: Sequence[TextBox]) -> str:
    """What was read, a row a line."""
    rows: list[list[TextBox]] = []
    for item in boxes:
        if item.confidence < _LEAST_CONFIDENCE:
            continue
        if rows and same_row(rows[-1][0].box, item.box):
            rows[-1].append(item)
        else:
            rows.append([item])
    return "\n".join(" ".join(item.text for item in row) for row in rows)
