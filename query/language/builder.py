"""From the parse tree of a query to a `Query`."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

from lark import Token, Transformer, Tree, v_args
from lark.exceptions import UnexpectedInput, UnexpectedToken, VisitError

from query.language.prose import raise_operators
from query.language.terms import (
    EVENTS,
    Either,
    Example,
    Field,
    Filters,
    Item,
    Join,
    Near,
    ObjectCount,
    ObjectFact,
    Query,
    Speaker,
    Stage,
    Words,
)
from query.language.values import BadValue, count_of, days_of, period, place_of, seconds_of, span_of
from query.texts.words import tokens
from reelseek.errors import InvalidRequest
from reelseek.timecode import parse_time
from reelseek.tracks import EDGES, RELATIONS

EMPTY = "after this something to look for is missing"
UNCLOSED = "the bracket behind then is not closed"
_NO_FACT = (
    f"behind an object stands :{' or :'.join(EVENTS)}, or a place with another object, as in object:cup:left-of:laptop "
    f"({', '.join(RELATIONS)})"
)
_LANGUAGE = re.compile(r"[:|\"“„«]|(?<!\S)-\S|(?<!\S)(?:or|not|within|OR|NOT|WITHIN|THEN|WHILE)(?!\S)")
_COMBINATIONS = 12
_FILTERS = {"video": "videos", "tag": "tags", "lang": "languages", "chapter": "chapters"}


class Mistake(Exception):
    """A place in the query that means nothing."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(reason)
        self.position = position
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Value:
    """What stands behind a name and a colon."""

    text: str
    quoted: bool
    position: int


@dataclass(frozen=True, slots=True)
class _Within:
    window: float
    negated: bool


