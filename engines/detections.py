"""What object detectors share: their thresholds, duplicate suppression, and boxes as fractions of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from reelseek.records import Box, Detection, Image

CONFIDENCE = 0.25
"""Least confidence of a detection unless another is asked for: what YOLO's and YOLOX's own tools show by default."""
OVERLAP = 0.5
"""Two boxes of one label that overlap more (intersection over union) are one object: the benchmarks' own measure of
"the same". Higher values count one car twice, lower ones lose people in a crowd."""
MOST = 300
"""Most detections kept per picture."""
PADDING_GREY = 114
"""What both families fill the border with, in training and so here."""
THINNEST = 1 / 32
"""A picture thinner than this is made thicker with grey before it is scaled: a side would shrink to no pixel."""

Boxes = npt.NDArray[np.float32]
"""Left, top, right, bottom, shape `(n, 4)`."""


def suppress(boxes: Boxes, scores: Boxes, classes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Indices that stay, best first, after greedy non-maximum suppression within each class."""
    order = np.argsort(-scores, kind="stable")
    # moving each class to a place of its own lets one pass serve all of them
    apart = boxes + (classes * (np.abs(boxes).max(initial=0.0) + 1) * 2)[:, None].astype(np.float32)
    areas = np.prod(np.clip(apart[:, 2:] - apart[:, :2], 0, None), axis=1)
    kept: list[int] = []
    while len(order) and len(kept) < MOST:
        best, order = order[0], order[1:]
        kept.append(int(best))
        sides = np.minimum(apart[best, 2:], apart[order, 2:]) - np.maximum(apart[best, :2], apart[order, :2])
        shared = np.prod(np.clip(sides, 0, None), axis=1)
        order = order[shared <= OVERLAP * (areas[best] + areas[order] - shared)]
    return np.array(kept, np.int64)


def as_detections(
    boxes: Boxes, scores: Boxes, classes: npt.NDArray[np.int64], labels: Sequence[str], image: Image
) -> tuple[Detection, ...]:
    """Records, most confident first, from boxes in pixels of `image`; what lies outside the picture is cut off."""
    height, width = image.shape[:2]
    fractions = np.clip(boxes / np.array([width, height, width, height], np.float32), 0.0, 1.0)
    found = [
        Detection(labels[int(classes[index])], float(min(1.0, scores[index])), Box(*map(float, fractions[index])))
        for index in np.argsort(-scores, kind="stable")[:MOST]
        if (fractions[index, 2:] > fractions[index, :2]).all()
    ]
    return tuple(found)


def thickened(image: Image) -> Image:
    """The picture, with grey added at the right or below where it is thinner than `THINNEST`."""
    height, width = image.shape[:2]
    least = -int(-max(height, width) * THINNEST // 1)
    if min(height, width) >= least:
        return image
    canvas = np.full((max(height, least), max(width, least), 3), PADDING_GREY, np.uint8)
    canvas[:height, :width] = image
    return canvas


def label_names(names: Any) -> tuple[str, ...]:
    """Labels in order from a list or from the `{0: "person", ...}` of an Ultralytics model."""
    if isinstance(names, dict):
        return tuple(str(names[key]) for key in sorted(names, key=int))
    return tuple(str(name) for name in names)
