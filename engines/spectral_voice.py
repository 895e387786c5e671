"""A voice detector without a model: speech glides in pitch and changes its spectrum; noise and held notes do not.

Four things are measured over one second around each frame, and the least speech-like of them decides:

- gliding: the share of frames whose pitch (peak of the autocorrelation, 70 to 400 Hz) differs from the frame before by
  0.4 to 12 %. A voice is never still; a held note is, and noise jumps about.
- change: by how many decibels the shape of the spectrum (20 bands, 100 to 6000 Hz) differs from that 128 ms before.
- evenness of that change: beats and plucked notes change all at once and then not at all.
- dynamics: the range of the level; syllables and pauses span more than 8 dB.

The limits were set on real clips against Silero's detector.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from reelseek.records import Audio

_RATE = 16_000
_FRAME = 512
_HOP = 256
_SIZE = 1024
_FFT = 2048
_SECOND = 63
"""Hops in a second, odd so that a window has a middle."""

_LAG = 8
"""Hops (128 ms) over which the spectrum's change is measured: about half a syllable."""

_QUIET_DB = -60.0
"""Frames under this level (dB of full scale) are silence."""

Series = npt.NDArray[np.float64]


def spectral_probabilities(window: Audio) -> npt.NDArray[np.float32]:
    """How speech-like each frame of 512 samples is, 0 to 1.

    Args:
        window: mono, 16 kHz, a multiple of 512 samples long.
    """
    frames = window.size // _FRAME
    if frames == 0:
        return np.zeros(0, dtype=np.float32)
    level, shape, pitch, voiced = _measure(window, frames * 2)
    score = np.minimum.reduce(
        [
            _ramp(_mean(_gliding(pitch, voiced)), 0.10, 0.30),
            _ramp(_mean(_change(shape)), 4.0, 6.5),
            1 - _ramp(_spread(_change(shape)), 5.5, 8.5),
            _ramp(_range(level), 6.0, 10.0),
        ]
    )
    score[_maximum(level) < _QUIET_DB] = 0.0
    result: npt.NDArray[np.float32] = score.reshape(frames, 2).max(axis=1).astype(np.float32)
    return result


def _measure(window: Audio, count: int) -> tuple[Series, Series, Series, npt.NDArray[np.bool_]]:
    """Level (dB), spectral shape (dB, 20 bands, mean 0), pitch (Hz) and whether there is one, every 16 ms."""
    padded = np.pad(window.astype(np.float64), (_SIZE // 2, _SIZE // 2))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _SIZE)[::_HOP][:count]
    level = 20 * np.log10(np.sqrt(np.square(frames).mean(axis=1)) + 1e-9)
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(_SIZE), _FFT))) + 1e-12
    bands = 10 * np.log10(power @ _bands() + 1e-9)
    shape = bands - bands.mean(axis=1, keepdims=True)
    low = power.copy()
    low[:, _FFT * 1500 // _RATE :] = 0
    correlation = np.fft.irfft(low, axis=1)
    first, last = _RATE // 400, _RATE // 70
    lag = correlation[:, first:last].argmax(axis=1) + first
    strength = correlation[np.arange(count), lag] / correlation[:, 0]
    return level, shape, _RATE / lag, strength > 0.6


@lru_cache(maxsize=1)
def _bands() -> Series:
    """Which of 20 bands each bin of the spectrum belongs to, `(bins, 20)`."""
    frequency = np.arange(_FFT // 2 + 1) * _RATE / _FFT
    edges = np.geomspace(100, 6000, 21)
    return ((frequency[:, None] >= edges[:-1]) & (frequency[:, None] < edges[1:])).astype(np.float64)


def _gliding(pitch: Series, voiced: npt.NDArray[np.bool_]) -> Series:
    step = np.abs(np.diff(np.log(pitch), prepend=np.log(pitch[:1])))
    return (voiced & (step >= 0.004) & (step < 0.12)).astype(np.float64)


def _change(shape: Series) -> Series:
    if len(shape) <= _LAG:
        return np.zeros(len(shape))
    change = np.abs(shape[_LAG:] - shape[:-_LAG]).mean(axis=1)
    return np.pad(change, (_LAG // 2, _LAG - _LAG // 2), mode="edge")


def _around(values: Series) -> Series:
    """The second around each value, `(n, _SECOND)`, the ends repeated."""
    padded = np.pad(values, _SECOND // 2, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, _SECOND)


def _mean(values: Series) -> Series:
    return np.asarray(_around(values).mean(axis=1))


def _spread(values: Series) -> Series:
    return np.asarray(_around(values).std(axis=1))


def _maximum(values: Series) -> Series:
    return np.asarray(_around(values).max(axis=1))


def _range(values: Series) -> Series:
    high, low = np.percentile(_around(values), [90, 10], axis=1)
    return np.asarray(high - low)


def _ramp(values: Series, low: float, high: float) -> Series:
    """0 up to `low`, 1 from `high` on, straight between."""
    return np.clip((values - low) / (high - low), 0.0, 1.0)
