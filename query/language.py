"""The query language: text in, a `Query` out. It never fails: what does not parse is searched as words, with a note."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, UnexpectedToken, VisitError

from query.words import tokens
from reelseek.errors import InvalidRequest
from reelseek.timecode import parse_time
from reelseek.tracks import EDGES, RELATIONS

MAX_QUERY = 4_000
"""Characters of a query that are read; what is longer is cut, with a note."""

_QUESTION = re.compile(
    r"^\s*(?:who|whom|whose|what|when|where|why|which|how|is|are|was|were|do|does|did|can|could|will|has|have)\b"
    r"|\?\s*$",
    re.IGNORECASE,
)
_COUNT = re.compile(r"^(>=|<=|==|=|>|<)\s*(\d{1,6})$")
_DATE = re.compile(r"^(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?$")
_OPERATORS = re.compile(
    r"(?:said|text|seen|sound|object|video|tag|lang|before|after):|then\[[^\]]*\]|then\[|[<>=]+|[\"“”„«»()\[\]]|(?<!\S)-+",
    re.IGNORECASE,
)
_UNCLOSED = "the bracket behind then is not closed"
_EMPTY = "after this something to look for is missing"
EVENTS = ("enters", "leaves")
"""What an object can do."""
_NO_FACT = (
    f"behind an object stands :{' or :'.join(EVENTS)}, or a place with another object, as in object:cup:left-of:laptop "
    f"({', '.join(RELATIONS)})"
)


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
    """`object:LABEL` with how many of them at once."""

    label: str
    op: str = ">="
    number: int = 1
    negated: bool = False

    def holds(self, count: int) -> bool:
        """Whether a picture with `count` of them is meant; negation is not regarded."""
        return {
            ">=": count >= self.number,
            "<=": count <= self.number,
            "=": count == self.number,
            ">": count > self.number,
            "<": count < self.number,
        }[self.op]

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
class Filters:
    """What narrows the library before anything is scored.

    Attributes:
        videos: each must occur in the video's title, file name or id.
        after, before: seconds within a video.
        added_after, added_before: days on which the video came into the library.
    """

    videos: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    after: float | None = None
    before: float | None = None
    added_after: date | None = None
    added_before: date | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """What must hold at one place of a video."""

    words: tuple[Words, ...] = ()
    objects: tuple[ObjectCount, ...] = ()
    facts: tuple[ObjectFact, ...] = ()

    @property
    def wanted(self) -> bool:
        """Whether it asks for something, and does not only exclude."""
        items: tuple[Words | ObjectCount | ObjectFact, ...] = (*self.words, *self.objects, *self.facts)
        return any(not item.negated for item in items)


@dataclass(frozen=True, slots=True)
class Join:
    """How a stage follows the one before it. `gap` is the longest pause (s), None for the rest of the video."""

    kind: Literal["then", "while"]
    gap: float | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query: `len(joins) == len(stages) - 1`, and at least one stage."""

    text: str
    stages: tuple[Stage, ...]
    joins: tuple[Join, ...] = ()
    filters: Filters = field(default_factory=Filters)
    notes: tuple[str, ...] = ()


