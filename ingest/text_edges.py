"""When a text really appears and goes: between two keyframes its look is followed through the pictures there."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ingest.text_change import Grey, grey_of
from ingest.text_tracks import Seen, Track, same_text
from reelseek.records import Box, Frame, Image, Look, TextBox

Pictures = Callable[[Sequence[str]], list[Image]]
"""Loads pictures by the names that frames and looks give them."""

_SIDE = 640
_ALIKE = 0.5
"""Normalised cross-correlation of the strokes from which a place shows the same text. On the real clips 98 % of the
texts that were read again half a second later are above, and 1.4 % of the others (with plain grey values 9 %)."""
_STROKE = 0.3
"""Strokes are at most this share of a line's height: what is broader belongs to the picture behind."""
_REFRESH = 0.6
_REACH = 0.06
"""How far, as a share of the longer side, a text may move from one picture to the next."""
_CONTRAST = 0.15
"""A place whose contrast is below this share of the text's is empty, whatever it correlates with."""
_FURTHEST = 6.0
"""Seconds that a text is followed beyond the keyframes that it was read in."""
_CACHED = 48
_LEAST_SIZE = 4
_EXACT = 1e-6
_PERIOD = 0.5
_SAME_PLACE = 0.3
_FIXED_PLACE = 0.6
_TOUCH = 0.75
_BLINK = 3.0
_OFTEN = 4
_MOSTLY = 0.6
"""Showings, and the share of the time that they fill, from which a text was there all the time."""


@dataclass(frozen=True, slots=True)
class _Sample:
    time: float
    image: str


@dataclass(frozen=True, slots=True)
class _Pattern:
    """The strokes of a text and where they stand (px): `kernel` is the breadth that counts as thin."""

    strokes: npt.NDArray[np.float32]
    left: int
    top: int
    kernel: int
    score: float = 1.0


class EdgeFinder:
    """Places first and last showings.

    Args:
        frames: keyframes in order.
        looks: pictures between them, about two a second while the picture moves; none where it stands.
        read: each keyframe's texts.
        pictures: loads pictures.
        period: seconds between two looks of a moving picture.
    """

    def __init__(
        self,
        frames: Sequence[Frame],
        read: Sequence[Sequence[TextBox]],
        looks: Sequence[Look],
        pictures: Pictures,
        period: float = _PERIOD,
    ) -> None:
        every = {frame.time: frame.image for frame in frames}
        every |= {look.time: look.image for look in looks if look.time not in every}
        self._samples = [_Sample(time, every[time]) for time in sorted(every)]
        self._times = [sample.time for sample in self._samples]
        self._cuts = [a.end for a, b in pairwise(frames) if a.shot != b.shot]
        self._place = {frame.time: place for place, frame in enumerate(frames)}
        self._frames, self._read, self._load, self._period = frames, read, pictures, period
        self._cache: OrderedDict[str, Grey] = OrderedDict()

    def place(self, tracks: Sequence[Track]) -> None:
        """Move each track's start and end to where its text comes into sight and goes out of it."""
        for track in sorted(tracks, key=lambda item: item.seen[0].place):
            track.start = self._first(track)
        for track in sorted(tracks, key=lambda item: item.last.place):
            track.end = self._last(track)

    def _first(self, track: Track) -> float:
        frame = self._frames[track.seen[0].place]
        here = bisect_left(self._times, frame.time)
        earlier = list(reversed(self._samples[bisect_left(self._times, frame.time - _FURTHEST) : here]))
        present, absent = self._follow(self._samples[here], track.seen[0], earlier, track.seen[0].place - 1)
        if absent is None:
            return present
        for cut in self._cuts:
            if absent < cut <= present:
                return cut
        return present if present - absent > 1.5 * self._period else (present + absent) / 2

    def _last(self, track: Track) -> float:
        frame = self._frames[track.last.place]
        here = bisect_left(self._times, frame.time)
        later = self._samples[here + 1 : bisect_right(self._times, max(track.end, frame.time) + _FURTHEST)]
        present, absent = self._follow(self._samples[here], track.last, later, track.last.place + 1)
        if absent is None:
            return max(track.end, present)
        for cut in self._cuts:
            if present < cut <= absent:
                return cut
        return absent if absent - present > 1.5 * self._period else (present + absent) / 2

    def _follow(
        self, origin: _Sample, seen: Seen, samples: Sequence[_Sample], beyond: int
    ) -> tuple[float, float | None]:
        """Follow a text from picture to picture: the last time it is seen, and the first time it is not.

        Args:
            beyond: the keyframe in which it was not read any more; where another text was read there in its place, a
                picture between shows whichever of the two it is more like.
        """
        wanted = self._pattern(origin.image, seen.item.box)
        present = origin.time
        if wanted is None:
            return present, samples[0].time if samples else None
        rival = self._rival(seen, beyond)
        for sample in samples:
            if bisect_right(self._cuts, sample.time + _EXACT) != bisect_right(self._cuts, origin.time + _EXACT):
                return present, sample.time  # every shot has a keyframe that is read: beyond a cut nothing is guessed
            grey = self._grey(sample.image)
            found = _find(grey, wanted)
            if found is None or self._taken(sample, found):
                return present, sample.time
            if rival is not None and (other := _find(grey, rival)) and other.score > found.score:
                return present, sample.time
            wanted = found if found.score >= _REFRESH else replace(wanted, left=found.left, top=found.top)
            present = sample.time
        return present, None

    def _rival(self, seen: Seen, beyond: int) -> _Pattern | None:
        """The other text that stands in a text's place in a keyframe."""
        if not 0 <= beyond < len(self._frames):
            return None
        over = [item for item in self._read[beyond] if item.box.iou(seen.item.box) >= _SAME_PLACE]
        other = next((item for item in over if not same_text(item, seen.item)), None)
        return None if other is None else self._pattern(self._frames[beyond].image, other.box)

    def _taken(self, sample: _Sample, found: _Pattern) -> bool:
        """Whether a picture is a keyframe in which something was read in that place: it has a track of its own."""
        frame = self._place.get(sample.time)
        if frame is None:
            return False
        (rows, columns), (height, width) = found.strokes.shape, self._grey(sample.image).shape
        box = Box(found.left / width, found.top / height, (found.left + columns) / width, (found.top + rows) / height)
        return any(item.box.iou(box) >= _SAME_PLACE for item in self._read[frame])

    def _pattern(self, name: str, box: Box) -> _Pattern | None:
        """The strokes of a text in a picture; None where it is too small or too even to be known again."""
        grey = self._grey(name)
        height, width = grey.shape
        left, top = max(0, int(box.left * width) - 1), max(0, int(box.top * height) - 1)
        part = grey[top : int(box.bottom * height) + 2, left : int(box.right * width) + 2]
        if min(part.shape) < _LEAST_SIZE:
            return None
        kernel = max(3, int(_STROKE * part.shape[0]) | 1)
        strokes = strokes_of(part, kernel)
        return _Pattern(strokes, left, top, kernel) if strokes.std() >= 1 else None

    def _grey(self, name: str) -> Grey:
        if name in self._cache:
            self._cache.move_to_end(name)
        else:
            self._cache[name] = grey_of(self._load([name])[0], _SIDE)
            if len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        return self._cache[name]


