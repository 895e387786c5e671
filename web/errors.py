"""Every error of the web layer as problem+json (RFC 9457), or as a page for a person; decided here and nowhere else."""

from __future__ import annotations

import logging
import uuid
from http import HTTPStatus
from typing import Any

from apiflask import APIFlask, HTTPError
from flask import Response, json, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from reelseek.errors import Busy, ReelseekError, Unauthorized

MIMETYPE = "application/problem+json"
TYPE_PREFIX = "urn:reelseek:problem:"
_RETRY_SECONDS = "5"

_log = logging.getLogger(__name__)

_EXPLAINED = {
    400: "The request cannot be understood.",
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    413: "What was sent is larger than allowed.",
    415: "What was sent is of a kind that is not taken here.",
}

_WORDS = {
    "Extra inputs are not permitted": "There is no such field here",
    "Input should be a valid dictionary": "Input should be a JSON object",
    "String should match pattern '^[0-9a-f]{32}$'": "A video's id has 32 hexadecimal digits",
    r"String should match pattern '^\d{1,6}(": "A range is two numbers of seconds, 10-20.5",
}
"""How a message begins, and what is said instead."""

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "An error, as RFC 9457 describes it.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "examples": [f"{TYPE_PREFIX}not-found"]},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence for a person."},
        "instance": {"type": "string", "description": "The path that was asked; for a fault of ours, its log entry."},
        "hint": {"type": "string", "description": "What can be done about it."},
        "errors": {
            "type": "array",
            "description": "The fields that do not fit.",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                "required": ["field", "message"],
            },
        },
    },
}


def install(app: APIFlask) -> None:
    """Answer every error of `app` with a problem."""
    app.register_error_handler(ReelseekError, _ours)
    app.register_error_handler(HTTPError, _apiflask)
    app.register_error_handler(HTTPException, _werkzeug)
    app.register_error_handler(Exception, _unexpected)


def _ours(error: ReelseekError) -> Response:
    response = _answer(error.status, error.kind, error.message, hint=error.hint)
    if isinstance(error, Unauthorized):
        response.headers["WWW-Authenticate"] = 'Bearer realm="reelseek"'
    if isinstance(error, Busy):
        response.headers["Retry-After"] = _RETRY_SECONDS
    return response


def _apiflask(error: HTTPError) -> Response:
    """A failed validation (`detail` is `{location: {field: [message]}}`), or an abort of the framework."""
    fields = [
        {"field": f"{location}.{field}".removeprefix("_schema.").removesuffix("._schema"), "message": _said(message)}
        for location, found in dict(error.detail or {}).items()
        for field, messages in dict(found).items()
        for message in messages
    ]
    if not fields:
        return _answer(error.status_code, _kind(error.status_code), error.message or "")
    detail = " ".join(f"{item['field'].partition('.')[2] or 'body'}: {item['message']}." for item in fields)
    return _answer(error.status_code, "invalid-request", detail, errors=fields)


def _said(message: str) -> str:
    """Pydantic's message in the words of somebody who sends a request."""
    return next((words for begin, words in _WORDS.items() if message.startswith(begin)), message)


def _werkzeug(error: HTTPException) -> Response:
    if error.response is not None:  # a redirect
        return make_response(error.response)
    status = error.code or 500
    detail, hint = _EXPLAINED.get(status, error.description or ""), ""
    if status == HTTPStatus.BAD_REQUEST and (why := _why_no_json()):
        detail, hint = why
    response = _answer(status, _kind(status), detail, hint=hint)
    for name, value in error.get_headers(request.environ):
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _why_no_json() -> tuple[str, str] | None:
    """Why the body of this request to the API is no JSON, and what helps; None where that is not what is wrong."""
    if request.method in ("GET", "HEAD") or "multipart" in request.mimetype or not request.path.startswith("/api/"):
        return None
    if not request.is_json:
        return (
            "The body of this request is not sent as JSON.",
            "Send it with the header Content-Type: application/json.",
        )
    try:
        json.loads(request.get_data())
    except ValueError as error:
        return f"The body is no JSON: {error}.", ""
    return None


def _unexpected(error: Exception) -> Response:
    """A fault of ours: told without its inner workings, logged with them."""
    entry = uuid.uuid4().hex[:12]
    _log.error("fault %s at %s %s", entry, request.method, request.path, exc_info=error)
    return _answer(
        500, "fault", "Something went wrong inside Reelseek.", hint=f"The log has it as {entry}.", instance=f"#{entry}"
    )


def _kind(status: int) -> str:
    return _phrase(status).lower().replace(" ", "-")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:  # 499, which is no registered status
        return "Client Closed Request"


def _answer(
    status: int,
    kind: str,
    detail: str,
    *,
    hint: str = "",
    errors: list[dict[str, str]] | None = None,
    instance: str = "",
) -> Response:
    problem: dict[str, Any] = {
        "type": TYPE_PREFIX + kind,
        "title": _phrase(status),
        "status": status,
        "detail": detail or _phrase(status),
        "instance": instance or request.path,
    }
    if hint:
        problem["hint"] = hint
    if errors:
        problem["errors"] = errors
    if wants_page():
        return make_response(render_template("error.html", problem=problem), status)
    return Response(json.dumps(problem), status, mimetype=MIMETYPE)


def wants_page() -> bool:
    """Whether a person's browser asks for a page: outside the API, and HTML is what it prefers."""
    of_program = request.path.startswith(("/api/v1/", "/api/openapi", "/static/", "/healthz", "/readyz", "/metrics"))
    if of_program and "/export" not in request.path:  # an export is a link that a person clicks, too
        return False
    best = request.accept_mimetypes.best_match(["application/json", MIMETYPE, "text/html"], default=MIMETYPE)
    return best == "text/html" and "text/html" in request.headers.get("Accept", "")
