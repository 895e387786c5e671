"""Which pictures of a moment a model is shown: those that fit the question, none twice, and closer where it is small.

Choosing by the question and by what is not shown yet is maximal marginal relevance (Carbonell and Goldstein, SIGIR
1998); looking closer at the things that a question names follows T* (Ye et al. 2025, arXiv 2504.02259).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from index.reader import Scope
from index.scope import Overlaps
from query.source import Frame, Source
from reelseek.artefacts import ArtefactStore
from reelseek.errors import NotFound
from reelseek.records import Box, Channel, Image, Vector, VectorSpace
from reelseek.results import Moment

DIVERSITY = 0.5
"""How much it counts against a picture that it looks like one chosen already."""

SMALL = 0.08
"""Share of the picture under which a thing that the question names is shown enlarged as well."""

_MARGIN = 0.6
_LEAST_PIXELS = 48


@dataclass(frozen=True, slots=True)
class Sought:
    """What the question asks of pictures.

    Attributes:
        vector: its words among pictures, `(d,)`; None without an image-text engine.
        labels: the objects that it names.
    """

    vector: Vector | None = None
    space: VectorSpace | None = None
    labels: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture for a model. `of` says what it is an enlargement of, empty for a whole picture."""

    time: float
    picture: Image
    of: str = ""


def pictures_for(
    moment: Moment, stills: Sequence[Frame], source: Source, store: ArtefactStore, sought: Sought, wanted: int
) -> list[Shown]:
    """Up to `wanted` pictures of a moment, in order of time; those whose files are gone are left out."""
    if wanted < 1 or not stills:
        return []
    shown: list[Shown] = []
    for still in _chosen(moment, stills, source, sought, wanted):
        picture = picture_of(store, still)
        if picture is None:
            continue
        shown.append(Shown(still.start, picture))
        box = _small_thing(still, sought.labels)
        if box is not None and len(shown) < wanted:
            shown.append(Shown(still.start, _enlarged(picture, box[1]), box[0]))
        if len(shown) >= wanted:
            break
    return sorted(shown, key=lambda item: (item.time, item.of))


def _chosen(moment: Moment, stills: Sequence[Frame], source: Source, sought: Sought, wanted: int) -> list[Frame]:
    """The pictures to show, the most telling first."""
    seen = [item.start for item in moment.evidence if item.channel in (Channel.VISUAL, Channel.OBJECTS)]
    matched = [still for still in stills if any(abs(still.start - start) < 0.05 for start in seen)]
    vectors = _vectors(moment, source, sought)
    if sought.vector is None or not vectors:
        step = max(1, len(stills) // wanted)
        return list({still.index: still for still in (*matched, *stills[::step])}.values())
    chosen = matched[:1]
    rest = [still for still in stills if still.index in vectors and still not in chosen]
    while rest and len(chosen) < wanted:
        best = max(rest, key=lambda still: _worth(vectors[still.index], sought.vector, chosen, vectors))
        chosen.append(best)
        rest.remove(best)
    return chosen


def _worth(vector: Vector, wanted: Vector | None, chosen: Sequence[Frame], vectors: dict[int, Vector]) -> float:
    assert wanted is not None
    repeats = max((float(vector @ vectors[still.index]) for still in chosen if still.index in vectors), default=0.0)
    return float(vector @ wanted) - DIVERSITY * repeats


def _vectors(moment: Moment, source: Source, sought: Sought) -> dict[int, Vector]:
    if sought.space is None or sought.vector is None:
        return {}
    scope = Scope(source.scope.hidden, frozenset((moment.video_id,)), (Overlaps(moment.start, moment.end),))
    rows, vectors = source.snapshot.scan_vectors(
        "frames", "visual", scope, space=sought.space, columns=("frame_index",)
    )
    return {row["frame_index"]: vector for row, vector in zip(rows, vectors, strict=True)}


def _small_thing(still: Frame, labels: frozenset[str]) -> tuple[str, Box] | None:
    """The surest thing in a picture that the question names and that is too small to be seen well."""
    named = [item for item in still.objects if item.label in labels]
    if not named or max(item.box.area for item in named) >= SMALL:
        return None
    surest = max(named, key=lambda item: item.confidence)
    return surest.label, surest.box


def _enlarged(picture: Image, box: Box) -> Image:
    """A thing with what is around it."""
    height, width = picture.shape[:2]
    across, down = (box.right - box.left) * width, (box.bottom - box.top) * height
    reach = max(_LEAST_PIXELS, (0.5 + _MARGIN) * max(across, down))
    x, y = box.centre
    left, right = int(max(0, x * width - reach)), int(min(width, x * width + reach))
    top, bottom = int(max(0, y * height - reach)), int(min(height, y * height + reach))
    return np.ascontiguousarray(picture[top:bottom, left:right])


def picture_of(store: ArtefactStore, still: Frame) -> Image | None:
    """A keyframe's picture; None where it is gone."""
    key = store.current(still.video_id).get("frames")
    if key is None:
        return None
    try:
        return decoded(store.read_bytes(still.video_id, "frames", key, still.image))
    except (NotFound, OSError):
        return None


def decoded(content: bytes) -> Image:
    """A JPEG or PNG as RGB pixels."""
    from PIL import Image as Pillow

    with Pillow.open(io.BytesIO(content)) as picture:
        return np.asarray(picture.convert("RGB"))
