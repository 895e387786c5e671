"""Pictures and words in one vector space, by OpenCLIP."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from reelseek.errors import EngineUnavailable
from reelseek.records import EngineRef, Image, Vector
from reelseek.setting_groups import EngineSettings

from .base import BaseEngine, require
from .loading import loading, present, with_tokenizer
from .offline import go_offline
from .torch_device import autocast, choose_device, reduced_precision
from .windows import encode_windows

CONFIG_NAME = "open_clip_config.json"
WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")
PREFERRED_WEIGHTS = ("open_clip_model", "open_clip_pytorch_model", "model", "pytorch_model")
LONGEST_ASPECT = 8
"""Pictures more stretched than this lose their ends before they are resized: the model's own centre crop drops
them anyway, and resizing the short side of a 1 x 2000 picture to 224 pixels first would make one of 448,000."""
PREPARE_THREADS = 4


@dataclass(frozen=True, slots=True)
class _Source:
    """What to build and to load.

    Attributes:
        model: a name that `open_clip.create_model` takes.
        checkpoint: the file of weights.
        preprocess: what the checkpoint's training differs in from the library's defaults.
        quick_gelu: it was trained with the sigmoid approximation of GELU.
    """

    model: str
    checkpoint: Path
    preprocess: dict[str, Any]
    quick_gelu: bool = False


class OpenClipEngine(BaseEngine):
    """An OpenCLIP model on this machine.

    Args:
        ref: its name tells the architecture where the weights do not: `openclip:ViT-B-32/laion2b_s34b_b79k`.
        weights: a folder with `open_clip_config.json` and weights, or a file of weights; beside a file the
            configuration of its folder counts, else the architecture is read from the name.
        settings: device, threads, batch size.

    Raises:
        EngineUnavailable: the extra `clip` or the weights are missing or do not fit.
    """

    def __init__(self, ref: EngineRef, weights: Path | None, settings: EngineSettings) -> None:
        super().__init__(ref, weights, settings)
        go_offline()
        require("open_clip", "clip")
        self._torch = require("torch", "clip")
        path = present(weights, "OpenCLIP")
        self._device = choose_device(settings, "clip")
        self._dtype = reduced_precision(self._device)
        with loading(path, "OpenCLIP"), _quiet():
            source = _find(path, ref.id.partition(":")[2])
            self._model = _build(source).to(self._device)
            self._tokenizer = _tokenizer(source)
            self._geometry, self._mean, self._std = _preprocessing(self._model.visual.preprocess_cfg)
            self._dimension = int(self._encode_text_tokens([""]).shape[1])

    @property
    def dimension(self) -> int:
        return self._dimension

    def encode_images(self, images: Sequence[Image]) -> Vector:
        if not len(images):
            return np.zeros((0, self._dimension), np.float32)
        size = self.settings.batch_size
        batches = [images[start : start + size] for start in range(0, len(images), size)]
        vectors = []
        with ThreadPoolExecutor(PREPARE_THREADS, "openclip-prepare") as pool:
            # the next batch is resized while the model works on this one
            coming = [pool.submit(self._prepare, image) for image in batches[0]]
            for number in range(len(batches)):
                pixels = np.stack([picture.result() for picture in coming])
                following = batches[number + 1] if number + 1 < len(batches) else []
                coming = [pool.submit(self._prepare, image) for image in following]
                vectors.append(self._encode_pixels(pixels))
        return np.concatenate(vectors)

    def encode_texts(self, texts: Sequence[str]) -> Vector:
        if not len(texts):
            return np.zeros((0, self._dimension), np.float32)
        return encode_windows(texts, self._fits, self._encode_text_tokens)

    def _prepare(self, image: Image) -> npt.NDArray[np.uint8]:
        """Resize and crop as the checkpoint was trained, in 8 bits, `(height, width, 3)`."""
        from PIL import Image as Pillow

        return np.asarray(self._geometry(Pillow.fromarray(_without_ends(image))))

    def _encode_pixels(self, pixels: npt.NDArray[np.uint8]) -> Vector:
        torch = self._torch
        with torch.inference_mode():
            batch = torch.from_numpy(pixels).to(self._device).permute(0, 3, 1, 2).float().div_(255)
            batch = batch.sub_(self._mean.to(self._device)).div_(self._std.to(self._device))
            with autocast(self._device, self._dtype):
                features = self._model.encode_image(batch)
            return self._unit(features)

    def _encode_text_tokens(self, texts: list[str]) -> Vector:
        torch = self._torch
        vectors = []
        for start in range(0, len(texts), self.settings.batch_size):
            with _tokenizer_lock:
                tokens = self._tokenizer(texts[start : start + self.settings.batch_size])
            with torch.inference_mode(), autocast(self._device, self._dtype):
                vectors.append(self._unit(self._model.encode_text(tokens.to(self._device))))
        return np.concatenate(vectors)

    def _unit(self, features: Any) -> Vector:
        unit: Vector = self._torch.nn.functional.normalize(features.float(), dim=-1).cpu().numpy()
        return unit

    def _fits(self, text: str) -> bool:
        with _tokenizer_lock:
            return _token_count(self._tokenizer, text) <= int(self._tokenizer.context_length)


_tokenizer_lock = threading.Lock()
"""Fast tokenizers keep their truncation inside: two threads that set it at once make them raise "Already borrowed"."""


def _find(path: Path, name: str) -> _Source:
    """Tell the model from a folder, a file, or the engine's name."""
    import open_clip

    folder, checkpoint = (path, _weights_in(path)) if path.is_dir() else (path.parent, path)
    if (folder / CONFIG_NAME).is_file():
        return _Source(f"local-dir:{folder}", checkpoint, {})
    architecture, tag = _architecture([name, checkpoint.stem, folder.name], open_clip.list_models())
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    known = [open_clip.get_pretrained_cfg(architecture, each) for each in ([tag] if tag in tags else tags)]
    keys = ("mean", "std", "interpolation", "resize_mode")
    preprocess = {key: known[0][key] for key in keys if known and known[0].get(key)}
    # an unknown training of an architecture: what all its known ones have in common
    agreed = {key: value for key, value in preprocess.items() if all(config.get(key) == value for config in known)}
    return _Source(architecture, checkpoint, agreed, quick_gelu=bool(tag in tags and known[0].get("quick_gelu")))


