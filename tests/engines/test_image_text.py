"""One conformance suite for image-text engines, then what is OpenCLIP's own."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.openclip import OpenClipEngine
from engines.protocols import ImageTextEngine
from reelseek.errors import EngineUnavailable
from reelseek.records import Image
from reelseek.setting_groups import EngineSettings
from tests.support.checkpoints import COLOURS, plain_picture, ref, write_openclip
from tests.support.conformance import at_once, carries_identity, without

SETTINGS = EngineSettings(threads=1, batch_size=4, device="cpu")
REF = ref("openclip:tiny", note="knows four colours")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_openclip(tmp_path_factory.mktemp("openclip") / "tiny")


@pytest.fixture(scope="module", params=["folder", "safetensors-file", "pt-file"])
def engine(
    request: pytest.FixtureRequest, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> OpenClipEngine:
    if request.param == "folder":
        return OpenClipEngine(REF, checkpoint, SETTINGS)
    if request.param == "safetensors-file":
        return OpenClipEngine(REF, checkpoint / "open_clip_model.safetensors", SETTINGS)
    import torch
    from safetensors.torch import load_file

    folder = tmp_path_factory.mktemp("pt")
    shutil.copy(checkpoint / "open_clip_config.json", folder)
    torch.save({"state_dict": load_file(checkpoint / "open_clip_model.safetensors")}, folder / "epoch_1.pt")
    return OpenClipEngine(REF, folder / "epoch_1.pt", SETTINGS)


def pictures(count: int = 6) -> list[Image]:
    """Of different sizes, upright and wide."""
    names = list(COLOURS)
    return [plain_picture(names[n % len(names)], 40 + 30 * n, 50 + 17 * (n % 3), seed=n) for n in range(count)]


class TestConformance:
    def test_protocol_and_identity(self, engine: ImageTextEngine) -> None:
        assert isinstance(engine, ImageTextEngine)
        carries_identity(engine, REF)

    def test_nothing_gives_no_rows(self, engine: ImageTextEngine) -> None:
        for empty in (engine.encode_images([]), engine.encode_texts([])):
            assert empty.shape == (0, engine.dimension)
            assert empty.dtype == np.float32

    def test_rows_are_unit_float32(self, engine: ImageTextEngine) -> None:
        for rows, count in ((engine.encode_images(pictures()), 6), (engine.encode_texts(["red", "", "a b"]), 3)):
            assert rows.shape == (count, engine.dimension)
            assert rows.dtype == np.float32
            np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)

    def test_batches_change_nothing(self, engine: ImageTextEngine) -> None:
        images, texts = pictures(), ["red", "a green picture", "word " * 40, ""]
        alone = np.concatenate([engine.encode_images([image]) for image in images])
        np.testing.assert_allclose(engine.encode_images(images), alone, atol=1e-5)
        alone = np.concatenate([engine.encode_texts([text]) for text in texts])
        np.testing.assert_allclose(engine.encode_texts(texts), alone, atol=1e-5)

    @pytest.mark.parametrize("shape", [(1, 1), (1, 2000), (2000, 1), (33, 3)])
    def test_odd_sizes_are_understood(self, engine: ImageTextEngine, shape: tuple[int, int]) -> None:
        picture = np.full((*shape, 3), COLOURS["green"], np.uint8)
        words = engine.encode_texts([f"a {name} picture" for name in COLOURS])
        assert list(COLOURS)[int((engine.encode_images([picture]) @ words.T).argmax())] == "green"

    def test_words_find_pictures(self, engine: ImageTextEngine) -> None:
        words = engine.encode_texts([f"a {name} picture" for name in COLOURS])
        seen = engine.encode_images([plain_picture(name, seed=77) for name in COLOURS])
        assert (seen @ words.T).argmax(axis=1).tolist() == list(range(len(COLOURS)))

    def test_nothing_of_a_long_text_is_lost(self, engine: ImageTextEngine) -> None:
        filler = "word " * 60
        plain, at_the_end = engine.encode_texts([filler, filler + " blue"])
        assert not np.allclose(plain, at_the_end, atol=1e-3)
        np.testing.assert_allclose(engine.encode_texts(["x" * 5000 + "日本語" * 300]).shape, (1, engine.dimension))

    def test_the_same_twice(self, engine: ImageTextEngine) -> None:
        np.testing.assert_array_equal(engine.encode_images(pictures()), engine.encode_images(pictures()))

    def test_two_threads(self, engine: ImageTextEngine) -> None:
        images, texts = pictures(8), ["red", "word " * 50]
        expected = engine.encode_images(images), engine.encode_texts(texts)
        both = lambda: (engine.encode_images(images), engine.encode_texts(texts))  # noqa: E731
        for seen, read in at_once([both, both, both]):
            np.testing.assert_allclose(seen, expected[0], atol=1e-5)
            np.testing.assert_allclose(read, expected[1], atol=1e-5)


def test_pictures_are_prepared_as_the_checkpoint_says(checkpoint: Path) -> None:
    """Against the library's own transform and model, on pictures of usual shapes."""
    import open_clip
    import torch
    from PIL import Image as Pillow

    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{checkpoint}")
    images = pictures()
    with torch.inference_mode():
        pixels = torch.stack([transform(Pillow.fromarray(image)) for image in images])
        expected = model.eval().encode_image(pixels, normalize=True).numpy()
    np.testing.assert_allclose(OpenClipEngine(REF, checkpoint, SETTINGS).encode_images(images), expected, atol=1e-5)


