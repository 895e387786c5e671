"""A question taken apart by a model: what would be said, which things would be seen, which relation is asked for.

The scheme is Video-RAG's (Luo et al. 2024, arXiv 2411.13093): requests for speech (ASR), for objects (DET) and the kind
of relation (TYPE). What the model says is checked strictly; on anything else than the JSON asked for the rules decide.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engines.protocols import VlmEngine, VlmRequest
from query.language import ObjectCount
from query.plan import Plan, Requirement, match_label
from reelseek.records import Channel

_SYSTEM = (
    "You prepare a search in videos. Reply with one JSON object and nothing else. Its keys: "
    '"ASR": one or two sentences that would be spoken where the question is answered, or null if none matters; '
    '"DET": a list of at most five things, as common nouns, that would be seen there, or null; '
    '"TYPE": a list with any of "location", "number", "relation": what must be known of these things, or null.'
)
_MAX_REPLY = 4_000


class Decoupled(BaseModel):
    """The model's reply."""

    model_config = ConfigDict(extra="forbid", strict=True)

    asr: str | None = Field(alias="ASR", max_length=500)
    det: list[str] | None = Field(alias="DET", max_length=5)
    type: list[Literal["location", "number", "relation"]] | None = Field(alias="TYPE", max_length=3)


def decouple_question(vlm: VlmEngine, plan: Plan, labels: Iterable[str]) -> Plan:
    """Widen a plan with what the model makes of its question; if that is no valid JSON the plan of the rules stays.

    Only a question in plain words is taken apart: who scopes his words has said where to look.

    Raises:
        EngineUnavailable: the model does not answer.
    """
    if len(plan.stages) != 1 or len(plan.stages[0].requirements) != 1:
        return plan
    requirement = plan.stages[0].requirements[0]
    if len(requirement.requests) < 2 or requirement.phrase:
        return plan
    request = VlmRequest(
        _SYSTEM, f"Question: {requirement.text}", max_tokens=200, json_schema=Decoupled.model_json_schema(by_alias=True)
    )
    try:
        reply = _json_of("".join(vlm.generate(request))[:_MAX_REPLY])
        parts = Decoupled.model_validate_json(reply)
    except ValidationError:
        note = f"{vlm.id} did not take the question apart (it gave no valid JSON); rules did."
        return replace(plan, notes=(*plan.notes, note))
    stage = replace(plan.stages[0], requirements=(_widened(requirement, parts, tuple(labels)),))
    return replace(plan, stages=(stage,), decoupler=vlm.id, relations=frozenset(parts.type or ()))


def _json_of(reply: str) -> str:
    """The object in a reply: models wrap it in fences and words."""
    start, end = reply.find("{"), reply.rfind("}")
    return reply[start : end + 1] if 0 <= start < end else reply


def _widened(requirement: Requirement, parts: Decoupled, labels: tuple[str, ...]) -> Requirement:
    also = ((Channel.SPEECH, parts.asr.strip()),) if parts.asr and parts.asr.strip() else ()
    have = {count.label for count in requirement.objects}
    named = (match_label(name, labels) for name in parts.det or ())
    extra = tuple(ObjectCount(label) for label in dict.fromkeys(named) if label is not None and label not in have)
    objects = (*requirement.objects, *extra)
    explained = requirement.explained if requirement.objects or not extra else 0.5
    return replace(requirement, also=also, objects=objects, explained=explained)
