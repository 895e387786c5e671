"""A question taken apart by a model: what would be said, what would stand on screen, which things would be seen.

The scheme is Video-RAG's (Luo et al. 2024, arXiv 2411.13093), which asks for speech (ASR), objects (DET) and the kind
of relation (TYPE); screen text (OCR) is asked for beside them. What the model says is checked strictly; on anything
else than the JSON asked for the rules decide.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from engines.protocols import VlmEngine, VlmRequest
from query.language.terms import ObjectCount
from query.planning.plan import Plan, Requirement, match_label
from query.replies import json_of, reply_of
from reelseek.records import Channel

_SYSTEM = (
    "You prepare a search in videos. Reply with one JSON object and nothing else. Its keys: "
    '"ASR": one or two sentences that would be spoken where the question is answered, or null if none matters; '
    '"OCR": the few words that would stand on screen there, or null; '
    '"DET": a list of at most five things, as common nouns, that would be seen there, or null; '
    '"TYPE": a list with any of "location", "number", "relation": what must be known of these things, or null.'
)
_LABELS = 80
_REMEMBERED = 256
_KEPT = 2_000
_HALF = 0.5
"""The share of a question's words that things account for which only the model names."""

_Short = Annotated[str, StringConstraints(max_length=60)]


class Decoupled(BaseModel):
    """The model's reply."""

    model_config = ConfigDict(extra="forbid", strict=True)

    asr: str | None = Field(alias="ASR", max_length=500)
    ocr: str | None = Field(None, alias="OCR", max_length=200)
    det: list[_Short] | None = Field(alias="DET", max_length=5)
    type: list[Literal["location", "number", "relation"]] | None = Field(alias="TYPE", max_length=3)


class Decoupler:
    """Asks a model, once for each question: replies are kept in memory and as files. Thread-safe.

    A reply belongs to the model (its fingerprint), the question and the labels that the model was told.

    Args:
        folder: for the files; where it cannot be written the next process asks again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Decoupled] = OrderedDict()

    def plan(self, vlm: VlmEngine, plan: Plan, labels: Iterable[str], seconds: float) -> Plan:
        """Widen a plan with what the model makes of its question; without valid JSON the plan of the rules stays.

        Only a question in plain words is taken apart: who scopes his words has said where to look.

        Args:
            labels: what the library's detector found, the commonest first.
            seconds: that the model may take.

        Raises:
            EngineUnavailable: the model does not answer.
        """
        requirement = _plain_words(plan)
        if requirement is None:
            return plan
        told = tuple(labels)[:_LABELS]
        parts = self._parts(vlm, requirement.text, told, seconds)
        if parts is None:
            note = f"{vlm.id} did not take the question apart (it gave no valid JSON); rules did."
            return replace(plan, notes=(*plan.notes, note))
        stage = replace(plan.stages[0], requirements=(widened(requirement, parts, told),))
        return replace(plan, stages=(stage,), decoupler=vlm.id, relations=frozenset(parts.type or ()))

    def _parts(self, vlm: VlmEngine, question: str, labels: tuple[str, ...], seconds: float) -> Decoupled | None:
        """The checked reply; None where it is no valid one, which the next search asks for again."""
        whole = json.dumps([vlm.fingerprint, _SYSTEM, question, sorted(labels)])
        key = hashlib.sha256(whole.encode()).hexdigest()[:32]
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        file = self._folder / f"{key}.json"
        parts = _read(file)
        if parts is None:
            parts = _asked(vlm, question, labels, seconds)
            if parts is None:
                return None
            _write(file, parts)
        with self._lock:
            self._known[key] = parts
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return parts


def _plain_words(plan: Plan) -> Requirement | None:
    """The one requirement of a plan that is plain words and nothing else."""
    if len(plan.stages) != 1:
        return None
    stage = plan.stages[0]
    if len(stage.requirements) != 1 or stage.either or stage.near or stage.speakers:
        return None
    (requirement,) = stage.requirements
    return requirement if len(requirement.requests) > 1 and not requirement.phrase else None


def _asked(vlm: VlmEngine, question: str, labels: tuple[str, ...], seconds: float) -> Decoupled | None:
    known = f"Things that a detector knows here: {', '.join(labels)}.\n" if labels else ""
    schema = Decoupled.model_json_schema(by_alias=True)
    request = VlmRequest(_SYSTEM, f"{known}Question: {question}", max_tokens=250, json_schema=schema)
    try:
        return Decoupled.model_validate_json(json_of(reply_of(vlm, request, seconds)))
    except ValidationError:
        return None


def widened(requirement: Requirement, parts: Decoupled, labels: tuple[str, ...]) -> Requirement:
    """A requirement with the model's requests beside its own: they only add, for models err as rules do."""
    texts = ((Channel.SPEECH, parts.asr), (Channel.SCREEN_TEXT, parts.ocr))
    asked = {(channel, text.strip()) for channel, text in texts if text and text.strip()}
    also = tuple(item for item in sorted(asked) if requirement.requests.get(item[0]) != item[1])
    have = {count.label for count in requirement.objects}
    named = (match_label(name, labels) for name in parts.det or ())
    extra = tuple(ObjectCount(label) for label in dict.fromkeys(named) if label is not None and label not in have)
    return replace(
        requirement,
        also=(*requirement.also, *also),
        objects=(*requirement.objects, *extra),
        explained=requirement.explained if requirement.objects or not extra else _HALF,
    )


def _read(file: Path) -> Decoupled | None:
    """A kept reply; a damaged file counts as none."""
    try:
        return Decoupled.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None


def _write(file: Path, parts: Decoupled) -> None:
    """Keep a reply. A data folder that cannot be written costs a question to the model, no more."""
    temporary = file.with_name(f"{file.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _make_room(file.parent)
        temporary.write_text(parts.model_dump_json(by_alias=True), encoding="utf-8")
        temporary.replace(file)
    except OSError:
        with suppress(OSError):  # a read-only disk refuses even this
            temporary.unlink(missing_ok=True)


def _make_room(folder: Path) -> None:
    """Bound the replies that are kept: of too many the older half goes."""
    files = list(folder.glob("*.json"))
    if len(files) >= _KEPT:
        for old in sorted(files, key=lambda item: item.stat().st_mtime)[: _KEPT // 2]:
            old.unlink(missing_ok=True)
