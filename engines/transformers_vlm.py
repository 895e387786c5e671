"""Vision-language models of the transformers library, in this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

from engines.base import BaseEngine, require
from engines.loading import loading, present
from engines.offline import go_offline
from engines.protocols import VlmRequest
from engines.torch_device import choose_device, reduced_precision
from engines.vlm_prompt import thinned, user_parts
from reelseek.errors import Cancelled, EngineUnavailable
from reelseek.records import EngineRef
from reelseek.setting_groups import EngineSettings

_STOP_PATIENCE = 5.0
_TICK = 0.2
_SANE_LENGTH = 1 << 24
"""Tokenizers without a limit of their own claim 1e30 tokens."""


class TransformersVlmEngine(BaseEngine):
    """Any image-text-to-text model that transformers itself knows: Qwen2.5-VL, Qwen3-VL, SmolVLM2, LLaVA …

    Code that a checkpoint brings along is never run.

    Args:
        ref: identity.
        weights: the folder with `config.json`, safetensors, the tokenizer and the processor's configuration.
        settings: device, threads, and the seconds that one answer may take.

    Raises:
        EngineUnavailable: the library or the weights cannot be loaded.
    """

    def __init__(self, ref: EngineRef, weights: Path | None, settings: EngineSettings) -> None:
        super().__init__(ref, weights, settings)
        folder = str(present(weights, "VLM"))
        transformers, self._torch = require("transformers", "vlm"), require("torch", "vlm")
        self._device = choose_device(settings, "vlm")
        dtype = reduced_precision(self._device) or self._torch.float32
        go_offline()
        with loading(Path(folder), "VLM"):
            self._processor = transformers.AutoProcessor.from_pretrained(folder, local_files_only=True)
            model = transformers.AutoModelForImageTextToText.from_pretrained(
                folder, dtype=dtype, local_files_only=True, trust_remote_code=False
            )
            self._model = model.to(self._device).eval()
        self._transformers = transformers
        self._tokenizer = self._processor.tokenizer
        self._markers = _markers(self._tokenizer)
        self._busy = threading.Lock()

    @property
    def context_tokens(self) -> int:
        """Tokens that fit: instructions, frames, evidence and answer together."""
        limits = (
            getattr(self._model.config.get_text_config(), "max_position_embeddings", None),
            getattr(self._tokenizer, "model_max_length", None),
        )
        return min((int(limit) for limit in limits if limit and limit < _SANE_LENGTH), default=4096)

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` by the model's own tokenizer."""
        return len(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def generate(self, request: VlmRequest) -> Iterator[str]:
        """Stream the answer's text. Closing the iterator stops the model at its next token.

        Frames are thinned when they do not fit into the context beside the text.

        Raises:
            EngineUnavailable: another answer holds the model, it takes too long, the text alone does not fit, or the
                model fails.
            Cancelled: `request.stopped` said so.
        """
        limit = min(self.settings.vlm_timeout, request.seconds)
        deadline = time.monotonic() + limit
        while not self._busy.acquire(timeout=min(_TICK, limit)):
            _heed(request)
            if time.monotonic() > deadline:
                message = f"The model {self.id} is busy with another answer."
                raise EngineUnavailable(message, hint="Try again in a moment.")
        try:
            run = _Generation(self, self._inputs(request), request)
        except BaseException:
            self._busy.release()
            raise
        try:
            yield from run.texts(deadline, limit)
        finally:
            run.stop()

    def _inputs(self, request: VlmRequest) -> Any:
        """The request as tensors on the model's device."""
        room = self.context_tokens - request.max_tokens
        while True:
            inputs = self._tokens(self._messages(request))
            length = inputs["input_ids"].shape[1]
            if length <= room:
                return inputs.to(self._device, dtype=self._model.dtype)
            if not request.frames:
                raise EngineUnavailable(
                    f"Question and evidence are {length} tokens; {self.id} takes {room} beside its answer.",
                    hint="Lower query.evidence_tokens.",
                )
            request = thinned(request)

    def _tokens(self, messages: list[dict[str, Any]]) -> Any:
        from jinja2 import TemplateError

        try:
            return self._processor.apply_chat_template(
                messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
            )
        except (TemplateError, LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            # a chat template without pictures, a processor that lacks a part: what models not made for this raise
            reason = str(error).strip().partition("\n")[0][:200]
            raise EngineUnavailable(
                f"The model {self.id} cannot take the question: {reason} ({type(error).__name__}).",
                hint="Choose a model made for pictures and chat.",
            ) from error

    def _messages(self, request: VlmRequest) -> list[dict[str, Any]]:
        from PIL import Image

        content: list[dict[str, Any]] = []
        for part in user_parts(request):
            if isinstance(part, str):
                content.append({"type": "text", "text": self._plain(part)})
            else:
                content.append({"type": "image", "image": Image.fromarray(part)})
        messages = [{"role": "user", "content": content}]
        if request.system:
            messages.insert(0, {"role": "system", "content": [{"type": "text", "text": self._plain(request.system)}]})
        return messages

    def _plain(self, text: str) -> str:
        """The text with the model's control tokens broken up.

        Evidence is what strangers said, wrote or filmed; a `<|im_end|>` on screen must not end the user's turn.
        """
        for marker in self._markers:
            text = text.replace(marker, f"{marker[0]} {marker[1:]}")
        return text

    def close(self) -> None:
        """Free the model's memory; waits for an answer that is being written."""
        with self._busy:
            self._model = self._processor = self._tokenizer = None
            if self._device.startswith("cuda"):
                self._torch.cuda.empty_cache()


def _markers(tokenizer: Any) -> list[str]:
    """Control tokens as text, longest first."""
    added = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    return sorted({*added, *tokenizer.all_special_tokens} - {""}, key=len, reverse=True)


def _heed(request: VlmRequest) -> None:
    if request.stopped is not None and request.stopped():
        raise Cancelled("Nobody waits for the answer any more.")


class _Generation:
    """One run of the model in a thread of its own, which a flag stops at the next token."""

    def __init__(self, engine: TransformersVlmEngine, inputs: Any, request: VlmRequest) -> None:
        self._engine, self._request = engine, request
        self._stopped = threading.Event()
        self._error: BaseException | None = None
        transformers = engine._transformers
        # The short time-out only makes waiting interruptible; how long is waited in all is the deadline's business.
        self._streamer = transformers.TextIteratorStreamer(
            engine._tokenizer, skip_prompt=True, skip_special_tokens=True, timeout=_TICK
        )
        sampling = {"do_sample": True, "temperature": request.temperature}
        options = {
            **inputs,
            **(sampling if request.temperature > 0 else {"do_sample": False}),
            "max_new_tokens": request.max_tokens,
            "streamer": self._streamer,
            "stopping_criteria": transformers.StoppingCriteriaList([self._should_stop]),
        }
        self._thread = threading.Thread(target=self._run, args=(options,), name="vlm", daemon=True)
        self._thread.start()

    def _should_stop(self, input_ids: Any, _scores: Any, **_: Any) -> Any:
        torch = self._engine._torch
        return torch.full((input_ids.shape[0],), self._stopped.is_set(), dtype=torch.bool, device=input_ids.device)

    def _run(self, options: dict[str, Any]) -> None:
        try:
            with self._engine._torch.inference_mode():
                self._engine._model.generate(**options)
        except Exception as error:  # noqa: BLE001 (a thread's boundary; told to whoever reads the text)
            self._error = error
        finally:
            self._engine._busy.release()
            self._streamer.end()

    def texts(self, deadline: float, limit: float) -> Iterator[str]:
        """The pieces of the answer as they come.

        Raises:
            EngineUnavailable: the deadline passed, which was `limit` seconds away, or the model failed.
            Cancelled: nobody waits any more.
        """
        while True:
            try:
                text = next(self._streamer)
            except Empty:
                text = ""
            except StopIteration:
                break
            if text:
                yield text
            _heed(self._request)
            if time.monotonic() > deadline:
                raise EngineUnavailable(
                    f"The model {self._engine.id} did not finish within {limit:.3g} s.",
                    hint="Raise engines.vlm_timeout, or choose a smaller model.",
                )
        if self._error is not None:
            reason = str(self._error).strip().partition("\n")[0][:200]
            raise EngineUnavailable(f"The model {self._engine.id} failed: {reason}.") from self._error

    def stop(self) -> None:
        """Let the model stop at its next token, and wait for that a moment."""
        self._stopped.set()
        self._thread.join(_STOP_PATIENCE)
