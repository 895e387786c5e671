"""Which pictures models see: those in which something changed since the last one kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ingest.decode import SMALL_FPS, SMALL_HEIGHT, SMALL_WIDTH, Picture
from reelseek.records import Frame, Image, Shot
from reelseek.settings import IngestSettings

_BLOCK = 8
_TOP_BLOCKS = 4
_BURST = 0.3
"""Seconds between two keyframes at least, however much flickers."""
_GRADUAL_SAMPLES = 4
"""Motion without a sudden change makes a keyframe every so many samples: 2 s at 2 per second."""
_SUDDEN = 3.0
"""How far a step must stand out of the motion around it."""
_LOOK = 0.5
"""A look needs this share of the change that makes a keyframe."""
_MOTION_MEMORY = 0.8
_WARM_UP = 4
"""Steps seen before one can be called sudden."""


def change(a: Image, b: Image) -> float:
    """How different two small pictures are, 0 to 1.

    The larger of the mean absolute difference and half the mean of the four most changed of 144 blocks: one new line of
    text on a slide changes 0.3 % of the picture's mean and several percent of the blocks that it crosses.
    """
    difference = np.abs(a.astype(np.int16) - b.astype(np.int16))
    rows, columns = SMALL_HEIGHT // _BLOCK, SMALL_WIDTH // _BLOCK
    blocks = difference.reshape(rows, _BLOCK, columns, _BLOCK, 3).mean(axis=(1, 3, 4)).ravel()
    top = np.partition(blocks, -_TOP_BLOCKS)[-_TOP_BLOCKS:].mean()
    return float(max(blocks.mean(), top / 2)) / 255.0


@dataclass(frozen=True, slots=True)
class Kept:
    """A keyframe before shots are known. `change` is the difference from the one before, 1 for the first."""

    time: float
    change: float


class KeyframeSelector:
    """Decides, picture by picture, which one is kept."""

    def __init__(self, settings: IngestSettings) -> None:
        self._threshold = settings.change_threshold
        self._interval = settings.keyframe_interval
        self._gradual = _GRADUAL_SAMPLES / settings.sample_fps
        self._previous: Image | None = None
        self._last: tuple[float, Image] | None = None
        self._motion = self._step = 0.0
        self._steps = 0
        self._pending = False

    def consider(self, picture: Picture, *, cut: bool = False) -> Kept | None:
        """Take the next picture; give it back as a keyframe where it is one. `cut`: a shot began just before it."""
        if self._last is None or self._previous is None:
            return self._keep(picture, 1.0)
        step = change(self._previous, picture.small)
        self._previous = picture.small
        fresh = picture.time - self._last[0] < _BURST + 1 / SMALL_FPS
        usual = max(self._motion, self._step / 2)
        if (cut and not fresh) or (self._steps >= _WARM_UP and step > max(self._threshold, _SUDDEN * usual)):
            self._pending = True
        self._motion = _MOTION_MEMORY * self._motion + (1 - _MOTION_MEMORY) * step
        self._step, self._steps = step, self._steps + 1
        if not (picture.sampled or self._pending):
            return None
        gap, moved = picture.time - self._last[0], change(self._last[1], picture.small)
        if gap < _BURST:
            return None
        sudden, self._pending = self._pending, False
        enough = gap >= self._gradual or sudden
        if (moved > self._threshold and enough) or (moved > self._threshold / 4 and gap >= self._interval):
            return self._keep(picture, moved)
        return None

    @property
    def last(self) -> tuple[float, Image] | None:
        """Time and small picture of the last keyframe; None before the first."""
        return self._last

    def _keep(self, picture: Picture, moved: float) -> Kept:
        self._previous = picture.small
        self._last = (picture.time, picture.small)
        return Kept(picture.time, moved)


class LookSelector:
    """Decides which sampled pictures between keyframes are kept as looks: those that moved since the last one seen.

    Args:
        settings: for the threshold.
        keyframes: the selector that is asked first; its last keyframe counts as seen.
    """

    def __init__(self, settings: IngestSettings, keyframes: KeyframeSelector) -> None:
        self._threshold = settings.change_threshold * _LOOK
        self._keyframes = keyframes
        self._seen: tuple[float, Image] | None = None

    def consider(self, picture: Picture) -> bool:
        """Whether a sampled picture that is no keyframe is kept as a look."""
        keyframe = self._keyframes.last
        if keyframe is not None and (self._seen is None or keyframe[0] > self._seen[0]):
            self._seen = keyframe
        if self._seen is not None and change(self._seen[1], picture.small) <= self._threshold:
            return False
        self._seen = (picture.time, picture.small)
        return True


def place(kept: Sequence[Kept], cuts: Sequence[float], duration: float) -> tuple[tuple[Shot, ...], tuple[Frame, ...]]:
    """Shots from cuts, and each keyframe with its shot and its end. A shot without a keyframe joins the one before.

    Args:
        kept: in order of time.
        cuts: times at which a shot begins, in order, without 0.
        duration: of the video.
    """
    starts = [0.0]
    times = np.array([item.time for item in kept])
    for cut, following in zip(cuts, [*cuts, np.inf][1:], strict=True):
        if np.any((times >= cut - 1e-6) & (times < following - 1e-6)):
            starts.append(cut)
    if len(starts) > 1 and len(times) and times[0] >= starts[1] - 1e-6:
        del starts[1]
    ends = [*starts[1:], max(duration, starts[-1])]
    shots = tuple(Shot(index, start, end) for index, (start, end) in enumerate(zip(starts, ends, strict=True)))
    frames = []
    for index, item in enumerate(kept):
        shot = shots[int(np.searchsorted(starts, item.time + 1e-6, side="right")) - 1]
        following = kept[index + 1].time if index + 1 < len(kept) else duration
        end = max(item.time, min(following, shot.end))
        frames.append(Frame(index, item.time, end, shot.index, f"{index}.jpg"))
    return shots, tuple(frames)
