"""Objects by ONNX Runtime alone: YOLOX and the ONNX exports of Ultralytics models, without their libraries."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from reelseek.errors import EngineUnavailable
from reelseek.records import Detection, EngineRef, Image
from reelseek.setting_groups import EngineSettings

from .base import BaseEngine, require
from .coco import LABELS as COCO_LABELS
from .detections import CONFIDENCE, PADDING_GREY, Boxes, as_detections, label_names, suppress, thickened
from .loading import loading, present

STRIDES = (8, 16, 32)
"""Pixels per cell of YOLOX's three grids."""
DEFAULT_SIDE = 640
"""Input side of a model that takes any."""
MASK_COEFFICIENTS = 32
"""Rows that a segmentation export has after the classes."""


class Layout(Enum):
    """How a model's first output is laid out."""

    YOLOX = "rows of x, y, w, h, objectness, classes over the cells of three grids"
    ULTRALYTICS = "columns of x, y, w, h, classes"
    END_TO_END = "rows of left, top, right, bottom, score, class, duplicates already removed"


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A picture as the model takes it, and how to get back: pixel = (box - offset) / scale."""

    pixels: npt.NDArray[np.float32]
    scale: tuple[float, float]
    offset: tuple[int, int]


class OnnxDetectorEngine(BaseEngine):
    """A detector in an ONNX file.

    Args:
        ref: identity.
        weights: the file. Its labels are those of its metadata; 80 classes without any are COCO's.
        settings: device, threads, batch size.

    Raises:
        EngineUnavailable: the file is missing, unreadable, or of a layout that is not known here.
    """

    def __init__(self, ref: EngineRef, weights: Path | None, settings: EngineSettings) -> None:
        super().__init__(ref, weights, settings)
        runtime = require("onnxruntime", "all")
        self._cv2 = require("cv2", "all")
        path = present(weights, "detector")
        with loading(path, "detector"):
            self._session = runtime.InferenceSession(
                str(path), _options(runtime, settings), providers=_providers(runtime, settings)
            )
            metadata = _metadata(self._session)
            self._input = self._session.get_inputs()[0]
            self._size = _input_size(self._input.shape, metadata)
            self._half = "float16" in self._input.type
            blank = np.zeros((1, 3, *self._size), np.float32)
            output = self._run(blank)
            self._layout, self._labels = _layout(output.shape, self._size, metadata, path)
            self._cells = None if _decoded(output) else _cells(self._size)

    @property
    def labels(self) -> tuple[str, ...]:
        return self._labels

    def detect(self, images: Sequence[Image], *, least: float = CONFIDENCE) -> list[tuple[Detection, ...]]:
        fixed = self._input.shape[0]
        size = fixed if isinstance(fixed, int) else self.settings.batch_size
        found: list[tuple[Detection, ...]] = []
        for start in range(0, len(images), size):
            batch = images[start : start + size]
            fitted = [self._fit(thickened(image)) for image in batch]
            pixels = np.stack([each.pixels for each in fitted])
            if isinstance(fixed, int) and len(batch) < fixed:
                pixels = np.concatenate([pixels, np.repeat(pixels[-1:], fixed - len(batch), axis=0)])
            output = self._run(pixels)
            answers = zip(output, fitted, batch, strict=False)
            found += [self._read(rows, each, image, least) for rows, each, image in answers]
        return found

    def _run(self, pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        given: npt.NDArray[Any] = pixels.astype(np.float16) if self._half else pixels
        if isinstance(self._input.shape[0], int) and len(given) < self._input.shape[0]:
            given = np.repeat(given, self._input.shape[0], axis=0)
        output = self._session.run(None, {self._input.name: given})[0]
        return np.asarray(output, np.float32)

    def _fit(self, image: Image) -> _Fitted:
        """Scale undistorted into the model's input and fill up with grey: YOLOX in the corner, others centred."""
        height, width = self._size
        ratio = min(height / image.shape[0], width / image.shape[1])
        inner_width, inner_height = (max(1, round(side * ratio)) for side in (image.shape[1], image.shape[0]))
        small = self._cv2.resize(image, (inner_width, inner_height), interpolation=self._cv2.INTER_LINEAR)
        left = top = 0
        if self._layout is not Layout.YOLOX:
            left, top = (width - inner_width) // 2, (height - inner_height) // 2
        canvas = np.full((height, width, 3), PADDING_GREY, np.float32)
        canvas[top : top + inner_height, left : left + inner_width] = small
        pixels = canvas[:, :, ::-1] if self._layout is Layout.YOLOX else canvas / 255
        scale = inner_width / image.shape[1], inner_height / image.shape[0]
        return _Fitted(np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32), scale, (left, top))

    def _read(
        self, rows: npt.NDArray[np.float32], fitted: _Fitted, image: Image, least: float
    ) -> tuple[Detection, ...]:
        boxes, scores, classes = self._decode(rows)
        sure = scores >= least
        boxes, scores, classes = boxes[sure], scores[sure], classes[sure]
        if self._layout is not Layout.END_TO_END:
            stay = suppress(boxes, scores, classes)
            boxes, scores, classes = boxes[stay], scores[stay], classes[stay]
        offset, scale = np.array(fitted.offset * 2, np.float32), np.array(fitted.scale * 2, np.float32)
        return as_detections((boxes - offset) / scale, scores, classes, self._labels, image)

    def _decode(self, rows: npt.NDArray[np.float32]) -> tuple[Boxes, Boxes, npt.NDArray[np.int64]]:
        """One picture's raw output as boxes in input pixels, scores and classes."""
        if self._layout is Layout.END_TO_END:
            return rows[:, :4], rows[:, 4], rows[:, 5].astype(np.int64)
        if self._layout is Layout.ULTRALYTICS:
            rows = rows.T
            centres, sizes, scores = rows[:, :2], rows[:, 2:4], rows[:, 4 : 4 + len(self._labels)]
        else:
            centres, sizes, scores = rows[:, :2], rows[:, 2:4], rows[:, 4:5] * rows[:, 5:]
            if self._cells is not None:
                corners, strides = self._cells
                centres, sizes = (centres + corners) * strides, np.exp(sizes) * strides
        classes = scores.argmax(axis=1)
        best = np.take_along_axis(scores, classes[:, None], axis=1)[:, 0]
        return np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1), best, classes