def test_folded_branches_compute_the_same(tmp_path: Path) -> None:
    """MobileCLIP's kind of picture encoder is rearranged for speed; its vectors stay."""
    import open_clip
    import torch
    from PIL import Image as Pillow
    from safetensors.torch import save_file

    config: dict[str, Any] = {
        "embed_dim": 16,
        "vision_cfg": {"timm_model_name": "fastvit_t8", "timm_pool": "avg", "timm_proj": "linear", "image_size": 64},
        "text_cfg": {"context_length": 8, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
    }
    written = {"model_cfg": {**config, "custom_text": True}, "preprocess_cfg": {"mean": [0, 0, 0], "std": [1, 1, 1]}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(written))
    torch.manual_seed(0)
    model = open_clip.CustomTextCLIP(**config).eval()
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, tmp_path / "model.safetensors")
    images = [np.random.default_rng(n).integers(0, 255, (64, 64, 3), dtype=np.uint8) for n in range(3)]
    _, _, transform = open_clip.create_model_and_transforms(f"local-dir:{tmp_path}")
    with torch.inference_mode():
        pixels = torch.stack([transform(Pillow.fromarray(image)) for image in images])
        expected = model.encode_image(pixels, normalize=True).numpy()
    np.testing.assert_allclose(OpenClipEngine(REF, tmp_path, SETTINGS).encode_images(images), expected, atol=1e-4)


def test_reduced_precision_finds_the_same(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    exact = OpenClipEngine(REF, checkpoint, SETTINGS)
    monkeypatch.setattr("engines.openclip.reduced_precision", lambda device: torch.bfloat16)
    reduced = OpenClipEngine(REF, checkpoint, SETTINGS)
    ours, theirs = reduced.encode_images(pictures()), exact.encode_images(pictures())
    assert ours.dtype == np.float32
    assert not np.array_equal(ours, theirs)
    assert (ours * theirs).sum(axis=1).min() > 0.99


def test_architecture_from_the_name(checkpoint: Path, tmp_path: Path) -> None:
    """A bare file of weights: the engine's name says what it is of."""
    import open_clip

    model = json.loads((checkpoint / "open_clip_config.json").read_text())["model_cfg"]
    (tmp_path / "Tiny-B-16.json").write_text(json.dumps(model))
    open_clip.add_model_config(tmp_path / "Tiny-B-16.json")
    weights = tmp_path / "weights.safetensors"
    shutil.copy(checkpoint / "open_clip_model.safetensors", weights)
    named = OpenClipEngine(ref("openclip:Tiny-B-16/some_training"), weights, SETTINGS)
    known = OpenClipEngine(REF, checkpoint, SETTINGS)
    np.testing.assert_allclose(named.encode_texts(["red"]), known.encode_texts(["red"]), atol=1e-5)
    with pytest.raises(EngineUnavailable, match="architecture"):
        OpenClipEngine(ref("openclip:nobody-knows"), weights, SETTINGS)


@pytest.mark.parametrize("damage", ["absent", "none", "truncated", "no-weights", "other-shape", "bad-config"])
def test_bad_weights_are_told(checkpoint: Path, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(checkpoint, folder)
    config, weights = folder / "open_clip_config.json", folder / "open_clip_model.safetensors"
    if damage == "absent":
        shutil.rmtree(folder)
    elif damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif damage == "no-weights":
        weights.unlink()
    elif damage == "other-shape":
        config.write_text(config.read_text().replace('"embed_dim": 32', '"embed_dim": 48'))
    elif damage == "bad-config":
        config.write_text("{")
    with pytest.raises(EngineUnavailable) as raised:
        OpenClipEngine(REF, None if damage == "none" else folder, SETTINGS)
    assert raised.value.hint
    assert "\n" not in str(raised.value)
    assert damage == "none" or str(folder) in str(raised.value)


def test_loading_leaves_logging_alone(checkpoint: Path, capfd: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = list(root.handlers), list(root.filters)
    OpenClipEngine(REF, checkpoint, SETTINGS)
    assert (list(root.handlers), list(root.filters)) == before
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "")


def test_a_device_that_is_not_there(checkpoint: Path) -> None:
    with pytest.raises(EngineUnavailable, match="cuda:63"):
        OpenClipEngine(REF, checkpoint, EngineSettings(device="cuda:63"))


def test_without_the_extra() -> None:
    printed = without(
        ["open_clip", "torch"],
        "from engines.openclip import OpenClipEngine\n"
        "OpenClipEngine(EngineRef('openclip:x', 'f'), Path('x'), EngineSettings())",
    )
    assert printed.startswith("UNAVAILABLE")
    assert "pip install 'reelseek[clip]'" in printed