def _find(grey: Grey, wanted: _Pattern) -> _Pattern | None:
    """The pattern as a picture shows it near the place where it was; None where it does not."""
    import cv2

    height, width = wanted.strokes.shape
    reach = round(_REACH * max(grey.shape))
    left, top = max(0, wanted.left - reach), max(0, wanted.top - reach)
    window = grey[top : wanted.top + height + reach, left : wanted.left + width + reach]
    if window.shape[0] < height or window.shape[1] < width:
        return None
    strokes = strokes_of(window, wanted.kernel)
    scores = cv2.matchTemplate(strokes, wanted.strokes, cv2.TM_CCOEFF_NORMED)
    scores = np.nan_to_num(scores, posinf=0.0, neginf=0.0)
    y, x = divmod(int(scores.argmax()), scores.shape[1])
    found = strokes[y : y + height, x : x + width]
    if scores[y, x] < _ALIKE or found.std() < _CONTRAST * wanted.strokes.std():
        return None
    return _Pattern(np.ascontiguousarray(found), left + x, top + y, wanted.kernel, float(scores[y, x]))


def strokes_of(grey: Grey, kernel: int) -> npt.NDArray[np.float32]:
    """What is thin and bright, less what is thin and dark: the white and the black top-hat of the picture."""
    import cv2

    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (kernel, kernel))
    bright = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, element).astype(np.float32)
    return np.asarray(bright - cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, element), dtype=np.float32)


def bridged(tracks: Sequence[Track]) -> list[Track]:
    """Join showings of one text that are one: what lies between them is no more than a blink of the reader.

    They touch; or the gap is short against both; or the text keeps coming back to its place all the time: a logo.
    """
    kept: list[Track] = []
    for track in sorted(tracks, key=lambda item: item.start):
        earlier = next((item for item in reversed(kept) if _one_showing(item, track)), None)
        if earlier is None:
            kept.append(track)
        else:
            _append(earlier, track)
    return _without_gaps(kept)


def _append(earlier: Track, later: Track) -> None:
    earlier.seen += later.seen
    earlier.end = max(earlier.end, later.end)


def _one_showing(a: Track, b: Track) -> bool:
    gap = b.start - a.end
    if gap > _BLINK or b.seen[0].place <= a.last.place or not same_text(a.last.item, b.seen[0].item):
        return False
    overlap = a.last.item.box.iou(b.seen[0].item.box)
    if gap <= _TOUCH:
        return overlap >= _SAME_PLACE
    return overlap >= _FIXED_PLACE and gap <= min(a.end - a.start, b.end - b.start)


def _without_gaps(tracks: Sequence[Track]) -> list[Track]:
    """Join all showings of texts that stand in one place for most of the time, however often the reader lost them."""
    groups: dict[str, list[list[Track]]] = defaultdict(list)
    for track in tracks:
        same = groups[track.last.normal]
        group = next((item for item in same if _goes_on(item[-1], track)), None)
        if group is None:
            same.append([track])
        else:
            group.append(track)
    kept = []
    for group in (group for same in groups.values() for group in same):
        shown = sum(track.end - track.start for track in group)
        if len(group) >= _OFTEN and shown >= _MOSTLY * (group[-1].end - group[0].start):
            for track in group[1:]:
                _append(group[0], track)
            del group[1:]
        kept += group
    return sorted(kept, key=lambda track: track.start)


def _goes_on(a: Track, b: Track) -> bool:
    return 0 <= b.start - a.end <= _FURTHEST and a.last.item.box.iou(b.seen[0].item.box) >= _FIXED_PLACE
