"""One thing that must be found, and what each channel is asked for to find it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from query.language.terms import Example, ObjectCount, ObjectFact
from reelseek.records import Channel

TEXT_CHANNELS = (Channel.SPEECH, Channel.SCREEN_TEXT, Channel.CAPTION, Channel.SOUND, Channel.TITLE)
"""Channels that hold words."""

UNSURE = 0.7
"""Weight of a channel that a rule takes to be the wrong one: less, never nothing, for rules err."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that must be found. Any of its channels can show it.

    Attributes:
        text: as the user wrote it, for notes and explanations.
        requests: what each channel is asked for; channels that are missing are not asked.
        weights: how much each channel's evidence counts, 0 to 1.
        phrase: the words must stand one after another.
        objects: what the detector is asked for.
        explained: the share of the words that the objects account for: 1 for `object:`, less when they are only part
            of "a red car at night".
        facts: what objects are to do, or where one is to another.
        happening: the share of the words that the facts account for.
        also: further texts that a channel is asked for, as good as its request.
        lacking: things that must not be seen where it is seen: "a street without cars".
        example: a picture or a place that it is to be like.
    """

    text: str
    requests: Mapping[Channel, str] = field(default_factory=dict)
    weights: Mapping[Channel, float] = field(default_factory=dict)
    phrase: bool = False
    objects: tuple[ObjectCount, ...] = ()
    explained: float = 1.0
    facts: tuple[ObjectFact, ...] = ()
    happening: float = 1.0
    also: tuple[tuple[Channel, str], ...] = ()
    lacking: tuple[ObjectCount, ...] = ()
    example: Example | None = None

    @property
    def visual(self) -> str:
        """What is looked for in pictures, or nothing."""
        return self.requests.get(Channel.VISUAL, "")

    def weight(self, channel: Channel) -> float:
        """How much a channel's evidence counts."""
        return self.weights.get(channel, 1.0)

    @property
    def text_channels(self) -> tuple[Channel, ...]:
        """The channels of words that are asked."""
        return tuple(channel for channel in TEXT_CHANNELS if self.requests.get(channel))
