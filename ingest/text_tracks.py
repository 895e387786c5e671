"""Readings of consecutive pictures joined into tracks: one for each showing of a text."""

from __future__ import annotations

import statistics
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from reelseek.records import Box, TextBox

ALIKE = 0.8
"""From this likeness on two readings are one text; see `alike`."""
_ALIKE_UNSURE = 0.65
_SURE = 0.85
"""Readings above this confidence are taken at their word: fewer differences between them are misreadings."""
_WORD_ALIKE = 0.5
_OVERLAP = 0.3
_INSIDE = 0.7
_GAP = 1.0
"""Seconds that a text may be missing (a blink of the reader, a hand before the slide) and still be one showing."""
_MOVING_LENGTH = 8
"""A text of this many letters is known again wherever it moves: credits, tickers."""
_SHIFT_LENGTH = 4
_STEADY = 0.01
_VOTERS = 12
_WHOLE_EXTRA = 3
_WHOLE_VOTES = 0.3
_SPACING = 1.5
"""How much closer letters may stand in one reading than in another of the same line: two texts that fade into each
other are read as one, twice as dense."""
_CONFUSED = str.maketrans("oilsbzq", "0115829")
"""Letters that are taken for digits and back."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One reading: in which picture (its place in the sequence), and for how long that picture stood (s)."""

    place: int
    time: float
    end: float
    item: TextBox
    normal: str


@dataclass
class Track:
    """One showing of a text.

    Attributes:
        start, end: seconds; from the first picture it was read in to the end of the last one.
        seen: its readings in order of time; at least one.
    """

    start: float
    end: float
    seen: list[Seen] = field(default_factory=list)

    def add(self, reading: Seen) -> None:
        """Take a further reading."""
        self.seen.append(reading)
        self.end = max(self.end, reading.end)

    @property
    def last(self) -> Seen:
        """The reading it was last seen with."""
        return self.seen[-1]

    @property
    def text(self) -> str:
        """The best reading: see `best_reading`."""
        return best_reading([reading.item for reading in self.seen])

    @property
    def confidence(self) -> float:
        """The largest confidence with which its best reading was read."""
        best = self.text
        return max(reading.item.confidence for reading in self.seen if reading.item.text == best)

    @property
    def box(self) -> Box:
        """All places it was seen at."""
        return union(reading.item.box for reading in self.seen)

    @property
    def typical_box(self) -> Box:
        """The median place."""
        boxes = [reading.item.box for reading in self.seen]
        return Box(*(statistics.median(getattr(box, side) for box in boxes) for side in Box.__slots__))


