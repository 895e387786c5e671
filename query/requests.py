"""What is asked of the service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reelseek.errors import InvalidRequest
from reelseek.records import Image

MAX_K = 1_000


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What to search for.

    Attributes:
        k: most moments; None takes the setting.
        video_ids: only in these; empty is everywhere.
        library: only in this library, by number or name.
        image: an example of what is looked for.
        min_confidence: instead of the setting's cut-off.
    """

    query: str = ""
    k: int | None = None
    video_ids: tuple[str, ...] = ()
    library: int | str | None = None
    image: Image | None = None
    min_confidence: float | None = None

    def check(self) -> None:
        """Refuse what cannot be searched.

        Raises:
            InvalidRequest: there is nothing to look for, or a number is out of range.
        """
        if not self.query.strip() and self.image is None:
            raise InvalidRequest("There is nothing to look for.", hint="Write some words.")
        if self.k is not None and not 1 <= self.k <= MAX_K:
            raise InvalidRequest(f"k must be 1 to {MAX_K}, not {self.k}.")
        if self.min_confidence is not None and not 0.0 <= self.min_confidence <= 1.0:
            raise InvalidRequest(f"The least confidence must be 0 to 1, not {self.min_confidence}.")


@dataclass(frozen=True, slots=True)
class AskRequest:
    """What to ask. `stream` is called with each piece of a model's answer, before its citations are checked."""

    question: str
    k: int | None = None
    video_ids: tuple[str, ...] = ()
    stream: Callable[[str], None] | None = None
    library: int | str | None = None

    @property
    def as_search(self) -> SearchRequest:
        """The search that finds what the answer rests on."""
        return SearchRequest(self.question, self.k, self.video_ids, self.library)
