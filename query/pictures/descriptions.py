"""A description of a picture, taken apart in words: what frames it, its parts, its clauses, its nearest contradictions.

All of it is English and adds to what the whole description finds: words of other languages go through untouched, as one
part.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

LONG = 24
"""Words from which a description is no longer compared as a whole, but clause by clause."""

MOST_PARTS = 6
MOST_CLAUSES = 24
MOST_EXCHANGED = 16
"""What is compared at most, so that a strange text costs no more than a long one."""

_MEDIA = r"(?:shots?|scenes?|clips?|footage|videos?|pictures?|photos?|images?|frames?|moments?|places?|parts?)"
_LEAD = re.compile(
    r"^\s*(?:(?:please\s+)?(?:find|show|look\s+for)\s+(?:me\s+)?)?"
    r"(?:(?:is\s+there|are\s+there|(?:somewhere\s+)?there\s+(?:is|are)|when\s+(?:do|can)\s+(?:i|we|you)\s+see"
    r"|where\s+(?:(?:can|do)\s+(?:i|we|you)\s+see|are|is))\s+)?"
    rf"(?:(?:the|a|an|some|any)?\s*\b{_MEDIA}\s+(?:where|with|of|showing|that\s+shows?|in\s+which)\s+)?",
    re.IGNORECASE,
)
_TAIL = re.compile(
    rf"(?:\s+(?:come\s+into\s+view|can\s+be\s+seen|(?:is|are)\s+shown|appears?|in\s+(?:one|the|a|this)\s+{_MEDIA}))?[\s?.!]*$",
    re.IGNORECASE,
)
_JOINT = re.compile(
    r"\s*,\s*(?:and\s+)?(?:also\s+)?|\s+and\s+(?:also\s+)?"
    r"|\s+(?:together\s+with|with|next\s+to|beside|behind|in\s+front\s+of|near)\s+",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"(?<=[.!?;:])\s+|,\s+|(?<=[。！？；，、])")

_COLOURS = ("red", "blue", "green", "yellow", "black", "white", "orange", "purple", "pink")
"""Without grey and brown: they pass into others, and contradict none clearly."""


@dataclass(frozen=True, slots=True)
class Description:
    """A description and what it consists of.

    Attributes:
        text: without the words that only say that a picture is looked for.
        parts: what must be seen together, where it says so; empty for a description of one thing.
        clauses: of a long description; empty for a short one.
        exchanged: for each colour it names, the description, and then with others in its place.
    """

    text: str
    parts: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    exchanged: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of(cls, text: str) -> Description:
        """Take a description apart."""
        clauses = tuple(unframed(clause) for clause in _CLAUSE.split(text) if clause.strip(" .,"))
        if len(text.split()) >= LONG and len(clauses) > 1:
            return cls(text, clauses=clauses[:MOST_CLAUSES])
        bare = unframed(text)
        parts = tuple(part for part in _JOINT.split(bare) if part.strip())
        return cls(bare, parts[:MOST_PARTS] if len(parts) > 1 else (), exchanged=_exchanged(bare.split()))


def unframed(text: str) -> str:
    """Without "the shot with …", "is there a scene showing … ?"; the text itself where nothing else is left."""
    bare = _TAIL.sub("", _LEAD.sub("", text)).strip(" ,.;:!?")
    return bare or text.strip()


def _exchanged(words: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The nearest contradictions: one colour exchanged for another. Numbers are the detector's matter."""
    groups: list[tuple[str, ...]] = []
    for at, word in enumerate(words):
        if word.lower() in _COLOURS:
            others = [colour for colour in _COLOURS if colour != word.lower()]
            groups.append(tuple(" ".join((*words[:at], other, *words[at + 1 :])) for other in others))
    if not groups:
        return ()
    each = max(1, MOST_EXCHANGED // len(groups))
    return tuple((" ".join(words), *group[:each]) for group in groups)
