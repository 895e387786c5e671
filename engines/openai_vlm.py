"""Vision-language models behind a server that speaks the OpenAI chat protocol: vLLM, llama.cpp, Ollama, LM Studio …"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import math
from collections.abc import Generator, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

from engines.base import BaseEngine, require
from engines.openai_guards import LATE, STOPPED, Breaker, Watchdog
from engines.protocols import VlmRequest
from engines.vlm_prompt import disarmed, user_parts
from reelseek.errors import Cancelled, EngineUnavailable
from reelseek.records import EngineRef, Image
from reelseek.setting_groups import EngineSettings

CONNECT_SECONDS = 5.0
DEFAULT_CONTEXT = 4096
"""What Ollama gives a model when nobody says otherwise; the others are asked."""
_CONTEXT_KEYS = ("max_model_len", "context_length", "context_window", "max_context_length", "n_ctx", "n_ctx_train")
_JPEG_QUALITY = 88
_MOST = 8 << 20
_GRACE = 5.0
"""Seconds after which reads end by themselves, should the watchdog's cut not have ended them."""


class OpenAiVlmEngine(BaseEngine):
    """A model that a server holds. The server is found out about when it is first asked, never while loading.

    Requests go to the URL that is set and nowhere else: no redirect is followed, no proxy of the environment used.

    Args:
        ref: `openai:MODEL`.
        weights: none.
        settings: `vlm_url`, and `vlm_timeout` for one whole answer.
    """

    def __init__(self, ref: EngineRef, weights: Path | None, settings: EngineSettings) -> None:
        super().__init__(ref, weights, settings)
        self._httpx = require("httpx", "vlm")
        self.model = ref.id.partition(":")[2]
        self.url = settings.vlm_url.rstrip("/")
        # A connection a request: what guards it sees it being made, and none is reused that the server gave up.
        limits = self._httpx.Limits(max_keepalive_connections=0)
        self._client = self._httpx.Client(limits=limits, follow_redirects=False, trust_env=False)
        self._breaker = Breaker()
        self._context: int | None = None

    @property
    def context_tokens(self) -> int:
        """Tokens that fit, as the server tells of the model; a careful default where it does not."""
        if self._context is None:
            try:
                answer = self._client.get(f"{self.url}/models", timeout=CONNECT_SECONDS)
                self._context = _context_of(answer.json(), self.model) or DEFAULT_CONTEXT
            except (self._httpx.HTTPError, ValueError):
                return DEFAULT_CONTEXT  # not kept: the server may only be starting
        return self._context

    def count_tokens(self, text: str) -> int:
        """An upper estimate, a token per three bytes of UTF-8: the server's tokenizer is not at hand."""
        return math.ceil(len(text.encode()) / 3)

    def generate(self, request: VlmRequest) -> Iterator[str]:
        """Stream the answer's text. Closing the iterator closes the connection, at which servers stop the model.

        Raises:
            EngineUnavailable: nobody answers, the server has no such model, fails, talks nonsense, falls silent or
                takes too long. After some failures in a row it is raised at once for a while.
            Cancelled: `request.stopped` said so; the connection is closed at once, whatever the server does.
        """
        self._breaker.check(self.url)
        limit = min(self.settings.vlm_timeout, request.seconds)
        try:
            yield from self._attempts(request, limit, monotonic() + limit)
        except EngineUnavailable:
            self._breaker.failed()
            raise
        except self._httpx.HTTPError as error:
            self._breaker.failed()
            raise self._explained(error, limit) from error
        self._breaker.worked()

    def _attempts(self, request: VlmRequest, limit: float, deadline: float) -> Iterator[str]:
        """Ask; once more when the connection fails before anything came, once more without `response_format`."""
        body = self._body(request)
        for attempt in range(3):
            watchdog = Watchdog(deadline, request.stopped)
            try:
                with watchdog, contextlib.closing(self._stream(body, watchdog, deadline)) as pieces:
                    first = next(pieces, None)
                    if first is None:
                        raise EngineUnavailable(f"The model {self.model} at {self.url} gave an empty answer.")
                    yield first
                    yield from pieces
                    return
            except (self._httpx.TransportError, EngineUnavailable) as error:
                if watchdog.cut:
                    raise self._cut(watchdog, limit) from error
                if isinstance(error, EngineUnavailable):
                    raise
                if watchdog.heard:
                    message = f"The server at {self.url} broke off in the middle of its answer."
                    raise EngineUnavailable(message) from error
                lost = (self._httpx.ConnectError, self._httpx.RemoteProtocolError, self._httpx.ReadError)
                if attempt or monotonic() > deadline or not isinstance(error, lost):
                    raise
            except _FormRefused:
                body.pop("response_format")

    def _stream(self, body: dict[str, Any], watchdog: Watchdog, deadline: float) -> Generator[str, None, None]:
        """One request; the pieces of its answer."""
        left = max(0.01, deadline - monotonic())
        timeout = self._httpx.Timeout(left + _GRACE, connect=min(CONNECT_SECONDS, left))
        extensions = {"trace": watchdog.trace}
        url = f"{self.url}/chat/completions"
        with self._client.stream("POST", url, json=body, timeout=timeout, extensions=extensions) as response:
            lines = _lines(response.iter_text(), self.url)
            if response.status_code != 200:
                raise self._refused(response, "\n".join(lines), "response_format" in body)
            if "event-stream" not in response.headers.get("content-type", ""):
                yield from _whole("\n".join(lines), self.url)
                return
            yield from _pieces(lines, watchdog, self.url)

    def _cut(self, watchdog: Watchdog, limit: float) -> Exception:
        """Why the watchdog ended it."""
        if watchdog.cut == STOPPED:
            return Cancelled("Nobody waits for the answer any more.")
        if watchdog.cut == LATE and not watchdog.heard:
            return self._silent(limit)
        return EngineUnavailable(
            f"The model {self.model} at {self.url} {watchdog.cut}.", hint="Raise engines.vlm_timeout."
        )

    def _silent(self, limit: float) -> EngineUnavailable:
        return EngineUnavailable(
            f"The model {self.model} at {self.url} said nothing within {limit:.3g} s.",
            hint="Raise engines.vlm_timeout.",
        )

    def _body(self, request: VlmRequest) -> dict[str, Any]:
        content: list[dict[str, Any]] = []
        for part in user_parts(request):
            if isinstance(part, str):
                content.append({"type": "text", "text": disarmed(part)})
            else:
                content.append({"type": "image_url", "image_url": {"url": _data_url(part)}})
        messages: list[dict[str, Any]] = [{"role": "user", "content": content}]
        if request.system:
            messages.insert(0, {"role": "system", "content": disarmed(request.system)})
        body: dict[str, Any] = {
            "model": self.model,
            "messages": messages,
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "stream": True,
        }
        if request.json_schema is not None:
            schema = {"name": "answer", "schema": request.json_schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body

    def _refused(self, response: Any, text: str, with_form: bool) -> Exception:
        """What a status other than 200 means."""
        status, told = response.status_code, _message(text)
        if status in (400, 422) and with_form and ("format" in told or "schema" in told):
            return _FormRefused()
        if status == 404:
            return EngineUnavailable(
                f"The server at {self.url} has no model {self.model} ({told}).",
                hint="Set engines.vlm to one that it has, and engines.vlm_url with its /v1.",
            )
        if 300 <= status < 400:
            where = response.headers.get("location", "elsewhere")
            return EngineUnavailable(
                f"The server at {self.url} sends on to {where}.", hint="Set engines.vlm_url to it."
            )
        return EngineUnavailable(f"The server at {self.url} answered {status}: {told}.")

    def _explained(self, error: Exception, limit: float) -> EngineUnavailable:
        if isinstance(error, self._httpx.ConnectError | self._httpx.ConnectTimeout):
            return EngineUnavailable(
                f"No server answers at {self.url} ({error or type(error).__name__}).",
                hint="Start it, or change engines.vlm_url.",
            )
        if isinstance(error, self._httpx.TimeoutException):
            return self._silent(limit)
        return EngineUnavailable(f"The server at {self.url} hung up: {error or type(error).__name__}.")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class _FormRefused(Exception):
    """The server does not know `response_format`; the prompt asks for the form anyway."""


def _lines(texts: Iterator[str], url: str) -> Iterator[str]:
    """An answer's lines.

    Raises:
        EngineUnavailable: it is longer than any answer.
    """
    begun: list[str] = []
    size = 0
    for text in texts:
        size += len(text)
        if size > _MOST:
            raise EngineUnavailable(f"The server at {url} sent more than {_MOST >> 20} MB for one answer.")
        *ended, rest = text.split("\n")
        for line in ended:
            yield "".join((*begun, line)).removesuffix("\r")
            begun.clear()
        begun.append(rest)
    if any(begun):
        yield "".join(begun)


def _pieces(lines: Iterator[str], watchdog: Watchdog, url: str) -> Iterator[str]:
    """The text in a stream of server-sent events.

    Raises:
        EngineUnavailable: an event is no JSON of the protocol, tells of an error, or the stream ends early.
    """
    for line in lines:
        if not line.startswith("data:"):
            if line and not line.startswith((":", "event:", "id:", "retry:")):
                raise EngineUnavailable(f"The server at {url} talks nonsense: {line[:80]!r}.")
            continue
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            return
        text, finished = _delta(data, url)
        if text:
            watchdog.pause()
            yield text
        if finished:
            return
        watchdog.reading()
    raise EngineUnavailable(f"The server at {url} broke off in the middle of its answer.")


def _delta(data: str, url: str) -> tuple[str, bool]:
    """The text of one event, and whether the answer ends with it."""
    try:
        event = json.loads(data)
        if "error" in event:
            raise EngineUnavailable(f"The server at {url} failed: {_message(data)}.")
        choices = event["choices"]
        if not choices:
            return "", False  # counts of tokens come in an event of their own
        choice = choices[0]
        return str(choice.get("delta", {}).get("content") or ""), bool(choice.get("finish_reason"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineUnavailable(f"The server at {url} talks nonsense: {data[:80]!r}.") from error


def _whole(text: str, url: str) -> Iterator[str]:
    """The answer of a server that does not stream."""
    try:
        content = json.loads(text)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise EngineUnavailable(
            f"The server at {url} talks nonsense: {text[:80]!r}.", hint="Does engines.vlm_url end in /v1?"
        ) from error
    if content:
        yield str(content)


def _message(text: str) -> str:
    """The reason in an error's body, on one line."""
    try:
        body = json.loads(text)
        error = body["error"] if "error" in body else body["detail"]
        told = error["message"] if isinstance(error, dict) else error
    except (ValueError, KeyError, TypeError):
        told = text
    return " ".join(str(told).split())[:200] or "no reason given"


def _context_of(listing: Any, model: str) -> int | None:
    """The context size of a model in the answer to `/v1/models`, where the server tells it."""
    entries = listing.get("data") if isinstance(listing, dict) else None
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict) or entry.get("id") != model:
            continue
        meta = entry.get("meta")
        for source in (entry, meta if isinstance(meta, dict) else {}):
            for key in _CONTEXT_KEYS:
                if isinstance(source.get(key), int) and source[key] > 0:
                    return int(source[key])
    return None


def _data_url(image: Image) -> str:
    from PIL import Image as Pillow

    buffer = io.BytesIO()
    Pillow.fromarray(image).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
