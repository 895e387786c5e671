"""Which pictures models see: those in which something changed since the last one kept.

A picture of 128 × 72 is enough to see every text that can be read later: models get pictures of `max_side` 960, in
which a legible letter is about as large as one cell. What changes is told apart by where and how:

- **Cells that are lively** (a speaker's face, water, a blinking caret) have changed several times in the last seconds.
  What they show makes a keyframe every `keyframe_interval` only.
- **Elsewhere** a change is kept as soon as it has come to rest, so that a line being typed or a text fading in is read
  once and whole; a sudden one out of rest at once; one that does not come to rest every few seconds.

Everything is compared with the last keyframe, so that slow drifts add up and are seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.decode import SMALL_FPS, Picture
from reelseek.records import Frame, Image, Shot
from reelseek.setting_groups import IngestSettings

_BURST = 0.3
"""Seconds between two keyframes at least, however much flickers."""
_CUT_STEP = 1 / SMALL_FPS + 1e-6
"""Seconds between the pictures in which cuts are looked for."""
_EVENT = 6
"""Grey levels between two pictures that are an event in a cell."""
_LIVELY_SECONDS = 8.0
_LIVELY = 2.2
"""Times that a cell has begun to change in the last seconds, from which it is lively: a text that comes is one."""
_NOISE = 2.0
"""How much further (in its usual steps) a lively cell must move."""
_LINE = 5
_FAINT = 0.5
"""A change of this share of the threshold counts where it is the same in a row of five cells: faint text."""
_REST, _LONG_REST = 0.4, 1.5
"""Seconds without an event after which a change is complete; the longer one for a few cells: a letter, the pointer."""
_FEW, _MANY = 8, 24
"""Cells of a few letters, and of a line."""
_AREA, _LIGHT = 7, 16.0
"""An area of twice so many cells across may get lighter or darker by so many grey levels without having changed."""
_WIDE, _PART, _ROW = 0.3, 0.08, 51
"""Shares of all cells, and cells in one row (a ticker), that are more than a speaker in a corner."""
_SOON, _LATER = 2.0, 4.0
"""Seconds between keyframes while a wide part, or a smaller one, goes on changing."""
_STEP = 2.0
_TOLD = 0.7
"""Seconds after which one is told of a cut; a keyframe since then shows the new shot already."""
_SUDDEN, _APPEARS = 3.0, 1.5
"""How far the step, or the cells that are new, must stand out of those before."""
_MEMORY, _SHORT_MEMORY = 1.0, 0.3
"""Seconds."""
_LOOK_CELLS = 8


@dataclass(frozen=True, slots=True)
class Kept:
    """A keyframe before shots are known. `change`: how much is new since the one before, 0 to 1; 1 for the first."""

    time: float
    change: float


@dataclass(frozen=True, slots=True)
class _Moved:
    """Cells that differ: those that are not lively, all, the most in one row; and how many cells there are."""

    still: int
    all: int
    row: int
    cells: int

    @property
    def share(self) -> float:
        """All that differ, of all there are."""
        return self.all / self.cells


class _Cells:
    """What happens in each of the 128 × 72 cells of the picture."""

    def __init__(self, threshold: float) -> None:
        import cv2

        self._cv2: Any = cv2
        self._threshold = threshold * 255.0
        self._time = 0.0
        self._previous: Image | None = None
        self._event: Image = np.zeros(0, np.uint8)
        self._seen = 0
        self._begun: NDArray[np.float32] = np.zeros(0, np.float32)
        self._steps: NDArray[np.float32] = np.zeros(0, np.float32)
        self.stirred = -math.inf
        """When something last changed outside the lively cells."""
        self.stirred_at_all = -math.inf
        self.calm_before = 0.0
        """Seconds of rest before the last picture."""
        self.gap = 0.0
        """Seconds between the last two pictures."""
        self.step = 0.0
        """Mean difference of the last two pictures, grey levels."""
        self.new_cells = 0
        """Cells outside the lively ones that changed with the last picture."""

    def add(self, time: float, small: Image) -> None:
        """Take the next picture in."""
        cv2 = self._cv2
        if self._previous is None:
            self._event = np.zeros(small.shape[1:], np.uint8)
            self._begun = np.zeros(small.shape[1:], np.float32)
            self._steps = np.zeros(small.shape[1:], np.float32)
        else:
            step = self._apart(small, self._previous)
            self.step = float(cv2.mean(step)[0])
            self.gap, self.calm_before = time - self._time, time - self.stirred
            event = _inner(cv2.threshold(step, _EVENT, 1, cv2.THRESH_BINARY)[1])
            self.new_cells = cv2.countNonZero(cv2.bitwise_and(event, event, mask=self._still()))
            if self.new_cells:
                self.stirred = time
            if cv2.countNonZero(event):
                self.stirred_at_all = time
            fade = math.exp(-self.gap / _LIVELY_SECONDS)
            begun = cv2.compare(event, self._event, cv2.CMP_GT)
            self._begun *= fade
            cv2.add(self._begun, 1.0, self._begun, mask=begun)
            self._seen += 1
            cv2.accumulateWeighted(step, self._steps, max(1 - fade, 1 / self._seen))
            self._event = event
        self._previous, self._time = small, time

    def moved(self, reference: Image, small: Image) -> _Moved:
        """Which cells differ from a reference."""
        cv2 = self._cv2
        bound = self._steps * _NOISE
        bound += self._threshold
        luma, *colours = (cv2.subtract(*planes, dtype=cv2.CV_32F) for planes in zip(small, reference, strict=True))
        half = cv2.resize(luma, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        light = cv2.medianBlur(np.clip(half + _LIGHT, 0, 2 * _LIGHT).astype(np.uint8), _AREA).astype(np.float32)
        luma -= cv2.resize(light - _LIGHT, luma.shape[::-1])
        far = cv2.compare(_largest(cv2, luma, *colours), bound, cv2.CMP_GT)
        still = self._still()
        row = cv2.blur(cv2.bitwise_and(luma, luma, mask=still), (_LINE, 1))
        faint = cv2.compare(_largest(cv2, row) - self._steps, self._threshold * _FAINT, cv2.CMP_GT)
        far = _inner(cv2.bitwise_or(far, faint))
        rows = cv2.reduce(far, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)
        return _Moved(
            cv2.countNonZero(cv2.bitwise_and(far, self._still())),
            cv2.countNonZero(far),
            int(rows.max()) // 255,
            far.size,
        )

    def _still(self) -> Image:
        """A mask of the cells that are not lively."""
        return np.asarray(self._cv2.compare(self._begun, _LIVELY, self._cv2.CMP_LT), np.uint8)

    def _apart(self, one: Image, other: Image) -> Image:
        """The largest difference of luma and both colours in each cell."""
        luma, blue, red = map(self._cv2.absdiff, one, other)
        return np.asarray(self._cv2.max(luma, self._cv2.max(blue, red)), np.uint8)


def _inner(cells: Image) -> Image:
    """Without the cells at the edges: there decoders leave a fringe, and no text is."""
    cells[0] = cells[-1] = 0
    cells[:, 0] = cells[:, -1] = 0
    return cells


def _largest(cv2: Any, *signed: NDArray[np.float32]) -> NDArray[np.float32]:
    """The largest absolute value in each cell."""
    largest = np.abs(signed[0])
    for other in signed[1:]:
        cv2.max(largest, np.abs(other), largest)
    return largest


class KeyframeSelector:
    """Decides, picture by picture, which one is kept."""

    def __init__(self, settings: IngestSettings) -> None:
        self._interval = settings.keyframe_interval
        self._every = settings.keyframes == "all"
        self.cells = _Cells(settings.change_threshold)
        self._last: tuple[float, Image] | None = None
        self._usual_step = self._usual_cells = 0.0
        self._since: float | None = None
        """When something sudden was seen that no keyframe shows yet."""
        self._cut = False
        """Whether it was a cut: then the new shot needs a keyframe, however little it differs."""
        self._goes_on = 0
        """New cells from which it is still under way."""

    def consider(self, picture: Picture, *, cut: bool = False) -> Kept | None:
        """Take the next picture; give it back as a keyframe where it is one. `cut`: a shot began a moment before it."""
        cells, time, small = self.cells, picture.time, picture.small
        cells.add(time, small)
        if self._last is None:
            return self._keep(picture, 1.0)
        gap = time - self._last[0]
        self._notice_sudden(time, cut and gap > _TOLD)
        if self._every:
            if not picture.sampled:
                return None
        elif gap < _BURST or not (picture.sampled or self._since is not None) or not self._ripe(time, gap):
            return None
        moved = cells.moved(self._last[1], small)
        if not (self._every or self._due(time, gap, moved)):
            return None
        # A new line of text is half of all; what moves always, nothing.
        return self._keep(picture, moved.still / (moved.still + _MANY))

    @property
    def last(self) -> tuple[float, Image] | None:
        """Time and small picture of the last keyframe; None before the first."""
        return self._last

    def _notice_sudden(self, time: float, cut: bool) -> None:
        """Remember a step that stands out of the motion before it, or out of rest."""
        cells = self.cells
        memory, short = math.exp(-cells.gap / _MEMORY), math.exp(-cells.gap / _SHORT_MEMORY)
        stands_out = cells.step > max(_STEP, _SUDDEN * self._usual_step)
        # Where pictures are rare, there is no motion to stand out of.
        appears = cells.new_cells > max(_MANY, 0.0 if cells.gap >= _REST else _APPEARS * self._usual_cells)
        appears |= cells.new_cells >= _MANY and cells.calm_before >= _REST
        appears |= cells.new_cells >= _FEW and cells.calm_before >= _LONG_REST
        if cut or stands_out or appears:
            self._since, self._goes_on = time, max(_FEW, cells.new_cells // 3)
            self._cut |= cut
        self._usual_step = max(cells.step / 2, short * self._usual_step + (1 - short) * cells.step)
        self._usual_cells = max(cells.new_cells, memory * self._usual_cells)

    def _ripe(self, time: float, gap: float) -> bool:
        """Whether a keyframe may be due, however much differs."""
        if gap >= min(_SOON, self._interval):
            return True
        return self._since is not None and (self._goes_on_no_more() or time - self._since > _REST)

    def _goes_on_no_more(self) -> bool:
        """Whether what began has come to rest; where pictures are rare, nobody sees that."""
        return self.cells.gap >= _REST or self.cells.new_cells < self._goes_on

    def _due(self, time: float, gap: float, moved: _Moved) -> bool:
        """Whether what differs from the last keyframe is worth another one now."""
        cells = self.cells
        rest, rest_of_all = time - cells.stirred, time - cells.stirred_at_all
        if self._since is not None:
            rare, waited = cells.gap >= _REST, time - self._since
            complete = self._goes_on_no_more() and moved.still >= _FEW
            wide = self._cut or moved.share >= _WIDE
            if moved.all and (complete or ((rare or waited > _REST) and wide)):
                return True
            if waited > _LONG_REST and not self._cut:
                self._since = None
        soon, later = gap >= _SOON, gap >= _LATER
        return (
            (soon and moved.all >= _FEW and rest_of_all >= _REST)
            or (soon and moved.still >= _FEW and rest >= _REST)
            or (soon and moved.still > 0 and rest >= _LONG_REST)
            or (soon and moved.share >= _WIDE)
            or (later and (moved.still >= _FEW or moved.share >= _PART or moved.row >= _ROW))
            or (moved.all >= _FEW and gap >= self._interval)
        )

    def _keep(self, picture: Picture, change: float) -> Kept:
        self._last, self._since, self._cut = (picture.time, picture.small), None, False
        return Kept(picture.time, change)


class LookSelector:
    """Decides which sampled pictures between keyframes are kept as looks: those that moved since the last one seen.

    Args:
        keyframes: the selector that is asked first; its last keyframe counts as seen.
    """

    def __init__(self, keyframes: KeyframeSelector) -> None:
        self._keyframes = keyframes
        self._seen: tuple[float, Image] | None = None

    def consider(self, picture: Picture) -> bool:
        """Whether a sampled picture that is no keyframe is kept as a look."""
        keyframe = self._keyframes.last
        if keyframe is not None and (self._seen is None or keyframe[0] > self._seen[0]):
            self._seen = keyframe
        if self._seen is not None and self._keyframes.cells.moved(self._seen[1], picture.small).all < _LOOK_CELLS:
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
    cuts = [_at_keyframe(cut, times) for cut in cuts]
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
        frames.append(Frame(index, item.time, end, shot.index, f"{index}.jpg", change=round(item.change, 4)))
    return shots, tuple(frames)


def _at_keyframe(cut: float, times: NDArray[np.float64]) -> float:
    """A cut, moved to the keyframe just before it where none follows at once.

    Sampled pictures come between the steps at which cuts are looked for, so a keyframe can show the new shot already.
    """
    first = int(np.searchsorted(times, cut - 1e-6))
    if first == 0 or cut - times[first - 1] >= _CUT_STEP or (first < len(times) and times[first] < cut + _BURST):
        return cut
    return float(times[first - 1])
