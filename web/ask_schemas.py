"""The API's inputs and outputs of questions."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from web.schemas import ID_MAX, ID_PATTERN, K_MAX, QUERY_MAX, In, Out, VideoIds
from web.search_schemas import CitationOut, MomentOut


class CitedRange(In):
    """Where an earlier answer was found."""

    video_id: str = Field(..., pattern=ID_PATTERN)
    start: float = Field(..., ge=0)
    end: float = Field(..., ge=0)


class EarlierTurn(In):
    """What was asked before."""

    question: str = Field(..., min_length=1, max_length=QUERY_MAX)
    answer: str = Field("", max_length=20_000)
    citations: list[CitedRange] = Field(default_factory=list, max_length=100)


class TakenStep(In):
    """A step of an earlier run, as its answer told it; what came of it is found out again."""

    model_config = ConfigDict(extra="ignore")

    tool: str = Field(..., max_length=40)
    arguments: dict[str, object] = Field(default_factory=dict)
    thought: str = Field("", max_length=2_000)


class Question(In):
    """A question."""

    question: str = Field(..., min_length=1, max_length=QUERY_MAX)
    k: int | None = Field(None, ge=1, le=K_MAX, description="moments the answer may rest on")
    video: VideoIds = Field(default_factory=list, description="only about these videos")
    library: int | None = Field(None, ge=1, le=ID_MAX, description="only about this library")
    options: list[Annotated[str, Field(min_length=1, max_length=1_000)]] = Field(
        default_factory=list, max_length=26, description="of a multiple-choice question, the answers to choose from"
    )
    deep: bool = Field(False, description="whether an agent works on it step by step")
    steps: list[TakenStep] = Field(
        default_factory=list, max_length=64, description="in deep mode, the steps of a run that is to be gone on with"
    )
    history: list[EarlierTurn] = Field(
        default_factory=list, max_length=20, description="what was asked before, oldest first: completes a follow-up"
    )


class ClaimOut(Out):
    """A sentence of an answer and what it rests on."""

    text: str
    citations: list[int] = Field(description="numbers of citations, from 1")
    support: str = Field(description="`quoted`, `similar`, `judged` by the model, `seen` in pictures, or `none`")


class StepOut(Out):
    """A step of deep mode."""

    number: int
    tool: str
    arguments: dict[str, object]
    thought: str = Field(description="why, in the model's words")
    told: str = Field(description="what came of it, cut")
    seconds: float
    tokens: int = Field(description="that the model read and wrote for it")


class AnswerOut(Out):
    """An answer; `[1]` in its text is the first citation."""

    question: str
    answer: str
    abstained: bool
    engine: str = Field(description="the model that wrote it, or `extractive`")
    citations: list[CitationOut]
    moments: list[MomentOut]
    near_misses: list[MomentOut] = Field(default_factory=list)
    notes: list[str]
    claims: list[ClaimOut] = Field(description="its sentences; what nothing supports is marked in the text as well")
    understood: str = Field(description="a follow-up question as it was completed, or empty")
    choice: int | None = Field(description="the option that was chosen, from 0")
    option_scores: list[float] = Field(description="how much speaks for each option, 0 to 1")
    steps: list[StepOut] = Field(description="in deep mode, what was done")
