"""Tiny checkpoints in each library's real format, written by the tests: their real loading and inference code runs.

They are fitted for a few seconds where a test must see a meaning, and random elsewhere. No weights are committed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from reelseek.records import EngineRef, Image

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (220, 30, 30),
    "green": (30, 180, 40),
    "blue": (30, 60, 220),
    "yellow": (240, 220, 30),
}
"""What the fitted image-text checkpoint knows: pictures of one colour, and the words "a red picture"."""


def ref(identity: str, note: str = "") -> EngineRef:
    """An identity for an engine that no registry made."""
    return EngineRef(identity, f"fingerprint-of-{identity}", note)


def plain_picture(colour: str, width: int = 96, height: int = 64, seed: int = 0) -> Image:
    """A picture of one of `COLOURS` with a little noise."""
    noise = np.random.default_rng(seed).integers(-12, 13, (height, width, 3))
    return np.clip(np.array(COLOURS[colour]) + noise, 0, 255).astype(np.uint8)


def write_openclip(folder: Path, *, fitted: bool = True, context_length: int = 16) -> Path:
    """A tiny OpenCLIP (32 pixels, 32 dimensions) as a folder of configuration and safetensors.

    Args:
        folder: created where absent.
        fitted: it tells `COLOURS` apart, by pictures and by words (some seconds); else random.
        context_length: tokens, two of them special.
    """
    import open_clip
    import torch
    from safetensors.torch import save_file

    model_cfg = {
        "embed_dim": 32,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 16},
        "text_cfg": {"context_length": context_length, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        model = open_clip.CLIP(**model_cfg)
        if fitted:
            _fit_colours(model, open_clip.SimpleTokenizer(context_length=context_length))
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "model_cfg": model_cfg,
        "preprocess_cfg": {
            "mean": [0.5, 0.4, 0.3],
            "std": [0.3, 0.3, 0.2],
            "interpolation": "bicubic",
            "resize_mode": "shortest",
        },
    }
    (folder / "open_clip_config.json").write_text(json.dumps(config), encoding="utf-8")
    save_file(
        {name: value.contiguous() for name, value in model.state_dict().items()},
        str(folder / "open_clip_model.safetensors"),
    )
    return folder


def _fit_colours(model: Any, tokenizer: Any) -> None:
    """Contrastive steps on pictures of one colour and their names, through the checkpoint's own normalisation."""
    import torch

    names = list(COLOURS)
    mean, std = torch.tensor([0.5, 0.4, 0.3]).view(3, 1, 1), torch.tensor([0.3, 0.3, 0.2]).view(3, 1, 1)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    wordings = ("a {} picture", "{}", "something {}")
    for step in range(60):
        pictures = np.stack([plain_picture(name, 32, 32, seed=step * 10 + number) for number, name in enumerate(names)])
        pixels = (torch.from_numpy(pictures).permute(0, 3, 1, 2) / 255 - mean) / std
        tokens = tokenizer([wordings[step % len(wordings)].format(name) for name in names])
        image, text, scale = model(pixels, tokens)
        logits = scale.clamp(max=50) * image @ text.T
        target = torch.arange(len(names))
        loss = torch.nn.functional.cross_entropy(logits, target) + torch.nn.functional.cross_entropy(logits.T, target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
