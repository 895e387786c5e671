"""Where somebody speaks: Silero's detector where the package faster-whisper carries it, else a rule on the spectrum."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from engines.spectral_voice import spectral_probabilities
from reelseek.records import Audio

SAMPLE_RATE = 16_000
FRAME = 512
"""Samples (32 ms) that one probability stands for."""

_ON = 0.5
_OFF = 0.35
"""Speech begins at a frame as likely as `_ON` and lasts until the frames stay under `_OFF`."""

_MIN_SILENCE = 1.0
"""Seconds under `_OFF` that end a region: recognisers hear better in context."""

_MIN_SPEECH = 0.25
"""Seconds: shorter regions are clicks."""

_PADDING = 0.2
"""Seconds added on both sides: onsets and endings are quiet."""

_DOUBT = 0.3
"""A region without any frame this speech-like by the rule is no speech, unless the network is sure of it."""

_SURE = 0.8
"""Mean probability over a region from which the network is believed alone: whispers do not glide."""

_WINDOW = 60 * SAMPLE_RATE // FRAME * FRAME
"""Samples looked at together; state is carried over."""

Probabilities = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of speech, in seconds of the audio, and the mean probability of its frames."""

    start: float
    end: float
    certainty: float = 0.0

    def of(self, audio: Audio) -> Audio:
        """Its samples, without a copy."""
        return audio[round(self.start * SAMPLE_RATE) : round(self.end * SAMPLE_RATE)]


class Detector(Protocol):
    """Gives each frame of `FRAME` samples a probability of speech; called on consecutive windows of one recording."""

    def __call__(self, window: Audio) -> Probabilities: ...


class SileroDetector:
    """Silero VAD v6 (MIT), read from the package faster-whisper, run on ONNX Runtime.

    The network looks at 512 samples and the 64 before them, and keeps a recurrent state.
    """

    _CONTEXT = 64

    def __init__(self, model: Path) -> None:
        self._session = _session(model)
        self._hidden = np.zeros((1, 1, 128), dtype=np.float32)
        self._cell = np.zeros((1, 1, 128), dtype=np.float32)
        self._before = np.zeros(self._CONTEXT, dtype=np.float32)

    def __call__(self, window: Audio) -> Probabilities:
        """Probabilities of a window whose length is a multiple of `FRAME`."""
        frames = window.reshape(-1, FRAME)
        context = np.vstack([self._before, frames[:-1, -self._CONTEXT :]])
        output, self._hidden, self._cell = self._session.run(
            None, {"input": np.hstack([context, frames]), "h": self._hidden, "c": self._cell}
        )
        self._before = frames[-1, -self._CONTEXT :].copy()
        return np.asarray(output, dtype=np.float32).reshape(-1)


@lru_cache(maxsize=1)
def _session(model: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = 1
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def silero_model() -> Path | None:
    """The file of Silero's network, or None where faster-whisper is not installed. Imports nothing."""
    spec = importlib.util.find_spec("faster_whisper")
    if spec is None or spec.origin is None:
        return None
    return max((Path(spec.origin).parent / "assets").glob("silero_vad*.onnx"), default=None)


def best_detector() -> Detector:
    """A fresh Silero where it is installed, else the rule on the spectrum."""
    model = silero_model()
    return spectral_probabilities if model is None else SileroDetector(model)


def speech_regions(audio: Audio, *, detector: Detector | None = None, max_seconds: float = 30.0) -> tuple[Region, ...]:
    """Find who speaks when.

    Args:
        audio: mono, 16 kHz.
        detector: a fresh one; None takes the best that is installed.
        max_seconds: longer regions are cut at their least speech-like frame.

    Returns:
        Regions in order that do not overlap; none for silence.
    """
    probabilities = _probabilities(audio, detector or best_detector())
    length = audio.size / SAMPLE_RATE
    limit = max(1, int((max_seconds - 2 * _PADDING) * SAMPLE_RATE / FRAME))
    spans = [part for span in _spans(probabilities) for part in _cut(probabilities, *span, limit)]
    return tuple(_padded(spans, probabilities, length))


def confirmed(audio: Audio, regions: tuple[Region, ...]) -> tuple[Region, ...]:
    """Leave out regions that a network took for speech, without being sure, and in which no voice glides: melodies."""
    kept = []
    for region in regions:
        samples = region.of(audio)
        if (
            region.certainty >= _SURE
            or spectral_probabilities(samples[: samples.size // FRAME * FRAME]).max(initial=0.0) >= _DOUBT
        ):
            kept.append(region)
    return tuple(kept)


def _probabilities(audio: Audio, detector: Detector) -> Probabilities:
    parts = [np.zeros(0, dtype=np.float32)]
    for start in range(0, audio.size, _WINDOW):
        window = np.ascontiguousarray(audio[start : start + _WINDOW], dtype=np.float32)
        missing = -window.size % FRAME
        parts.append(detector(np.pad(window, (0, missing)) if missing else window))
    return np.concatenate(parts)


def _spans(probabilities: Probabilities) -> Iterator[tuple[int, int]]:
    """Runs of frames `[first, last)` by hysteresis."""
    patience = round(_MIN_SILENCE * SAMPLE_RATE / FRAME)
    shortest = _MIN_SPEECH * SAMPLE_RATE / FRAME
    first = -1
    quiet_from = -1
    for index, value in enumerate([*probabilities.tolist(), *([0.0] * (patience + 1))]):
        if first < 0:
            if value >= _ON:
                first, quiet_from = index, -1
        elif value >= _OFF:
            quiet_from = -1
        elif quiet_from < 0:
            quiet_from = index
        elif index - quiet_from >= patience:
            if quiet_from - first >= shortest:
                yield first, quiet_from
            first = -1


def _cut(probabilities: Probabilities, first: int, last: int, limit: int) -> Iterator[tuple[int, int]]:
    """Cut a run into parts of at most `limit` frames, each time where speech is least likely in the second half."""
    while last - first > limit:
        half = first + limit // 2
        cut = half + int(np.argmin(probabilities[half : first + limit])) + 1
        yield first, cut
        first = cut
    yield first, last


def _padded(spans: list[tuple[int, int]], probabilities: Probabilities, length: float) -> Iterator[Region]:
    seconds = FRAME / SAMPLE_RATE
    for index, (first, last) in enumerate(spans):
        before = spans[index - 1][1] * seconds if index else 0.0
        after = spans[index + 1][0] * seconds if index + 1 < len(spans) else length
        start, end = first * seconds, min(last * seconds, length)
        # Two neighbours share the silence between them.
        yield Region(
            max(start - _PADDING, (before + start) / 2 if index else 0.0),
            min(end + _PADDING, (end + after) / 2 if index + 1 < len(spans) else length),
            float(probabilities[first:last].mean()),
        )
