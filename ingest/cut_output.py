"""Encoding pictures and sound of many kinds into one MP4 that plays everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.container import OutputContainer
from av.filter import Graph
from av.video.frame import VideoFrame

from ingest.cut_sources import RATE, Footage, Sound
from ingest.remux import chapter_marks
from reelseek.errors import EngineUnavailable
from reelseek.records import Chapter

TICKS = Fraction(1, 90_000)
_ENCODERS = ("libx264", "libopenh264", "mpeg4")
_QUALITY = {"libx264": {"preset": "veryfast", "crf": "20"}, "libopenh264": {}, "mpeg4": {"qscale": "3"}}
_SOUND_BITS = 160_000
_FASTEST = 120
_KEY_SECONDS = 2
_MATRICES = {1: "bt709", 4: "fcc", 5: "bt601", 6: "bt601", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}
"""FFmpeg's numbers of colour matrices that pictures come in."""
_BT709, _LIMITED, _FULL = 1, 1, 2
_HIGH = 720


class Encoder:
    """Writes one file. Times are seconds from its beginning.

    Args:
        path: written under this very name.
        size: width and height of its pictures, even; None for sound alone.
        rate: pictures a second, for the encoder's planning alone: each picture keeps its time.
        has_sound: whether there is a track of sound.
        tags: title and the like.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int] | None,
        rate: Fraction,
        *,
        has_sound: bool,
        tags: dict[str, str],
        chapters: Sequence[Chapter] = (),
    ) -> None:
        options = {"movflags": "+faststart", "fflags": "+bitexact"}
        self._output: OutputContainer = av.open(f"file:{path.absolute()}", "w", format="mp4", options=options)
        self._output.metadata.update(tags)
        if chapters:
            self._output.set_chapters(chapter_marks(chapters))
        self._rate = Fraction(min(_FASTEST, max(1, round(rate))))
        self._video: Any = self._picture_stream(size) if size is not None else None
        self._audio: Any = None
        if has_sound:
            self._audio = self._output.add_stream("aac", rate=RATE, layout="stereo")
            self._audio.codec_context.bit_rate = _SOUND_BITS
        self._fifo = AudioFifo()
        self._samples = 0
        self._last: tuple[int, VideoFrame] | None = None

    def picture(self, time: float, frame: VideoFrame) -> None:
        """Show a picture from a time on; one that is not after the last is left out."""
        ticks = round(time / TICKS)
        if self._last is not None and ticks <= self._last[0]:
            return
        self._last = (ticks, frame)
        self._encode_picture(ticks, frame)

    def sound(self, samples: Sound) -> None:
        """Go on with the sound."""
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout="stereo")
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), self._samples
        self._samples += frame.samples
        self._fifo.write(frame)
        size = self._audio.codec_context.frame_size or 1024
        while (full := self._fifo.read(size)) is not None:
            self._output.mux(self._audio.encode(full))

    def finish(self, end: float) -> None:
        """Close the file; its last picture stands until `end`."""
        if self._last is not None:
            period = round(1 / self._rate / TICKS)
            if round(end / TICKS) - self._last[0] > 1.5 * period:
                self._encode_picture(round(end / TICKS) - period, self._last[1])
            self._output.mux(self._video.encode(None))
        if self._audio is not None:
            if (rest := self._fifo.read(0, partial=True)) is not None:
                self._output.mux(self._audio.encode(rest))
            self._output.mux(self._audio.encode(None))
        self._output.close()

    def abandon(self) -> None:
        """Close the file as it is."""
        self._output.close()

    def _encode_picture(self, ticks: int, frame: VideoFrame) -> None:
        frame.pts, frame.time_base = ticks, TICKS
        frame.pict_type = 0  # the source's choice of key pictures is not ours
        self._output.mux(self._video.encode(frame))

    def _picture_stream(self, size: tuple[int, int]) -> Any:
        name = next((name for name in _ENCODERS if name in av.codecs_available), None)
        if name is None:
            raise EngineUnavailable("No encoder of pictures is here.", hint="PyAV's own packages bring libx264.")
        stream: Any = self._output.add_stream(name, rate=self._rate, options=dict(_QUALITY[name]))
        stream.width, stream.height = size
        context = stream.codec_context
        context.pix_fmt, context.time_base = "yuv420p", TICKS
        context.gop_size = _KEY_SECONDS * int(self._rate)
        context.colorspace, context.color_primaries, context.color_trc = _BT709, _BT709, _BT709
        context.color_range = _LIMITED
        stream.time_base = TICKS
        return stream


class Fitter:
    """Turns, scales and pads the pictures of one file to a canvas, in BT.709 colours."""

    def __init__(self, footage: Footage, canvas: tuple[int, int]) -> None:
        self._rotation, self._canvas = footage.rotation, canvas
        self._inside = fitted((footage.width, footage.height), canvas)
        self._graph: Graph | None = None
        self._kind: tuple[int, int, str] | None = None

    def fit(self, frame: VideoFrame) -> VideoFrame:
        """The picture on the canvas."""
        kind = (frame.width, frame.height, frame.format.name)
        if self._graph is None or kind != self._kind:
            self._graph, self._kind = self._prepared(frame), kind
        frame.pts, frame.time_base = 0, TICKS
        self._graph.vpush(frame)
        return self._graph.vpull()

    def _prepared(self, frame: VideoFrame) -> Graph:
        graph = Graph()
        graph.threads = 1
        width, height = self._inside
        wide, high = self._canvas
        matrix = _MATRICES.get(int(frame.colorspace)) or ("bt709" if min(self._canvas) >= _HIGH else "bt601")
        levels = "pc" if int(frame.color_range) == _FULL or frame.format.name.startswith("yuvj") else "tv"
        turn = {90: [("transpose", "clock")], 180: [("hflip", ""), ("vflip", "")], 270: [("transpose", "cclock")]}
        scale = f"{width}:{height}:flags=bicubic:in_color_matrix={matrix}:out_color_matrix=bt709:out_range=tv"
        if not frame.format.is_rgb:
            scale += f":in_range={levels}"
        chain = [
            graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=TICKS),
            *(graph.add(name, options or None) for name, options in turn.get(self._rotation, [])),
            graph.add("scale", scale),
            graph.add("format", "yuv420p"),
            graph.add("setsar", "1"),
            *([graph.add("pad", f"{wide}:{high}:(ow-iw)/2:(oh-ih)/2")] if self._inside != self._canvas else []),
            graph.add("buffersink"),
        ]
        graph.link_nodes(*chain).configure()
        return graph


def fitted(size: tuple[int, int], canvas: tuple[int, int]) -> tuple[int, int]:
    """The largest even size of the same shape that the canvas holds."""
    share = min(canvas[0] / size[0], canvas[1] / size[1])
    return even(size[0] * share), even(size[1] * share)


def even(pixels: float) -> int:
    """The nearest even number of pixels, at least 2."""
    return max(2, round(pixels / 2) * 2)


def black(size: tuple[int, int]) -> VideoFrame:
    """A black picture."""
    return VideoFrame.from_ndarray(np.zeros((size[1], size[0], 3), np.uint8), format="rgb24").reformat(
        format="yuv420p", dst_colorspace="ITU709"
    )
