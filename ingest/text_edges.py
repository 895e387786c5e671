"""When a text really appears and goes: between two keyframes its look is followed through the pictures there."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from ingest.text_change import Grey, grey_of
from ingest.text_tracks import Seen, Track, same_text
from reelseek.records import Box, Frame, Image, TextBox

Pictures = Callable[[Sequence[str]], list[Image]]
"""Loads pictures by the names that frames and looks give them."""

_SIDE = 640
_ALIKE = 0.65
"""Normalised cross-correlation from which a place shows the same text. On the real clips: the same text in the next
picture is above 0.8, another text of the same fount in the same place below 0.5."""
_REFRESH = 0.8
_REACH = 0.06
"""How far, as a share of the longer side, a text may move from one picture to the next."""
_CONTRAST = 0.2
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


class Look(Protocol):
    """A picture between keyframes."""

    @property
    def time(self) -> float: ...
    @property
    def image(self) -> str: ...


@dataclass(frozen=True, slots=True)
class _Sample:
    time: float
    image: str


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
        template, place = self._cut(origin.image, seen.item.box)
        present = origin.time
        if min(template.shape) < _LEAST_SIZE or template.std() < 1:
            return present, samples[0].time if samples else None
        rival = self._rival(seen, beyond)
        for sample in samples:
            if bisect_right(self._cuts, sample.time + _EXACT) != bisect_right(self._cuts, origin.time + _EXACT):
                return present, sample.time  # every shot has a keyframe that is read: beyond a cut nothing is guessed
            found = _find(self._grey(sample.image), template, place)
            if found is None or self._taken(sample, found, template):
                return present, sample.time
            if rival is not None and (other := _find(self._grey(sample.image), *rival)) and other[0] > found[0]:
                return present, sample.time
            score, place = found
            if score >= _REFRESH:
                left, top = place
                grey = self._grey(sample.image)
                template = grey[top : top + template.shape[0], left : left + template.shape[1]]
            present = sample.time
        return present, None

    def _rival(self, seen: Seen, beyond: int) -> tuple[Grey, tuple[int, int]] | None:
        """The other text that stands in a text's place in a keyframe: its picture and where (left, top)."""
        if not 0 <= beyond < len(self._frames):
            return None
        over = [item for item in self._read[beyond] if item.box.iou(seen.item.box) >= _SAME_PLACE]
        other = next((item for item in over if not same_text(item, seen.item)), None)
        if other is None:
            return None
        template, place = self._cut(self._frames[beyond].image, other.box)
        return (template, place) if min(template.shape) >= _LEAST_SIZE else None

    def _taken(self, sample: _Sample, found: tuple[float, tuple[int, int]], template: Grey) -> bool:
        """Whether a picture is a keyframe in which something was read in that place: it has a track of its own."""
        frame = self._place.get(sample.time)
        if frame is None:
            return False
        height, width = self._grey(sample.image).shape
        left, top = found[1][0] / width, found[1][1] / height
        box = Box(left, top, left + template.shape[1] / width, top + template.shape[0] / height)
        return any(item.box.iou(box) >= _SAME_PLACE for item in self._read[frame])

    def _cut(self, name: str, box: Box) -> tuple[Grey, tuple[int, int]]:
        grey = self._grey(name)
        height, width = grey.shape
        left, top = max(0, int(box.left * width) - 1), max(0, int(box.top * height) - 1)
        return grey[top : int(box.bottom * height) + 2, left : int(box.right * width) + 2], (left, top)

    def _grey(self, name: str) -> Grey:
        if name in self._cache:
            self._cache.move_to_end(name)
        else:
            self._cache[name] = grey_of(self._load([name])[0], _SIDE)
            if len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        return self._cache[name]


def _find(grey: Grey, template: Grey, place: tuple[int, int]) -> tuple[float, tuple[int, int]] | None:
    """Where near `place` (left, top) a picture shows the template, and how surely."""
    import cv2

    height, width = template.shape
    if grey.shape[0] < height or grey.shape[1] < width:
        return None
    reach = round(_REACH * max(grey.shape))
    left, top = max(0, place[0] - reach), max(0, place[1] - reach)
    window = grey[top : place[1] + height + reach, left : place[0] + width + reach]
    if window.shape[0] < height or window.shape[1] < width:
        return None
    scores = np.nan_to_num(cv2.matchTemplate(window, template, cv2.TM_CCOEFF_NORMED), posinf=0.0, neginf=0.0)
    row, column = divmod(int(scores.argmax()), scores.shape[1])
    found = window[row : row + height, column : column + width]
    if scores[row, column] < _ALIKE or found.std() < _CONTRAST * template.std():
        return None
    return float(scores[row, column]), (left + column, top + row)


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
