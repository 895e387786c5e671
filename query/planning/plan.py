"""From a parsed query to what each channel is asked for.

What the user scopes himself (`said:`, `text:`, `seen:`, `object:`) is binding; plain words are taken apart by rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from query.language.terms import (
    EVENTS,
    Example,
    Field,
    Filters,
    Join,
    ObjectCount,
    ObjectFact,
    Query,
    Speaker,
    Stage,
    Words,
    quoted,
)
from query.planning.requirement import TEXT_CHANNELS, UNSURE, Requirement
from query.planning.rules import ALIASES, CUE_WORDS, cue_free_terms, decouple, find_facts, find_objects, match_label
from reelseek.records import Channel
from reelseek.timecode import format_time

__all__ = [
    "ALIASES",
    "CUE_WORDS",
    "TEXT_CHANNELS",
    "UNSURE",
    "NearPlan",
    "Plan",
    "Requirement",
    "StagePlan",
    "cue_free_terms",
    "decouple",
    "find_facts",
    "find_objects",
    "make_plan",
    "match_label",
]


@dataclass(frozen=True, slots=True)
class NearPlan:
    """What must be (or, negated, must not be) at most `window` seconds away."""

    stage: StagePlan
    window: float
    negated: bool = False


@dataclass(frozen=True, slots=True)
class StagePlan:
    """What must be found in one place, and what must not be there.

    Attributes:
        either: for each of these one of its options.
        near: what must be, or must not be, around.
        speakers: who must speak there.
        text: as the user wrote it.
    """

    requirements: tuple[Requirement, ...]
    excluded: tuple[Requirement, ...] = ()
    either: tuple[tuple[StagePlan, ...], ...] = ()
    near: tuple[NearPlan, ...] = ()
    speakers: tuple[Speaker, ...] = ()
    text: str = ""

    @property
    def empty(self) -> bool:
        """Whether it asks for nothing, or only excludes."""
        return not (self.requirements or self.either or any(not speaker.negated for speaker in self.speakers))

    def every_requirement(self) -> Iterator[Requirement]:
        """All that it asks for, in its alternatives and near it as well."""
        yield from self.requirements
        for options in self.either:
            for option in options:
                yield from option.every_requirement()
        for near in self.near:
            if not near.negated:
                yield from near.stage.every_requirement()


@dataclass(frozen=True, slots=True)
class Plan:
    """A query, ready to be retrieved.

    Attributes:
        spoken: words that may also stand somewhere exactly as they were written, operators and all; empty for none.
        decoupler: `rules`, or the id of the VLM that took the question apart.
        relations: what must be known of the objects: `location`, `number`, `relation`.
    """

    query: str
    stages: tuple[StagePlan, ...]
    joins: tuple[Join, ...] = ()
    filters: Filters = field(default_factory=Filters)
    notes: tuple[str, ...] = ()
    spoken: str = ""
    decoupler: str = "rules"
    relations: frozenset[str] = frozenset()

    @property
    def empty(self) -> bool:
        """Whether it asks for nothing at all, or only excludes."""
        return all(stage.empty for stage in self.stages)


def make_plan(query: Query, labels: Iterable[str] = ()) -> Plan:
    """Plan a query by rules. `labels` are what the index's detector knows."""
    known = tuple(labels)
    stages = tuple(_stage(stage, known) for stage in query.stages)
    return Plan(query.text, stages, query.joins, query.filters, query.notes, query.spoken)


def _stage(stage: Stage, labels: tuple[str, ...]) -> StagePlan:
    return StagePlan(
        tuple(_requirements(stage, labels)),
        tuple(_excluded(stage, labels)),
        tuple(tuple(_stage(option, labels) for option in either.options) for either in stage.either),
        tuple(NearPlan(_stage(near.stage, labels), near.window, near.negated) for near in stage.near),
        stage.speakers,
        stage.text,
    )


def _requirements(stage: Stage, labels: tuple[str, ...]) -> Iterator[Requirement]:
    for item in stage.words:
        if not item.negated and item.text.strip():
            yield _of_words(item, labels)
    for count in stage.objects:
        if not count.negated:
            yield _of_object(count, labels)
    for fact in stage.facts:
        if not fact.negated:
            yield _of_fact(fact, labels)
    for example in stage.examples:
        if not example.negated:
            yield _of_example(example)


def _excluded(stage: Stage, labels: tuple[str, ...]) -> Iterator[Requirement]:
    for item in stage.words:
        if item.negated and item.text.strip():
            whole = replace(_of_words(item, labels), phrase=item.field is not Field.SEEN)
            # a lone excluded word is one that is said or written, or a thing that the detector knows; what a picture
            # resembles is too vague to throw results away for, unless `-seen:` asks for it
            if item.field is Field.ANY:
                requests: dict[Channel, str] = {
                    channel: text for channel, text in whole.requests.items() if channel is not Channel.VISUAL
                }
                whole = replace(whole, requests=requests, objects=whole.objects if whole.explained == 1 else ())
            yield replace(whole, facts=())
    for count in stage.objects:
        if count.negated:
            yield _of_object(count, labels)
    for fact in stage.facts:
        if fact.negated:
            yield _of_fact(fact, labels)
    for example in stage.examples:
        if example.negated:
            yield _of_example(example)


def _of_example(example: Example) -> Requirement:
    times = ""
    if example.start is not None:
        times = "@" + "-".join(format_time(time) for time in (example.start, example.end) if time is not None)
    return Requirement(f"{example.kind}:{quoted(example.name)}{times}", example=example)


def _of_fact(fact: ObjectFact, labels: tuple[str, ...]) -> Requirement:
    label = match_label(fact.label, labels) or fact.label
    other = fact.other if fact.kind in EVENTS else match_label(fact.other, labels) or fact.other
    text = ":".join(filter(None, ("object", fact.label, fact.kind, fact.other)))
    return Requirement(text, facts=(replace(fact, label=label, other=other),))


def _of_object(count: ObjectCount, labels: tuple[str, ...]) -> Requirement:
    label = match_label(count.label, labels)
    named = replace(count, label=label or count.label)
    number = f"={count.number}-{count.most}" if count.most is not None else f"{count.op}{count.number}"
    return Requirement(f"object:{count.label}{number}", objects=(named,))


def _of_words(item: Words, labels: tuple[str, ...]) -> Requirement:
    text = " ".join(item.text.split())
    if item.field is Field.SEEN:
        found, explained = find_objects(text, labels)
        return Requirement(text, {Channel.VISUAL: text}, objects=found, explained=explained)
    if item.field is Field.SAID:
        return Requirement(text, {Channel.SPEECH: text}, phrase=item.phrase)
    if item.field is Field.TEXT:
        return Requirement(text, {Channel.SCREEN_TEXT: text}, phrase=item.phrase)
    if item.field is Field.SOUND:
        return Requirement(text, {Channel.SOUND: text}, phrase=item.phrase)
    if item.phrase:
        return Requirement(text, dict.fromkeys(TEXT_CHANNELS, text), phrase=True)
    return decouple(text, labels)
