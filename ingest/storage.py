"""Records to JSON and back, and the names of a video's artefacts."""

from __future__ import annotations

import io
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar, cast

import numpy as np
from PIL import Image as Pillow
from pydantic import TypeAdapter

from reelseek.artefacts import ArtefactStore
from reelseek.records import EngineRef, Image

STAGES = (
    "probe", "frames", "speech", "speakers", "sounds", "screen_text", "objects", "visual", "segments", "text_vectors",
    "chapters", "media",
)  # fmt: skip
"""Every stage, in the order in which they run."""

(
    PROBE, FRAMES, SPEECH, SPEAKERS, SOUNDS, SCREEN_TEXT, OBJECTS, VISUAL, SEGMENTS, TEXT_VECTORS, CHAPTERS, MEDIA,
) = STAGES  # fmt: skip

CAPTIONS, CAPTION_VECTORS = "captions", "caption_vectors"
"""Results of the second pass (`ingest/captioned.py`), which are no stages of an ingest."""

RESULT = {
    PROBE: "info.json", FRAMES: "frames.json", SPEECH: "lines.json", SPEAKERS: "turns.json", SOUNDS: "lines.json",
    SCREEN_TEXT: "lines.json",
    OBJECTS: "objects.json", VISUAL: "visual.json", SEGMENTS: "segments.json", TEXT_VECTORS: "vectors.json",
    CHAPTERS: "chapters.json", MEDIA: "media.json", CAPTIONS: "captions.json", CAPTION_VECTORS: "vectors.json",
}  # fmt: skip
"""The JSON file in which each stage keeps its result."""

_T = TypeVar("_T")
_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)


def plain(value: object) -> Any:
    """A record, or a sequence of records, as JSON's own types."""
    return _ANYTHING.dump_python(value, mode="json")


def typed(kind: type[_T], value: object) -> tuple[_T, ...]:
    """Records out of a JSON list."""
    return cast("tuple[_T, ...]", _several(cast("Hashable", kind)).validate_python(value))


@lru_cache(maxsize=64)
def _several(kind: Hashable) -> TypeAdapter[Any]:
    """What reads records of a kind: to make it takes longer than to read most results."""
    return TypeAdapter(tuple[kind, ...])  # type: ignore[valid-type]


def engine_json(ref: EngineRef | None) -> dict[str, str] | None:
    """Which engine filled a stage."""
    return None if ref is None else {"id": ref.id, "fingerprint": ref.fingerprint, "note": ref.note}


def engine_of(result: Mapping[str, Any]) -> EngineRef | None:
    """The engine that a stage's result names."""
    stated = result.get("engine")
    return None if stated is None else EngineRef(stated["id"], stated["fingerprint"], stated["note"])


def jpeg(image: Image, quality: int = 88) -> bytes:
    """A picture as JPEG."""
    buffer = io.BytesIO()
    Pillow.fromarray(image).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def unpacked(content: bytes) -> Image:
    """A JPEG as a picture."""
    with Pillow.open(io.BytesIO(content)) as opened:
        return np.asarray(opened.convert("RGB"), dtype=np.uint8)


def resized(content: bytes, max_width: int, quality: int = 80) -> bytes:
    """A JPEG made narrower, never wider."""
    with Pillow.open(io.BytesIO(content)) as opened:
        opened.thumbnail((max_width, max_width * 4), Pillow.Resampling.LANCZOS)
        buffer = io.BytesIO()
        opened.convert("RGB").save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


class Results:
    """Reads the stage results of one video under given keys."""

    def __init__(self, store: ArtefactStore, video_id: str, keys: Mapping[str, str]) -> None:
        self.store, self.video_id, self.keys = store, video_id, keys

    def json(self, stage: str) -> Any:
        """A stage's result; an empty object where the stage is off. Raises `NotFound` where it is lost."""
        key = self.keys.get(stage)
        return {} if key is None else self.store.read_json(self.video_id, stage, key, RESULT[stage])

    def records(self, kind: type[_T], stage: str, name: str) -> tuple[_T, ...]:
        """The records under `name` in a stage's result."""
        return typed(kind, self.json(stage).get(name, ()))

    def bytes(self, stage: str, name: str) -> bytes:
        """A file of a stage."""
        return self.store.read_bytes(self.video_id, stage, self.keys[stage], name)

    def array(self, stage: str, name: str) -> Any:
        """An array of a stage, as float32; None where the stage is off."""
        key = self.keys.get(stage)
        if key is None:
            return None
        return self.store.read_array(self.video_id, stage, key, name).astype(np.float32)

    def pictures(self, names: Sequence[str]) -> list[Image]:
        """Keyframes as pictures."""
        return [unpacked(self.bytes(FRAMES, name)) for name in names]
