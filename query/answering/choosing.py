"""Multiple-choice questions, as the long-video benchmarks ask them: one of the options, and where that is seen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engines.protocols import VlmEngine
from query.answering.asked import EXTRACTIVE, TEXTS, Asked, abstention, citation_of, flat, strongest_citation
from query.answering.evidence import Block
from query.answering.prompts import choice_request, letter
from query.ranking.calibrate import Null
from query.replies import json_of, reply_of
from query.source import Line
from query.texts.numbers import numbers_in
from query.texts.words import content_terms, stems
from reelseek.answers import Answer, Citation, Step
from reelseek.errors import EngineUnavailable
from reelseek.records import Vector
from reelseek.results import Evidence, Moment

_MOMENTS = 4
_LEAST = 0.05
_LETTER = re.compile(
    r"\W*(?:(?:the\s+)?(?:right\s+|correct\s+)?(?:answer|option)\s*(?:is|:)?\s*)?\(?([a-z])(?=[).:]|\s*\[|\W*$)",
    re.IGNORECASE,
)


class Chosen(BaseModel):
    """The model's reply."""

    model_config = ConfigDict(extra="forbid", strict=True)

    choice: str = Field(max_length=8)
    evidence: list[int] = Field(default_factory=list, max_length=20)
    why: str = Field("", max_length=1_000)


def chosen_by(vlm: VlmEngine, asked: Asked, blocks: Sequence[Block]) -> Answer:
    """The model's choice; where it names none of the options, the choice by words, and a note."""
    request = choice_request(asked.question, asked.options, blocks, Chosen.model_json_schema())
    try:
        reply = reply_of(vlm, request, asked.settings.engines.vlm_timeout)
        chosen = Chosen.model_validate_json(json_of(reply))
    except EngineUnavailable as error:
        return choose(asked, (f"{vlm.id} did not answer ({error}) The choice is extractive.",))
    except ValidationError:
        return choose(asked, (f"{vlm.id} gave no valid choice. The choice is extractive.",))
    at = option_named(chosen.choice, len(asked.options))
    if at is None:
        return choose(asked, (f"{vlm.id} named none of the options. The choice is extractive.",))
    known = {block.number: block for block in blocks}
    cited = [known[number] for number in dict.fromkeys(chosen.evidence) if number in known]
    citations = [strongest_citation(block.moment) for block in cited]
    moments, notes = asked.moments or asked.result.near_misses, asked.result.notes
    return choice_answer(asked.question, asked.options, at, vlm.id, citations, moments, notes=notes)


def choose(asked: Asked, notes: Iterable[str] = ()) -> Answer:
    """Choose by words and their meaning: the option that, with the question, stands nearest to what was found."""
    told = tuple(dict.fromkeys((*asked.result.notes, *notes)))
    moments = (*asked.moments, *asked.result.near_misses)[:_MOMENTS]
    read = [(moment, line) for moment in moments for line in _lines(asked, moment)]
    if not read:
        return abstention(asked, EXTRACTIVE, told)
    texts = [line.text for _, line in read]
    vectors = asked.searcher.encoders.sentences(texts) if asked.searcher.text_space is not None else None
    fits = [_fit(asked, option, texts, vectors) for option in asked.options]
    scores = tuple(round(score, 4) for score, _ in fits)
    at = max(range(len(fits)), key=lambda number: fits[number][0])
    if fits[at][0] < _LEAST:
        return abstention(asked, EXTRACTIVE, told)
    moment, line = read[fits[at][1]]
    citation = citation_of(moment, Evidence(line.channel, line.start, line.end, line.text, fits[at][0]))
    cited = [citation] if citation is not None else []
    shown = asked.moments or asked.result.near_misses
    return choice_answer(asked.question, asked.options, at, EXTRACTIVE, cited, shown, scores=scores, notes=told)


def _lines(asked: Asked, moment: Moment) -> list[Line]:
    return asked.source.lines_between(moment.video_id, moment.start, moment.end, TEXTS)


def _fit(asked: Asked, option: str, texts: Sequence[str], vectors: Vector | None) -> tuple[float, int]:
    """How well one line says what an option says, 0 to 1, and which line.

    Args:
        vectors: the meaning of the lines, `(n, d)`; None where that is off.
    """
    words = asked.source.statistics.words
    own = [term for term in content_terms(option) if term not in set(content_terms(asked.question))]
    wanted = numbers_in(option)
    covered = [words.coverage(own, set(stems(text))) if own else 0.0 for text in texts]
    numbered = [len(wanted & numbers_in(text)) / len(wanted) if wanted else 0.0 for text in texts]
    near = [0.0] * len(texts)
    if vectors is not None:
        encoders = asked.searcher.encoders
        query = encoders.sentence(f"{asked.question} {option}")
        chance = Null.of(encoders.sentence_bank(query) @ query)
        near = [chance.nearness(cosine) for cosine in (vectors @ query).tolist()]
    fits = [
        0.45 * max(one, number) + 0.55 * meaning for one, number, meaning in zip(covered, numbered, near, strict=True)
    ]
    best = max(range(len(fits)), key=lambda at: fits[at])
    return fits[best], best


def option_named(name: str, count: int) -> int | None:
    """Which of so many options a letter names, written as `B`, `b.` or `(B)`; None where it names none."""
    name = name.strip(" .():").upper()
    return next((at for at in range(count) if letter(at) == name), None)


def option_in(reply: str, options: Sequence[str]) -> int | None:
    """The option that a free reply begins with, as its letter, or else the only one whose words it holds."""
    match = _LETTER.match(reply)
    if match and (named := option_named(match.group(1), len(options))) is not None:
        return named
    told = flat(reply).casefold()
    held = [at for at, option in enumerate(options) if flat(option).casefold() in told]
    return held[0] if len(held) == 1 else None


def choice_answer(
    question: str,
    options: Sequence[str],
    at: int,
    engine: str,
    citations: Sequence[Citation],
    moments: Sequence[Moment],
    *,
    scores: tuple[float, ...] = (),
    notes: tuple[str, ...] = (),
    steps: tuple[Step, ...] = (),
) -> Answer:
    """The answer that one option was chosen.

    Args:
        scores: of the options; by default all speaks for the one.
    """
    numbers = "".join(f" [{number}]" for number in range(1, len(citations) + 1))
    return Answer(
        question,
        f"{letter(at)}) {flat(options[at])}{numbers}",
        False,
        engine,
        tuple(citations),
        tuple(moments),
        notes,
        choice=at,
        option_scores=scores or tuple(float(number == at) for number in range(len(options))),
        steps=steps,
    )
