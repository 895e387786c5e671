"""A video's sound as models hear it: mono, 16 kHz, each sample at its own time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import EOFError as StreamEnd
from av.error import FFmpegError

from ingest.opening import open_media
from reelseek.errors import MediaError
from reelseek.records import Audio, VideoInfo
from reelseek.settings import IngestSettings

RATE = 16_000
_JUMP = 0.1
"""A difference (s) between a frame's time and the end of the one before from which it is a gap and no rounding."""
_SEARCH = 30.0
_LOUDNESS_WINDOW = RATE // 20


def sound(path: Path, info: VideoInfo, settings: IngestSettings) -> Iterator[Audio]:
    """Decode the sound in pieces; sample n of their concatenation is at n / 16000 s of the video.

    Gaps are filled with silence, what overlaps is left out, so the times stay true whatever the container does.

    Raises:
        MediaError: more packets are broken than `max_decode_errors`.
    """
    written, limit = 0, round((info.duration + 1.0) * RATE)
    with open_media(path) as container:
        stream = container.streams.best("audio")
        if not isinstance(stream, AudioStream):
            return
        resampler: AudioResampler | None = None
        expected: float | None = None
        for frame in _frames(container, stream, settings):
            start = expected if frame.time is None else frame.time - info.start_offset
            start = 0.0 if start is None else start
            if expected is None or abs(start - expected) > _JUMP:
                for piece in _samples(resampler, None):
                    written += len(piece)
                    yield piece
                resampler, gap = None, min(round(start * RATE), limit) - written
                while gap > 0:
                    silence = np.zeros(min(gap, 60 * RATE), np.float32)
                    written, gap = written + len(silence), gap - len(silence)
                    yield silence
                if start + _length(frame) <= written / RATE - _JUMP:
                    expected = start + _length(frame)
                    continue
            expected = start + _length(frame)
            resampler = resampler or AudioResampler(format="flt", layout="mono", rate=RATE)
            for piece in _samples(resampler, frame):
                if written >= limit:
                    return
                written += len(piece)
                yield piece
        yield from _samples(resampler, None)


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
    tail = samples[first : first + count * _LOUDNESS_WINDOW].reshape(count, _LOUDNESS_WINDOW)
    energy = (tail.astype(np.float64) ** 2).mean(axis=1)
    smooth = np.convolve(energy, np.ones(5) / 5, mode="same")
    return first + int(np.argmin(smooth)) * _LOUDNESS_WINDOW + _LOUDNESS_WINDOW // 2


def _samples(resampler: AudioResampler | None, frame: AudioFrame | None) -> Iterator[Audio]:
    """Resample a frame; None empties the resampler."""
    if resampler is None:
        return
    if frame is not None:
        frame.pts = None  # the resampler's graph would stumble over jumps that are handled here
    for out in resampler.resample(frame):
        samples = np.nan_to_num(out.to_ndarray().reshape(-1).astype(np.float32, copy=False))
        if len(samples):
            yield np.clip(samples, -1.0, 1.0)


def _length(frame: AudioFrame) -> float:
    return float(frame.samples / frame.sample_rate) if frame.sample_rate else 0.0


def _frames(container: InputContainer, stream: AudioStream, settings: IngestSettings) -> Iterator[AudioFrame]:
    packets, broken = container.demux(stream), 0
    while True:
        try:
            packet = next(packets)
        except (StopIteration, FFmpegError):
            return
        try:
            yield from packet.decode()
        except StreamEnd:
            return
        except FFmpegError as error:
            broken += 1
            if broken > settings.max_decode_errors:
                raise MediaError(f"More than {settings.max_decode_errors} packets of its sound are broken.") from error
