"""RapidOCR: screen text with the PP-OCRv6 weights that its package carries, on ONNX Runtime."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engines.base import BaseEngine, require
from engines.loading import loading
from engines.ppocr_files import DETECTION_MEAN, DETECTION_STD, OnnxPair, packaged_pair, pair_in
from engines.screen_text import LONGEST_SIDE, lines_of, to_canvas
from reelseek.records import EngineRef, Image, TextBox
from reelseek.setting_groups import EngineSettings


class RapidOcrEngine(BaseEngine):
    """Reads text with RapidOCR.

    Args:
        ref: identity.
        weights: a folder with one `*det*.onnx` and one `*rec*.onnx`; None for those of the package.
        settings: threads, device.

    Raises:
        EngineUnavailable: the package or its weights are missing, or they cannot be loaded.
    """

    def __init__(self, ref: EngineRef, weights: Path | None, settings: EngineSettings) -> None:
        super().__init__(ref, weights, settings)
        rapidocr = require("rapidocr", "paddle")
        pair = packaged_pair() if weights is None else pair_in(weights)
        self._lock = threading.Lock()
        with loading(pair.detection.parent, "RapidOCR"):
            self._ocr = rapidocr.RapidOCR(params=_parameters(pair, settings))
            # The library loads when first used: load now, so that broken weights are told here.
            blank = np.full((64, 64, 3), 255, dtype=np.uint8)
            self._ocr(blank, use_det=True, use_rec=False)
            self._ocr(blank, use_det=False, use_rec=True)

    def read(self, images: Sequence[Image]) -> list[tuple[TextBox, ...]]:
        """Read each picture: its lines in reading order, boxes as fractions of the picture."""
        return [self._read_one(image) for image in images]

    def _read_one(self, image: Image) -> tuple[TextBox, ...]:
        canvas = to_canvas(image)
        # The result object is kept in the library's own attributes: one picture at a time.
        with self._lock:
            result: Any = self._ocr(canvas.pixels, use_det=True, use_rec=True)
        if result.boxes is None or result.txts is None:
            return ()
        return lines_of(result.boxes, result.txts, result.scores, canvas)


def _parameters(pair: OnnxPair, settings: EngineSettings) -> dict[str, object]:
    """RapidOCR's settings. Paths are named, so that it never looks for a file that it would download."""
    return {
        "Global.log_level": "critical",
        # Upside-down lines are rare in video, and the classifier turns short upright ones round.
        "Global.use_cls": False,
        "Det.model_path": str(pair.detection),
        # By default the shorter side is enlarged to 736 pixels: on the real clips that finds no word more, loses some
        # in plain sight, and takes four times as long for a picture of 640 × 360.
        "Det.limit_type": "max",
        "Det.limit_side_len": LONGEST_SIDE,
        # By default 0.5 for all of them, with which faint and blurred writing is not found.
        "Det.mean": list(DETECTION_MEAN),
        "Det.std": list(DETECTION_STD),
        "Rec.model_path": str(pair.recognition),
        "EngineConfig.onnxruntime.intra_op_num_threads": settings.threads or -1,
        "EngineConfig.onnxruntime.use_cuda": settings.device.startswith("cuda"),
    }
