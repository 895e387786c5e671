"""The query language: text in, a `Query` out. It never fails: what does not parse is searched as words, with a note."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput, VisitError

from query.language.builder import Builder, Mistake, explain
from query.language.prose import QUESTION, raise_operators
from query.language.terms import (
    EVENTS,
    Days,
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
    Span,
    Speaker,
    Stage,
    Words,
    quoted,
)
from query.texts.words import tokens

__all__ = [
    "EVENTS",
    "MAX_QUERY",
    "Days",
    "Either",
    "Example",
    "Field",
    "Filters",
    "Item",
    "Join",
    "Near",
    "ObjectCount",
    "ObjectFact",
    "Query",
    "Span",
    "Speaker",
    "Stage",
    "Words",
    "is_question",
    "parse",
    "quoted",
]

MAX_QUERY = 4_000
"""Characters of a query that are read; what is longer is cut, with a note."""

_OPERATORS = re.compile(
    r"(?:said|text|seen|sound|object|image|like|speaker|video|tag|lang|chapter|before|after|duration|added|recorded):"
    r"|then\[[^\]]*\]|then\[|[<>=|]+|[\"“”„«»()\[\]]|(?<!\S)-+",
    re.IGNORECASE,
)


def parse(text: str) -> Query:
    """Read a query. In a question ("what is said while …?") the words `then`, `while`, `or` are plain words."""
    notes: list[str] = []
    text = text.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate is no letter of any text
    if len(text) > MAX_QUERY:
        text = text[:MAX_QUERY]
        notes.append(f"The query was cut after {MAX_QUERY} characters.")
    if not text.strip():
        return Query(text, (Stage(),), notes=tuple(notes))
    reading = raise_operators(text)
    try:
        query: Query = Builder(text, _group).transform(_parser().parse(reading.text, start="start"))
    except UnexpectedInput as error:
        return _as_words(text, explain(text, error), notes)
    except VisitError as error:
        if isinstance(error.orig_exc, Mistake):
            return _as_words(text, error.orig_exc, notes)
        raise
    spoken = " ".join(text.split()) if reading.plain else ""
    return Query(text, query.stages, query.joins, query.filters, tuple(notes), spoken)


def is_question(text: str) -> bool:
    """Whether it is asked as a question."""
    return bool(QUESTION.search(text))


def _as_words(text: str, mistake: Mistake, notes: list[str]) -> Query:
    words = " ".join(_OPERATORS.sub(" ", text).split()) or " ".join(tokens(text))
    place = text[mistake.position : mistake.position + 20]
    shown = f" (at “{place}”)" if place.strip() else ""
    note = f"Character {mistake.position + 1}{shown}: {mistake.reason}. The query was searched as plain words."
    stage = Stage((Words(words),), text=words) if words else Stage()
    return Query(text, (stage,), notes=(*notes, note))


@lru_cache(maxsize=1)
def _parser() -> Lark:
    grammar = resources.files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="contextual", start=["start", "group"], propagate_positions=True)


def _group(text: str) -> Tree[Token]:
    """The tree of what stands in brackets."""
    return _parser().parse(text, start="group")
