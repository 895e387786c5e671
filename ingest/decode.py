"""One pass over a video's pictures: small ones for change and shots, large ones made only where somebody asks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from av.video.frame import VideoFrame

from ingest.decoder import Decoder, DecodeReport
from ingest.hardware import accelerator
from ingest.opening import open_media, picture_stream
from ingest.pictures import SMALL_HEIGHT, SMALL_WIDTH, Reformatters
from ingest.storage import jpeg
from reelseek.errors import MediaError
from reelseek.records import Image, VideoInfo
from reelseek.setting_groups import IngestSettings

SMALL_FPS = 12.5
"""Small pictures per second at most: a cut is placed to within 1/12.5 s, at a tenth of the cost of decoding."""
_STILL = 1.0
_STILL_SPOT, _BLOCK = 4.0, 8
"""Grey levels from one picture to the next that are no change worth a closer look: on average, and in a block."""
_UNUSUAL, _USUAL_SHARE = 1.6, 0.3
"""How many times the usual step is unusual; the share of the newest step in the usual one."""
_CLOSELY = 0.6
"""Seconds after it in which no picture is passed over: what began must be seen to come to rest."""
_SEEK_BACK = (0.0, 15.0, math.inf)
"""Where to begin for a later start (s before it): some containers seek to the key picture after the one wanted."""

_JUMP_BACK = 1.0
"""Seconds by which a picture comes too late from which that is no mere disorder."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One decoded picture.

    Attributes:
        time: seconds of the video's own clock, 0 at its start.
        small: YCbCr, `(3, 72, 128)`, neither rotated nor in proportion.
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

    def jpeg(self, max_side: int, quality: int) -> bytes:
        """`image` as JPEG.

        Args:
            quality: FFmpeg's quantiser scale, 2 (best) to 31.
        """
        width, height = fitted(*self.shape, max_side)
        if self.rotation:
            return jpeg(self.image(max_side), 100 - 4 * quality)
        return self.scalers.jpeg(self.frame, width, height, quality)


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
    """Decode the pictures of `[start, end)` once; give out 6 to 12.5 a second, in order of their time.

    Every second one is passed over where the picture moves on as it did before: between it and the next one no shot can
    have begun. Where more changes than usual, those passed over last are given out as well.

    Times are the pictures' own presentation times, so a variable frame rate is right without more. Pictures out of
    order or beyond the video's end are left out. Memory is flat. The first picture is sampled always; everything else
    about a picture depends on its time alone.

    Raises:
        MediaError: more packets are broken than `max_decode_errors`.
    """
    scalers, pace, next_sample = Reformatters(), _Pace(), 0.0
    last = -1.0

    def picture(time: float, frame: VideoFrame, small: Image, *, sampled: bool = False) -> Picture:
        return Picture(time, small, sampled, frame, scalers, (info.width, info.height), info.rotation)

    for frame in _from(start, path, info, settings, report):
        time = _time(frame, info, last)
        if time is None:
            report.repeated += frame.time is not None and frame.time - info.start_offset < last - _JUMP_BACK
            continue
        last = time
        if time < start:
            continue
        if time >= end:
            return
        sampled = time >= next_sample
        if not sampled and not pace.due(time, frame):
            continue
        if sampled:
            next_sample = _next_tick(time, settings.sample_fps)
        small = scalers.small(frame)
        for between, passed in pace.passed_over(time, small):
            yield picture(between, passed, scalers.small(passed))
        yield picture(time, frame, small, sampled=sampled)


class _Pace:
    """Decides which pictures are looked at, and keeps those that are passed over until the next one is there."""

    def __init__(self) -> None:
        import cv2

        self._cv2: Any = cv2
        self._next_small = self._next_due = self._closely_until = 0.0
        self._held: list[tuple[float, VideoFrame]] = []
        self._luma: Image | None = None
        self._usual = self._usual_spot = 0.0

    def due(self, time: float, frame: VideoFrame) -> bool:
        """Whether the next picture is to be looked at; if not it may be kept for later."""
        if time < self._next_small:
            return False
        if time >= self._next_due or time < self._closely_until:
            return True
        self._held.append((time, frame))
        self._next_small = _next_tick(time, SMALL_FPS)
        return False

    def passed_over(self, time: float, small: Image) -> list[tuple[float, VideoFrame]]:
        """Take a picture that is looked at; the ones before it that must be looked at too."""
        self._next_small, self._next_due = _next_tick(time, SMALL_FPS), _next_tick(time, SMALL_FPS / 2)
        luma = small[0]
        step, spot = self._steps(luma)
        held, self._held, self._luma = self._held, [], luma
        unusual = step > max(_STILL, _UNUSUAL * self._usual) or spot > max(_STILL_SPOT, _UNUSUAL * self._usual_spot)
        if math.isfinite(step):
            self._usual += (step - self._usual) * _USUAL_SHARE
            self._usual_spot += (spot - self._usual_spot) * _USUAL_SHARE
        if unusual:
            self._closely_until = time + _CLOSELY
        return held if unusual else []

    def _steps(self, luma: Image) -> tuple[float, float]:
        """How far a picture is from the one before, grey levels: on average, and in the block that changed most."""
        if self._luma is None:
            return math.inf, math.inf
        cv2 = self._cv2
        apart = cv2.absdiff(luma, self._luma).astype(np.float32)
        blocks = cv2.resize(apart, (SMALL_WIDTH // _BLOCK, SMALL_HEIGHT // _BLOCK), interpolation=cv2.INTER_AREA)
        return float(cv2.mean(blocks)[0]), float(cv2.minMaxLoc(blocks)[1])


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
