"""Where PP-OCR's ONNX files are: in the installed package `rapidocr`, or in a folder of the user's."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import yaml

from engines.base import require
from reelseek.errors import EngineUnavailable

_PACKAGED_DETECTION = "PP-OCRv6_det_small.onnx"
_PACKAGED_RECOGNITION = "PP-OCRv6_rec_small.onnx"

DETECTION_MEAN, DETECTION_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""What PP-OCR's detection models were trained with: mean and deviation of the channels, 0 to 1, blue first."""


@dataclass(frozen=True, slots=True)
class OnnxPair:
    """The two models of PP-OCR: one finds lines, one reads them."""

    detection: Path
    recognition: Path


def packaged_pair() -> OnnxPair:
    """PP-OCRv6 small, as the package `rapidocr` carries it. Found without importing the package.

    Raises:
        EngineUnavailable: the package is missing, or comes without the files.
    """
    spec = importlib.util.find_spec("rapidocr")
    if spec is None or spec.origin is None:
        require("rapidocr", "paddle")
        raise EngineUnavailable("The package rapidocr is installed but has no files.")
    models = Path(spec.origin).parent / "models"
    pair = OnnxPair(models / _PACKAGED_DETECTION, models / _PACKAGED_RECOGNITION)
    for path in (pair.detection, pair.recognition):
        if not path.is_file():
            raise EngineUnavailable(
                f"The installed rapidocr comes without {path.name}.",
                hint="Install it again: pip install --force-reinstall rapidocr",
            )
    return pair


def pair_in(folder: Path) -> OnnxPair:
    """The one detection and the one recognition model of a folder.

    Raises:
        EngineUnavailable: there is no such folder, or not exactly one of each.
    """
    if not folder.is_dir():
        raise EngineUnavailable(f"There is no folder of screen-text weights at {folder}.")
    return OnnxPair(_only(folder, "det"), _only(folder, "rec"))


def _only(folder: Path, part: str) -> Path:
    found = sorted(path for path in folder.glob("*.onnx") if part in path.stem.lower().replace("-", "_").split("_"))
    if len(found) != 1:
        raise EngineUnavailable(
            f"{folder} must hold exactly one *_{part}_*.onnx, and holds {len(found)}.",
        )
    return found[0]


def prepared_folders(pair: OnnxPair, cache: Path) -> OnnxPair:
    """Lay the files out as PaddleOCR reads them: a folder each with `inference.onnx` and `inference.yml`.

    The layout is made under a temporary name and renamed, so that processes which start together never meet half of
    one; it is made once per path and content.

    Args:
        pair: the ONNX files; the second carries its characters in its metadata.
        cache: where the folders are kept.

    Returns:
        The two folders.

    Raises:
        OSError: the cache cannot be written.
        EngineUnavailable: the recognition model has no characters in it.
    """
    parts = {
        "det": (pair.detection, _detection_settings(pair.detection)),
        "rec": (pair.recognition, _recognition_settings(pair.recognition)),
    }
    key = hashlib.sha256()
    for path, text in parts.values():
        key.update(f"{path.resolve()}\n{text}\n".encode())
        with path.open("rb") as file:
            key.update(hashlib.file_digest(file, "sha256").digest())
    home = cache / key.hexdigest()[:32]
    if not home.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as temporary:
            made = Path(temporary) / "made"
            for name, (path, text) in parts.items():
                _lay_out(made / name, path, text)
            _publish(made, home)
    return OnnxPair(home / "det", home / "rec")


def _lay_out(folder: Path, model: Path, text: str) -> None:
    folder.mkdir(parents=True)
    (folder / "inference.yml").write_text(text, encoding="utf-8")
    try:
        (folder / "inference.onnx").symlink_to(model.resolve())
    except OSError:  # a file system, or a Windows account, without links
        shutil.copyfile(model, folder / "inference.onnx")


def _publish(made: Path, home: Path) -> None:
    try:
        made.rename(home)
    except OSError:
        # Another process was faster; its folder holds the same.
        if not home.is_dir():
            raise


def _detection_settings(model: Path) -> str:
    """How PP-OCR's detection models are fed and read: differentiable binarisation (Liao et al., 2020)."""
    return _as_yaml(
        _registered_name(model, "det"),
        [
            {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
            {"DetResizeForTest": None},
            {
                "NormalizeImage": {
                    "mean": list(DETECTION_MEAN),
                    "std": list(DETECTION_STD),
                    "scale": "1./255.",
                    "order": "hwc",
                }
            },
            {"ToCHWImage": None},
            {"KeepKeys": {"keep_keys": ["image", "shape", "polys", "ignore_tags"]}},
        ],
        {"name": "DBPostProcess", "thresh": 0.3, "box_thresh": 0.6, "max_candidates": 1000, "unclip_ratio": 1.5},
    )


def _recognition_settings(model: Path) -> str:
    """How PP-OCR's recognition models are fed and read: CTC over the characters in the file's metadata."""
    onnxruntime = require("onnxruntime", "paddle")
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    characters = session.get_modelmeta().custom_metadata_map.get("character", "")
    if not characters:
        raise EngineUnavailable(f"{model} has no list of characters in its metadata.")
    return _as_yaml(
        _registered_name(model, "rec"),
        [
            {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
            {"MultiLabelEncode": {"gtc_encode": "NRTRLabelEncode"}},
            {"RecResizeImg": {"image_shape": [3, 48, 320]}},
            {"KeepKeys": {"keep_keys": ["image", "label_ctc", "label_gtc", "length", "valid_ratio"]}},
        ],
        {"name": "CTCLabelDecode", "character_dict": characters.split("\n")},
    )


def _as_yaml(name: str, steps: list[dict[str, object]], after: dict[str, object]) -> str:
    content = {"Global": {"model_name": name}, "PreProcess": {"transform_ops": steps}, "PostProcess": after}
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False)


def _registered_name(model: Path, part: str) -> str:
    """What PaddleX calls `PP-OCRv6_det_small`: `PP-OCRv6_small_det`."""
    found = re.match(rf"(PP-OCRv\d+)_{part}_(\w+)$", model.stem)
    return f"{found[1]}_{found[2]}_{part}" if found else f"PP-OCRv6_small_{part}"