class _Mistake(Exception):
    """A place in the query that means nothing."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(reason)
        self.position = position
        self.reason = reason


def parse(text: str) -> Query:
    """Read a query. In a question ("what is said while …?") the words `then` and `while` are plain words."""
    notes: list[str] = []
    text = text.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate is no letter of any text
    if len(text) > MAX_QUERY:
        text = text[:MAX_QUERY]
        notes.append(f"The query was cut after {MAX_QUERY} characters.")
    if not text.strip():
        return Query(text, (Stage(),), notes=tuple(notes))
    try:
        tree = _parser().parse(text)
        query: Query = _Builder(text).transform(tree)
    except UnexpectedInput as error:
        return _as_words(text, _explain(text, error), notes)
    except VisitError as error:
        if isinstance(error.orig_exc, _Mistake):
            return _as_words(text, error.orig_exc, notes)
        raise
    if len(query.stages) > 1 and _QUESTION.search(text):
        query = _flatten(query)
    return Query(text, query.stages, query.joins, query.filters, (*notes, *query.notes))


def is_question(text: str) -> bool:
    """Whether it is asked as a question."""
    return bool(_QUESTION.search(text))


def _as_words(text: str, mistake: _Mistake, notes: list[str]) -> Query:
    words = " ".join(_OPERATORS.sub(" ", text).split()) or " ".join(tokens(text))
    place = text[mistake.position : mistake.position + 20]
    shown = f" (at “{place}”)" if place.strip() else ""
    note = f"Character {mistake.position + 1}{shown}: {mistake.reason}. The query was searched as plain words."
    stage = Stage((Words(words),)) if words else Stage()
    return Query(text, (stage,), notes=(*notes, note))


def _explain(text: str, error: UnexpectedInput) -> _Mistake:
    found: Any = error.pos_in_stream  # None where the input ended
    position = found if isinstance(found, int) and found >= 0 else len(text)
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        if unclosed := re.search(r"then\[[^\]]*$", text, re.IGNORECASE):
            return _Mistake(unclosed.start(), _UNCLOSED)
        return _Mistake(len(text.rstrip()), _EMPTY)
    place = text[position : position + 1]
    if place and place in '"“”„«»':
        return _Mistake(position, "this quotation mark has no partner")
    if re.match(r"then|while", text[position:], re.IGNORECASE):
        return _Mistake(position, "before this something to look for is missing")
    if place and place in "<>=":
        return _Mistake(position, "a count belongs behind the name of an object, as in object:car>=2")
    return _Mistake(position, "this cannot be read here")


def quoted(name: str) -> str:
    """A name as one value of the language: in quotation marks where it has several words."""
    return f'"{name}"' if " " in name else name


def _flatten(query: Query) -> Query:
    """Make one stage of several: the joins were words of a sentence."""
    plain: list[str] = []
    kept: list[Words] = []
    objects: list[ObjectCount] = []
    facts: list[ObjectFact] = []
    for number, stage in enumerate(query.stages):
        if number:
            plain.append(query.joins[number - 1].kind)
        for item in stage.words:
            if item.field is Field.ANY and not item.phrase and not item.negated:
                plain.append(item.text)
            else:
                kept.append(item)
        objects.extend(stage.objects)
        facts.extend(stage.facts)
    stage = Stage((Words(" ".join(plain)), *kept), tuple(objects), tuple(facts))
    return Query(query.text, (stage,), (), query.filters, query.notes)


@lru_cache(maxsize=1)
def _parser() -> Lark:
    grammar = resources.files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="contextual")


def _unquote(token: Token) -> str:
    return str(token)[1:-1].strip()


_Item = Words | ObjectCount | ObjectFact


@v_args(inline=True)
class _Builder(Transformer[Token, Any]):
    """Makes a `Query` of the parse tree."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text
        self._filters: dict[str, Any] = {}

    def start(self, first: Stage, *rest: Any) -> Query:
        stages = (first, *rest[1::2])
        if len(stages) > 1 and not all(stage.wanted for stage in stages):
            raise _Mistake(0, "each part of a sequence needs something to look for")
        return Query(self._text, stages, tuple(rest[::2]), Filters(**self._filters))

    def stage(self, *items: _Item | None) -> Stage:
        words: list[Words] = []
        for item in items:
            if not isinstance(item, Words):
                continue
            at = next((i for i, have in enumerate(words) if _joinable(have, item)), None)
            if at is None:
                words.append(item)
            else:
                words[at] = Words(f"{words[at].text} {item.text}", item.field)
        counts = tuple(item for item in items if isinstance(item, ObjectCount))
        return Stage(tuple(words), counts, tuple(item for item in items if isinstance(item, ObjectFact)))

    def negated(self, sign: Token, item: _Item | None) -> _Item:
        if item is not None:
            return replace(item, negated=True)
        raise _Mistake(_at(sign), "a filter cannot be turned round with a minus")

    def word(self, token: Token) -> Words:
        return Words(str(token))

    def phrase(self, token: Token) -> Words | None:
        text = _unquote(token)
        return Words(text, phrase=True) if text else None

    def word_value(self, token: Token) -> tuple[str, bool, int]:
        return str(token), False, _at(token)

    def phrase_value(self, token: Token) -> tuple[str, bool, int]:
        return _unquote(token), True, _at(token)

    def group_value(self, token: Token) -> tuple[str, bool, int]:
        return str(token)[1:-1].strip(), False, _at(token)

    def scoped(self, name: Token, value: tuple[str, bool, int]) -> Words:
        text, phrase, position = value
        if not text:
            raise _Mistake(position, _EMPTY)
        scope = Field(str(name)[:-1].lower())
        return Words(text, scope, phrase and scope is not Field.SEEN)

    def object(self, _: Token, label: Token, count: Token | None = None) -> ObjectCount:
        name = self._label(label)
        if count is None:
            return ObjectCount(name)
        match = _COUNT.match(str(count))
        if not match:
            raise _Mistake(_at(count), "a count is written >=2, <=2, =2, >2 or <2")
        return ObjectCount(name, match.group(1).replace("==", "="), int(match.group(2)))

    def event(self, _: Token, label: Token, event: Token) -> ObjectFact:
        kind = str(event)[1:].lower()
        if kind not in EVENTS:
            raise _Mistake(_at(event), _NO_FACT)
        return ObjectFact(self._label(label), kind)

    def relation(self, _: Token, label: Token, relation: Token, other: Token) -> ObjectFact:
        kind, name = str(relation)[1:-1].lower(), self._label(other)
        if kind in EVENTS:
            if name.lower() not in EDGES:
                raise _Mistake(_at(other), f"a side of the picture is {', '.join(EDGES[:-1])} or {EDGES[-1]}")
            return ObjectFact(self._label(label), kind, name.lower())
        if kind not in RELATIONS:
            raise _Mistake(_at(relation), _NO_FACT)
        return ObjectFact(self._label(label), kind, name)

    def _label(self, token: Token) -> str:
        name = _unquote(token) if token.type == "QUOTED" else str(token)
        if not name:
            raise _Mistake(_at(token), "the object has no name")
        return name

    def filter(self, name: Token, value: tuple[str, bool, int]) -> None:
        text, _, position = value
        kind = str(name)[:-1].lower()
        if not text:
            raise _Mistake(position, _EMPTY)
        if kind in {"before", "after"}:
            self._limit(kind, text, position)
            return
        key = {"video": "videos", "tag": "tags", "lang": "languages"}[kind]
        self._filters[key] = (*self._filters.get(key, ()), text)

    def _limit(self, kind: str, text: str, position: int) -> None:
        """A date (also a bare year from 1900 to 2199) is when the video was added, anything else a time within it."""
        match = _DATE.match(text)
        if match and (match.group(2) or 1900 <= int(match.group(1)) < 2200):
            try:
                self._filters[f"added_{kind}"] = date(
                    int(match.group(1)), int(match.group(2) or 1), int(match.group(3) or 1)
                )
            except ValueError as error:
                raise _Mistake(position, "there is no such day") from error
            return
        try:
            self._filters[kind] = parse_time(text)
        except InvalidRequest as error:
            raise _Mistake(position, "a date is written 2024-05-31, a time 1:30 or 90s") from error

    def then(self, token: Token) -> Join:
        _, bracket, gap = str(token).partition("[")
        if not bracket:
            return Join("then")
        if not gap.endswith("]"):
            raise _Mistake(_at(token), _UNCLOSED)
        try:
            return Join("then", parse_time(re.sub(r"\s+", "", gap[:-1])))
        except InvalidRequest as error:
            raise _Mistake(_at(token), "the longest pause is written then[30s] or then[1:30]") from error

    def while_(self, _: Token) -> Join:
        return Join("while")


def _joinable(have: Words, item: Words) -> bool:
    return have.field is item.field and not (have.phrase or item.phrase or have.negated or item.negated)


def _at(token: Token) -> int:
    return token.start_pos or 0
