"""How a request to a vision-language model is laid out, the same for a model in this process and behind a server."""

from __future__ import annotations

import json
from collections.abc import Iterator

from engines.protocols import VlmRequest
from reelseek.records import Image
from reelseek.timecode import format_time


def user_parts(request: VlmRequest) -> Iterator[str | Image]:
    """The user's message in order: each frame behind a line with its time, then the prompt and the wanted form."""
    for time, image in request.frames:
        yield f"Frame at {format_time(time, decimals=1)} ({time:.1f} s):"
        yield image
    yield request.prompt + schema_text(request)


def schema_text(request: VlmRequest) -> str:
    """The sentence that asks for JSON, or nothing. Whether the answer fits is for the caller to check."""
    if request.json_schema is None:
        return ""
    schema = json.dumps(request.json_schema, ensure_ascii=False)
    return f"\n\nAnswer with one JSON value that fits this JSON Schema, and with nothing else:\n{schema}"


def thinned(request: VlmRequest) -> VlmRequest:
    """The request with every second frame left out; the first of each pair stays."""
    return VlmRequest(
        system=request.system,
        prompt=request.prompt,
        frames=request.frames[::2] if len(request.frames) > 1 else (),
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        json_schema=request.json_schema,
    )
