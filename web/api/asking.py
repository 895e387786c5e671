"""Questions: answered at once, or step by step."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from apiflask import APIBlueprint
from flask import Response, json, request

from query.deep.agent import OnStep
from query.deep.answering import answer, deep_answer
from query.service import AskRequest
from reelseek.answers import Answer, Citation, Step, Turn
from reelseek.errors import ReelseekError
from reelseek.records import Channel, JsonObject
from reelseek.wire import answer_payload, step_payload
from web.ask_schemas import AnswerOut, Question
from web.backend import Backend, backend

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
        if request.accept_mimetypes.best_match(["application/json", _EVENTS]) == _EVENTS:
            events = _events(backend(), question)
            return Response(events, mimetype=_EVENTS, headers={"X-Accel-Buffering": "no"})
        return answer_payload(_answered(backend(), question, ask_request(question)))


def ask_request(question: Question) -> AskRequest:
    """What the query service is asked."""
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
    )


def _answered(served: Backend, question: Question, asked: AskRequest, on_step: OnStep | None = None) -> Answer:
    if not question.deep:
        return answer(served.service, asked, on_step)
    before = [
        Step(number, step.tool, dict(step.arguments), step.thought, "", 0.0, 0)
        for number, step in enumerate(question.steps, start=1)
    ]
    return deep_answer(served.service, asked, on_step, before)


def _events(served: Backend, question: Question) -> Iterator[str]:
    """Run the question in a thread of its own; what it writes comes out here as it is written."""
    pieces: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    gone = threading.Event()

    def sink(piece: str) -> None:
        if gone.is_set():
            raise _Gone
        pieces.put(("text", piece))

    def on_step(step: Step) -> None:
        if gone.is_set():
            raise _Gone
        pieces.put(("step", step_payload(step)))

    def work() -> None:
        try:
            asked = replace(ask_request(question), stream=sink)
            pieces.put(("answer", answer_payload(_answered(served, question, asked, on_step))))
        except _Gone:
            pieces.put(("end", None))
        except ReelseekError as error:
            pieces.put(("problem", {"status": error.status, "detail": error.message, "hint": error.hint}))
        except Exception:  # the boundary of this thread: the reader must not wait for ever
            pieces.put(("problem", {"status": 500, "detail": "Something went wrong inside Reelseek."}))
            raise

    threading.Thread(target=work, name="ask", daemon=True).start()
    try:
        while True:
            kind, value = pieces.get()
            if kind == "end":
                return
            yield f"event: {kind}\ndata: {json.dumps(value)}\n\n"
            if kind not in {"text", "step"}:
                return
    finally:
        gone.set()


class _Gone(Exception):
    """The client went away; nobody reads the answer."""