def _weights_in(folder: Path) -> Path:
    files = sorted(file for file in folder.iterdir() if file.suffix in WEIGHT_SUFFIXES)
    if not files:
        raise EngineUnavailable(
            f"The folder {folder} has no OpenCLIP weights ({', '.join('*' + suffix for suffix in WEIGHT_SUFFIXES)}).",
            hint="See: reelseek models",
        )

    def rank(file: Path) -> tuple[int, int]:
        known = file.stem in PREFERRED_WEIGHTS
        return (PREFERRED_WEIGHTS.index(file.stem) if known else len(PREFERRED_WEIGHTS)), WEIGHT_SUFFIXES.index(
            file.suffix
        )

    return min(files, key=rank)


def _architecture(names: list[str], known: list[str]) -> tuple[str, str]:
    """The longest architecture that starts one of the names, and the tag of the training after it (or "")."""
    for name in names:
        plain = name.replace("/", "-").lower()
        fitting = [each for each in known if plain.startswith(each.lower())]
        if fitting:
            architecture = max(fitting, key=len)
            return architecture, plain[len(architecture) :].strip("-_@:. ").replace("-", "_")
    raise EngineUnavailable(
        f"Neither {CONFIG_NAME} beside the weights nor their name tells which OpenCLIP architecture they are of.",
        hint="Name it: openclip:ViT-B-32/laion2b_s34b_b79k, or add the file that came with the weights.",
    )


def _build(source: _Source) -> Any:
    """The model with its weights, float32, ready to infer."""
    import open_clip

    model = open_clip.create_model(
        source.model,
        load_weights=False,
        pretrained_text=False,
        force_quick_gelu=source.quick_gelu,
        force_preprocess_cfg=source.preprocess or None,
    )
    open_clip.load_checkpoint(model, str(source.checkpoint), strict=True, weights_only=True)
    trunk = getattr(model.visual, "trunk", None)
    if trunk is not None:
        # MobileCLIP's training-time branches folded into single convolutions: the same function, faster
        model.visual.trunk = require("timm.utils", "clip").reparameterize_model(trunk.eval())
    return model.eval().requires_grad_(False)


def _tokenizer(source: _Source) -> Any:
    """The model's tokenizer, from files at hand only."""
    import open_clip

    config = open_clip.get_model_config(source.model)["text_cfg"]
    if not config.get("hf_tokenizer_name"):
        return open_clip.get_tokenizer(source.model)
    return open_clip.tokenizer.HFTokenizer(
        str(with_tokenizer(source.checkpoint.parent)),
        context_length=config.get("context_length", open_clip.tokenizer.DEFAULT_CONTEXT_LENGTH),
        tokenizer_mode=config.get("tokenizer_mode"),
        local_files_only=True,
        **config.get("tokenizer_kwargs", {}),
    )


def _token_count(tokenizer: Any, text: str) -> int:
    """Tokens of a text before anything is cut, special ones included."""
    inner = getattr(tokenizer, "tokenizer", None)
    if inner is None:
        return len(tokenizer.encode(text)) + 2
    special = 3 if tokenizer.tokenizer_mode == "clips" else inner.num_special_tokens_to_add()
    return len(inner(tokenizer.clean_fn(text), add_special_tokens=False, verbose=False)["input_ids"]) + int(special)


def _preprocessing(config: dict[str, Any]) -> tuple[Any, Any, Any]:
    """The checkpoint's transform in two parts: what is done to a picture, and mean and deviation for a whole batch."""
    import torch
    from open_clip.transform import PreprocessCfg, image_transform_v2
    from torchvision.transforms import Compose, Normalize, ToTensor

    steps = image_transform_v2(PreprocessCfg(**config), is_train=False).transforms
    geometry = Compose([step for step in steps if not isinstance(step, (Normalize, ToTensor))])
    normalize = next(step for step in steps if isinstance(step, Normalize))
    mean, std = (torch.tensor(values, dtype=torch.float32).view(-1, 1, 1) for values in (normalize.mean, normalize.std))
    return geometry, mean, std


def _without_ends(image: Image) -> Image:
    height, width = image.shape[:2]
    longest = LONGEST_ASPECT * min(height, width)
    top, left = max(0, height - longest) // 2, max(0, width - longest) // 2
    return image[top : top + longest, left : left + longest]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep OpenCLIP, which logs to the root logger, from printing and from configuring the logging of the process."""
    root, null = logging.getLogger(), logging.NullHandler()

    def others(record: logging.LogRecord) -> bool:
        return "open_clip" not in record.pathname

    root.addHandler(null)
    root.addFilter(others)
    try:
        yield
    finally:
        root.removeFilter(others)
        root.removeHandler(null)
