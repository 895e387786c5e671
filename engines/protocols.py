"""What each kind of engine promises. Adapters import their library inside `__init__`, never at module import."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from reelseek.records import Audio, Detection, Image, SoundEvent, TextBox, TimedText, Vector

Progress = Callable[[float], None]
"""Called with the fraction done, 0 to 1; may raise `reelseek.errors.Cancelled`, which the engine lets through."""


def no_progress(fraction: float) -> None:
    """Ignore progress."""


@runtime_checkable
class Engine(Protocol):
    """What all engines have.

    Attributes:
        id: `family:name`, as shown to users and written into results.
        fingerprint: changes whenever the same input could give another output: engine, library, weights, settings.
        note: what a user must know of its results ("knows only drawn scenes"), or "".
    """

    @property
    def id(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def note(self) -> str: ...


@runtime_checkable
class ImageTextEngine(Engine, Protocol):
    """Pictures and words in one vector space."""

    @property
    def dimension(self) -> int: ...
    def encode_images(self, images: Sequence[Image]) -> Vector:
        """Embed pictures of any sizes: `(n, dimension)`, L2-normalised, also for n = 0."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Vector:
        """Embed texts: `(n, dimension)`, L2-normalised; longer ones than the model's context are split and pooled."""
        ...


@runtime_checkable
class SentenceEngine(Engine, Protocol):
    """Sentences as vectors."""

    @property
    def dimension(self) -> int: ...
    def encode(self, texts: Sequence[str]) -> Vector:
        """Embed texts: `(n, dimension)`, L2-normalised, also for n = 0; longer ones are split and pooled."""
        ...


@runtime_checkable
class SpeechEngine(Engine, Protocol):
    """Speech to sentences with times."""

    def transcribe(
        self, audio: Audio, *, language: str = "", progress: Progress = no_progress
    ) -> tuple[TimedText, ...]:
        """Transcribe. Sentences in order, with word times, in seconds from the start of `audio`; silence gives none."""
        ...


@runtime_checkable
class SpeakerEngine(Engine, Protocol):
    """Voices in a vector space, so that a person can be told from another."""

    def embed(self, audio: Audio, spans: Sequence[tuple[float, float]]) -> Vector:
        """The voice in each stretch (start, end in seconds of `audio`): `(len(spans), dimension)`, length one."""
        ...


@runtime_checkable
class SoundEngine(Engine, Protocol):
    """Sounds by name: applause, music, an alarm."""

    @property
    def labels(self) -> tuple[str, ...]: ...
    def classify(self, audio: Audio, *, progress: Progress = no_progress) -> tuple[SoundEvent, ...]:
        """What sounds when, in seconds from the start of `audio`, by start; silence gives none."""
        ...


@runtime_checkable
class ScreenTextEngine(Engine, Protocol):
    """Text in pictures."""

    def read(self, images: Sequence[Image]) -> list[tuple[TextBox, ...]]:
        """Read each picture: its lines in reading order, boxes as fractions of the picture."""
        ...


@runtime_checkable
class ObjectEngine(Engine, Protocol):
    """Objects in pictures."""

    @property
    def labels(self) -> tuple[str, ...]: ...
    def detect(self, images: Sequence[Image], *, least: float = 0.25) -> list[tuple[Detection, ...]]:
        """Detect in each picture, most confident first; nothing less confident than `least`."""
        ...


@runtime_checkable
class OpenVocabulary(Engine, Protocol):
    """Objects in pictures, by any words."""

    def detect_labels(
        self, images: Sequence[Image], labels: Sequence[str], *, least: float = 0.25
    ) -> list[tuple[Detection, ...]]:
        """Detect what the labels name, most confident first; nothing less confident than `least`."""
        ...


@runtime_checkable
class RerankEngine(Engine, Protocol):
    """Texts judged against a query, both read at once."""

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the query: a score on the model's own scale, higher is better.

        Raises:
            reelseek.errors.EngineUnavailable: the model failed.
        """
        ...


@dataclass(frozen=True, slots=True)
class VlmRequest:
    """One call of a VLM: instructions, then evidence text and frames (time in seconds, picture), then the question.

    Attributes:
        seconds: that this call may take, where that is less than the engine's own limit.
        stopped: asked while the model works; once it says yes the model is let go.
    """

    system: str
    prompt: str
    frames: tuple[tuple[float, Image], ...] = ()
    max_tokens: int = 512
    temperature: float = 0.0
    json_schema: dict[str, object] | None = field(default=None)
    seconds: float = math.inf
    stopped: Callable[[], bool] | None = None


@runtime_checkable
class VlmEngine(Engine, Protocol):
    """A vision-language model."""

    @property
    def context_tokens(self) -> int: ...
    def count_tokens(self, text: str) -> int:
        """Tokens of `text`, by the model's own tokenizer where it is at hand."""
        ...

    def generate(self, request: VlmRequest) -> Iterator[str]:
        """Stream the answer's text. Closing the iterator stops the model.

        Raises:
            reelseek.errors.EngineUnavailable: the server is gone, too slow, or talks nonsense.
            reelseek.errors.Cancelled: `request.stopped` said so.
        """
        ...
