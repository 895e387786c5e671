"""What a model says, read within a time and a length."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from engines.protocols import VlmEngine, VlmRequest
from reelseek.errors import EngineUnavailable

MAX_REPLY = 8_000
"""Characters of a reply that are read."""


def reply_of(vlm: VlmEngine, request: VlmRequest, seconds: float, stream: Callable[[str], None] | None = None) -> str:
    """The model's whole reply, passed on piece by piece.

    Raises:
        EngineUnavailable: the model failed, or took longer than it may.
        Cancelled: nobody waits for it any more.
    """
    request = replace(request, seconds=min(seconds, request.seconds))
    deadline = time.monotonic() + seconds
    pieces: list[str] = []
    length = 0
    reply = vlm.generate(request)
    try:
        for piece in reply:
            pieces.append(piece)
            length += len(piece)
            if stream is not None:
                stream(piece)
            if length > MAX_REPLY:
                break
            if time.monotonic() > deadline:
                raise EngineUnavailable(f"it took longer than {seconds:g} s.")
    finally:
        close = getattr(reply, "close", None)
        if close is not None:
            close()
    return "".join(pieces).strip()


class Patient:
    """A model for all that one question asks of it: within some seconds in all, and not again once it failed.

    So a question whose model is dead, or slow at each of its calls, is answered without it in time.

    Args:
        seconds: for all calls together, from the first one on.
        stopped: asked while the model works; once it says yes the model is let go.
    """

    def __init__(self, vlm: VlmEngine, seconds: float, stopped: Callable[[], bool] | None = None) -> None:
        self._vlm, self._seconds, self._stopped = vlm, seconds, stopped
        self._until: float | None = None
        self._failure = ""

    @property
    def id(self) -> str:
        """The model's."""
        return self._vlm.id

    @property
    def fingerprint(self) -> str:
        """The model's."""
        return self._vlm.fingerprint

    @property
    def note(self) -> str:
        """The model's."""
        return self._vlm.note

    @property
    def context_tokens(self) -> int:
        """The model's."""
        return self._vlm.context_tokens

    def count_tokens(self, text: str) -> int:
        """By the model's tokenizer."""
        return self._vlm.count_tokens(text)

    def generate(self, request: VlmRequest) -> Iterator[str]:
        """Stream the answer's text, within what is left of the seconds.

        Raises:
            EngineUnavailable: the model fails or failed before, or its seconds are over.
            Cancelled: nobody waits for it any more.
        """
        if self._until is None:
            self._until = time.monotonic() + self._seconds
        left = self._until - time.monotonic()
        if not self._failure and left <= 0:
            self._failure = f"{self.id} took longer than {self._seconds:g} s."
        if self._failure:
            raise EngineUnavailable(self._failure)
        try:
            yield from self._vlm.generate(
                replace(request, seconds=min(left, request.seconds), stopped=self._stopped or request.stopped)
            )
        except EngineUnavailable as error:
            self._failure = error.message
            raise


def json_of(reply: str) -> str:
    """The object in a reply: models wrap it in fences and words."""
    start, end = reply.find("{"), reply.rfind("}")
    return reply[start : end + 1] if 0 <= start < end else reply
