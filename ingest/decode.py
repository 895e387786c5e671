"""One pass over a video's pictures: small ones for change and shots, large ones made only where somebody asks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.container import InputContainer
from av.error import EOFError as StreamEnd
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream

from ingest.opening import open_media, picture_stream
from reelseek.errors import MediaError
from reelseek.records import Image, VideoInfo
from reelseek.settings import IngestSettings

SMALL_WIDTH, SMALL_HEIGHT = 128, 72
SMALL_FPS = 12.5
"""Small pictures per second: a cut is placed to within 1/12.5 s, at a tenth of the cost of decoding."""


class Reformatters:
    """FFmpeg's scalers, one per use, so that each keeps its prepared tables."""

    def __init__(self) -> None:
        self._scalers: dict[tuple[int, int, str], VideoReformatter] = {}

    def scale(self, frame: VideoFrame, width: int, height: int, layout: str) -> Image:
        """The frame in `width` × `height`; `layout` is `rgb24` or `bgr24`."""
        scaler = self._scalers.setdefault((width, height, layout), VideoReformatter())
        scaled = scaler.reformat(frame, width, height, layout, interpolation=int(Interpolation.AREA))
        return np.ascontiguousarray(scaled.to_ndarray(), dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Picture:
    """One decoded picture.

    Attributes:
        time: seconds of the video's own clock, 0 at its start.
        small: BGR, `(72, 128, 3)`, neither rotated nor in proportion.
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


@dataclass
class DecodeReport:
    """What went wrong on the way, filled while pictures are read.

    Attributes:
        broken: packets that could not be decoded and were skipped.
        truncated: the file broke off before its end.
        decoded: pictures decoded.
    """

    broken: int = 0
    truncated: bool = False
    decoded: int = 0

    @property
    def note(self) -> str:
        """What a person should know, or an empty string."""
        parts = [f"{self.broken} broken packets skipped"] if self.broken else []
        return ", ".join([*parts, "the file breaks off"] if self.truncated else parts)


def fitted(width: int, height: int, max_side: int) -> tuple[int, int]:
    """The size of a picture made to fit `max_side`, at least 1 × 1, never enlarged."""
    scale = min(1.0, max_side / max(width, height, 1))
    return max(1, round(width * scale)), max(1, round(height * scale))


def pictures(path: Path, info: VideoInfo, settings: IngestSettings, report: DecodeReport) -> Iterator[Picture]:
    """Decode all pictures once; give out about 12.5 a second, in order of their time.

    Times are the pictures' own presentation times, so a variable frame rate is right without more. Pictures out of
    order or beyond the end are left out. Memory is flat: nothing is kept between two pictures.

    Raises:
        MediaError: more packets are broken than `max_decode_errors`, or nothing could be decoded.
    """
    scalers, next_small, next_sample = Reformatters(), 0.0, 0.0
    with open_media(path) as container:
        stream = picture_stream(container)
        if stream is None:
            raise MediaError("It has no pictures.")
        stream.thread_type = "AUTO"
        stream.codec_context.options = {"max_pixels": str(settings.max_pixels)}
        last = -1.0
        for frame in _frames(container, stream, settings, report):
            time = _time(frame, info, last)
            if time is None:
                continue
            last = time
            sampled = time >= next_sample
            if not sampled and time < next_small:
                continue
            next_small = _next_tick(time, SMALL_FPS)
            if sampled:
                next_sample = _next_tick(time, settings.sample_fps)
            small = scalers.scale(frame, SMALL_WIDTH, SMALL_HEIGHT, "bgr24")
            yield Picture(time, small, sampled, frame, scalers, (info.width, info.height), info.rotation)
    if not report.decoded:
        raise MediaError("None of its pictures can be decoded.")


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


def _frames(
    container: InputContainer, stream: VideoStream, settings: IngestSettings, report: DecodeReport
) -> Iterator[VideoFrame]:
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except FFmpegError:
            report.truncated = True
            return
        try:
            for frame in packet.decode():
                report.decoded += 1
                yield frame
        except StreamEnd:
            return
        except FFmpegError as error:
            report.broken += 1
            if report.broken > settings.max_decode_errors:
                raise MediaError(
                    f"More than {settings.max_decode_errors} of its packets are broken (ingest.max_decode_errors)."
                ) from error
