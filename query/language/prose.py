"""Which `then`, `while`, `or`, `not` and `within` of a text are operators, and which are words of a sentence.

In capitals they are operators always; so is `then[30s]`. In small letters they are unless the text is a question, or
the place says otherwise: "since then", "for a while", "more or less", "then we add the flour".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from query.texts.words import STOP_WORDS, content_terms, tokens

QUESTION = re.compile(
    r"^\s*(?:who|whom|whose|what|when|where|why|which|how|is|are|was|were|do|does|did|can|could|will|has|have)\b"
    r"|[?？]\s*$",
    re.IGNORECASE,
)
DURATION = r"(?:\d{1,2}(?::\d{2}){1,2}|\d+(?:\.\d+)?\s*[a-z]{1,7}(?:\d+[a-z]{1,7})*)"
_OPERATOR = re.compile(
    rf"(?<!\S)(?ai:(?P<then>then(?:\[[^\]]*\]?)?)|(?P<while>while)|(?P<or>or)"
    rf"|(?P<within>(?:not\s+)?within\s+{DURATION}\s+of)|(?P<not>not))(?!\S)"
)
_HIDDEN = re.compile(
    r'"[^"]*"|“[^“”]*”|„[^„“”]*[“”]|«[^«»]*»'
    r'|(?<![^\s:\-])\((?:[^()"]|"[^"]*"|\((?:[^()"]|"[^"]*")*+\))*+\)'
)
_MARK = re.compile(r"(?<!\S)-?(?:said|text|seen|sound|object|speaker|image|like):\S|[\"“„«|]|then\[", re.IGNORECASE)
_MARKED_NEXT = re.compile(r"\s+(?:(?:said|text|seen|sound|object|speaker|image|like):\S|[\"“„«(])", re.IGNORECASE)

_THEN, _WHILE, _OR = "then", "while", "or"
_BEFORE = {
    _THEN: frozenset(
        ("since", "until", "till", "by", "before", "from", "if", "just", "even", "only", "but", "now", "back")
    ),
    _WHILE: frozenset(("a", "worth", "little", "quite", "once", "every")),
    _OR: frozenset(("more", "less", "sooner", "1", "2", "3", "whether", "yes", "either")),
}
"""Words before an operator's word that make it one of a sentence: "since then", "for a while", "more or less"."""

_BEHIND = {
    _THEN: frozenset(("again", "there")),
    _WHILE: frozenset(("ago", "back")),
    _OR: frozenset(
        ("so", "not", "something", "anything", "whatever", "else", "less", "more", "later", "no", "2", "3", "4")
    ),
}
"""Words behind it that do."""

_SPEAKING = "i you we us my your our whether i'm i'll i've you're you'll we're we'll we've let's"
_WE = frozenset(_SPEAKING.split())
"""Words of somebody who speaks, not of one who describes what he looks for."""

_SHORT = 3
"""Words that a side of a plain `or` has at most, stop words not counted: more is a sentence."""


@dataclass(slots=True)
class _Found:
    """A word that may be an operator."""

    kind: str
    start: int
    end: int
    explicit: bool
    operator: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """A text with its operators in capitals, as long as it was.

    Attributes:
        plain: it has operators, none of them written so that it can be nothing else.
    """

    text: str
    plain: bool


def raise_operators(text: str, *, joins: bool = True) -> Reading:
    """Tell operators from words: the ones in capitals, the others in small letters.

    Args:
        joins: whether `then` and `while` can be meant at all.
    """
    shown = _HIDDEN.sub(lambda match: "#" * len(match.group()), text)
    shouting = not any(char.islower() for char in _OPERATOR.sub("", shown)) and any(char.isupper() for char in shown)
    found = []
    for match in _OPERATOR.finditer(shown):
        kind = match.lastgroup or ""
        first = match.group().split()[0]
        explicit = "[" in first or (first.isupper() and not shouting)
        found.append(_Found(kind, match.start(), match.end(), explicit))
    if not found:
        return Reading(text, False)
    marked = bool(_MARK.search(text)) or any(item.explicit for item in found)
    asked = joins and bool(QUESTION.search(text))
    for item in found:
        item.operator = item.explicit or not (asked or (not joins and item.kind in ("then", "while")))
    _judge(text, found, marked)
    parts, at = [], 0
    for item in found:
        word = text[item.start : item.end]
        parts += [text[at : item.start], _raised(word) if item.operator else word.lower()]
        at = item.end
    operators = [item for item in found if item.operator]
    plain = bool(operators) and not marked and not any(item.explicit for item in operators)
    return Reading("".join((*parts, text[at:])), plain)


def _raised(word: str) -> str:
    name, bracket, rest = word.partition("[")
    if bracket:
        return name.upper() + bracket + rest
    words = re.split(r"(\s+)", word)
    names = {"then", "while", "or", "not", "within", "of"}
    return "".join(part.upper() if part.lower() in names else part for part in words)


def _judge(text: str, found: Sequence[_Found], marked: bool) -> None:
    """Turn off those that are words of a sentence here."""
    for item in found:
        if item.operator and not item.explicit and item.kind in _BEFORE:
            item.operator = not _idiom(text, item)
    for item in found:
        if item.kind == "not" and item.operator and not item.explicit:
            item.operator = bool(_MARKED_NEXT.match(text, item.end)) or _opens_within(found, item)
    joints = [item for item in found if item.operator and item.kind != "not"]
    for number, item in enumerate(joints):
        if item.explicit:
            continue
        left = text[joints[number - 1].end if number else 0 : item.start]
        right = text[item.end : joints[number + 1].start if number + 1 < len(joints) else len(text)]
        item.operator = _is_joint(item.kind, left, right, marked, last=number + 1 == len(joints))
    for item in found:
        if item.kind == "not" and item.operator and not item.explicit:
            item.operator = bool(_MARKED_NEXT.match(text, item.end)) or _opens_within(found, item)


def _opens_within(found: Sequence[_Found], item: _Found) -> bool:
    """Whether a `not` begins `not B within 10s of A`."""
    following = next((other for other in found if other.start > item.start and other.operator), None)
    return following is not None and following.kind == "within"


def _idiom(text: str, item: _Found) -> bool:
    before = tokens(text[max(0, item.start - 24) : item.start])
    behind = tokens(text[item.end : item.end + 24])
    if item.kind == "then" and re.match(r"\s*if\b", text, re.IGNORECASE):
        return True
    return bool(before and before[-1] in _BEFORE[item.kind]) or bool(behind and behind[0] in _BEHIND[item.kind])


def _is_joint(kind: str, left: str, right: str, marked: bool, *, last: bool) -> bool:
    """Whether what stands on both sides can be joined by a word of this kind."""
    if not left.strip():
        return False
    if not right.strip():
        # half a query: it is told that something is missing
        return kind == "then" and last and not _WE & set(left.lower().split())
    if marked:
        return True
    if not _says_something(left) or not _says_something(right):
        return False
    if kind in ("then", "while"):
        return not _WE & set(right.lower().split()[:1])
    words = set(left.lower().split()) | set(right.lower().split())
    return kind == "within" or (not words & _WE and max(len(content_terms(side)) for side in (left, right)) <= _SHORT)


def _says_something(side: str) -> bool:
    return any(word not in STOP_WORDS for word in tokens(side))
