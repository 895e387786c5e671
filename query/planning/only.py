"""A plan that asks some channels only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from query.planning.plan import Plan, StagePlan
from query.planning.requirement import Requirement
from reelseek.records import Channel


def only_channels(plan: Plan, channels: frozenset[Channel] | None) -> Plan:
    """The same plan, with nothing looked for in other channels; a note tells of what cannot be looked for then.

    What must not be there stays as it is.
    """
    if channels is None:
        return plan
    dropped: list[str] = []
    stages = tuple(_stage(stage, channels, dropped) for stage in plan.stages)
    named = ", ".join(channel.value for channel in Channel if channel in channels)
    notes = [f"“{text}” was not looked for: it is in none of the channels {named}." for text in dropped]
    return replace(plan, stages=stages, notes=(*plan.notes, *notes))


def _stage(stage: StagePlan, channels: frozenset[Channel], dropped: list[str]) -> StagePlan:
    return replace(
        stage,
        requirements=tuple(_kept(stage.requirements, channels, dropped)),
        either=tuple(tuple(_stage(option, channels, dropped) for option in options) for options in stage.either),
        near=tuple(
            near if near.negated else replace(near, stage=_stage(near.stage, channels, dropped)) for near in stage.near
        ),
    )


def _kept(
    requirements: Iterable[Requirement], channels: frozenset[Channel], dropped: list[str]
) -> Iterator[Requirement]:
    for requirement in requirements:
        kept = _narrowed(requirement, channels)
        if kept is None:
            dropped.append(requirement.text)
        else:
            yield kept


def _narrowed(requirement: Requirement, channels: frozenset[Channel]) -> Requirement | None:
    """What is left of a requirement; None when nothing is."""
    objects = Channel.OBJECTS in channels
    kept = replace(
        requirement,
        requests={channel: text for channel, text in requirement.requests.items() if channel in channels},
        also=tuple((channel, text) for channel, text in requirement.also if channel in channels),
        objects=requirement.objects if objects else (),
        facts=requirement.facts if objects else (),
        example=requirement.example if Channel.VISUAL in channels else None,
    )
    return kept if kept.requests or kept.also or kept.objects or kept.facts or kept.example else None
