"""Train the demo's OpenCLIP model on drawn scenes: `python -m demo.train_openclip`.

Writes an OpenCLIP folder (`open_clip_config.json`, `open_clip_model.safetensors`). The loss is the contrastive one of
CLIP (Radford et al. 2021) with all true captions of a picture as its positives, which are known here because scenes are
drawn, plus the pairwise sigmoid loss of SigLIP (Zhai et al. 2023), plus linear read-outs of what the scene holds, which
shorten the training and are thrown away.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from demo.captions import (
    caption_of,
    class_captions,
    encode_claims,
    encode_facts,
    fact_labels,
    foreign_caption,
    truth_matrix,
    vocabulary,
)
from demo.scenes import Picture, altered, draw_scene, random_scene

SIDE = 96
CONTEXT = 32
FAMILY = 4
"""Pictures that follow one another and differ in one thing each: the hard negatives of a batch."""
CAPTIONS = 4
FOREIGN = 0.12
"""Share of captions that are true of no picture, so that other words score low everywhere."""
MODEL_CONFIG: dict[str, Any] = {
    "embed_dim": 96,
    "vision_cfg": {"image_size": SIDE, "layers": [1, 1, 1, 1], "width": 16, "head_width": 32},
    "text_cfg": {"context_length": CONTEXT, "vocab_size": 49408, "width": 32, "heads": 4, "layers": 4},
}
PREPROCESS_CONFIG: dict[str, Any] = {
    "mean": [0.5, 0.5, 0.5],
    "std": [0.25, 0.25, 0.25],
    "interpolation": "bicubic",
    # Objects at the sides count: a centre crop, the usual way, would lose them.
    "resize_mode": "squash",
}
OUTPUT = Path(__file__).parent / "models" / "openclip"
_FRAMES = ((256, 144), (256, 144), (256, 144), (320, 180), (192, 144), (144, 256))


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Pictures with what is true of them and captions, in families of `FAMILY`.

    Attributes:
        images: `(n, SIDE, SIDE, 3)`, RGB.
        facts: `(n, facts, 5)`, see `demo.captions.encode_facts`.
        labels: `(n, labels)`, what the read-outs learn.
        tokens: `(n, CAPTIONS, CONTEXT)`.
        claims: `(n, CAPTIONS, claims, 5)`.
    """

    images: npt.NDArray[np.uint8]
    facts: npt.NDArray[np.int16]
    labels: npt.NDArray[np.bool_]
    tokens: npt.NDArray[np.int32]
    claims: npt.NDArray[np.int16]


def shrink(picture: Image.Image, rng: random.Random) -> npt.NDArray[np.uint8]:
    """A picture as the model sees it after a video's compression: perhaps JPEG, then squashed to a square."""
    if rng.random() < 0.35:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=rng.randint(30, 90))
        picture = Image.open(buffer)
    return np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.uint8)


def draw_training_set(families: int, seed: int) -> TrainingSet:
    """Draw `families` times `FAMILY` pictures with their captions; the same for the same seed."""
    from open_clip import SimpleTokenizer

    rng = random.Random(seed)
    tokenizer = SimpleTokenizer(context_length=CONTEXT)
    images, facts, labels, texts, claims = [], [], [], [], []
    for family in range(families):
        scene = random_scene(rng, numbers=(0.45, 0.43, 0.12))
        size = rng.choice(_FRAMES)
        for member in range(FAMILY):
            shown = altered(scene, rng) if member else scene
            picture = draw_scene(shown, size, rng.getrandbits(48), scale=rng.uniform(0.85, 1.35))
            captions = [
                foreign_caption(rng) if rng.random() < FOREIGN else caption_of(picture, rng) for _ in range(CAPTIONS)
            ]
            images.append(shrink(picture.image, rng))
            facts.append(encode_facts(picture))
            labels.append(fact_labels(picture))
            texts += [caption.text for caption in captions]
            claims.append([encode_claims(caption) for caption in captions])
        if family % 2000 == 0:
            print(f"drawn {family * FAMILY} pictures", flush=True)
    tokens = np.asarray(tokenizer(texts), np.int32).reshape(-1, CAPTIONS, CONTEXT)
    return TrainingSet(np.stack(images), np.stack(facts), np.stack(labels), tokens, np.asarray(claims, np.int16))


