"""A video's sound as models hear it: mono, 16 kHz, each sample at its own time, the whole or a stretch of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import EOFError as StreamEnd
from av.error import FFmpegError
from av.packet import Packet

from ingest.audio_tracks import audio_stream
from ingest.opening import open_media, seconds
from reelseek.errors import MediaError
from reelseek.records import Audio, VideoInfo
from reelseek.setting_groups import IngestSettings

RATE = 16_000
_JUMP = 0.1
"""A difference (s) between a frame's time and the end of the one before from which it is a gap and no rounding."""
_ANCHOR = 2.0
"""Seconds of sound whose time stamps together say when it begins: Matroska rounds each of them to a millisecond."""
_PREROLL = 2.0
"""Seconds decoded ahead of a stretch: for the time stamps, and because decoders need what came before."""
_BACK = (1.5 * _PREROLL, 8 * _PREROLL)
"""How far ahead of a stretch seeking aims; where neither reaches it, the file is read from its start."""
_AV_TIME_BASE = 1_000_000
_SEARCH = 30.0
_LOUDNESS_WINDOW = RATE // 20
_BORDER_SEARCH = 5.0
_BORDER_WINDOWS = 3
"""A border's loudness is that of so many windows of 50 ms before it and after it."""
_AS_QUIET = 1e-7
"""Mean squares that differ by less (-70 dBFS) are equally quiet."""


def sound(
    path: Path, info: VideoInfo, settings: IngestSettings, start: float = 0.0, end: float | None = None
) -> Iterator[Audio]:
    """Decode the sound of `[start, end)` in pieces; sample n of their concatenation is at start + n / 16000 s.

    Gaps are filled with silence, what overlaps is left out, so the times stay true whatever the container does. Joined
    stretches are the whole: a stretch that ends before the video does is as long as it was asked for.

    Args:
        start: seconds of the video; what comes before it is not decoded where the file can be sought in.
        end: seconds of the video; None for all there is.

    Raises:
        MediaError: more packets are broken than `max_decode_errors`.
    """
    written, limit = round(start * RATE), round((info.duration + 1.0) * RATE)
    last = limit if end is None or end >= info.duration else round(end * RATE)
    for position, samples in _placed(_frames(path, info, settings, start, last / RATE), info):
        for silence in _silence(min(position, last) - written):
            written += len(silence)
            yield silence
        piece = samples[max(0, written - position) :][: last - written]
        if len(piece):
            written += len(piece)
            yield piece
        if written >= last:
            return
    if end is not None and end < info.duration and info.has_audio:
        yield from _silence(last - written)


def quiet_border(path: Path, info: VideoInfo, settings: IngestSettings, nominal: float) -> float:
    """The quietest place within 5 s of a nominal border, so that no word is cut; of equal ones the nearest.

    It depends on the file and the settings alone, so that all who ask get the same. Only that stretch is decoded.

    Args:
        nominal: seconds; 0 and the video's end stay what they are.
    """
    if nominal <= 0 or nominal >= info.duration or not info.has_audio:
        return nominal
    reach = int(min(_BORDER_SEARCH, settings.chunk_seconds / 4, nominal, info.duration - nominal) * 20)
    if reach <= 0:
        return nominal
    middle, step = round(nominal * RATE), _LOUDNESS_WINDOW
    around = reach + _BORDER_WINDOWS
    first = max(0, middle - around * step)
    pieces = sound(path, info, settings, first / RATE, (middle + around * step) / RATE)
    heard = np.concatenate([np.zeros(0, np.float32), *pieces])
    samples = np.zeros(2 * around * step, np.float32)
    samples[first - (middle - around * step) :][: len(heard)] = heard[: len(samples)]
    energy = np.convolve(_energy(samples), np.ones(2 * _BORDER_WINDOWS) / (2 * _BORDER_WINDOWS), mode="valid")
    quiet = np.flatnonzero(energy <= energy.min() + _AS_QUIET) - reach
    return (middle + int(min(quiet, key=lambda place: (abs(place), place))) * step) / RATE


def windows(pieces: Iterator[Audio], longest: float = 600.0) -> Iterator[tuple[float, Audio]]:
    """Join pieces into windows of at most `longest` seconds, cut where it is quietest near their end.

    Yields:
        The window's start in seconds, and its samples.
    """
    size, held, total, start = round(longest * RATE), [], 0, 0
    for piece in pieces:
        held.append(piece)
        total += len(piece)
        while total >= size:
            joined = np.concatenate(held)
            cut = quietest(joined[:size])
            yield start / RATE, joined[:cut]
            held, total, start = [joined[cut:]], len(joined) - cut, start + cut
    if total:
        yield start / RATE, np.concatenate(held)


