"""PaddleOCR's own pipeline: on ONNX Runtime with the weights that rapidocr carries, or on Paddle with its own."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import platformdirs
import yaml

from engines.base import BaseEngine, require
from engines.loading import loading, present
from engines.paddle_library import headless_opencv, paddleocr
from engines.ppocr_files import packaged_pair, pair_in, prepared_folders
from engines.screen_text import LONGEST_SIDE, lines_of, to_canvas
from reelseek.errors import EngineUnavailable
from reelseek.records import EngineRef, Image, TextBox
from reelseek.setting_groups import EngineSettings

_MODEL_FILES = ("inference.yml", "inference.pdiparams")


class _PaddleOcr(BaseEngine):
    """What both variants share: the pipeline is built once, then reads one picture at a time."""

    _ocr: Any
    _lock: threading.Lock

    def _build(self, library: Any, detection: Path, recognition: Path, options: Mapping[str, object]) -> None:
        self._lock = threading.Lock()
        with loading(detection.parent, "PaddleOCR"), headless_opencv():
            self._ocr = library.PaddleOCR(
                text_detection_model_dir=str(detection),
                text_recognition_model_dir=str(recognition),
                text_detection_model_name=_model_name(detection),
                text_recognition_model_name=_model_name(recognition),
                use_doc_orientation_classify=False,
                use_doc_unwarping=False,
                use_textline_orientation=False,
                text_det_limit_type="max",
                text_det_limit_side_len=LONGEST_SIDE,
                **options,
            )

    def read(self, images: Sequence[Image]) -> list[tuple[TextBox, ...]]:
        """Read each picture: its lines in reading order, boxes as fractions of the picture."""
        return [self._read_one(image) for image in images]

    def _read_one(self, image: Image) -> tuple[TextBox, ...]:
        canvas = to_canvas(image)
        with self._lock:
            (page,) = self._ocr.predict(canvas.pixels)
        return lines_of(page["rec_polys"], page["rec_texts"], page["rec_scores"], canvas)


class PaddleOcrEngine(_PaddleOcr):
    """PaddleOCR on ONNX Runtime.

    Args:
        ref: identity.
        weights: a folder with one `*det*.onnx` and one `*rec*.onnx`; None for PP-OCRv6 small out of `rapidocr`.
        settings: threads, device.

    Raises:
        EngineUnavailable: PaddleOCR is not installed, or the weights are missing or broken.
    """

    def __init__(self, ref: EngineRef, weights: Path | None, settings: EngineSettings) -> None:
        super().__init__(ref, weights, settings)
        library = paddleocr("paddle")
        pair = packaged_pair() if weights is None else pair_in(weights)
        cache = Path(platformdirs.user_cache_dir("reelseek")) / "paddleocr"
        with loading(pair.detection.parent, "PaddleOCR"):
            try:
                folders = prepared_folders(pair, cache)
            except OSError:
                # A service account without a home of its own: two small files and two links, gone with the engine.
                self._temporary = tempfile.TemporaryDirectory(prefix="reelseek-paddleocr-")
                folders = prepared_folders(pair, Path(self._temporary.name))
        options: dict[str, object] = {"engine": "onnxruntime", "device": _onnx_device(settings)}
        if settings.threads:
            options["engine_config"] = {"intra_op_num_threads": settings.threads}
        self._build(library, folders.detection, folders.recognition, options)


class PaddleOcrNativeEngine(_PaddleOcr):
    """PaddleOCR on Paddle with weights in Paddle's own format.

    Args:
        ref: identity.
        weights: a folder with `det` and `rec`, each with `inference.yml`, `inference.pdiparams` and the graph, as
            PaddleOCR publishes them.
        settings: threads, device.

    Raises:
        EngineUnavailable: PaddleOCR or Paddle is not installed, or the weights are missing or broken.
    """

    def __init__(self, ref: EngineRef, weights: Path | None, settings: EngineSettings) -> None:
        super().__init__(ref, weights, settings)
        paddle = require("paddle", "paddle-native")
        library = paddleocr("paddle-native")
        folder = present(weights, "PaddleOCR")
        parts = [folder / "det", folder / "rec"]
        for part in parts:
            for name in _MODEL_FILES:
                if not (part / name).is_file():
                    raise EngineUnavailable(f"The PaddleOCR weights {folder} have no {part.name}/{name}.")
        options = {
            "engine": "paddle_static",
            "device": _paddle_device(paddle, settings),
            # oneDNN, Paddle's default on a CPU, breaks down once CTranslate2 (faster-whisper) has run in the process
            "engine_config": {"run_mode": "paddle"},
            "cpu_threads": settings.threads or min(10, os.cpu_count() or 1),
        }
        self._build(library, parts[0], parts[1], options)


def _model_name(folder: Path) -> str:
    """The name that the files give themselves; PaddleX knows the model's pre- and postprocessing by it."""
    configuration = yaml.safe_load((folder / "inference.yml").read_text(encoding="utf-8"))
    return str(configuration["Global"]["model_name"])


def _onnx_device(settings: EngineSettings) -> str:
    providers = require("onnxruntime", "paddle").get_available_providers()
    wanted = settings.device == "auto" or settings.device.startswith("cuda")
    return _gpu(settings) if wanted and "CUDAExecutionProvider" in providers else "cpu"


def _paddle_device(paddle: Any, settings: EngineSettings) -> str:
    wanted = settings.device == "auto" or settings.device.startswith("cuda")
    there = bool(paddle.is_compiled_with_cuda()) and paddle.device.cuda.device_count() > 0
    return _gpu(settings) if wanted and there else "cpu"


def _gpu(settings: EngineSettings) -> str:
    return f"gpu:{settings.device.partition(':')[2] or 0}"
