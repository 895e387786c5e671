"""Tiny checkpoints in each library's real format, written by the tests: their real loading and inference code runs.

They are fitted for a few seconds where a test must see a meaning, and random elsewhere. No weights are committed.
"""

from __future__ import annotations

import importlib.util
import json
import string
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.ultralytics_engine import import_ultralytics
from reelseek.records import EngineRef, Image
from reelseek.setting_groups import EngineSettings

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (220, 30, 30),
    "green": (30, 180, 40),
    "blue": (30, 60, 220),
    "yellow": (240, 220, 30),
}
"""What the fitted image-text checkpoint knows: pictures of one colour, and the words "a red picture"."""

FIT_STEPS = 240


def needs_ultralytics() -> None:
    """Skip where the extra `yolo` is missing, without importing it: its adapter must be the first to import it."""
    if importlib.util.find_spec("ultralytics") is None:
        pytest.skip("the extra `yolo` is not installed", allow_module_level=True)


def ref(identity: str, note: str = "") -> EngineRef:
    """An identity for an engine that no registry made."""
    return EngineRef(identity, f"fingerprint-of-{identity}", note)


@contextmanager
def _repeatable(seed: int) -> Iterator[None]:
    """Torch with a seed of its own, on one thread: more only wait for each other over models this small."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)


def plain_picture(colour: str, width: int = 96, height: int = 64, seed: int = 0) -> Image:
    """A picture of one of `COLOURS` with a little noise."""
    noise = np.random.default_rng(seed).integers(-12, 13, (height, width, 3))
    return np.clip(np.array(COLOURS[colour]) + noise, 0, 255).astype(np.uint8)


def write_openclip(folder: Path, *, fitted: bool = True, context_length: int = 16, dimension: int = 32) -> Path:
    """A tiny OpenCLIP (32 pixels) as a folder of configuration and safetensors.

    Args:
        folder: created where absent.
        fitted: it tells `COLOURS` apart, by pictures and by words (some seconds); else random.
        context_length: tokens, two of them special.
        dimension: of its vectors.
    """
    import open_clip
    from safetensors.torch import save_file

    model_cfg = {
        "embed_dim": dimension,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 16},
        "text_cfg": {"context_length": context_length, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    }
    with _repeatable(7):
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


SHAPE_LABELS = ("red square", "green square", "blue square")
"""What the tiny detectors know."""
_SHAPE_COLOURS = tuple(COLOURS[label.split()[0]] for label in SHAPE_LABELS)


def squares_picture(squares: list[tuple[int, int, int, int]], width: int = 96, height: int = 96) -> Image:
    """Grey, with a square for each (number of its label, left, top, side) in pixels."""
    picture = np.full((height, width, 3), 128, np.uint8)
    for label, left, top, side in squares:
        picture[top : top + side, left : left + side] = _SHAPE_COLOURS[label]
    return picture


def write_ultralytics(folder: Path, *, open_vocabulary: str = "") -> Path:
    """A tiny Ultralytics detector as `tiny.pt`.

    Args:
        folder: created where absent.
        open_vocabulary: empty for a detector of squares, fitted on the spot (some seconds); `world` for a random
            YOLO-World, `yoloe` for a random YOLOE without a vocabulary.
    """
    library = import_ultralytics()
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / {"": "tiny.yaml", "world": "tiny-world.yaml", "yoloe": "yoloe-tiny.yaml"}[open_vocabulary]
    configuration.write_text(json.dumps(_yolo_configuration(open_vocabulary)), encoding="utf-8")
    with _repeatable(3):
        model = library.YOLO(str(configuration), task="detect")
        network = model.model
        network.names = dict(enumerate(SHAPE_LABELS))
        if open_vocabulary == "world":
            # as `set_classes` leaves it: each label's text embedding is kept in the checkpoint
            network.model[-1].nc = len(SHAPE_LABELS)
            for contrast in network.model[-1].cv4:
                contrast.bias.data.zero_()  # sure of something everywhere, so that a test sees its labels
            network.txt_feats = torch.nn.functional.normalize(torch.randn(1, len(SHAPE_LABELS), 512), dim=-1)
        elif not open_vocabulary:
            _fit_squares(network)
    network.args = {"task": "detect", "imgsz": 96, "model": "tiny.yaml"}
    model.ckpt = {"train_args": network.args}
    model.save(folder / "tiny.pt")
    return folder / "tiny.pt"


def write_yolo_world(folder: Path) -> Path:
    """A tiny YOLO-World as `world.pt`, fitted on squares by the words for them, and beside it its text encoder."""
    import torch

    from engines.openclip import OpenClipEngine
    from engines.ultralytics_engine import import_ultralytics

    encoder = write_openclip(folder / "text_encoder", dimension=512)
    words = OpenClipEngine(ref("openclip:words"), encoder, EngineSettings(threads=1, device="cpu"))
    configuration = folder / "tiny-world.yaml"
    configuration.write_text(json.dumps(_yolo_configuration("world")), encoding="utf-8")
    with _repeatable(3):
        model = import_ultralytics().YOLO(str(configuration), task="detect")
        network = model.model
        network.names, network.nc = dict(enumerate(SHAPE_LABELS)), len(SHAPE_LABELS)
        network.model[-1].nc = len(SHAPE_LABELS)
        network.txt_feats = torch.from_numpy(words.encode_texts(SHAPE_LABELS))[None]
        _fit_squares(network, txt_feats=network.txt_feats)
    network.args = {"task": "detect", "imgsz": 96, "model": "tiny.yaml"}
    model.ckpt = {"train_args": network.args}
    model.save(folder / "world.pt")
    return folder / "world.pt"


def export_ultralytics(weights: Path, *, end_to_end: bool = False, dynamic: bool = False) -> Path:
    """The ONNX export that Ultralytics makes of its checkpoint, beside it; `end_to_end` with the NMS inside."""
    from engines.ultralytics_engine import import_ultralytics

    options = {"imgsz": 96, "simplify": False, "nms": end_to_end or None, "dynamic": dynamic, "verbose": False}
    with _repeatable(3):
        made = import_ultralytics().YOLO(str(weights)).export(format="onnx", **options)
    kind = ("nms-" if end_to_end else "") + ("dynamic" if dynamic else "static")
    return Path(made).rename(weights.with_name(f"{weights.stem}-{kind}.onnx"))


def _yolo_configuration(open_vocabulary: str) -> dict[str, Any]:
    head: list[Any] = [[3, 4, 5], 1, "Detect", ["nc"]]
    if open_vocabulary == "world":
        head = [[3, 4, 5], 1, "WorldDetect", ["nc", 512, False]]
    elif open_vocabulary == "yoloe":
        head = [[3, 4, 5], 1, "YOLOEDetect", ["nc", 512, True]]
    return {
        "nc": 80 if open_vocabulary == "world" else len(SHAPE_LABELS),
        "backbone": [
            [-1, 1, "Conv", [16, 3, 2]],
            [-1, 1, "Conv", [24, 3, 2]],
            [-1, 1, "Conv", [32, 3, 2]],
            [-1, 1, "Conv", [32, 3, 1]],
            [-1, 1, "Conv", [48, 3, 2]],
            [-1, 1, "Conv", [64, 3, 2]],
        ],
        "head": [head],
    }


def _fit_squares(network: Any, **more: Any) -> None:
    """Steps of the library's own loss on drawn squares; `more` is what a batch holds besides."""
    import torch
    from ultralytics.cfg import get_cfg

    network.args = get_cfg()
    network.train()
    random = np.random.default_rng(11)
    optimiser = torch.optim.AdamW(network.parameters(), lr=4e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 8e-3, total_steps=FIT_STEPS)
    for _ in range(FIT_STEPS):
        pictures, indices, labels, boxes = [], [], [], []
        for number in range(8):
            squares = _random_squares(random)
            pictures.append(squares_picture(squares))
            for label, left, top, side in squares:
                indices.append(number)
                labels.append([label])
                boxes.append([(left + side / 2) / 96, (top + side / 2) / 96, side / 96, side / 96])
        batch = {
            "img": torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255,
            "batch_idx": torch.tensor(indices, dtype=torch.float32),
            "cls": torch.tensor(labels, dtype=torch.float32),
            "bboxes": torch.tensor(boxes, dtype=torch.float32),
            **more,
        }
        loss = network.loss(batch)[0].sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    network.criterion = None
    network.eval()