def _options(runtime: Any, settings: EngineSettings) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    options.log_severity_level = 4  # what fails is raised; warnings about a graph's leftovers help no user
    return options


def _providers(runtime: Any, settings: EngineSettings) -> list[Any]:
    available = runtime.get_available_providers()
    cuda = "CUDAExecutionProvider" in available
    if settings.device.startswith("cuda") and not cuda:
        raise EngineUnavailable(
            f"The device {settings.device} is set, but the installed ONNX Runtime has no CUDA.",
            hint="Set engines.device to auto or cpu, or install onnxruntime-gpu.",
        )
    if settings.device.startswith("cuda") or (cuda and settings.device == "auto"):
        number = int(settings.device.partition(":")[2] or 0)
        return [("CUDAExecutionProvider", {"device_id": number}), "CPUExecutionProvider"]
    return ["CPUExecutionProvider"]


def _input_size(shape: Sequence[Any], metadata: dict[str, Any]) -> tuple[int, int]:
    """Height and width of the input: fixed in the model, else those it was exported with, else 640."""
    if len(shape) != 4 or (isinstance(shape[1], int) and shape[1] != 3):
        raise EngineUnavailable(f"A detector takes pictures as (n, 3, height, width), not {tuple(shape)}.")
    exported = metadata.get("imgsz")
    exported = (exported, exported) if isinstance(exported, int) else exported or (DEFAULT_SIDE, DEFAULT_SIDE)
    height, width = (
        side if isinstance(side, int) else int(other) for side, other in zip(shape[2:], exported, strict=True)
    )
    return height, width


def _layout(
    shape: Sequence[int], size: tuple[int, int], metadata: dict[str, Any], path: Path
) -> tuple[Layout, tuple[str, ...]]:
    """Tell the layout and the labels from the output's shape and the metadata.

    Raises:
        EngineUnavailable: it is none of those that are known.
    """
    names = label_names(metadata.get("names", ()))
    arguments = metadata.get("args", {})
    if len(shape) == 3 and metadata.get("task", "detect") in ("detect", "segment"):
        _, rows, columns = shape
        cells = sum((size[0] // stride) * (size[1] // stride) for stride in STRIDES)
        if (metadata.get("end2end") or arguments.get("nms")) and columns >= 6:
            return Layout.END_TO_END, names or COCO_LABELS
        if names and rows in (4 + len(names), 4 + len(names) + MASK_COEFFICIENTS):
            return Layout.ULTRALYTICS, names
        if not names and rows > 4 and columns == cells:
            return Layout.ULTRALYTICS, _unnamed(rows - 4)
        if rows == cells and columns > 5:
            return Layout.YOLOX, names if len(names) == columns - 5 else _unnamed(columns - 5)
        if columns == 6:
            return Layout.END_TO_END, names or COCO_LABELS
    raise EngineUnavailable(
        f"The detector {path} has an output of shape {tuple(shape)} (task {metadata.get('task', 'unknown')}), which is "
        "neither that of YOLOX nor that of an Ultralytics detection export.",
        hint="Set engines.objects to another one.",
    )


def _unnamed(classes: int) -> tuple[str, ...]:
    """Labels of a model that names none: 80 classes are COCO's."""
    return COCO_LABELS if classes == len(COCO_LABELS) else tuple(f"class {number}" for number in range(classes))


def _metadata(session: Any) -> dict[str, Any]:
    """What the exporter wrote into the file: Python literals, as Ultralytics writes them, or plain text."""
    values: dict[str, Any] = {}
    for key, text in session.get_modelmeta().custom_metadata_map.items():
        try:
            values[key] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            values[key] = text
    return values


def _cells(size: tuple[int, int]) -> tuple[Boxes, Boxes]:
    """Column and row of every cell, `(n, 2)`, and the stride of its grid, `(n, 1)`, in the order of YOLOX's output."""
    corners, strides = [], []
    for stride in STRIDES:
        rows, columns = size[0] // stride, size[1] // stride
        down, across = np.mgrid[:rows, :columns]
        corners.append(np.stack([across.ravel(), down.ravel()], axis=1))
        strides.append(np.full((rows * columns, 1), stride))
    return np.concatenate(corners).astype(np.float32), np.concatenate(strides).astype(np.float32)


def _decoded(output: npt.NDArray[np.float32]) -> bool:
    """Whether a YOLOX model places its boxes itself: centres then run over the whole input instead of over a cell."""
    return bool(np.abs(output[..., :2]).max() > max(STRIDES))
