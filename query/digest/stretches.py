"""A text taken apart for a model that cannot read it at once: stretches of whole segments, each within one chapter."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from query.answering.evidence import Block
from query.digest.material import Material, Passage
from reelseek.results import Evidence, Moment

LETTERS = 2_400
"""Letters of a stretch at most, where its segments are shorter than that: two or three minutes of speech."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is said and written in some segments that follow one another.

    Attributes:
        number: from 1, what a citation names.
        segments: the numbers of the segments that it covers.
    """

    number: int
    segments: tuple[int, ...]
    passages: tuple[Passage, ...]

    @property
    def video_id(self) -> str:
        """The video it is of."""
        return self.passages[0].video_id

    def block(self, titles: Mapping[str, str]) -> Block:
        """It as evidence."""
        start, end = min(item.start for item in self.passages), max(item.end for item in self.passages)
        items = tuple(Evidence(item.channel, item.start, item.end, item.text, 1.0) for item in self.passages)
        title = titles.get(self.video_id, self.video_id)
        return Block(self.number, Moment(self.video_id, title, "", start, end, 1.0, 1.0, "", {}, items), items)


def stretches(material: Material, starts: Sequence[float] = ()) -> list[Stretch]:
    """The material in stretches. The same material gives the same stretches, whichever model reads them.

    Args:
        starts: where the video's segments begin, in order; without them a stretch may end after any line.
    """
    groups: list[list[tuple[int, Passage]]] = []
    letters = 0
    for at, passage in enumerate(material.passages):
        segment = max(0, bisect_right(starts, passage.start) - 1) if starts else at
        last = groups[-1][-1] if groups else None
        full = last is not None and last[0] != segment and letters + len(passage.text) > LETTERS
        if last is None or full or last[1].part != passage.part:
            groups.append([])
            letters = 0
        groups[-1].append((segment, passage))
        letters += len(passage.text)
    return [
        Stretch(number, tuple(dict.fromkeys(segment for segment, _ in group)), tuple(passage for _, passage in group))
        for number, group in enumerate(groups, start=1)
    ]
