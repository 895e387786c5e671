"""A model as critic: it is shown claims with what they cite, and says which hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engines.protocols import VlmEngine
from query.answering.evidence import Block
from query.answering.prompts import judge_request
from query.replies import json_of, reply_of
from reelseek.errors import EngineUnavailable

MOST = 12
"""Claims that are checked by the model; an answer with more has the rest marked."""

_VERDICTS: dict[str, bool | None] = {"supported": True, "contradicted": False, "unknown": None}


class Verdicts(BaseModel):
    """The model's reply."""

    model_config = ConfigDict(extra="forbid", strict=True)

    verdicts: list[Literal["supported", "contradicted", "unknown"]] = Field(max_length=MOST)


@dataclass(slots=True)
class ModelJudge:
    """Asks the model within some seconds. One that fails or talks nonsense decides nothing, and `notes` say so."""

    vlm: VlmEngine
    seconds: float
    notes: list[str] = field(default_factory=list)

    def __call__(self, claims: Sequence[tuple[str, tuple[Block, ...]]]) -> list[bool | None]:
        """Judge all claims in one call."""
        asked = claims[:MOST]
        cited = {block.number: block for _, blocks in asked for block in blocks}
        request = judge_request([claim for claim, _ in asked], list(cited.values()), Verdicts.model_json_schema())
        try:
            reply = Verdicts.model_validate_json(json_of(reply_of(self.vlm, request, self.seconds)))
        except (EngineUnavailable, ValidationError):
            return self._failed()
        if len(reply.verdicts) != len(asked):
            return self._failed()
        return [_VERDICTS[verdict] for verdict in reply.verdicts]

    def _failed(self) -> list[bool | None]:
        self.notes.append(f"{self.vlm.id} could not check the claims that no words of the evidence confirm.")
        return []