def normalised(text: str) -> str:
    """Letters and digits alone, lower case, compatibility forms folded."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign for sign in folded if sign.isalnum())


def alike(a: str, b: str) -> float:
    """How alike two normalised texts are, 0 to 1 (Ratcliff and Obershelp's measure)."""
    if a == b:
        return 1.0
    if not a or not b or min(len(a), len(b)) / max(len(a), len(b)) < 0.6:
        return 0.0
    return SequenceMatcher(None, a, b, autojunk=False).ratio()


def union(boxes: Iterable[Box]) -> Box:
    """The smallest box around all. Raises `ValueError` for none."""
    sides = list(zip(*((box.left, box.top, box.right, box.bottom) for box in boxes), strict=True))
    if not sides:
        raise ValueError("no box")
    return Box(min(sides[0]), min(sides[1]), max(sides[2]), max(sides[3]))


def moved(box: Box, by: tuple[float, float]) -> Box:
    """A box shifted by `(x, y)`; it may then lie outside the picture."""
    return Box(box.left + by[0], box.top + by[1], box.right + by[0], box.bottom + by[1])


def same_row(a: Box, b: Box) -> bool:
    """Whether two boxes stand at one height: they share more than half of the lower one's height."""
    shared = min(a.bottom, b.bottom) - max(a.top, b.top)
    return shared > 0.5 * min(a.bottom - a.top, b.bottom - b.top)


def same_numbers(a: str, b: str) -> bool:
    """Texts that differ in their digits are two texts: a counter, a price, `Slide 3` and `Slide 4`.

    Letters that a reader takes for digits do not count as a difference: `S0URCE` is `SOURCE`.
    """
    if [sign for sign in a if sign.isdigit()] == [sign for sign in b if sign.isdigit()]:
        return True
    return a.translate(_CONFUSED) == b.translate(_CONFUSED)


def same_text(a: TextBox, b: TextBox) -> float:
    """How surely two readings are of one text, wherever they stand: their likeness, or 0 where they are two texts."""
    first, second = normalised(a.text), normalised(b.text)
    likeness = alike(first, second)
    sure = min(a.confidence, b.confidence) >= _SURE
    if likeness < (ALIKE if sure else _ALIKE_UNSURE) or not same_numbers(first, second):
        return 0.0
    return likeness if not sure or _same_words(a.text, b.text) else 0.0


def _same_words(a: str, b: str) -> bool:
    """Whether words that differ are still alike: `rivers` and `rlvers`, not `One` and `Two`."""
    first, second = a.casefold().split(), b.casefold().split()
    for kind, i, j, k, m in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        if kind == "replace":
            old, new = normalised(" ".join(first[i:j])), normalised(" ".join(second[k:m]))
            if SequenceMatcher(None, old, new, autojunk=False).ratio() < _WORD_ALIKE:
                return False
    return True


def part_of(a: str, b: str) -> bool:
    """Whether the normalised text `a` is a piece of `b`, and not merely `1` of `12`."""
    place = b.find(a) if a and len(a) < len(b) else -1
    if place < 0:
        return False
    before, after = b[:place][-1:], b[place + len(a) :][:1]
    return not (before.isdigit() and a[0].isdigit()) and not (after.isdigit() and a[-1].isdigit())


def best_reading(items: Sequence[TextBox]) -> str:
    """The reading of a text that is right most likely.

    Each reading has the confidence of those who made it, and of others by how alike they are; a piece of it (half
    faded, half hidden) speaks for it wholly. A longer one wins over its pieces only when it adds several letters and
    is no rare accident, or was seen as often: a lone letter at the end is dirt.
    """
    votes: dict[str, float] = defaultdict(float)
    spelling: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for item in items:
        normal = normalised(item.text)
        votes[normal] += item.confidence**2
        spelling[normal][item.text] += item.confidence
    known = sorted(votes, key=lambda normal: (-votes[normal], normal))[:_VOTERS]

    def support(normal: str) -> float:
        total = 0.0
        for other in known:
            needed = _WHOLE_VOTES if len(normal) - len(other) >= _WHOLE_EXTRA else 1.0
            whole = votes[normal] >= needed * votes[other]
            total += votes[other] * (1.0 if part_of(other, normal) and whole else alike(normal, other) ** 2)
        return total

    best = max(known, key=lambda normal: (round(support(normal), 6), len(normal)))
    return max(spelling[best], key=lambda text: (round(spelling[best][text], 6), len(text), text))


def join(readings: Sequence[tuple[float, float, Sequence[TextBox]]]) -> list[Track]:
    """Join the readings of pictures into tracks.

    Two readings are one text when their letters are alike and their boxes overlap, where it stood or where the other
    texts went meanwhile (a scrolled page); a long one also when it moved otherwise. A line that is read in pieces, and
    pieces that are read as a line, stay what they were. A text that was gone for longer than a second begins anew.

    Args:
        readings: pictures in order: time, until when it stood (s), its texts.

    Returns:
        Tracks by their first showing, from top to bottom.
    """
    done: list[Track] = []
    live: list[Track] = []
    before: Sequence[Seen] = ()
    for place, (time, end, items) in enumerate(readings):
        done += [track for track in live if time - track.end > _GAP]
        live = [track for track in live if time - track.end <= _GAP]
        seen = [Seen(place, time, end, item, normalised(item.text)) for item in items]
        shift = common_shift(before, seen)
        fresh = _assign(seen, live, shift, place)
        live += fresh
        before = seen
    return sorted([*done, *live], key=lambda track: (track.start, track.seen[0].item.box.top, track.end))


def common_shift(before: Sequence[Seen], after: Sequence[Seen]) -> tuple[float, float]:
    """How far the texts of a picture moved against the one before, `(x, y)`: the median over those that moved."""
    places: dict[str, list[Box]] = defaultdict(list)
    for reading in before:
        places[reading.normal].append(reading.item.box)
    steps = []
    for reading in after:
        if len(reading.normal) >= _SHIFT_LENGTH and len(old := places.get(reading.normal, [])) == 1:
            (x, y), (u, v) = reading.item.box.centre, old[0].centre
            if max(abs(x - u), abs(y - v)) > _STEADY:
                steps.append((x - u, y - v))
    if not steps:
        return 0.0, 0.0
    return statistics.median(step[0] for step in steps), statistics.median(step[1] for step in steps)


def _assign(seen: list[Seen], live: list[Track], shift: tuple[float, float], place: int) -> list[Track]:
    """Give each reading to its track; those that are left begin new ones, which are returned."""
    pairs = []
    for i, reading in enumerate(seen):
        for j, track in enumerate(live):
            score = _match(reading, track, shift)
            if score > 0:
                pairs.append((-score, i, j))
    open_readings, open_tracks = dict(enumerate(seen)), dict(enumerate(live))
    for _, i, j in sorted(pairs):
        if i in open_readings and j in open_tracks:
            open_tracks.pop(j).add(open_readings.pop(i))
    _join_pieces(open_readings, open_tracks)
    for i, reading in list(open_readings.items()):
        parts = [track for track in live if track.last.place < place and _holds(reading, track.last)]
        if len(parts) > 1 and alike("".join(_row_texts(parts)), reading.normal) >= ALIKE:
            for track in parts:
                track.end = max(track.end, reading.end)
            del open_readings[i]
            continue
        grown = next((j for j, track in open_tracks.items() if _grows(reading, track.last)), None)
        if grown is not None:
            open_tracks.pop(grown).add(open_readings.pop(i))
    return [_begun(reading) for reading in open_readings.values()]


def _begun(reading: Seen) -> Track:
    return Track(reading.time, reading.end, [reading])


def _match(reading: Seen, track: Track, shift: tuple[float, float]) -> float:
    last = track.last
    box = reading.item.box
    overlap = max(last.item.box.iou(box), moved(last.item.box, shift).iou(box))
    anywhere = reading.normal == last.normal and len(last.normal) >= _MOVING_LENGTH
    if overlap < _OVERLAP and not anywhere:
        return 0.0
    likeness = max(same_text(reading.item, last.item), same_text(reading.item, track.seen[0].item))
    return likeness + overlap if likeness else 0.0


def _join_pieces(readings: dict[int, Seen], tracks: dict[int, Track]) -> None:
    """Give a track the pieces in which its line was read this time."""
    for j, track in list(tracks.items()):
        pieces = [(i, reading) for i, reading in readings.items() if _holds(track.last, reading)]
        if len(pieces) < 2:
            continue
        pieces.sort(key=lambda piece: piece[1].item.box.left)
        whole = TextBox(
            " ".join(piece.item.text for _, piece in pieces),
            min(piece.item.confidence for _, piece in pieces),
            union(piece.item.box for _, piece in pieces),
        )
        if same_text(whole, track.last.item):
            one = pieces[0][1]
            track.add(Seen(one.place, one.time, one.end, whole, normalised(whole.text)))
            del tracks[j]
            for i, _ in pieces:
                del readings[i]


def _row_texts(tracks: list[Track]) -> list[str]:
    return [track.last.normal for track in sorted(tracks, key=lambda track: track.last.item.box.left)]


def _holds(long: Seen, short: Seen) -> bool:
    """Whether one reading's box lies in another's, in its row."""
    a, b = long.item.box, short.item.box
    width = min(a.right, b.right) - max(a.left, b.left)
    return same_row(a, b) and width > _INSIDE * (b.right - b.left)


def _grows(reading: Seen, last: Seen) -> bool:
    """Whether one is a piece of the other, in its place: fading, being typed, half hidden."""
    short, long = sorted((last, reading), key=lambda seen: len(seen.normal))
    return part_of(short.normal, long.normal) and _holds(long, short) and _letter(short) < _SPACING * _letter(long)


def _letter(seen: Seen) -> float:
    """The width of a letter, as a share of the picture."""
    return (seen.item.box.right - seen.item.box.left) / len(seen.normal)
