"""What a model says, read within a time and a length."""

from __future__ import annotations

import time
from collections.abc import Callable

from engines.protocols import VlmEngine, VlmRequest
from reelseek.errors import EngineUnavailable

MAX_REPLY = 8_000
"""Characters of a reply that are read."""


def reply_of(vlm: VlmEngine, request: VlmRequest, seconds: float, stream: Callable[[str], None] | None = None) -> str:
    """The model's whole reply, passed on piece by piece.

    Raises:
        EngineUnavailable: the model failed, or took longer than it may.
    """
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


def json_of(reply: str) -> str:
    """The object in a reply: models wrap it in fences and words."""
    start, end = reply.find("{"), reply.rfind("}")
    return reply[start : end + 1] if 0 <= start < end else reply