def train(args: argparse.Namespace) -> None:
    """Draw, train, measure, save; `args` as `parser` makes them."""
    import torch
    from open_clip.model import CLIP

    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    data = draw_training_set(args.families, args.seed)
    model = CLIP(**MODEL_CONFIG)
    _forget_unused_words(model)
    heads = torch.nn.Linear(MODEL_CONFIG["embed_dim"], data.labels.shape[1])
    torch.nn.init.constant_(heads.bias, -4.0)
    bias = torch.nn.Parameter(torch.tensor(-8.0))
    kept = torch.nn.ModuleDict({"model": model, "heads": heads})
    if args.start:
        _start_from(model, args.start)
    if args.resume:
        kept.load_state_dict(torch.load(args.checkpoint, weights_only=True))
    groups = _parameter_groups([*model.named_parameters(), *heads.named_parameters(), ("bias", bias)])
    optimizer = torch.optim.AdamW(groups, lr=args.rate, betas=(0.9, 0.98))
    rng = np.random.default_rng(args.seed)
    started = time.monotonic()
    for step in range(args.steps):
        rate = args.rate * min(1.0, (step + 1) / 150) * 0.5 * (1 + math.cos(math.pi * step / args.steps))
        for group in optimizer.param_groups:
            group["lr"] = rate
        losses = _losses(model, heads, bias, data, _batch(data, args.batch, rng), rng)
        optimizer.zero_grad(set_to_none=True)
        sum(losses).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(60))
        if step % 50 == 0:
            shown = " ".join(f"{float(loss.detach()):.3f}" for loss in losses)
            print(f"step {step} losses {shown} {time.monotonic() - started:.0f} s", flush=True)
        if (step + 1) % 250 == 0 or step + 1 == args.steps:
            torch.save(kept.state_dict(), args.checkpoint)
            save(model, args.output)
            print(
                f"step {step + 1} {measure(model)} bias {bias.item():.2f} scale {model.logit_scale.exp().item():.1f}",
                flush=True,
            )
            model.train()