@v_args(inline=True)
class Builder(Transformer[Token, Any]):
    """Makes a `Query` of a tree.

    Args:
        text: the query as it was written.
        read: parses what stands in brackets, by the rule `group`.
        offset: where in the whole query `text` begins.
    """

    def __init__(self, text: str, read: Callable[[str], Tree[Token]], offset: int = 0) -> None:
        super().__init__()
        self._text = text
        self._read = read
        self._offset = offset
        self._filters: dict[str, Any] = {}

    def start(self, first: Stage, *rest: Any) -> Query:
        stages = (first, *rest[1::2])
        if len(stages) > 1 and not all(stage.wanted for stage in stages):
            raise Mistake(0, "each part of a sequence needs something to look for")
        return Query(self._text, stages, tuple(rest[::2]), Filters(**self._filters))

    def group(self, stage: Stage) -> Stage:
        return stage

    @v_args(inline=True, meta=True)
    def stage(self, meta: Any, first: Stage, *rest: Any) -> Stage:
        options = (first, *rest[1::2])
        if len(options) == 1:
            return first
        if not all(option.wanted for option in options):
            raise Mistake(self._at(rest[0]), "each of the alternatives needs something to look for")
        return Stage(either=(Either(options),), text=self._written(meta))

    @v_args(inline=True, meta=True)
    def clause(self, meta: Any, first: Stage, *rest: Any) -> Stage:
        anchor = first
        for token, part in zip(rest[::2], rest[1::2], strict=True):
            anchor = self._near(token, anchor, part, self._within(token))
        # what must be near has a place of its own to tell; what must not be belongs to the name of this one
        return anchor if any(not near.negated for near in anchor.near) else replace(anchor, text=self._written(meta))

    @v_args(inline=True, meta=True)
    def lacking(self, meta: Any, _: Token, unwanted: Stage, token: Token, anchor: Stage) -> Stage:
        within = self._within(token)
        if within.negated:
            raise Mistake(self._at(token), "one not is enough")
        stage = self._near(token, anchor, unwanted, replace(within, negated=True))
        return replace(stage, text=self._written(meta))

    @v_args(inline=True, meta=True)
    def part(self, meta: Any, *items: Any) -> Stage:
        flat: list[Any] = []
        for item in items:
            if isinstance(item, tuple):
                flat += item
            elif item is not None:
                flat.append(item)
        return replace(_stage(flat), text=self._written(meta))

    def negated(self, sign: Token, item: Any) -> Any:
        if item is None:
            raise Mistake(self._at(sign), "a filter cannot be turned round with a minus")
        if isinstance(item, Either):
            singles = [option.items[0] for option in item.options if _is_single(option)]
            if len(singles) == len(item.options):
                return tuple(replace(single, negated=True) for single in singles)
        elif not isinstance(item, tuple):
            return replace(item, negated=not item.negated)
        raise Mistake(self._at(sign), "a minus goes before one thing at a time")

    def word(self, token: Token) -> Words:
        return Words(str(token))

    def phrase(self, token: Token) -> Words | None:
        text = _unquote(token)
        return Words(text, phrase=True) if text else None

    def bracket(self, token: Token) -> Item | Either | tuple[Item | Either, ...]:
        inside = str(token)[1:-1]
        if not _LANGUAGE.search(inside):
            return Words(" ".join(inside.split()) if tokens(inside) else str(token))
        stage = self._inner(inside, self._at(token) + 1)
        if stage.either or stage.near:
            return stage.either[0] if _is_choice(stage) else Either((stage,))
        return stage.items[0] if len(stage.items) == 1 else stage.items

    def word_value(self, token: Token) -> _Value:
        return _Value(str(token), False, self._at(token))

    def phrase_value(self, token: Token) -> _Value:
        return _Value(_unquote(token), True, self._at(token))

    def group_value(self, token: Token) -> _Value:
        return _Value(str(token)[1:-1].strip(), False, self._at(token))

    def scoped(self, name: Token, value: _Value) -> Words | Either:
        self._needed(value)
        scope = Field(str(name)[:-1].lower())
        options = [part.strip() for part in re.split(r"\|+|(?<!\S)OR(?!\S)", value.text)]
        if value.quoted or len(options) == 1:
            text = value.text if value.quoted else value.text.replace('"', " ").strip()
            return Words(text, scope, value.quoted and scope is not Field.SEEN)
        if not all(tokens(option) for option in options):
            raise Mistake(value.position, "each of the alternatives needs something to look for")
        phrases = [option[:1] == '"' and option[-1:] == '"' and scope is not Field.SEEN for option in options]
        words = (Words(option.strip('"'), scope, phrase) for option, phrase in zip(options, phrases, strict=True))
        return Either(tuple(Stage((item,), text=f"{scope}:{item.text}") for item in words))

    def object(self, _: Token, label: Token, count: Token | None = None) -> ObjectCount:
        name = self._label(label)
        return ObjectCount(name) if count is None else self._checked(count, lambda: count_of(name, str(count)))

    def event(self, _: Token, label: Token, event: Token) -> ObjectFact:
        kind = str(event)[1:].lower()
        if kind not in EVENTS:
            raise Mistake(self._at(event), _NO_FACT)
        return ObjectFact(self._label(label), kind)

    def relation(self, _: Token, label: Token, relation: Token, other: Token) -> ObjectFact:
        kind, name = str(relation)[1:-1].lower(), self._label(other)
        if kind in EVENTS:
            if name.lower() not in EDGES:
                raise Mistake(self._at(other), f"a side of the picture is {', '.join(EDGES[:-1])} or {EDGES[-1]}")
            return ObjectFact(self._label(label), kind, name.lower())
        if kind not in RELATIONS:
            raise Mistake(self._at(relation), _NO_FACT)
        return ObjectFact(self._label(label), kind, name)

    def image(self, _: Token, value: _Value) -> Example:
        self._needed(value)
        return Example("image", value.text)

    def like(self, name: Token, value: _Value, place: Token | None = None) -> Example:
        self._needed(value)
        video, _, times = value.text.rpartition("@") if place is None else (value.text, "@", str(place)[1:])
        if not video:
            raise Mistake(value.position, "a place in a video is written like:NAME@1:20-1:30 or like:NAME@1:20")
        example: Example = self._checked(name, lambda: place_of(video, times))
        return example

    def speaker(self, _: Token, value: _Value) -> Speaker:
        self._needed(value)
        return Speaker(value.text)

    def filter(self, name: Token, value: _Value) -> None:
        self._needed(value)
        kind = str(name)[:-1].lower()
        if kind in {"before", "after"}:
            self._limit(kind, value)
        else:
            self._add(_FILTERS[kind], value.text)

    def range(self, name: Token, bound: Token) -> None:
        kind = str(name)[:-1].lower()
        text = _unquote(bound) if bound.type == "QUOTED" else str(bound)
        if kind == "duration":
            self._add("durations", self._checked(bound, lambda: span_of(text)))
        else:
            self._add(kind, self._checked(bound, lambda: days_of(text)))

    def then(self, token: Token) -> Join:
        _, bracket, gap = str(token).partition("[")
        if not bracket:
            return Join("then")
        if not gap.endswith("]"):
            raise Mistake(self._at(token), UNCLOSED)
        try:
            return Join("then", seconds_of(gap[:-1]))
        except InvalidRequest as error:
            raise Mistake(self._at(token), "the longest pause is written then[30s] or then[1:30]") from error

    def while_(self, _: Token) -> Join:
        return Join("while")

    def _inner(self, text: str, position: int) -> Stage:
        builder = Builder(text, self._read, position)
        raised = raise_operators(text, joins=False).text
        try:
            stage: Stage = builder.transform(self._read(raised))
        except UnexpectedInput as error:
            raise explain(text, error, position) from error
        except VisitError as error:
            raise error.orig_exc from error
        for key, values in builder._filters.items():
            self._filters[key] = (*self._filters.get(key, ()), *values) if isinstance(values, tuple) else values
        return stage

    def _near(self, token: Token, anchor: Stage, other: Stage, within: _Within) -> Stage:
        if not anchor.wanted or not other.wanted:
            raise Mistake(self._at(token), "on both sides of within something to look for is needed")
        return replace(anchor, near=(*anchor.near, Near(other, within.window, within.negated)))

    def _within(self, token: Token) -> _Within:
        words = str(token).split()
        negated = words[0] == "NOT"
        try:
            return _Within(seconds_of("".join(words[1 + negated : -1])), negated)
        except InvalidRequest as error:
            raise Mistake(self._at(token), "a distance in time is written within 10s of, within 2m of") from error

    def _label(self, token: Token) -> str:
        name = _unquote(token) if token.type == "QUOTED" else str(token)
        if not name:
            raise Mistake(self._at(token), "the object has no name")
        return name

    def _needed(self, value: _Value) -> None:
        if not value.text:
            raise Mistake(value.position, EMPTY)

    def _add(self, key: str, value: Any) -> None:
        self._filters[key] = (*self._filters.get(key, ()), value)

    def _limit(self, kind: str, value: _Value) -> None:
        """A date (also a bare year from 1900 to 2199) is when the video was added, anything else a time within it."""
        try:
            if period(value.text) is not None:
                self._add("added", days_of((">=" if kind == "after" else "<") + value.text))
                return
            self._filters[kind] = parse_time(value.text)
        except BadValue as error:
            raise Mistake(value.position, str(error)) from error
        except InvalidRequest as error:
            raise Mistake(value.position, "a date is written 2024-05-31, a time 1:30 or 90s") from error

    def _checked(self, token: Token, make: Callable[[], Any]) -> Any:
        try:
            return make()
        except BadValue as error:
            raise Mistake(self._at(token), str(error)) from error

    def _at(self, token: Token) -> int:
        return self._offset + (token.start_pos or 0)

    def _written(self, meta: Any) -> str:
        """The words of a rule as they stand in the query."""
        return "" if meta.empty else " ".join(self._text[meta.start_pos : meta.end_pos].split())


