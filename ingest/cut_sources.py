"""The pictures and the sound of a stretch of a file, each at its own time, exact to the picture and to the sample."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from av.error import EOFError as StreamEnd
from av.error import FFmpegError
from av.stream import Stream
from av.video.frame import VideoFrame

from ingest.opening import open_media, picture_stream
from ingest.probe import shown_size, sound_stream, start_offset
from reelseek.errors import InvalidRequest, MediaError

RATE = 48_000
"""Samples a second of all sound that is cut."""

Sound = npt.NDArray[np.float32]
"""Stereo, shape `(2, samples)`."""

_NEAR = 0.002
"""Seconds by which rounded time stamps may be off: a picture so near to a border is at it."""
_JUMP = 0.05
"""A difference (s) between a sound's time stamp and the end of what came before from which it is a gap."""
_BACK = (0.0, 5.0, 30.0, math.inf)
"""Seconds ahead of a stretch that are sought for, one after another, until what is found lies before it."""
_SOUND_PREROLL = 0.5
_MOST_BROKEN = 500


@dataclass(frozen=True, slots=True)
class Cut:
    """A stretch `[start, end)` (s) of a file."""

    path: Path
    start: float
    end: float
    title: str = ""

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Footage:
    """What a file that is cut has.

    Attributes:
        offset: the container's time of second 0.
        width, height: of the picture as shown, in pixels; 0 without pictures.
        rotation: degrees clockwise that a player turns the picture.
        rate: pictures a second, roughly.
        samples: samples of sound a second; 0 without sound.
        duration: seconds; 0 where the container does not say.
    """

    offset: float
    width: int
    height: int
    rotation: int
    rate: Fraction
    samples: int
    duration: float

    @property
    def has_picture(self) -> bool:
        """Whether it has moving pictures."""
        return self.width > 0

    @property
    def has_sound(self) -> bool:
        """Whether it has sound."""
        return self.samples > 0


def checked(cut: Cut) -> Footage:
    """Look into the file of a cut.

    Raises:
        MediaError: it is not there, or cannot be read.
        InvalidRequest: the stretch is empty, or begins behind the file's end.
    """
    if not (math.isfinite(cut.start) and math.isfinite(cut.end)) or cut.start < 0 or cut.end - cut.start < _NEAR:
        raise InvalidRequest(f"There is nothing between {cut.start:g} s and {cut.end:g} s.")
    with open_media(cut.path) as container:
        video, audio = picture_stream(container), sound_stream(container)
        streams: list[Stream] = [stream for stream in (video, audio) if stream is not None]
        if not streams:
            raise MediaError("It has neither pictures nor sound.")
        offset = start_offset(container, streams)
        first = next((frame for _, frame in _frames(container, video, offset)), None) if video is not None else None
        rotation = -int(first.rotation) % 360 if isinstance(first, VideoFrame) else 0
        width, height = (
            shown_size(first, video, rotation) if isinstance(first, VideoFrame) and video is not None else (0, 0)
        )
        rate = Fraction(video.average_rate or video.guessed_rate or 25) if video is not None else Fraction(25)
        duration = container.duration / 1_000_000 if container.duration else 0.0
        if duration and cut.start >= duration + 1.0:
            raise InvalidRequest(f"The video ends at {duration:.1f} s, before {cut.start:g} s.")
        return Footage(offset, width, height, rotation, rate, audio.sample_rate if audio else 0, duration)


def pictures(cut: Cut, footage: Footage) -> Iterator[tuple[float, VideoFrame]]:
    """What is shown in a cut: seconds from its start, and the picture. The first is what stands when it starts."""
    for back in _BACK:
        with open_media(cut.path) as container:
            stream = picture_stream(container)
            if stream is None:
                return
            stream.thread_type = "AUTO"
            sought = _seek(container, stream, cut.start - back, footage.offset)
            standing: VideoFrame | None = None
            begun = False
            for time, frame in _frames(container, stream, footage.offset):
                assert isinstance(frame, VideoFrame)
                if time <= cut.start + _NEAR:
                    standing = frame
                    continue
                if standing is None and not begun and sought:
                    break  # the file's index led too far; from further back
                if not begun:
                    begun = True
                    yield 0.0, standing if standing is not None else frame
                    if standing is None:
                        continue
                if time >= cut.end - _NEAR:
                    return
                yield time - cut.start, frame
            else:
                if standing is not None and not begun:
                    yield 0.0, standing
                return


