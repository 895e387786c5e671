"""What models see on keyframes: text, objects, vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from engines.protocols import ImageTextEngine, ObjectEngine, ScreenTextEngine
from ingest.objects import link
from ingest.screen_text import readable, tracks
from ingest.storage import OBJECTS, RESULT, SCREEN_TEXT, VISUAL, Results, engine_json, plain
from reelseek.artefacts import StageWriter
from reelseek.records import Detection, EngineRef, Frame, Image, TextBox, Vector

_FLAT = 2.0
"""Standard deviation of brightness (of 255) under which a picture cannot carry text: black, white, a plain colour."""
_SMALLEST = 16
"""Side (px) under which nothing can be read."""

Batches = Iterator[tuple[Sequence[Frame], list[Image]]]


def batches(results: Results, frames: Sequence[Frame], size: int, progress: Callable[[float], None]) -> Batches:
    """Keyframes with their pictures, `size` at a time."""
    for first in range(0, len(frames), size):
        progress(first / len(frames))
        part = frames[first : first + size]
        yield part, results.pictures([frame.image for frame in part])


def read_text(
    engine: ScreenTextEngine, ref: EngineRef, frames: Sequence[Frame], found: Batches, writer: StageWriter
) -> str:
    """Read all keyframes and join what they show over time."""
    boxes: list[tuple[TextBox, ...]] = []
    for part, images in found:
        legible = [index for index, image in enumerate(images) if _legible(image)]
        answers = iter(engine.read([images[index] for index in legible]) if legible else [])
        boxes += [readable(next(answers)) if index in legible else () for index in range(len(part))]
    lines = tracks(frames, boxes, ref.id)
    writer.json(RESULT[SCREEN_TEXT], {"engine": engine_json(ref), "lines": plain(lines), "frames": plain(boxes)})
    return f"{len(lines)} lines by {ref.id}"


def detect(engine: ObjectEngine, ref: EngineRef, frames: Sequence[Frame], found: Batches, writer: StageWriter) -> str:
    """Detect objects on all keyframes and link them over time."""
    detections: list[tuple[Detection, ...]] = []
    for _, images in found:
        detections += engine.detect(images)
    objects = link(frames, detections)
    writer.json(RESULT[OBJECTS], {"engine": engine_json(ref), "frames": plain(objects)})
    return f"{len({item.track for row in objects for item in row})} objects by {ref.id}"


def embed(engine: ImageTextEngine, ref: EngineRef, found: Batches, writer: StageWriter) -> str:
    """Embed all keyframes; kept as float16, which costs no ranking."""
    vectors: list[Vector] = [np.zeros((0, engine.dimension), np.float32)]
    for _, images in found:
        vectors.append(engine.encode_images(images))
    joined = np.concatenate(vectors)
    writer.array("vectors.npy", joined.astype(np.float16))
    writer.json(RESULT[VISUAL], {"engine": engine_json(ref), "dimension": engine.dimension})
    return f"{len(joined)} vectors by {ref.id}"


def _legible(image: Image) -> bool:
    return min(image.shape[:2]) >= _SMALLEST and float(image[::4, ::4].std()) > _FLAT
