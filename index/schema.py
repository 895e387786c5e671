"""The three tables: their columns, their vector spaces, and the rows of a document.

A table has one vector column for each vector space that was ever written to it, named after the space:
`visual_1a2b3c4d`. A row fills the column of its own space and leaves the others null. So a library can be re-indexed
with another engine one video at a time: two spaces never meet in a column, and a reader searches the one it asks for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final, Literal

import numpy as np

from reelseek.errors import SpaceMismatch
from reelseek.records import VectorSpace, VideoDocument

Table = Literal["segments", "frames", "lines"]
VectorKind = Literal["visual", "text"]

SCHEMA_VERSION: Final = "2"
"""Part of what rows are made from: raising it makes all rows stale, and they are written again from artefacts."""

TABLES: Final[tuple[Table, ...]] = ("segments", "frames", "lines")

VECTORS: Final[dict[str, tuple[VectorKind, ...]]] = {
    "segments": ("visual", "text"),
    "frames": ("visual",),
    "lines": ("text",),
}
"""Which kinds of vectors a table has."""

TEXT_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "segments": ("speech", "screen_text", "caption"),
    "frames": ("screen_text",),
    "lines": ("text",),
}
"""Columns with a full-text index."""

COLUMNS: Final[dict[str, dict[str, str]]] = {
    "segments": {
        "video_id": "string",
        "ingest_id": "string",
        "segment_index": "int32",
        "start": "float64",
        "end": "float64",
        "speech": "string",
        "screen_text": "string",
        "caption": "string",
        "objects": "list<string>",  # "car>=1", "car>=2", "car enters": a filter is a lookup in the label index
        "object_counts": "string",  # JSON, label to the largest number at once
        "speakers": "list<string>",
        "typical_counts": "string",  # JSON, label to the number at once that is usual
        "tracks": "string",  # JSON, a list of reelseek.records.ObjectTrack, paths cut to the segment; "" if not looked
    },
    "frames": {
        "video_id": "string",
        "ingest_id": "string",
        "frame_index": "int32",
        "segment_index": "int32",
        "shot": "int32",
        "start": "float64",
        "end": "float64",
        "image": "string",
        "screen_text": "string",
        "objects": "list<string>",
        "detections": "string",  # JSON, a list of reelseek.records.DetectedObject
        "text_boxes": "string",  # JSON, a list of reelseek.records.TextBox
    },
    "lines": {
        "video_id": "string",
        "ingest_id": "string",
        "line_index": "int32",
        "segment_index": "int32",
        "channel": "string",  # reelseek.records.Channel; one row a video has "title" and spans all of it
        "start": "float64",
        "end": "float64",
        "text": "string",
        "source": "string",
        "language": "string",
        "speaker": "string",
        "confidence": "float32",
        "words": "string",  # JSON, a list of reelseek.records.Word
        "box": "string",  # JSON, a reelseek.records.Box, or ""
    },
}
"""Columns of each table but for its vectors, with their Arrow types."""

_MODEL: Final = b"reelseek.model"
_DIMENSION: Final = b"reelseek.dimension"


def base_schema(table: str) -> Any:
    """The Arrow schema of a table without vectors."""
    import pyarrow as pa

    metadata = {b"reelseek.schema": SCHEMA_VERSION.encode()}
    return pa.schema([base_field(table, name) for name in COLUMNS[table]], metadata=metadata)


def base_field(table: str, name: str) -> Any:
    """The Arrow field of a column that is no vector."""
    import pyarrow as pa

    kinds = {
        "string": pa.string(),
        "int32": pa.int32(),
        "float64": pa.float64(),
        "float32": pa.float32(),
        "list<string>": pa.list_(pa.string()),
    }
    return pa.field(name, kinds[COLUMNS[table][name]])


def vector_column(kind: VectorKind, space: VectorSpace) -> str:
    """The name of a space's column."""
    digest = hashlib.sha256(f"{space.model}\0{space.dimension}".encode()).hexdigest()
    return f"{kind}_{digest[:8]}"


def vector_field(kind: VectorKind, space: VectorSpace) -> Any:
    """The Arrow field of a space's column; its metadata says whose vectors they are."""
    import pyarrow as pa

    return pa.field(
        vector_column(kind, space),
        pa.list_(pa.float16(), space.dimension),
        metadata={_MODEL: space.model.encode(), _DIMENSION: str(space.dimension).encode()},
    )


def spaces_of(schema: Any, kind: VectorKind) -> dict[str, VectorSpace]:
    """Column name to vector space, of one kind, in the order they were added."""
    found = {}
    for field in schema:
        metadata = field.metadata or {}
        if field.name.startswith(f"{kind}_") and _MODEL in metadata:
            found[field.name] = VectorSpace(metadata[_MODEL].decode(), int(metadata[_DIMENSION]))
    return found


def check_space(space: VectorSpace | None, vectors: np.ndarray | None, rows: int, what: str) -> None:
    """Refuse vectors that do not belong to their space.

    Raises:
        SpaceMismatch: vectors without a space, of another dimension, or not one for each row.
    """
    if vectors is None:
        return
    if space is None:
        raise SpaceMismatch(f"The {what} come without the model that made them.")
    if vectors.shape != (rows, space.dimension):
        raise SpaceMismatch(
            f"The {what} have the shape {vectors.shape}; {space.model} makes ({rows}, {space.dimension}).",
            hint="Index the video again.",
        )


def vector_array(vectors: np.ndarray, dimension: int) -> Any:
    """Vectors as an Arrow array of float16; a zero row (nothing to embed) becomes null, it has no direction."""
    import pyarrow as pa

    empty = ~np.any(vectors, axis=1)
    values = pa.array(np.ascontiguousarray(vectors, dtype=np.float16).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(values, dimension, mask=pa.array(empty))


def dumps(items: Iterable[Any]) -> str:
    """Records as compact JSON."""
    return json.dumps([asdict(item) for item in items], separators=(",", ":"), ensure_ascii=False)


def vectors_of(document: VideoDocument, table: str) -> dict[VectorKind, tuple[VectorSpace | None, np.ndarray | None]]:
    """The vectors that a document brings to a table, with their space."""
    visual, text = document.visual_space, document.text_space
    sources: dict[str, dict[VectorKind, tuple[VectorSpace | None, np.ndarray | None]]] = {
        "segments": {
            "visual": (visual, document.segment_visual_vectors),
            "text": (text, document.segment_text_vectors),
        },
        "frames": {"visual": (visual, document.frame_vectors)},
        "lines": {"text": (text, document.line_vectors)},
    }
    return sources[table]
