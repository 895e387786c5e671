"""What is asked of the service."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from reelseek.answers import Turn
from reelseek.errors import InvalidRequest
from reelseek.records import Channel, Image
from reelseek.results import Level

MAX_K = 1_000
MAX_EXAMPLES = 50
"""Images, stretches and marks that one request may bring, each."""

By = Literal["all", "seen", "said"]
"""In what a moment is to be like another."""

TextSearch = Literal["words", "meaning"]
"""How texts are searched: BM25, or sentence vectors."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of an indexed video, seconds."""

    video_id: str
    start: float
    end: float

    def check(self) -> None:
        """Refuse what is no stretch of time.

        Raises:
            InvalidRequest: it begins before the video or ends before it begins.
        """
        if not (math.isfinite(self.start) and math.isfinite(self.end) and 0.0 <= self.start <= self.end):
            raise InvalidRequest(
                f"{self.start:g} to {self.end:g} is no stretch of a video.", hint="Write VIDEO@1:20-1:30."
            )


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What to search for.

    Attributes:
        k: most moments; None takes the setting.
        video_ids: only in these; empty is everywhere.
        library: only in this library, by number or name.
        images: examples of what is looked for, by name; those that the query names (`image:NAME`) count only there.
        examples: stretches of indexed videos that are to be found again elsewhere; they themselves are left out.
        by: in what `examples` are to be found again.
        like, unlike: what was marked among earlier results of this query: more of the one, less of the other.
        min_confidence: instead of the setting's cut-off.
        channels: only these are asked, but for what must not be there; None asks all that the query does.
        searches: how texts are searched: by their `words` (BM25), by their `meaning` (vectors); None is both.
        level: single moments, or chapters or whole videos with the best moments in each; `k` counts these.
    """

    query: str = ""
    k: int | None = None
    video_ids: tuple[str, ...] = ()
    library: int | str | None = None
    images: Mapping[str, Image] = field(default_factory=dict)
    examples: tuple[Stretch, ...] = ()
    by: By = "all"
    like: tuple[Stretch, ...] = ()
    unlike: tuple[Stretch, ...] = ()
    min_confidence: float | None = None
    level: Level = "moments"
    channels: frozenset[Channel] | None = None
    searches: frozenset[TextSearch] | None = None

    def check(self) -> None:
        """Refuse what cannot be searched.

        Raises:
            InvalidRequest: there is nothing to look for, or a number is out of range.
        """
        if not (self.query.strip() or self.images or self.examples or self.like):
            raise InvalidRequest("There is nothing to look for.", hint="Write some words.")
        for many in (self.images, self.examples, self.like, self.unlike):
            if len(many) > MAX_EXAMPLES:
                raise InvalidRequest(f"At most {MAX_EXAMPLES} examples or marks can be given, not {len(many)}.")
        for stretch in (*self.examples, *self.like, *self.unlike):
            stretch.check()
        if self.k is not None and not 1 <= self.k <= MAX_K:
            raise InvalidRequest(f"k must be 1 to {MAX_K}, not {self.k}.")
        if self.min_confidence is not None and not 0.0 <= self.min_confidence <= 1.0:
            raise InvalidRequest(f"The least confidence must be 0 to 1, not {self.min_confidence}.")
        if self.channels is not None and not self.channels:
            raise InvalidRequest("No channel is left to search in.")
        if self.searches is not None and not self.searches:
            raise InvalidRequest("Texts are to be searched neither by words nor by meaning.")


@dataclass(frozen=True, slots=True)
class AskRequest:
    """What to ask.

    Attributes:
        stream: called with each piece of a model's answer, before its citations are checked.
        options: of a multiple-choice question the answers to choose from.
        history: what was asked before, oldest first: a follow-up question is completed by it.
        stopped: asked while a model works; once it says yes the model is let go, and `Cancelled` raised.
    """

    question: str
    k: int | None = None
    video_ids: tuple[str, ...] = ()
    stream: Callable[[str], None] | None = None
    library: int | str | None = None
    options: tuple[str, ...] = ()
    history: tuple[Turn, ...] = ()
    stopped: Callable[[], bool] | None = None

    def check(self) -> None:
        """Refuse what cannot be asked.

        Raises:
            InvalidRequest: there is no question, or one option to choose from.
        """
        if not self.question.strip():
            raise InvalidRequest("There is no question.", hint="Write one.")
        if len(self.options) == 1:
            raise InvalidRequest("One option is no choice.", hint="Give two or more, or none.")

    @property
    def as_search(self) -> SearchRequest:
        """The search that finds what the answer rests on."""
        return SearchRequest(self.question, self.k, self.video_ids, self.library)
