"""Questions: answered at once, or step by step."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from apiflask import APIBlueprint
from flask import Response, json, request

from query.deep.agent import OnStep
from query.deep.answering import answer, deep_answer
from query.service import AskRequest
from reelseek.answers import Answer, Citation, Step, Turn
from reelseek.errors import Cancelled, ReelseekError
from reelseek.records import Channel, JsonObject
from reelseek.wire import answer_payload, step_payload
from web.ask_schemas import AnswerOut, Question
from web.backend import Backend, backend, client_gone

_EVENTS = "text/event-stream"
_EVENTS_TOO: Any = {200: {"content": {_EVENTS: {"schema": {"type": "string"}}}}}


def register(api: APIBlueprint) -> None:
    """Add the routes."""

    @api.post("/ask")
    @api.input(Question, location="json", arg_name="question")
    @api.output(AnswerOut)
    @api.doc(responses=_EVENTS_TOO)
    def ask(question: Question) -> JsonObject | Response:
        """Answer a question with citations.

        With `Accept: text/event-stream` the answer comes as server-sent events: `text` with each piece as it is
        written, `step` with each step of deep mode, then `answer` with the whole result, or `problem`.
        """
        asked = ask_request(question, client_gone())
        if request.accept_mimetypes.best_match(["application/json", _EVENTS]) == _EVENTS:
            events = _events(backend(), question, asked)
            return Response(events, mimetype=_EVENTS, headers={"X-Accel-Buffering": "no"})
        return answer_payload(_answered(backend(), question, asked))


def ask_request(question: Question, stopped: Callable[[], bool]) -> AskRequest:
    """What the query service is asked, until `stopped` says that nobody waits."""
    return AskRequest(
        question.question,
        k=question.k,
        video_ids=tuple(question.video),
        library=question.library,
        options=tuple(question.options),
        history=tuple(
            Turn(
                turn.question,
                turn.answer,
                tuple(Citation(at.video_id, at.start, at.end, Channel.SPEECH, "") for at in turn.citations),
            )
            for turn in question.history
        ),
        stopped=stopped,
    )


def _answered(served: Backend, question: Question, asked: AskRequest, on_step: OnStep | None = None) -> Answer:
    if not question.deep:
        return answer(served.service, asked, on_step)
    before = [
        Step(number, step.tool, dict(step.arguments), step.thought, "", 0.0, 0)
        for number, step in enumerate(question.steps, start=1)
    ]
    return deep_answer(served.service, asked, on_step, before)


def _events(served: Backend, question: Question, asked: AskRequest) -> Iterator[str]:
    """Run the question in a thread of its own; what it writes comes out here as it is written."""
    pieces: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    closed = threading.Event()

    def gone() -> bool:
        return closed.is_set() or bool(asked.stopped and asked.stopped())

    def on_step(step: Step) -> None:
        if gone():
            raise Cancelled("Nobody waits for the answer any more.")
        pieces.put(("step", step_payload(step)))

    def work() -> None:
        try:
            streamed = replace(asked, stream=lambda piece: pieces.put(("text", piece)), stopped=gone)
            pieces.put(("answer", answer_payload(_answered(served, question, streamed, on_step))))
        except ReelseekError as error:
            pieces.put(("problem", {"status": error.status, "detail": error.message, "hint": error.hint}))
        except Exception:  # the boundary of this thread: the reader must not wait for ever
            pieces.put(("problem", {"status": 500, "detail": "Something went wrong inside Reelseek."}))
            raise

    threading.Thread(target=work, name="ask", daemon=True).start()
    try:
        while True:
            kind, value = pieces.get()
            yield f"event: {kind}\ndata: {json.dumps(value)}\n\n"
            if kind not in {"text", "step"}:
                return
    finally:
        closed.set()