def sound(cut: Cut, footage: Footage) -> Iterator[Sound]:
    """The sound of a cut in pieces, stereo at 48 kHz, exactly as long as the cut: gaps and a missing end are silent."""
    total, written = round(cut.duration * RATE), 0
    for position, samples in _placed(cut, footage) if footage.has_sound else ():
        if position > written:
            silent = min(position, total) - written
            yield from _silence(silent)
            written += max(0, silent)
        piece = samples[:, max(0, written - position) :][:, : total - written]
        if piece.shape[1]:
            written += piece.shape[1]
            yield piece
        if written >= total:
            return
    yield from _silence(total - written)


def _placed(cut: Cut, footage: Footage) -> Iterator[tuple[int, Sound]]:
    """Pieces of sound with the sample of the cut at which each begins."""
    for back in _BACK:
        with open_media(cut.path) as container:
            stream = sound_stream(container)
            if stream is None:
                return
            sought = _seek(container, stream, cut.start - _SOUND_PREROLL - back, footage.offset)
            line = _SoundLine(cut.start)
            for time, frame in _frames(container, stream, footage.offset):
                assert isinstance(frame, AudioFrame)
                if line.empty and sought and time > cut.start + _NEAR:
                    break
                if time >= cut.end:
                    yield from line.flush()
                    return
                yield from line.add(time, frame)
            else:
                yield from line.flush()
                return


class _SoundLine:
    """Resamples sound; a jump of its time stamps begins anew at the right place."""

    def __init__(self, start: float) -> None:
        self._start = start
        self._resampler = _resampler()
        self._next: int | None = None
        self._expected = 0.0

    @property
    def empty(self) -> bool:
        """Whether nothing was added yet."""
        return self._next is None

    def add(self, time: float, frame: AudioFrame) -> Iterator[tuple[int, Sound]]:
        """Take a frame at a time (s) of the video."""
        if self._next is None or abs(time - self._expected) > _JUMP:
            yield from self.flush()
            self._resampler = _resampler()
            self._next = round((time - self._start) * RATE)
            self._expected = time
        self._expected += frame.samples / frame.sample_rate
        frame.pts = None  # samples are counted, not their rounded time stamps
        yield from self._out(self._resampler.resample(frame))

    def flush(self) -> Iterator[tuple[int, Sound]]:
        """What the resampler still holds."""
        if self._next is not None:
            yield from self._out(self._resampler.resample(None))

    def _out(self, frames: list[AudioFrame]) -> Iterator[tuple[int, Sound]]:
        assert self._next is not None
        for frame in frames:
            samples = np.asarray(frame.to_ndarray(), dtype=np.float32)
            yield self._next, samples
            self._next += samples.shape[1]


def _resampler() -> AudioResampler:
    return AudioResampler(format="fltp", layout="stereo", rate=RATE)


def _seek(container: InputContainer, stream: Stream, time: float, offset: float) -> bool:
    """Go to a key picture at or before a time; False where the file is read from its beginning."""
    if time <= 0 or stream.time_base is None:
        return False
    try:
        container.seek(int((time + offset) / stream.time_base), stream=stream, backward=True, any_frame=False)
    except FFmpegError:
        return False
    return True


def _frames(container: InputContainer, stream: Stream, offset: float) -> Iterator[tuple[float, Any]]:
    """Decoded frames with their times; broken packets are passed over.

    Raises:
        MediaError: too many are broken.
    """
    packets: Iterator[Any] = iter(container.demux(stream))
    broken = 0
    while True:
        try:
            packet = next(packets)
        except (StopIteration, FFmpegError):
            return
        try:
            for frame in packet.decode():
                if frame.time is not None:
                    yield frame.time - offset, frame
        except StreamEnd:
            return
        except FFmpegError as error:
            broken += 1
            if broken > _MOST_BROKEN:
                raise MediaError("Too much of it is damaged.") from error


def _silence(count: int) -> Iterator[Sound]:
    for begin in range(0, max(0, count), RATE):
        yield np.zeros((2, min(RATE, count - begin)), np.float32)