def _start_from(model: Any, folder: Path) -> None:
    """Take over the weights of a saved model; its places in the picture are stretched to the new size."""
    import torch
    from safetensors.torch import load_file
    from torch.nn import functional

    state = load_file(folder / "open_clip_model.safetensors")
    state = {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
    name = "visual.attnpool.positional_embedding"
    whole, places = state[name][:1], state[name][1:]
    old, new = math.isqrt(len(places)), math.isqrt(len(model.state_dict()[name]) - 1)
    grid = places.T.reshape(1, -1, old, old)
    grid = functional.interpolate(grid, size=(new, new), mode="bilinear", align_corners=True)
    state[name] = torch.cat([whole, grid.reshape(-1, new * new).T])
    model.load_state_dict(state)


def _forget_unused_words(model: Any) -> None:
    """Zero the rows of words that describe no scene, for good: they say nothing, and the file compresses well."""
    import torch
    from open_clip import SimpleTokenizer

    tokenizer = SimpleTokenizer(context_length=CONTEXT)
    used = tokenizer(vocabulary().split()).unique()
    with torch.no_grad():
        rows = model.token_embedding.weight[used].clone() * 5
        model.token_embedding.weight.zero_()
        model.token_embedding.weight[used] = rows
    known = torch.zeros(len(model.token_embedding.weight), 1)
    known[used] = 1
    model.token_embedding.weight.register_hook(lambda gradient: gradient * known)


def _parameter_groups(named: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    """Weight decay for matrices only, and not for the word embedding, whose unused rows stay zero anyway."""
    decayed = [value for name, value in named if value.ndim > 1 and "embedding" not in name]
    others = [value for name, value in named if value.ndim <= 1 or "embedding" in name]
    return [{"params": decayed, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}]


def _batch(data: TrainingSet, size: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    first = rng.choice(len(data.images) // FAMILY, size // FAMILY, replace=False) * FAMILY
    return np.asarray((first[:, None] + np.arange(FAMILY)).ravel(), np.int64)


def _losses(
    model: Any, heads: Any, bias: Any, data: TrainingSet, rows: npt.NDArray[np.int64], rng: np.random.Generator
) -> list[Any]:
    """Caption to picture, picture to caption, pairwise sigmoid, read-outs."""
    import torch
    from torch.nn import functional

    which = rng.integers(0, CAPTIONS, len(rows))
    tokens = torch.from_numpy(data.tokens[rows, which]).long()
    true = torch.from_numpy(truth_matrix(data.claims[rows, which], data.facts[rows])).float()
    images = functional.normalize(model.encode_image(_pixels(data.images[rows], rng)), dim=-1)
    texts = functional.normalize(model.encode_text(tokens), dim=-1)
    logits = model.logit_scale.exp() * texts @ images.T
    find = -(true / true.sum(1, keepdim=True).clamp(min=1) * logits.log_softmax(1)).sum(1).mean()
    name = -(true / true.sum(0, keepdim=True).clamp(min=1) * logits.log_softmax(0)).sum(0).mean()
    pairs = functional.binary_cross_entropy_with_logits(logits + bias, true, reduction="sum") / len(rows)
    labels = torch.from_numpy(data.labels[rows]).float()
    read = functional.binary_cross_entropy_with_logits(heads(images * 8), labels, reduction="sum") / len(rows)
    return [find, name, 0.2 * pairs, 0.06 * read]


def _pixels(images: npt.NDArray[np.uint8], rng: np.random.Generator) -> Any:
    """Normalised pictures with a little change of light, contrast and noise."""
    import torch

    size = (len(images), 1, 1, 1)
    light = torch.from_numpy(rng.uniform(-0.15, 0.15, size)).float()
    contrast = torch.from_numpy(rng.uniform(0.85, 1.15, size)).float()
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
    noise = torch.randn(pixels.shape) * torch.from_numpy(rng.uniform(0, 0.05, size)).float()
    return (2 * ((pixels + noise) * contrast + light)).contiguous(memory_format=torch.channels_last)


def measure(model: Any, seed: int = 987_654) -> dict[str, float]:
    """Recall at 1 over all count, colour and kind classes on freshly drawn pictures, one of each class.

    `name`: the picture's own words come first of all classes; `find`: the words' own picture comes first.
    """
    import torch
    from open_clip import SimpleTokenizer

    rng = random.Random(seed)
    classes = class_captions()
    pictures: list[Picture] = [draw_scene(scene, (320, 180), rng.getrandbits(48)) for _, scene in classes]
    pixels = _pixels(np.stack([shrink(picture.image, rng) for picture in pictures]), np.random.default_rng(seed))
    model.eval()
    with torch.no_grad():
        tokens = SimpleTokenizer(context_length=CONTEXT)([text for text, _ in classes])
        scores = model.encode_text(tokens, normalize=True) @ model.encode_image(pixels, normalize=True).T
    own = torch.arange(len(classes))
    return {
        "find": round(float((scores.argmax(1) == own).float().mean()), 3),
        "name": round(float((scores.argmax(0) == own).float().mean()), 3),
        "classes": len(classes),
    }


def save(model: Any, folder: Path) -> None:
    """Write the OpenCLIP folder: the configuration, and the weights in half precision."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    config = {"model_cfg": MODEL_CONFIG, "preprocess_cfg": PREPROCESS_CONFIG}
    (folder / "open_clip_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    state = {
        name: value.detach().to(torch.float16 if value.is_floating_point() else value.dtype).contiguous()
        for name, value in model.state_dict().items()
    }
    weights = folder / "open_clip_model.safetensors"
    save_file(state, weights, metadata={"format": "pt"})
    weights.chmod(0o644)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m demo.train_openclip", description="Train the demo's OpenCLIP model.")
    made.add_argument("--output", type=Path, default=OUTPUT, help="folder to write (default: %(default)s)")
    made.add_argument(
        "--checkpoint",
        type=Path,
        default=Path(tempfile.gettempdir()) / "openclip-demo.pt",
        help="full-precision state, for --resume",
    )
    made.add_argument("--resume", action="store_true", help="start from the checkpoint")
    made.add_argument("--start", type=Path, metavar="FOLDER", help="start from a saved model, of any picture size")
    made.add_argument("--steps", type=int, default=2000)
    made.add_argument("--families", type=int, default=10_000, help="groups of four similar pictures to draw")
    made.add_argument("--batch", type=int, default=256)
    made.add_argument("--rate", type=float, default=2e-3, help="learning rate")
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--threads", type=int, default=2)
    return made


if __name__ == "__main__":
    train(parser().parse_args())
