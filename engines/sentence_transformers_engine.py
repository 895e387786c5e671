"""Sentence vectors by any model folder of sentence-transformers."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from reelseek.records import EngineRef, Vector
from reelseek.setting_groups import EngineSettings

from .base import BaseEngine, require
from .loading import loading, present, with_tokenizer
from .offline import go_offline
from .torch_device import choose_device
from .windows import encode_windows, normalised


class SentenceTransformersEngine(BaseEngine):
    """A sentence-transformers model on this machine.

    Args:
        ref: identity.
        weights: the folder that `SentenceTransformer.save` or the hub's snapshot made.
        settings: device, threads, batch size.

    Raises:
        EngineUnavailable: the extra `sentence` or the folder is missing, or the folder is unreadable.
    """

    def __init__(self, ref: EngineRef, weights: Path | None, settings: EngineSettings) -> None:
        super().__init__(ref, weights, settings)
        go_offline()
        library = require("sentence_transformers", "sentence")
        folder = present(weights, "sentence-transformers")
        device = choose_device(settings, "sentence")
        require("transformers.utils.logging", "sentence").disable_progress_bar()
        with loading(folder, "sentence-transformers"):
            with_tokenizer(_first_module(folder))
            self._model = library.SentenceTransformer(str(folder), device=device, local_files_only=True)
            self._model.eval()
            self._lock = threading.Lock()  # fast tokenizers keep their truncation inside and refuse two users at once
            self._max_tokens = self._model.max_seq_length or math.inf
            self._dimension = int(self._encode_fitting([""]).shape[1])

    @property
    def dimension(self) -> int:
        return self._dimension

    def encode(self, texts: Sequence[str]) -> Vector:
        if not len(texts):
            return np.zeros((0, self._dimension), np.float32)
        return encode_windows(texts, self._fits, self._encode_fitting)

    def _fits(self, text: str) -> bool:
        if math.isinf(self._max_tokens):
            return True
        with self._lock:
            tokens = self._model.tokenizer(text, truncation=False, verbose=False)["input_ids"]
        return len(tokens) <= self._max_tokens

    def _encode_fitting(self, texts: list[str]) -> Vector:
        with self._lock:
            vectors = self._model.encode(
                texts, batch_size=self.settings.batch_size, show_progress_bar=False, convert_to_numpy=True
            )
        return normalised(np.asarray(vectors, np.float32))


def _first_module(folder: Path) -> Path:
    """The folder of the module that reads the text; a plain transformer is all one module."""
    modules = folder / "modules.json"
    return folder / json.loads(modules.read_text(encoding="utf-8"))[0]["path"] if modules.is_file() else folder
