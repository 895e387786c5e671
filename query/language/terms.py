"""What a query is made of, once read: words, objects, examples, stages and how they follow one another."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Literal

EVENTS = ("enters", "leaves")
"""What an object can do."""

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}


class Field(StrEnum):
    """Where words are looked for."""

    ANY = "any"
    SAID = "said"
    TEXT = "text"
    SEEN = "seen"
    SOUND = "sound"


@dataclass(frozen=True, slots=True)
class Words:
    """Words to look for. A phrase must stand as it is, one word after another."""

    text: str
    field: Field = Field.ANY
    phrase: bool = False
    negated: bool = False


@dataclass(frozen=True, slots=True)
class ObjectCount:
    """`object:LABEL` with how many of them at once; `most` is the upper end of `=2-4`."""

    label: str
    op: str = ">="
    number: int = 1
    negated: bool = False
    most: int | None = None

    def holds(self, count: int) -> bool:
        """Whether a picture with `count` of them is meant; negation is not regarded."""
        return _COMPARE[self.op](count, self.number) and (self.most is None or count <= self.most)

    @property
    def present(self) -> bool:
        """Whether it can only hold where at least one is seen."""
        return not self.holds(0)


@dataclass(frozen=True, slots=True)
class ObjectFact:
    """`object:LABEL:enters` or `object:LABEL:left-of:OTHER`: what an object does, or where it is to another.

    Attributes:
        kind: `enters`, `leaves`, or one of `reelseek.tracks.RELATIONS`.
        other: the label of the other object; of a coming or going the side, or empty for any.
    """

    label: str
    kind: str
    other: str = ""
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """`image:NAME`, a picture that was handed in with the query, or `like:VIDEO@1:20-1:30`, a place in the library.

    Attributes:
        name: of the picture, or of the video (its id, or a part of its title or file name).
        start, end: seconds of the place. Without an end it is the shot at `start`; a picture has neither.
    """

    kind: Literal["image", "like"]
    name: str
    start: float | None = None
    end: float | None = None
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Speaker:
    """`speaker:NAME`: where somebody speaks whose name has these words."""

    name: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Either:
    """`A or B`: any of several things, each a stage of its own."""

    options: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class Near:
    """`A within 10s of B`: something at most `window` seconds away, before, at the same time or after.

    Attributes:
        negated: it must not be there: `not B within 10s of A`.
    """

    stage: Stage
    window: float
    negated: bool = False


Item = Words | ObjectCount | ObjectFact | Example | Speaker
"""One thing to look for, or not to find."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What must hold at one place of a video.

    Attributes:
        either: for each of these one of its options.
        near: what must be, or must not be, around.
        text: as it was written, for people.
    """

    words: tuple[Words, ...] = ()
    objects: tuple[ObjectCount, ...] = ()
    facts: tuple[ObjectFact, ...] = ()
    examples: tuple[Example, ...] = ()
    speakers: tuple[Speaker, ...] = ()
    either: tuple[Either, ...] = ()
    near: tuple[Near, ...] = ()
    text: str = field(default="", compare=False)

    @property
    def items(self) -> tuple[Item, ...]:
        """Everything that is named in it directly."""
        return (*self.words, *self.objects, *self.facts, *self.examples, *self.speakers)

    @property
    def wanted(self) -> bool:
        """Whether it asks for something, and does not only exclude."""
        return bool(self.either) or any(not item.negated for item in self.items)

    def every_item(self) -> Iterator[Item]:
        """Everything that is named in it, in its alternatives, and near it if it is to be there."""
        yield from self.items
        for either in self.either:
            for option in either.options:
                yield from option.every_item()
        for near in self.near:
            if not near.negated:
                yield from near.stage.every_item()


@dataclass(frozen=True, slots=True)
class Span:
    """A range of numbers or days; None is open. `least` belongs to it, `most` does if `closed`."""

    least: float | None = None
    most: float | None = None
    closed: bool = True
    above: bool = False

    def holds(self, value: float) -> bool:
        """Whether a number lies in it."""
        if self.least is not None and (value <= self.least if self.above else value < self.least):
            return False
        return self.most is None or (value <= self.most if self.closed else value < self.most)


@dataclass(frozen=True, slots=True)
class Days:
    """Days from `first` on, and before `end`; None is open."""

    first: date | None = None
    end: date | None = None

    def holds(self, day: date) -> bool:
        """Whether a day is one of them."""
        return (self.first is None or day >= self.first) and (self.end is None or day < self.end)


@dataclass(frozen=True, slots=True)
class Filters:
    """What narrows the library before anything is scored.

    Attributes:
        videos: each must occur in the video's title, file name or id.
        chapters: each must occur in the title of the chapter in which a moment lies.
        after, before: seconds within a video.
        added: days on which the video came into the library.
        recorded: days on which it was recorded, by what the file says of itself.
        durations: how long the video is, in seconds.
    """

    videos: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    chapters: tuple[str, ...] = ()
    after: float | None = None
    before: float | None = None
    added: tuple[Days, ...] = ()
    recorded: tuple[Days, ...] = ()
    durations: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Join:
    """How a stage follows the one before it. `gap` is the longest pause (s), None for the rest of the video."""

    kind: Literal["then", "while"]
    gap: float | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query: `len(joins) == len(stages) - 1`, and at least one stage.

    Attributes:
        spoken: the words as they stand, where its operators are plain words that a sentence may have as well: whoever
            says or writes exactly this is meant too. Else empty.
    """

    text: str
    stages: tuple[Stage, ...]
    joins: tuple[Join, ...] = ()
    filters: Filters = field(default_factory=Filters)
    notes: tuple[str, ...] = ()
    spoken: str = ""


def quoted(name: str) -> str:
    """A name as one value of the language: in quotation marks where it has several words."""
    return f'"{name}"' if " " in name else name
