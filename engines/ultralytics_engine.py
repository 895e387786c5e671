"""Objects by Ultralytics: YOLO models of any generation, YOLO-World and YOLOE with the vocabulary they were saved with.

The library is AGPL-3.0 and comes with the extra `yolo` only; `onnx_detector` is the permissive way.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

from reelseek.errors import EngineUnavailable
from reelseek.records import Detection, EngineRef, Image
from reelseek.setting_groups import EngineSettings

from .base import BaseEngine, require
from .detections import CONFIDENCE, MOST, OVERLAP, as_detections, label_names, thickened
from .loading import loading, present
from .offline import go_offline
from .torch_device import choose_device

TASKS = ("detect", "segment", "pose")
"""Kinds of models whose results have upright boxes."""
_import_lock = threading.Lock()


class UltralyticsEngine(BaseEngine):
    """An Ultralytics model, `.pt` or `.onnx`.

    An open-vocabulary model finds what it was told to when it was saved
    (`YOLOWorld(file).set_classes([...])`, `.save(other)`): its text encoder is not needed here.

    Args:
        ref: identity.
        weights: the file.
        settings: device, threads, batch size.

    Raises:
        EngineUnavailable: the extra `yolo` or the file is missing; the file is unreadable, finds no objects, or is an
            open-vocabulary model without a vocabulary.
    """

    def __init__(self, ref: EngineRef, weights: Path | None, settings: EngineSettings) -> None:
        super().__init__(ref, weights, settings)
        library = import_ultralytics()
        path = present(weights, "Ultralytics")
        device = choose_device(settings, "yolo")
        self._lock = threading.Lock()  # the library's predictor keeps its state in itself
        with loading(path, "Ultralytics"), _own_threads():
            self._model = library.YOLO(str(path))
            _check(self._model, path)
            self._options: dict[str, Any] = {
                "iou": OVERLAP,
                "max_det": MOST,
                "device": device,
                "rect": True,
                "save": False,
                "verbose": False,
            }
            # chooses the device and builds the network: what fails fails here and not on the first video
            self._predict([np.zeros((64, 64, 3), np.uint8)], batch=1)
            backend = self._model.predictor.model
            self._labels = label_names(backend.names)
            self._fixed_batch = 0
            if path.suffix == ".onnx":
                # the library keeps to the size of the export only where the file takes no other
                self._options["imgsz"] = backend.imgsz
                self._fixed_batch = 0 if backend.dynamic else int(backend.batch)

    @property
    def labels(self) -> tuple[str, ...]:
        return self._labels

    def detect(self, images: Sequence[Image], *, least: float = CONFIDENCE) -> list[tuple[Detection, ...]]:
        # pictures of one shape go together: mixed ones would be padded differently than each alone
        shapes: dict[tuple[int, ...], list[int]] = defaultdict(list)
        fitted = [thickened(image) for image in images]
        for index, image in enumerate(fitted):
            shapes[image.shape].append(index)
        found: list[tuple[Detection, ...]] = [()] * len(images)
        size = self._fixed_batch or self.settings.batch_size
        for indices in shapes.values():
            for start in range(0, len(indices), size):
                batch = indices[start : start + size]
                full = batch + batch[-1:] * (self._fixed_batch - len(batch))
                results = self._predict([fitted[index] for index in full], batch=len(full), least=least)
                for index, result in zip(batch, results, strict=False):
                    found[index] = self._detections(result.boxes, images[index])
        return found

    def _predict(self, images: list[Image], batch: int, least: float = CONFIDENCE) -> list[Any]:
        bgr = [np.ascontiguousarray(image[:, :, ::-1]) for image in images]
        with self._lock:
            results: list[Any] = self._model.predict(bgr, batch=batch, conf=least, **self._options)
        return results

    def _detections(self, boxes: Any, image: Image) -> tuple[Detection, ...]:
        corners, scores, classes = (values.cpu().numpy() for values in (boxes.xyxy, boxes.conf, boxes.cls))
        return as_detections(corners, scores, classes.astype(np.int64), self._labels, image)


def import_ultralytics() -> Any:
    """The library, kept from the network, the home folder, the terminal, and this process's threads and environment.

    Most of its switches are read once, while it is imported: it has to be imported here first.

    Raises:
        EngineUnavailable: the extra `yolo` is not installed.
    """
    go_offline()
    with _import_lock:
        if "ultralytics" in sys.modules:
            return sys.modules["ultralytics"]
        os.environ.setdefault("YOLO_VERBOSE", "false")
        # a checkpoint is a pickle: only the library's own classes may come out of it, nothing it names may run
        os.environ.setdefault("ULTRALYTICS_SAFE_LOAD", "true")
        if "YOLO_CONFIG_DIR" not in os.environ:
            folder = tempfile.mkdtemp(prefix="reelseek-yolo-")
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            os.environ["YOLO_CONFIG_DIR"] = folder
        torch = require("torch", "yolo")  # before the library sets the number of threads that torch would start with
        cv2 = require("cv2", "yolo")
        openmp, opencv = os.environ.get("OMP_NUM_THREADS"), cv2.getNumThreads()
        open_picture, torch_save = Pillow.open, torch.save
        try:
            library = require("ultralytics", "yolo")
        finally:
            # it replaces both, for everybody: an unreadable picture would then ask for a package to be installed
            Pillow.open, torch.save = open_picture, torch_save
            # it sets both to one thread, for its training; other engines of this process want theirs
            cv2.setNumThreads(opencv)
            if openmp is None:
                os.environ.pop("OMP_NUM_THREADS", None)
        logging.getLogger("ultralytics").setLevel(logging.ERROR)
        return library


@contextmanager
def _own_threads() -> Iterator[None]:
    """Undo what choosing a device does in the library: it sets torch's threads to one less than the cores."""
    torch = require("torch", "yolo")
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _check(model: Any, path: Path) -> None:
    if model.task not in TASKS:
        raise EngineUnavailable(
            f"The Ultralytics model {path} is for the task {model.task}, which gives no boxes of objects.",
            hint="Set engines.objects to a detection model.",
        )
    network = model.model
    prompted = type(network).__name__ in ("YOLOEModel", "YOLOESegModel")
    if prompted and not (hasattr(network, "pe") or network.model[-1].is_fused or hasattr(network.model[-1], "lrpc")):
        raise EngineUnavailable(
            f"The YOLOE model {path} was saved without a vocabulary, so it would find nothing.",
            hint="Use its prompt-free weights (…-pf.pt), or save it after set_classes([...]).",
        )
