"""Decoded frames in other sizes and as JPEG, made by FFmpeg without leaving the video's own colours."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from av.codec.context import CodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from reelseek.records import Image

SMALL_WIDTH, SMALL_HEIGHT = 128, 72
_AREA, _FAST = int(Interpolation.AREA), int(Interpolation.FAST_BILINEAR)
_ANY = Fraction(1, 25)


class Reformatters:
    """FFmpeg's scalers and encoders, one per use, so that each keeps its prepared tables."""

    def __init__(self) -> None:
        import cv2

        self._cv2: Any = cv2
        self._scalers: dict[tuple[int, int, str], VideoReformatter] = {}
        self._encoders: dict[tuple[int, int, int], Any] = {}
        self._encoded = 0

    def scale(self, frame: VideoFrame, width: int, height: int, layout: str) -> Image:
        """The frame in `width` × `height`; `layout` is `rgb24` or, channels first, `yuv444p`."""
        return np.ascontiguousarray(self._scaled(frame, width, height, layout).to_ndarray(), dtype=np.uint8)

    def small(self, frame: VideoFrame) -> Image:
        """The frame in 128 × 72, YCbCr as the video has it, channels first: no colour is converted.

        A cell's luma is the mean of a grid of 4 × 4 pixels in it. Reading all of them would cost three times as much.
        """
        width, height = 2 * SMALL_WIDTH, 2 * SMALL_HEIGHT
        scaled = self._scaled(frame, width, height, "yuv420p", _FAST if frame.width > width else _AREA)
        small = np.empty((3, SMALL_HEIGHT, SMALL_WIDTH), np.uint8)
        self._cv2.resize(
            _plane(scaled, 0), (SMALL_WIDTH, SMALL_HEIGHT), dst=small[0], interpolation=self._cv2.INTER_AREA
        )
        small[1], small[2] = _plane(scaled, 1), _plane(scaled, 2)
        return small

    def jpeg(self, frame: VideoFrame, width: int, height: int, quality: int) -> bytes:
        """The frame in `width` × `height` as JPEG, at half the cost of going through RGB.

        Args:
            quality: FFmpeg's quantiser scale, 2 (best) to 31.
        """
        scaled = self._scaled(frame, width, height, "yuvj420p")
        encoder = self._encoders.get((width, height, quality))
        if encoder is None:
            encoder = self._encoders[width, height, quality] = _encoder(width, height, quality)
        scaled.pts, scaled.time_base = self._encoded, _ANY
        self._encoded += 1
        (packet,) = encoder.encode(scaled)
        return bytes(packet)

    def _scaled(self, frame: VideoFrame, width: int, height: int, layout: str, method: int = _AREA) -> VideoFrame:
        scaler = self._scalers.setdefault((width, height, layout), VideoReformatter())
        # More threads would wait for each other longer than they work.
        return scaler.reformat(frame, width, height, layout, interpolation=method, threads=1)


def _plane(frame: VideoFrame, index: int) -> Image:
    """A plane of a frame of 8-bit samples, not copied."""
    plane = frame.planes[index]
    return np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]


def _encoder(width: int, height: int, quality: int) -> Any:
    encoder: Any = CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = width, height, "yuvj420p", _ANY
    encoder.thread_count = 1
    encoder.options = {"flags": "+bitexact", "huffman": "default", "qmin": str(quality), "qmax": str(quality)}
    return encoder
