"""Texts judged against a query by a model that reads both at once: cross-encoders, in transformers' format.

Nogueira, Cho, "Passage Re-ranking with BERT", 2019 (arXiv:1901.04085). The checkpoints of sentence-transformers'
`CrossEncoder` and the re-rankers of the BGE family are such models: a classifier of sequence pairs with one output.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engines.base import BaseEngine, require
from engines.loading import loading, present, with_tokenizer
from engines.offline import go_offline
from engines.torch_device import choose_device
from reelseek.errors import EngineUnavailable
from reelseek.records import EngineRef
from reelseek.setting_groups import EngineSettings

_MOST_TOKENS = 512


class CrossEncoderEngine(BaseEngine):
    """A cross-encoder on this machine.

    Args:
        ref: identity.
        weights: the folder that `CrossEncoder.save` or the hub's snapshot made.
        settings: device, threads, batch size.

    Raises:
        EngineUnavailable: transformers is not installed, or the weights are missing, broken or no judge of pairs.
    """

    def __init__(self, ref: EngineRef, weights: Path | None, settings: EngineSettings) -> None:
        super().__init__(ref, weights, settings)
        go_offline()
        transformers, self._torch = require("transformers", "sentence"), require("torch", "sentence")
        folder = present(weights, "re-ranking")
        self._device = choose_device(settings, "sentence")
        require("transformers.utils.logging", "sentence").disable_progress_bar()
        with loading(folder, "re-ranking"):
            options = {"local_files_only": True, "trust_remote_code": False}
            self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(str(with_tokenizer(folder)), **options)
            model = transformers.AutoModelForSequenceClassification.from_pretrained(str(folder), **options)
        if model.config.num_labels not in (1, 2):
            raise EngineUnavailable(
                f"The re-ranking weights {folder} tell {model.config.num_labels} classes apart; a judge has one output."
            )
        self._model: Any = model.to(self._device).eval()
        room = getattr(model.config, "max_position_embeddings", _MOST_TOKENS)
        self._tokens = int(min(_MOST_TOKENS, self._tokenizer.model_max_length, room))
        self._lock = threading.Lock()  # fast tokenizers keep their truncation inside and refuse two users at once

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        found: list[float] = []
        size = self.settings.batch_size
        with self._lock, self._torch.inference_mode():
            for at in range(0, len(texts), size):
                found += self._batch(query, list(texts[at : at + size]))
        return found

    def _batch(self, query: str, texts: list[str]) -> list[float]:
        try:
            inputs = self._tokenizer(
                [query] * len(texts),
                texts,
                padding=True,
                truncation="longest_first",
                max_length=self._tokens,
                return_tensors="pt",
            ).to(self._device)
            logits = self._model(**inputs).logits.float()
        except RuntimeError as error:  # torch: out of memory, a device that is gone
            raise EngineUnavailable(f"The re-ranking model failed: {str(error).splitlines()[0]}") from error
        judged = logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits[:, 0]
        return [float(value) for value in judged.cpu()]
