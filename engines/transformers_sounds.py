"""Sounds by name, with an audio classifier that transformers knows: AST on AudioSet's 527 labels.

Gong, Chung, Glass, "AST: Audio Spectrogram Transformer", Interspeech 2021 (arXiv:2104.01778).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.base import BaseEngine, require
from engines.loading import loading, present
from engines.protocols import Progress, no_progress
from engines.torch_device import choose_device
from reelseek.errors import EngineUnavailable
from reelseek.records import Audio, EngineRef, SoundEvent
from reelseek.setting_groups import EngineSettings

_RATE = 16_000
_WINDOW = 10.24
"""Seconds that are looked at together where the model does not say."""
_THRESHOLD = 0.3
"""Mean probability over the windows around a moment from which a sound is there; each must give half of it."""
_SILENCE = 1e-3
_MOST = 8
"""Labels of a moment, the likeliest first: AudioSet's are nested (music, guitar, plucked strings)."""

Scores = npt.NDArray[np.float32]


class TransformersSoundEngine(BaseEngine):
    """Sound events.

    Args:
        ref: identity.
        weights: a folder in transformers' format, with its feature extractor.
        settings: device, threads, batch size.

    Raises:
        EngineUnavailable: transformers is not installed, or the weights are missing, broken or no audio classifier.
    """

    def __init__(self, ref: EngineRef, weights: Path | None, settings: EngineSettings) -> None:
        super().__init__(ref, weights, settings)
        transformers, self._torch = require("transformers", "vlm"), require("torch", "vlm")
        folder = present(weights, "sound")
        self._device = choose_device(settings, "vlm")
        with loading(folder, "sound"):
            options = {"local_files_only": True, "trust_remote_code": False}
            self._extract: Any = transformers.AutoFeatureExtractor.from_pretrained(str(folder), **options)
            model = transformers.AutoModelForAudioClassification.from_pretrained(str(folder), **options)
        if getattr(self._extract, "sampling_rate", _RATE) != _RATE:
            raise EngineUnavailable(f"The sound weights {folder} want {self._extract.sampling_rate} Hz, not {_RATE}.")
        self._model: Any = model.to(self._device).eval()
        config = self._model.config
        self._labels = tuple(str(config.id2label[index]) for index in range(config.num_labels))
        self._one = config.problem_type == "single_label_classification"
        is_ast = config.model_type == "audio-spectrogram-transformer"
        self._window = int(config.max_length) * _RATE // 100 if is_ast else round(_WINDOW * _RATE)
        self._lock = threading.Lock()

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the sounds it knows."""
        return self._labels

    def classify(self, audio: Audio, *, progress: Progress = no_progress) -> tuple[SoundEvent, ...]:
        """What sounds when.

        Args:
            audio: mono, 16 kHz. Windows of the model's own length, half overlapping, are looked at.
            progress: called with the share that is done; may raise to stop.

        Returns:
            Events by start, to half a window (about 5 s) exact; silence gives none.
        """
        step = self._window // 2
        cells = -(-audio.size // step)
        # Window n covers the cells n - 1 and n, so that every cell is in two.
        scores = np.zeros((cells + 1, len(self._labels)), np.float32)
        loud = [index for index in range(cells + 1) if self._loud(self._piece(audio, index))]
        progress(0.0)
        with self._lock:
            for first in range(0, len(loud), self.settings.batch_size):
                batch = loud[first : first + self.settings.batch_size]
                scores[batch] = self._scores([self._piece(audio, index) for index in batch])
                progress(min(1.0, (first + len(batch)) / len(loud)))
        progress(1.0)
        mean, least = (scores[:-1] + scores[1:]) / 2, np.minimum(scores[:-1], scores[1:])
        heard = np.where((mean >= _THRESHOLD) & (least >= _THRESHOLD / 2), mean, 0.0).astype(np.float32)
        silent = [not self._loud(audio[cell * step : (cell + 1) * step]) for cell in range(cells)]
        heard[silent] = 0.0
        return tuple(sorted(self._events(heard, audio.size), key=lambda event: (event.start, -event.confidence)))

    def _piece(self, audio: Audio, index: int) -> Audio:
        """A window; the first and the last are moved inside, for half a window is no sound that the model knows."""
        start = max(0, min((index - 1) * (self._window // 2), audio.size - self._window))
        return audio[start : start + self._window]

    @staticmethod
    def _loud(samples: Audio) -> bool:
        return bool(samples.size) and float(np.abs(samples).max()) >= _SILENCE

    def _scores(self, pieces: list[Audio]) -> Scores:
        features = self._extract(pieces, sampling_rate=_RATE, return_tensors="pt")
        with self._torch.inference_mode():
            logits = self._model(**{name: value.to(self._device) for name, value in features.items()}).logits.float()
            found = logits.softmax(dim=-1) if self._one else logits.sigmoid()
        return np.asarray(found.cpu().numpy(), np.float32)

    def _events(self, heard: Scores, samples: int) -> Iterator[SoundEvent]:
        if len(self._labels) > _MOST:
            limit = np.partition(heard, -_MOST, axis=1)[:, -_MOST : -_MOST + 1]
            heard = np.where(heard >= limit, heard, 0.0)
        step, length = self._window / 2 / _RATE, samples / _RATE
        for label in np.flatnonzero(heard.max(axis=0, initial=0.0)):
            there = np.concatenate([[False], heard[:, label] > 0, [False]])
            edges = np.flatnonzero(there[1:] != there[:-1])
            for first, last in list(pairwise(edges))[::2]:
                confidence = min(1.0, float(heard[first:last, label].max()))
                yield SoundEvent(self._labels[label], float(first * step), min(length, float(last * step)), confidence)
