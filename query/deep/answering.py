"""Deep mode, from a question to an answer with its trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engines.protocols import VlmEngine
from query.answering.asked import NOTHING, strongest_citation
from query.answering.choosing import choice_answer, option_in
from query.answering.claims import Checker, sentences_of
from query.answering.prompts import NOT_FOUND, with_options
from query.answering.verify import verify
from query.deep.agent import Budget, OnStep, Outcome, run_agent
from query.deep.planner import run_planner
from query.deep.whole import whole_answer
from query.deep.workbench import Workbench
from query.named import check_question
from query.replies import Patient
from query.requests import AskRequest
from query.service import SURE, QueryService
from query.tools import Tools
from reelseek.answers import Answer, Step
from reelseek.errors import EngineUnavailable

_FINISH = "Finish with the letter of the right option first, then the blocks that show it, like: B) [1]"


def deep_answer(
    service: QueryService, request: AskRequest, on_step: OnStep | None = None, before: Sequence[Step] = ()
) -> Answer:
    """Answer by an agent: with a model that uses tools, without one by rules.

    Args:
        on_step: told of each step as it is done.
        before: the trace of an earlier run that is to be gone on with.

    Raises:
        InvalidRequest: the question is empty.
        NotFound: a video or library that is named does not exist.
        Cancelled: `request.stopped` said so.
    """
    check_question(request, service.catalogue)
    if (whole := whole_answer(service, request, on_step)) is not None:
        return whole
    settings = service.settings.query
    try:
        vlm = service.engines.vlm()
    except EngineUnavailable as error:
        planned = run_planner(service, request, settings.deep_steps, on_step)
        return replace(planned, notes=(*planned.notes, f"The model did not answer: {error} Rules did the work."))
    if vlm is None:
        return run_planner(service, request, settings.deep_steps, on_step)
    library = str(request.library) if request.library is not None else None
    bench = Workbench(Tools(service, service.settings.page_url), tuple(request.video_ids), library)
    budget = Budget(settings.deep_steps, settings.deep_tokens, settings.deep_seconds)
    vlm = Patient(vlm, settings.deep_seconds, request.stopped)
    if request.options:
        question = f"{with_options(request.question, request.options)}\n{_FINISH}"
        return _chosen(service, request, vlm, bench, run_agent(vlm, question, bench, budget, on_step, before))
    outcome = run_agent(vlm, request.question, bench, budget, on_step, before)
    return _settled(service, request, vlm, bench, outcome)


def answer(service: QueryService, request: AskRequest, on_step: OnStep | None = None) -> Answer:
    """Answer at once, and more deeply only where that was unsure, a model is there and the settings allow it.

    A question about whole videos is answered from digests of them.
    """
    check_question(request, service.catalogue)
    if (whole := whole_answer(service, request, on_step)) is not None:
        return whole
    first = service.ask(request)
    if service.settings.query.deep != "auto" or request.options or not _has_model(service):
        return first
    surest = max((moment.confidence for moment in first.moments), default=0.0)
    if not first.abstained and surest >= SURE:
        return first
    deeper = deep_answer(service, replace(request, stream=None), on_step)
    return first if deeper.abstained and not first.abstained else deeper


def _has_model(service: QueryService) -> bool:
    try:
        return service.engines.vlm() is not None
    except EngineUnavailable:
        return False


def _settled(service: QueryService, request: AskRequest, vlm: VlmEngine, bench: Workbench, outcome: Outcome) -> Answer:
    """The agent's answer with its claims checked; where it has none, the one-shot answer, and why."""
    if outcome.answer.strip(" .*_\"'“”\n").upper().startswith(NOT_FOUND):
        return Answer(request.question, NOTHING, True, vlm.id, (), (), steps=outcome.steps)
    why = outcome.why
    if outcome.answer:
        reads = service.reads()
        checker = Checker.over(reads.statistics.words, reads.encoders, meaning=reads.text_space is not None)
        verified = verify(outcome.answer, bench.blocks, checker)
        if verified.citations:
            cited = {(item.video_id, item.start, item.end) for item in verified.citations}
            moments = tuple(
                block.moment
                for block in bench.blocks
                if any(
                    video == block.moment.video_id and block.moment.start <= start and end <= block.moment.end
                    for video, start, end in cited
                )
            )
            return Answer(
                request.question,
                verified.text,
                False,
                vlm.id,
                verified.citations,
                moments,
                claims=verified.claims,
                steps=outcome.steps,
            )
        why = f"{vlm.id} cited nothing that it had seen."
    return _at_once(service, request, outcome, why)


def _chosen(service: QueryService, request: AskRequest, vlm: VlmEngine, bench: Workbench, outcome: Outcome) -> Answer:
    """The option that the agent finished with; where it named none, the one that is chosen at once, and why."""
    at = option_in(outcome.answer, request.options)
    if at is None:
        return _at_once(service, request, outcome, outcome.why or f"{vlm.id} named none of the options.")
    known = {block.number: block for block in bench.blocks}
    numbers = dict.fromkeys(number for sentence in sentences_of(outcome.answer) for number in sentence.cited)
    moments = [known[number].moment for number in numbers if number in known]
    citations = [strongest_citation(moment) for moment in moments]
    return choice_answer(request.question, request.options, at, vlm.id, citations, moments, steps=outcome.steps)


def _at_once(service: QueryService, request: AskRequest, outcome: Outcome, why: str) -> Answer:
    """The one-shot answer instead of the agent's."""
    fallback = service.ask(replace(request, stream=None))
    return replace(fallback, notes=(*fallback.notes, f"Deep mode: {why}"), steps=outcome.steps)