def quietest(samples: Audio, search: float = _SEARCH) -> int:
    """The sample in the last `search` seconds (at most half) where the sound is quietest for 50 ms."""
    first = max(len(samples) // 2, len(samples) - round(search * RATE))
    count = (len(samples) - first) // _LOUDNESS_WINDOW
    if count < 2:
        return len(samples)
    energy = _energy(samples[first : first + count * _LOUDNESS_WINDOW])
    smooth = np.convolve(energy, np.ones(5) / 5, mode="same")
    return first + int(np.argmin(smooth)) * _LOUDNESS_WINDOW + _LOUDNESS_WINDOW // 2


def _energy(samples: Audio) -> npt.NDArray[np.float64]:
    """Mean square of each 50 ms."""
    return np.asarray(np.square(samples.reshape(-1, _LOUDNESS_WINDOW), dtype=np.float64).mean(axis=1))


def _silence(count: int) -> Iterator[Audio]:
    for begin in range(0, count, 60 * RATE):
        yield np.zeros(min(count - begin, 60 * RATE), np.float32)


class _Run:
    """Unbroken sound: resampled as one, placed by the time stamps of its first seconds together."""

    def __init__(self) -> None:
        self._resampler = AudioResampler(format="flt", layout="mono", rate=RATE)
        self._kind: tuple[object, ...] = ()
        self._held: list[AudioFrame] = []
        self._anchors: list[float] = []
        self._tick = self._length = 0.0
        self._position: int | None = None

    def takes(self, frame: AudioFrame, time: float | None) -> bool:
        """Whether a frame goes on where the run stands."""
        if self._kind not in ((), _kind(frame)):
            return False
        return time is None or not self._anchors or abs(time - self._start() - self._length) <= _JUMP

    def add(self, frame: AudioFrame, time: float | None) -> Iterator[tuple[int, Audio]]:
        """Samples that are ready, each with its place in the video's samples."""
        self._kind = _kind(frame)
        if self._position is None and time is not None:
            self._anchors.append(time - self._length)
            self._tick = float(frame.time_base or 0.0)
        self._held.append(frame)
        self._length += frame.samples / frame.sample_rate
        if self._length >= _ANCHOR:
            yield from self._ready()

    def finish(self) -> Iterator[tuple[int, Audio]]:
        """What is still held."""
        yield from self._ready()
        yield from self._resample(None)

    def _start(self) -> float:
        """When the run begins (s): the middle of what its time stamps, each rounded to a tick, allow."""
        if not self._anchors:
            return 0.0
        middle = median(self._anchors)
        near = sorted(anchor for anchor in self._anchors if abs(anchor - middle) <= self._tick)
        few = len(near) // 50  # the first frame of a file may be cut by its codec's delay, and stand off
        return (near[few] + near[-1 - few]) / 2 if near else middle

    def _ready(self) -> Iterator[tuple[int, Audio]]:
        held, self._held = self._held, []
        if self._position is None:
            self._position = round(self._start() * RATE)
        for frame in held:
            yield from self._resample(frame)

    def _resample(self, frame: AudioFrame | None) -> Iterator[tuple[int, Audio]]:
        if frame is not None:
            frame.pts = None  # the resampler's graph would stumble over jumps that are handled here
        elif not self._kind:
            return
        for out in self._resampler.resample(frame):
            samples = np.nan_to_num(out.to_ndarray().reshape(-1).astype(np.float32, copy=False))
            if len(samples) and self._position is not None:
                yield self._position, np.clip(samples, -1.0, 1.0)
                self._position += len(samples)


def _kind(frame: AudioFrame) -> tuple[object, ...]:
    return frame.sample_rate, frame.format.name, frame.layout.name


def _placed(frames: Iterator[AudioFrame], info: VideoInfo) -> Iterator[tuple[int, Audio]]:
    """Resampled sound with the place of its first sample; runs may overlap or leave gaps."""
    run = _Run()
    for frame in frames:
        if not frame.samples or not frame.sample_rate:
            continue
        time = None if frame.time is None else frame.time - info.start_offset
        if time is not None and time > info.duration + 1.0:
            time = None  # a broken stamp
        if not run.takes(frame, time):
            yield from run.finish()
            run = _Run()
        yield from run.add(frame, time)
    yield from run.finish()


def _frames(path: Path, info: VideoInfo, settings: IngestSettings, start: float, end: float) -> Iterator[AudioFrame]:
    """The frames of a stretch and some before it."""
    first, last = start + info.start_offset - _PREROLL, end + info.start_offset + _PREROLL
    tries: tuple[float | None, ...] = (*_BACK, None) if start > 2 * _PREROLL else (None,)
    for back in tries:
        with open_media(path) as container:
            stream = audio_stream(container, info, settings)
            if stream is None:
                return
            if back is not None and not _sought(container, start + info.start_offset - back):
                continue
            frames = _decoded(_between(container, stream, first, last), settings)
            if back is not None:
                opening = next((frame for frame in frames if frame.time is not None), None)
                if opening is None or opening.time is None or opening.time > first + _PREROLL / 2:
                    continue
                yield opening
            yield from frames
            return


def _sought(container: InputContainer, time: float) -> bool:
    try:
        container.seek(max(0, int(time * _AV_TIME_BASE)))
    except FFmpegError:
        return False
    return True


def _between(
    container: InputContainer, stream: AudioStream, first: float, last: float
) -> Iterator[Packet[AudioStream]]:
    """Packets from `first` to `last` (s of the container's clock), as far as they say when they are."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, FFmpegError):
            return
        time = seconds(stream, packet.pts if packet.pts is not None else packet.dts)
        if time is not None and time > last:
            return
        if time is None or time + (seconds(stream, packet.duration) or 0.0) >= first:
            yield packet


def _decoded(packets: Iterator[Packet[AudioStream]], settings: IngestSettings) -> Iterator[AudioFrame]:
    broken = 0
    for packet in packets:
        try:
            yield from packet.decode()
        except StreamEnd:
            return
        except FFmpegError as error:
            broken += 1
            if broken > settings.max_decode_errors:
                raise MediaError(f"More than {settings.max_decode_errors} packets of its sound are broken.") from error