def _random_squares(random: np.random.Generator) -> list[tuple[int, int, int, int]]:
    """Up to two squares, one in each half, so that they never touch."""
    squares = []
    for half in range(2):
        if random.random() < 0.7:
            side = int(random.integers(16, 40))
            left, top = half * 48 + int(random.integers(0, 49 - side)), int(random.integers(0, 97 - side))
            squares.append((int(random.integers(3)), left, top, side))
    return squares


def write_yolox(path: Path) -> Path:
    """A detector in YOLOX's layout (64 pixels, 2 classes, undecoded, no metadata), by hand and exact.

    Each 32-pixel cell that is red throughout is an object of class 0, each blue one of class 1; the cell is its box.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, parts, constants = [], [], []
    for stride in (8, 16, 32):
        # rows x, y, log w, log h, objectness, red, blue; columns blue, green, red
        weight = np.zeros((7, 3, 1, 1), np.float32)
        weight[5, :, 0, 0], weight[6, :, 0, 0] = np.array([-1, -1, 1]) / 150, np.array([1, -1, -1]) / 150
        bias = np.array([0.5, 0.5, 0, 0, float(stride == 32), 0, 0], np.float32)
        for name, value in ((f"w{stride}", weight), (f"b{stride}", bias)):
            constants.append(numpy_helper.from_array(value, name))
        nodes += [
            helper.make_node(
                "AveragePool", ["images"], [f"p{stride}"], kernel_shape=[stride] * 2, strides=[stride] * 2
            ),
            helper.make_node("Conv", [f"p{stride}", f"w{stride}", f"b{stride}"], [f"c{stride}"]),
            helper.make_node("Clip", [f"c{stride}", "zero", "one"], [f"k{stride}"]),
            helper.make_node("Reshape", [f"k{stride}", "flat"], [f"f{stride}"]),
        ]
        parts.append(f"f{stride}")
    constants += [
        numpy_helper.from_array(np.float32(0), "zero"),
        numpy_helper.from_array(np.float32(1), "one"),
        numpy_helper.from_array(np.array([1, 7, -1], np.int64), "flat"),
    ]
    nodes += [
        helper.make_node("Concat", parts, ["all"], axis=2),
        helper.make_node("Transpose", ["all"], ["output"], perm=[0, 2, 1]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 64, 64])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 84, 7])],
        constants,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    return path


def write_sentence_transformers(folder: Path, *, max_tokens: int = 24) -> Path:
    """A tiny random BERT with mean pooling (32 dimensions) as sentence-transformers saves it."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "red", "green", "blue", "car", "bus", "bridge"]
    vocabulary += [mark + letter for letter in string.ascii_lowercase + string.digits for mark in ("", "##")]
    bare = folder.with_name(folder.name + "-bare")
    bare.mkdir(parents=True, exist_ok=True)
    (bare / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    with _repeatable(5):
        shape = BertConfig(
            vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
            intermediate_size=64, max_position_embeddings=64,
        )  # fmt: skip
        BertModel(shape).save_pretrained(bare)
    BertTokenizerFast(str(bare / "vocab.txt")).save_pretrained(bare)
    transformer = Transformer(str(bare), max_seq_length=max_tokens)
    model = SentenceTransformer(modules=[transformer, Pooling(32, pooling_mode="mean"), Normalize()], device="cpu")
    model.save(str(folder))
    return folder
