"""Following objects by Ultralytics' own trackers: ByteTrack and BoT-SORT, fed with detections of any engine.

The library is AGPL-3.0 and comes with the extra `yolo` only. Without it objects are followed by `ingest.tracking`.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from reelseek.errors import EngineUnavailable
from reelseek.records import Detection, EngineRef
from reelseek.setting_groups import EngineSettings

from .base import require
from .ultralytics_engine import import_ultralytics

OVERLAP: Final = "overlap"
"""The name of our own way, which needs no library."""

_REVISION = 1
_MODULES = ("ultralytics", "torch", "lap")
_SIDES = np.array([1600.0, 900.0] * 2, np.float32)
"""The picture in the trackers' units: their noise is a share of a box's height in both directions."""
_BUFFER = 0.3
"""By how much of its size a box is made larger on each side before it is matched, so that what moves by its own width
between two pictures still overlaps: the buffered IoU of C-BIoU (Yang et al. 2023, arXiv 2211.14317)."""
_LOST_STEPS = 6
"""Pictures for which a lost object is still looked for: 3 s at two a second."""
_CLASSES = {"bytetrack": "BYTETracker", "botsort": "BOTSORT"}


def tracker_ref(settings: EngineSettings) -> EngineRef:
    """Which tracker follows objects, without loading it. `auto` takes ByteTrack where its library is installed.

    Raises:
        EngineUnavailable: the one that is set needs a library that is not installed.
    """
    name = settings.tracker
    if name == "auto":
        name = "bytetrack" if _installed() else OVERLAP
    if name == OVERLAP:
        return EngineRef(OVERLAP, f"{OVERLAP}-{_REVISION}")
    if not _installed():
        raise EngineUnavailable(
            f"The tracker {name} needs the packages {', '.join(_MODULES)}.",
            hint="Add them with: pip install 'reelseek[yolo]', or set engines.tracker to overlap.",
        )
    return EngineRef(f"ultralytics:{name}", f"{name}-{importlib.metadata.version('ultralytics')}-{_REVISION}")


def _installed() -> bool:
    return all(importlib.util.find_spec(name) is not None for name in _MODULES)


def follow(ref: EngineRef, pictures: Sequence[Sequence[Detection]]) -> list[list[int]]:
    """Give each detection the number of its object.

    Args:
        ref: of `tracker_ref`; not `overlap`.
        pictures: the detections of one shot, picture by picture. The trackers take their steps to be alike.

    Returns:
        For each picture and detection the object's number, from 1 on, or -1 for what was not followed.
    """
    import_ultralytics()
    boxes = require("ultralytics.engine.results", "yolo").Boxes
    tracker = _made(ref.id.removeprefix("ultralytics:"))
    labels = sorted({item.label for picture in pictures for item in picture})
    numbers = []
    for picture in pictures:
        given = [-1] * len(picture)
        tracker.update(boxes(_rows(picture, labels), (900, 1600)))
        # what it returns leaves out an object's first picture, until a second one confirms it
        for track in tracker.tracked_stracks:
            if track.frame_id == tracker.frame_id:
                given[int(track.idx)] = track.track_id
        numbers.append(given)
    return numbers


def _made(name: str) -> Any:
    """The tracker with the library's own configuration, but for what its steps of half a second ask for."""
    trackers = require("ultralytics.trackers", "yolo")
    utils = require("ultralytics.utils", "yolo")
    options = utils.YAML.load(utils.ROOT / "cfg" / "trackers" / f"{name}.yaml")
    options |= {"track_buffer": _LOST_STEPS, "match_thresh": 0.9, "fuse_score": False}
    if name == "botsort":
        # without pictures there is no camera motion to take out, and appearance would need another model's weights
        options |= {"gmc_method": "none", "with_reid": False}
    return getattr(trackers, _CLASSES[name])(utils.IterableSimpleNamespace(**options))


def _rows(picture: Sequence[Detection], labels: Sequence[str]) -> Any:
    """Left, top, right, bottom, confidence, class: `(n, 6)`."""
    rows = np.zeros((len(picture), 6), np.float32)
    for row, item in zip(rows, picture, strict=True):
        box = item.box
        wide, high = _BUFFER * (box.right - box.left), _BUFFER * (box.bottom - box.top)
        row[:4] = np.array([box.left - wide, box.top - high, box.right + wide, box.bottom + high]) * _SIDES
        row[4:] = item.confidence, labels.index(item.label)
    return rows
