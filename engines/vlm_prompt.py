"""How a request to a vision-language model is laid out, the same for a model in this process and behind a server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

from engines.protocols import VlmRequest
from reelseek.records import Image
from reelseek.timecode import format_time

_TAGS = """
s bos eos pad unk mask cls sep image img video audio think tool_call tool_response start_of_turn end_of_turn
start_of_image end_of_image image_soft_token fake_token_around_image global-img end_of_utterance
"""
_CONTROL = re.compile(
    rf"<(?=[|｜]|[^<>|｜\s]{{1,40}}[|｜]>|/?(?:{'|'.join(_TAGS.split())})>|</?SYS>>)"
    r"|\[(?=/?(?:INST|IMG\w*|SYSTEM_PROMPT|THINK|AVAILABLE_TOOLS|TOOL_\w+)\])"
)


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
    return replace(request, frames=request.frames[::2] if len(request.frames) > 1 else ())


def disarmed(text: str) -> str:
    """The text with what chat templates take for control tokens broken up.

    Evidence is what strangers said, wrote or filmed; a `<|im_end|>` on screen must not end the user's turn. These are
    the forms that templates use (ChatML, Llama, Mistral, Gemma, DeepSeek), for models whose own are not at hand.
    """
    return _CONTROL.sub(r"\g<0> ", text)
