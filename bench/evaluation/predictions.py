"""What was answered to multiple-choice questions, kept as it comes: a run that was killed goes on where it stopped."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.evaluation.kept import KeptRows
from query.answering.choosing import option_named
from query.answering.prompts import letter
from reelseek.errors import InvalidRequest
from reelseek.records import JsonObject

_LETTERS = 100


@dataclass(frozen=True, slots=True)
class Given:
    """What the product answered.

    Attributes:
        choice: the option, from 0; None where it chose none.
        engine: the model's id, `extractive`, or empty where the question could not be asked.
        citations: the places that the answer rests on (s), in its own order.
        seconds: that it took.
    """

    question_id: str
    choice: int | None
    engine: str
    citations: tuple[tuple[float, float], ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class PredictionFile(KeptRows):
    """Answers in a file (`KeptRows`).

    Attributes:
        given: what is in it, by the question's id.
    """

    given: dict[str, Given] = field(default_factory=dict)

    def add(self, given: Given) -> None:
        """Keep an answer."""
        choice = None if given.choice is None else letter(given.choice)
        self.keep(
            {
                "id": given.question_id,
                "choice": choice,
                "engine": given.engine,
                "citations": given.citations,
                "seconds": given.seconds,
                "notes": given.notes,
            }
        )

    def _read(self, row: JsonObject) -> None:
        given = _given(row)
        self.given[given.question_id] = given


def _given(row: JsonObject) -> Given:
    choice = None if row["choice"] is None else option_named(str(row["choice"]), _LETTERS)
    if choice is None and row["choice"] is not None:
        raise InvalidRequest(f"There is no option {row['choice']!r}.")
    cited = tuple((float(start), float(end)) for start, end in row["citations"])
    return Given(str(row["id"]), choice, str(row["engine"]), cited, float(row["seconds"]), tuple(row["notes"]))
