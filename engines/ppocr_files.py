"""Where PP-OCR's ONNX files are: in the installed package `rapidocr`, or in a folder of the user's."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from engines.base import require
from reelseek.errors import EngineUnavailable

_PACKAGED_DETECTION = "PP-OCRv6_det_small.onnx"
_PACKAGED_RECOGNITION = "PP-OCRv6_rec_small.onnx"


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


def load_errors() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises for a file that is broken, missing or of a kind it does not know."""
    state = require("onnxruntime.capi.onnxruntime_pybind11_state", "paddle")
    names = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoSuchFile", "NotImplemented")
    return (*(getattr(state, name) for name in (*names, "RuntimeException")), ValueError, OSError)
