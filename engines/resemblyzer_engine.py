"""Voices as vectors: the GE2E encoder that the package Resemblyzer carries, with a front end of our own.

Model: Wan, Wang, Papir, Lopez Moreno, "Generalized End-to-End Loss for Speaker Verification", ICASSP 2018
(arXiv:1710.10467), as Resemblyzer trained it: three LSTM layers over 1.6 s of 40 mel bands, a linear layer, ReLU,
length one. The package's own reading of sound needs librosa and webrtcvad; what it computes with them is done here.
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.base import BaseEngine, require
from engines.loading import loading
from engines.torch_device import choose_device
from engines.windows import normalised
from reelseek.errors import EngineUnavailable
from reelseek.records import Audio, EngineRef, Vector
from reelseek.setting_groups import EngineSettings

_RATE = 16_000
_WINDOW, _HOP, _BANDS = 400, 160, 40
"""25 ms every 10 ms, in 40 bands."""
_FRAMES = 160
"""Frames of a partial utterance, 1.6 s: what the model was trained on."""
_HIDDEN, _LAYERS = 256, 3
_LEVEL = 10 ** (-25 / 20)
"""Root mean square (-25 dBFS) that each stretch is brought to: there is no logarithm, so loudness would count."""

Matrix = npt.NDArray[np.float64]


class ResemblyzerEngine(BaseEngine):
    """Speaker embeddings.

    Args:
        ref: identity.
        weights: a `.pt` in Resemblyzer's format; None for the one that the package carries.
        settings: device, threads, batch size.

    Raises:
        EngineUnavailable: torch or the package is not installed, or the weights are broken.
    """

    dimension = 256

    def __init__(self, ref: EngineRef, weights: Path | None, settings: EngineSettings) -> None:
        super().__init__(ref, weights, settings)
        self._torch = require("torch", "speakers")
        self._device = choose_device(settings, "speakers")
        file = weights or _carried()
        with loading(file, "speaker"):
            state = self._torch.load(str(file), map_location="cpu", weights_only=True)["model_state"]
            self._network = _network(self._torch, state).to(self._device).eval()
        self._lock = threading.Lock()

    def embed(self, audio: Audio, spans: Sequence[tuple[float, float]]) -> Vector:
        """The voice in each stretch of a recording.

        Args:
            audio: mono, 16 kHz.
            spans: start and end in seconds; from 1.6 s on the mean of overlapping parts of that length.

        Returns:
            `(len(spans), 256)`, length one, none negative; the cosine of two is high for one person's voice.
        """
        parts, owners = [], []
        for index, (start, end) in enumerate(spans):
            samples = audio[max(0, round(start * _RATE)) : round(end * _RATE)]
            for part in _parts(log_free_mel(_levelled(samples))):
                parts.append(part)
                owners.append(index)
        sums = np.zeros((len(spans), self.dimension), np.float32)
        with self._lock, self._torch.inference_mode():
            for first in range(0, len(parts), self.settings.batch_size * 8):
                batch = np.stack(parts[first : first + self.settings.batch_size * 8])
                found = self._network(self._torch.from_numpy(batch).to(self._device)).cpu().numpy()
                np.add.at(sums, owners[first : first + len(found)], found)
        return normalised(sums)


def log_free_mel(samples: Audio) -> npt.NDArray[np.float32]:
    """Power in 40 mel bands, `(frames, 40)`, without a logarithm: librosa's `melspectrogram` with its defaults.

    Frames are centred (zeros beyond the ends), the window is a periodic Hann, the bands are Slaney's, each of area one.
    """
    padded = np.pad(samples.astype(np.float64), _WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
    power = np.square(np.abs(np.fft.rfft(frames * window, axis=1)))
    return np.asarray(power @ mel_bands().T, dtype=np.float32)


@lru_cache(maxsize=1)
def mel_bands() -> Matrix:
    """The filter bank, `(40, 201)`: triangles evenly spaced on Slaney's mel scale from 0 to 8 kHz, each of area one.

    Slaney, "Auditory Toolbox", 1998: linear up to 1 kHz (200/3 Hz a mel), then 27 steps for a factor of 6.4.
    """
    edges = _hertz(np.linspace(0.0, _mel(_RATE / 2), _BANDS + 2))
    bins = np.arange(_WINDOW // 2 + 1) * _RATE / _WINDOW
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return np.asarray(triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None])


def _mel(hertz: float) -> float:
    return hertz * 3 / 200 if hertz < 1000 else float(15 + 27 * np.log(hertz / 1000) / np.log(6.4))


def _hertz(mel: Matrix) -> Matrix:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))


def _levelled(samples: Audio) -> Audio:
    level = float(np.sqrt(np.square(samples, dtype=np.float64).mean())) if samples.size else 0.0
    return samples if level < 1e-6 else (samples * (_LEVEL / level)).astype(np.float32)


def _parts(mel: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
    """Pieces of 160 frames, half overlapping; a shorter spectrogram is repeated to fill one."""
    if len(mel) < _FRAMES:
        mel = np.resize(mel, (_FRAMES, _BANDS)) if len(mel) else np.zeros((_FRAMES, _BANDS), np.float32)
    starts = [*range(0, len(mel) - _FRAMES + 1, _FRAMES // 2)]
    if len(mel) - _FRAMES - starts[-1] >= _FRAMES // 4:
        starts.append(len(mel) - _FRAMES)
    return [mel[start : start + _FRAMES] for start in starts]


def _carried() -> Path:
    spec = importlib.util.find_spec("resemblyzer")
    if spec is None or spec.origin is None:
        raise EngineUnavailable(
            "This engine needs the package resemblyzer, which is not installed.",
            hint="Add it with: pip install 'reelseek[speakers]'",
        )
    return Path(spec.origin).parent / "pretrained.pt"


def _network(torch: Any, state: dict[str, Any]) -> Any:
    class Encoder(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.lstm = torch.nn.LSTM(_BANDS, _HIDDEN, _LAYERS, batch_first=True)
            self.linear = torch.nn.Linear(_HIDDEN, _HIDDEN)

        def forward(self, mels: Any) -> Any:
            _, (hidden, _) = self.lstm(mels)
            return torch.nn.functional.normalize(torch.relu(self.linear(hidden[-1])), dim=1)

    network = Encoder()
    ours = {name: value for name, value in state.items() if name.startswith(("lstm.", "linear."))}
    network.load_state_dict(ours)
    return network
