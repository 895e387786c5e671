"""Answers by a vision-language model: it sees the evidence and nothing else, and every claim of it is checked."""

from __future__ import annotations

import time
from collections.abc import Callable

from engines.protocols import VlmEngine
from query.answering.asked import Asked, abstention
from query.answering.choosing import chosen_by
from query.answering.claims import Checker
from query.answering.evidence import Block, build
from query.answering.extractive import extractive_answer
from query.answering.frames import Sought
from query.answering.judge import ModelJudge
from query.answering.prompts import NOT_FOUND, answer_request
from query.answering.verify import Verified, verify
from query.replies import reply_of
from reelseek.answers import Answer
from reelseek.errors import EngineUnavailable

MOMENTS = 6
"""Moments whose evidence a model is given."""

_JUDGE_SHARE = 0.5


def answer_question(asked: Asked, vlm: VlmEngine | None, stream: Callable[[str], None] | None = None) -> Answer:
    """Answer with the model, if there is one and it behaves; else extractively, and say why."""
    if vlm is None or (not asked.moments and not asked.options):
        return extractive_answer(asked)
    blocks = blocks_of(asked, vlm)
    if asked.options:
        return chosen_by(vlm, asked, blocks)
    seconds = asked.settings.engines.vlm_timeout
    deadline = time.monotonic() + seconds
    try:
        text = reply_of(vlm, answer_request(asked.question, blocks), seconds, stream)
    except EngineUnavailable as error:
        return extractive_answer(asked, (f"{vlm.id} did not answer ({error}) The answer is extractive.",))
    if not text:
        return extractive_answer(asked, (f"{vlm.id} gave no answer. The answer is extractive.",))
    if text.strip(" .*_\"'“”\n").upper().startswith(NOT_FOUND):
        return abstention(asked, vlm.id, asked.result.notes)
    judge = None
    if asked.settings.query.critic == "auto":
        judge = ModelJudge(vlm, max(1.0, min(_JUDGE_SHARE * seconds, deadline - time.monotonic())))
    spaced = asked.searcher.text_space is not None
    checker = Checker.over(asked.source.statistics.words, asked.searcher.encoders, meaning=spaced)
    verified = verify(text, blocks, checker, judge)
    if not verified.citations:
        reason = f"{vlm.id} cited nothing that was found, so its answer is not shown. The answer is extractive."
        return extractive_answer(asked, (reason,))
    notes = (*asked.result.notes, *_told(verified), *(judge.notes if judge is not None else ()))
    return Answer(
        asked.question, verified.text, False, vlm.id, verified.citations, asked.moments, notes, claims=verified.claims
    )


def blocks_of(asked: Asked, vlm: VlmEngine) -> list[Block]:
    """The evidence that a model is given."""
    settings = asked.settings.query
    searcher = asked.searcher
    vector = searcher.encoders.picture_words(asked.question) if searcher.visual_space is not None else None
    labels = {count.label for stage in asked.plan.stages for need in stage.requirements for count in need.objects}
    # One of the options must be chosen, so what came nearest is evidence too.
    moments = asked.moments or (asked.result.near_misses if asked.options else ())
    return build(
        moments[:MOMENTS],
        asked.source,
        asked.store,
        count_tokens=vlm.count_tokens,
        tokens=min(settings.evidence_tokens, max(200, vlm.context_tokens - 1_000)),
        frames=settings.evidence_frames,
        relations=asked.plan.relations,
        sought=Sought(vector, searcher.visual_space, frozenset(labels)),
    )


def _told(verified: Verified) -> list[str]:
    """What was done to an answer."""
    notes = []
    if verified.removed:
        notes.append(f"Removed from the answer: {_number(verified.removed, 'citation')} of what was not found.")
    if verified.contradicted:
        notes.append(
            f"Removed from the answer: {_number(verified.contradicted, 'claim')} that the evidence contradicts."
        )
    if verified.moved:
        notes.append(f"{_number(verified.moved, 'claim')} cited another place than the one that says so; corrected.")
    if verified.unsupported:
        notes.append(f"{_number(verified.unsupported, 'claim')} of the answer found no support and is marked.")
    return notes


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count > 1)}"
