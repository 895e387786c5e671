"""What asking gives: an answer, what each of its sentences rests on, and where that can be seen."""

from __future__ import annotations

from dataclasses import dataclass

from reelseek.records import Channel
from reelseek.results import Moment


@dataclass(frozen=True, slots=True)
class Citation:
    """What a claim of an answer rests on; always inside a moment that was retrieved."""

    video_id: str
    start: float
    end: float
    channel: Channel
    quote: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of an answer and what it rests on.

    Attributes:
        text: without its citations.
        citations: numbers of `Answer.citations`, from 1.
        support: `quoted` (its words stand in the evidence), `similar` (a sentence of it means the same), `judged` (a
            model that was shown the evidence says so), `seen` (it cites pictures, which words cannot confirm), `none`.
    """

    text: str
    citations: tuple[int, ...]
    support: str


@dataclass(frozen=True, slots=True)
class Turn:
    """What was asked before, and where its answer was found: what a follow-up question builds on."""

    question: str
    answer: str = ""
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One step of deep mode: which tool was used how, and what came of it.

    Attributes:
        thought: why, in the model's words; empty without one.
        told: what the tool gave, as it was told, cut.
        tokens: that the model read and wrote for it.
    """

    number: int
    tool: str
    arguments: dict[str, object]
    thought: str
    told: str
    seconds: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer. `[1]` in its text is the first citation. `engine` is the VLM's id or `extractive`.

    Attributes:
        near_misses: for an answer that abstains, the nearest places that did not pass the cut-off.
        claims: its sentences, in order; those that nothing supports are marked in the text as well.
        understood: the question as it was searched, where a follow-up was completed; else empty.
        choice: of a multiple-choice question the option that was chosen, from 0; None without options, or where
            nothing speaks for one of them.
        option_scores: how much speaks for each option, 0 to 1.
        steps: in deep mode, what was done.
    """

    question: str
    answer: str
    abstained: bool
    engine: str
    citations: tuple[Citation, ...]
    moments: tuple[Moment, ...]
    notes: tuple[str, ...] = ()
    near_misses: tuple[Moment, ...] = ()
    claims: tuple[Claim, ...] = ()
    understood: str = ""
    choice: int | None = None
    option_scores: tuple[float, ...] = ()
    steps: tuple[Step, ...] = ()