def explain(text: str, error: UnexpectedInput, offset: int = 0) -> Mistake:
    """What is wrong at the place where the parser stopped; `offset` is where `text` begins."""
    found: Any = error.pos_in_stream  # None where the input ended
    position = found if isinstance(found, int) and found >= 0 else len(text)
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        if unclosed := re.search(r"then\[[^\]]*$", text, re.IGNORECASE):
            return Mistake(offset + unclosed.start(), UNCLOSED)
        return Mistake(offset + len(text.rstrip()), EMPTY)
    place = text[position : position + 1]
    reason = "this cannot be read here"
    if place and place in '"“”„«»':
        reason = "this quotation mark has no partner"
    elif re.match(r"(?:then|while)\b", text[position:], re.IGNORECASE) and offset:
        reason = "a sequence cannot stand in brackets"
    elif re.match(r"(?:then|while|or|not\s+within|within)\b|\|", text[position:], re.IGNORECASE):
        reason = "before this something to look for is missing"
    elif place and place in "<>=":
        reason = "a count belongs behind the name of an object, as in object:car>=2"
    return Mistake(offset + position, reason)


def _unquote(token: Token) -> str:
    return str(token)[1:-1].strip()


def _is_single(stage: Stage) -> bool:
    return len(stage.items) == 1 and not stage.either and not stage.near


def _is_choice(stage: Stage) -> bool:
    return len(stage.either) == 1 and not stage.items and not stage.near


def _plain(item: object) -> TypeGuard[Words]:
    return isinstance(item, Words) and item.field is Field.ANY and not item.phrase and not item.negated


def _plain_options(item: object) -> list[str]:
    """The texts of alternatives that are nothing but plain words; else none."""
    if not isinstance(item, Either):
        return []
    texts = [option.items[0].text for option in item.options if _is_single(option) and _plain(option.items[0])]
    return texts if len(texts) == len(item.options) else []


def _stage(items: Sequence[Any]) -> Stage:
    """A stage of items in the order in which they were written.

    Alternatives of plain words among plain words are written out: "red (car | bus)" is "red car" or "red bus".
    """
    around = [item for item in items if _plain(item)]
    written = [options for item in items if (options := _plain_options(item))]
    if around and written and math.prod(len(options) for options in written) <= _COMBINATIONS:
        plain = [item for item in items if _plain(item) or _plain_options(item)]
        rest = [item for item in items if not (_plain(item) or _plain_options(item))]
        choices = itertools.product(*([item.text] if _plain(item) else _plain_options(item) for item in plain))
        texts = [" ".join(choice) for choice in choices]
        items = (*rest, Either(tuple(Stage((Words(text),), text=text) for text in texts)))
    words: list[Words] = []
    for item in items:
        if not isinstance(item, Words):
            continue
        at = next((i for i, have in enumerate(words) if _joinable(have, item)), None)
        if at is None:
            words.append(item)
        else:
            words[at] = Words(f"{words[at].text} {item.text}", item.field)
    return Stage(
        tuple(words),
        tuple(item for item in items if isinstance(item, ObjectCount)),
        tuple(item for item in items if isinstance(item, ObjectFact)),
        tuple(item for item in items if isinstance(item, Example)),
        tuple(item for item in items if isinstance(item, Speaker)),
        tuple(item for item in items if isinstance(item, Either)),
    )


def _joinable(have: Words, item: Words) -> bool:
    return have.field is item.field and not (have.phrase or item.phrase or have.negated or item.negated)
