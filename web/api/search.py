"""Search and questions."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from apiflask import APIBlueprint
from flask import Response, json, request

from query.service import AskRequest, SearchRequest
from reelseek.answers import Answer, Citation, Turn
from reelseek.errors import ReelseekError
from reelseek.records import Channel, Image, JsonObject
from reelseek.wire import answer_payload, search_payload
from web.backend import Backend, backend
from web.example_schemas import ExampleQuery
from web.search_schemas import AnswerOut, MomentQuery, Question, SearchOut, SearchQuery

_EVENTS = "text/event-stream"
_EVENTS_TOO: Any = {200: {"content": {_EVENTS: {"schema": {"type": "string"}}}}}


def register(api: APIBlueprint) -> None:
    """Add the routes."""

    @api.get("/videos/<video:video_id>/moments")
    @api.input(MomentQuery, location="query", arg_name="query")
    @api.output(SearchOut)
    def moments(video_id: str, query: MomentQuery) -> JsonObject:
        """Find moments in one video."""
        backend().catalogue.video(video_id)
        return search_payload(backend().service.search(SearchRequest(query.q, k=query.k, video_ids=(video_id,))))

    @api.post("/ask")
    @api.input(Question, location="json", arg_name="question")
    @api.output(AnswerOut)
    @api.doc(responses=_EVENTS_TOO)
    def ask(question: Question) -> JsonObject | Response:
        """Answer a question with citations.

        With `Accept: text/event-stream` the answer comes as server-sent events: `text` with each piece as it is
        written, then `answer` with the whole result, or `problem`.
        """
        asked = _ask_request(question)
        if request.accept_mimetypes.best_match(["application/json", _EVENTS]) == _EVENTS:
            events = _answer_events(backend(), asked)
            return Response(events, mimetype=_EVENTS, headers={"X-Accel-Buffering": "no"})
        return answer_payload(backend().service.ask(asked))


def _ask_request(question: Question) -> AskRequest:
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


def search_request(query: SearchQuery, images: Mapping[str, Image] | None = None) -> SearchRequest:
    """What the query service is asked for."""
    asked = SearchRequest(
        query.q,
        k=query.k,
        video_ids=tuple(query.video),
        library=query.library,
        images=images or {},
        min_confidence=query.min_confidence,
        level=query.level,
        channels=frozenset(query.channel) or None,
    )
    if not isinstance(query, ExampleQuery):
        return asked
    return replace(
        asked, examples=tuple(query.example), by=query.by, like=tuple(query.like), unlike=tuple(query.unlike)
    )


def _answer_events(served: Backend, asked: AskRequest) -> Iterator[str]:
    """Run the question in a thread of its own; what it writes comes out here as it is written."""
    pieces: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    gone = threading.Event()

    def sink(piece: str) -> None:
        if gone.is_set():
            raise _Gone
        pieces.put(("text", piece))

    def work() -> None:
        try:
            answer: Answer = served.service.ask(replace(asked, stream=sink))
            pieces.put(("answer", answer_payload(answer)))
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
            if kind != "text":
                return
    finally:
        gone.set()


class _Gone(Exception):
    """The client went away; nobody reads the answer."""
