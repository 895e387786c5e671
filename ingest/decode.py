"""One pass over a video's pictures: small ones for change and shots, large ones made only where somebody asks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from ingest.decoder import Decoder, DecodeReport
from ingest.hardware import accelerator
from ingest.opening import open_media, picture_stream
from reelseek.errors import MediaError
from reelseek.records import Image, VideoInfo
from reelseek.settings import IngestSettings

SMALL_WIDTH, SMALL_HEIGHT = 128, 72
SMALL_FPS = 12.5
"""Small pictures per second at most: a cut is placed to within 1/12.5 s, at a tenth of the cost of decoding."""
_SEEK_BACK = (0.0, 15.0, math.inf)
"""Where to begin for a later start (s before it): some containers seek to the key picture after the one wanted."""


class Reformatters:
    """FFmpeg's scalers, one per use, so that each keeps its prepared tables."""

    def __init__(self) -> None:
        self._scalers: dict[tuple[int, int, str], VideoReformatter] = {}

    def scale(self, frame: VideoFrame, width: int, height: int, layout: str) -> Image:
        """The frame in `width` × `height`; `layout` is `rgb24` or, channels first, `yuv444p`."""
        scaler = self._scalers.setdefault((width, height, layout), VideoReformatter())
        scaled = scaler.reformat(frame, width, height, layout, interpolation=int(Interpolation.AREA))
        return np.ascontiguousarray(scaled.to_ndarray(), dtype=np.uint8)

    def small(self, frame: VideoFrame) -> Image:
        """The frame in 128 × 72, YCbCr as the video has it: no colour is converted."""
        return np.ascontiguousarray(self.scale(frame, SMALL_WIDTH, SMALL_HEIGHT, "yuv444p").transpose(1, 2, 0))


@dataclass(frozen=True, slots=True)
class Picture:
    """One decoded picture.

    Attributes:
        time: seconds of the video's own clock, 0 at its start.
        small: YCbCr, `(72, 128, 3)`, neither rotated nor in proportion.
        sampled: whether it is one of the `sample_fps` pictures per second.
    """

    time: float
    small: Image
    sampled: bool
    frame: VideoFrame
    scalers: Reformatters
    shape: tuple[int, int]
    rotation: int

    def image(self, max_side: int) -> Image:
        """The picture as shown (RGB, upright, square pixels), its longer side at most `max_side`, never enlarged."""
        width, height = fitted(*self.shape, max_side)
        if self.rotation in (90, 270):
            width, height = height, width
        image = self.scalers.scale(self.frame, width, height, "rgb24")
        return np.ascontiguousarray(np.rot90(image, k=-(self.rotation // 90))) if self.rotation else image


def fitted(width: int, height: int, max_side: int) -> tuple[int, int]:
    """The size of a picture made to fit `max_side`, at least 1 × 1, never enlarged."""
    scale = min(1.0, max_side / max(width, height, 1))
    return max(1, round(width * scale)), max(1, round(height * scale))


def pictures(
    path: Path,
    info: VideoInfo,
    settings: IngestSettings,
    report: DecodeReport,
    start: float = 0.0,
    end: float = math.inf,
) -> Iterator[Picture]:
    """Decode the pictures of `[start, end)` once; give out at most 12.5 a second, in order of their time.

    Times are the pictures' own presentation times, so a variable frame rate is right without more. Pictures out of
    order or beyond the video's end are left out. Memory is flat: nothing is kept between two pictures. The first one is
    sampled always; everything else about a picture depends on its time alone.

    Raises:
        MediaError: more packets are broken than `max_decode_errors`.
    """
    scalers, next_small, next_sample = Reformatters(), 0.0, 0.0
    last = -1.0
    for frame in _from(start, path, info, settings, report):
        time = _time(frame, info, last)
        if time is None:
            continue
        last = time
        if time < start:
            continue
        if time >= end:
            return
        sampled = time >= next_sample
        if not sampled and time < next_small:
            continue
        next_small = _next_tick(time, SMALL_FPS)
        if sampled:
            next_sample = _next_tick(time, settings.sample_fps)
        small = scalers.small(frame)
        yield Picture(time, small, sampled, frame, scalers, (info.width, info.height), info.rotation)


def _from(
    start: float, path: Path, info: VideoInfo, settings: IngestSettings, report: DecodeReport
) -> Iterator[VideoFrame]:
    """Decoded frames from one at or before `start` on, as late as the file allows."""
    for back in _SEEK_BACK if start > 0 else (math.inf,):
        target = start - back
        with open_media(path, accelerator(settings.hardware)) as container:
            stream = picture_stream(container)
            if stream is None:
                raise MediaError("It has no pictures.")
            decoded = Decoder(container, stream, info, settings, report)
            if target <= 0:
                yield from decoded.frames()
                return
            frames = decoded.frames() if decoded.seek(target) else iter(())
            first = next(frames, None)
            if first is None or first.time is None or first.time - info.start_offset > start:
                continue  # it has no index, or a wrong one
            yield first
            yield from frames
            return


def _next_tick(time: float, rate: float) -> float:
    return (math.floor(time * rate + 1e-6) + 1) / rate - 1e-6


def _time(frame: VideoFrame, info: VideoInfo, last: float) -> float | None:
    """The frame's time; None where it is out of order or out of the video."""
    stamp: float | None = frame.time
    if stamp is None:
        time = last + 1.0 / info.fps if info.fps and last >= 0 else 0.0
    else:
        time = max(0.0, stamp - info.start_offset)
    return time if last < time <= info.duration + 1.0 else None
