"""From a parsed query to what each channel is asked for.

Without a model the question is taken apart by rules: "the slide that says X" asks the screen text for X, "he mentions
X" the speech, "two cars" the detector for cars. The rules only move weight between channels; what the user scopes
himself (`said:`, `text:`, `seen:`, `object:`) is binding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from query.language import EVENTS, Field, Filters, Join, ObjectCount, ObjectFact, Query, Stage, Words
from query.words import STOP_WORDS, content_terms, stem, stems, tokens
from reelseek.records import Channel

TEXT_CHANNELS = (Channel.SPEECH, Channel.SCREEN_TEXT, Channel.CAPTION, Channel.SOUND, Channel.TITLE)
"""Channels that hold words."""

UNSURE = 0.7
"""Weight of a channel that a rule takes to be the wrong one: less, never nothing, for rules err."""

_SCREEN_NOUNS = (
    r"signs?|slides?|screens?|posters?|banners?|pages?|boards?|whiteboards?|blackboards?|labels?|text|titles?|captions?"
    r"|words?|logos?|headings?|headlines?|subtitles?|menus?|buttons?|adverts?|messages?"
)
_SHOWS = (
    r"(?:says?|said|saying|reads?|reading|(?:is|are)?\s*(?:titled|called|named|labell?ed)|with\s+the\s+(?:words?|text|titles?|captions?)"
    r"|(?:shows?|showing|with|about|lists?|mentions?|mentioning))"
)
_TAIL = r"\s+(?:that\s+|about\s+|the\s+(?:words?|text)\s+)?(?P<tail>\S.*)$"
_SCREEN = (
    re.compile(rf"\b(?:{_SCREEN_NOUNS})\b[^.?!]{{0,40}}?\b{_SHOWS}{_TAIL}", re.IGNORECASE),
    re.compile(
        rf"\b(?:the\s+words?|the\s+text|written|titled|captioned|labell?ed|(?:on|in)\s+the\s+(?:{_SCREEN_NOUNS})){_TAIL}",
        re.IGNORECASE,
    ),
)
_HEAD = re.compile(
    r"^(?:(?:the|a|an|that|this)\s+)?(?P<head>\S.*?)\s+(?:slides?|signs?|posters?|banners?|headings?|captions?)\b",
    re.IGNORECASE,
)
_LAYOUT = re.compile(
    r"\b(?:(?:with|and|as|in)\s+)?(?:an?\s+)?(?:bullet\s+points?|bullets|(?:group\s+)?photos?|pictures?|bold|large\s+letters)\b",
    re.IGNORECASE,
)
_SPEECH = re.compile(
    r"\b(?:says?|said|saying|mentions?|mentioned|mentioning|(?:talk|speak)(?:s|ing|ed)?\s+(?:about|of|on)|spoke\s+(?:about|of)"
    r"|discuss(?:es|ed|ing)?|explain(?:s|ed|ing)?|announc(?:es|ed|ing)|tells?\s+(?:us\s+)?(?:about|that)"
    r"|told\s+(?:us\s+)?(?:about|that)|recommend(?:s|ed)?|suggest(?:s|ed)?|argu(?:es|ed)|claim(?:s|ed))"
    r"\s+(?:that\s+|about\s+|the\s+words?\s+)?(?P<tail>\S.*)$",
    re.IGNORECASE,
)
_SPEECH_CUE = re.compile(
    r"\b(?:say|says|said|mentioned|talk(?:s|ed|ing)?\s+about|spoken|explained?|explains)\b", re.IGNORECASE
)
_SCREEN_CUE = re.compile(r"\b(?:on\s+(?:the\s+)?screen|slides?|written|reads?)\b", re.IGNORECASE)
_LOOK = re.compile(
    r"\b(?:looks?\s+like|colou?rs?|wearing|wears|standing|sitting|holding|in\s+the\s+background|left\s+of|right\s+of)\b",
    re.IGNORECASE,
)
_CUES = """
say says said saying mention mentions mentioned talk talks talked talking speak speaks speaking discuss discusses
discussed explain explains explained tell tells told slide slides screen written read reads titled word words text
"""
CUE_WORDS = frozenset(_CUES.split())
"""Words that name a channel; they count as content only when nothing else is left."""

_GO = r"(?:walk|com|go|step|runn?|driv|rid)(?:e?s|es|ing)?|came|went|ran|drove|rode"
_FACTS = tuple(
    (re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), kind)
    for pattern, kind in (
        (r"(?:to\s+the\s+)?left\s+of", "left-of"),
        (r"(?:to\s+the\s+)?right\s+of", "right-of"),
        (r"above|over", "above"),
        (r"below|under|beneath", "below"),
        (rf"enter(?:s|ed|ing)?|arriv(?:e|es|ed|ing)|(?:{_GO}|walked|stepped)\s+in(?:to)?", "enters"),
        (rf"leav(?:e|es|ing)|exit(?:s|ed|ing)?|(?:{_GO}|walked|stepped)\s+(?:out|away|off)", "leaves"),
    )
)
"""Words that say what a thing does, or where it is to another, with the fact that they ask for."""

_PEOPLE = "people persons man men woman women child children boy boys girl girls pedestrian pedestrians"
ALIASES: Mapping[str, tuple[str, ...]] = {
    "person": tuple(_PEOPLE.split()),
    "car": ("automobile", "automobiles"),
    "bicycle": ("bike", "bikes", "cycle"),
    "motorcycle": ("motorbike", "motorbikes"),
    "airplane": ("plane", "planes", "aeroplane", "aircraft"),
    "tv": ("television", "televisions", "monitor", "monitors"),
    "cell phone": ("phone", "phones", "smartphone", "mobile"),
    "couch": ("sofa", "sofas"),
    "potted plant": ("plant", "plants"),
    "dining table": ("table", "tables"),
}
"""Everyday words for the labels that detectors are commonly trained on (COCO's)."""


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


@dataclass(frozen=True, slots=True)
class StagePlan:
    """What must be found in one place, and what must not be there."""

    requirements: tuple[Requirement, ...]
    excluded: tuple[Requirement, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A query, ready to be retrieved.

    Attributes:
        decoupler: `rules`, or the id of the VLM that took the question apart.
        relations: what must be known of the objects: `location`, `number`, `relation`.
    """

    query: str
    stages: tuple[StagePlan, ...]
    joins: tuple[Join, ...] = ()
    filters: Filters = field(default_factory=Filters)
    notes: tuple[str, ...] = ()
    decoupler: str = "rules"
    relations: frozenset[str] = frozenset()

    @property
    def empty(self) -> bool:
        """Whether it asks for nothing at all, or only excludes."""
        return not any(stage.requirements for stage in self.stages)


def make_plan(query: Query, labels: Iterable[str] = ()) -> Plan:
    """Plan a query by rules. `labels` are what the index's detector knows."""
    known = tuple(labels)
    stages = tuple(
        StagePlan(
            tuple(_requirements(stage, known)),
            tuple(_excluded(stage, known)),
        )
        for stage in query.stages
    )
    return Plan(query.text, stages, query.joins, query.filters, query.notes)


def _requirements(stage: Stage, labels: tuple[str, ...]) -> Iterable[Requirement]:
    for item in stage.words:
        if not item.negated and item.text.strip():
            yield _of_words(item, labels)
    for count in stage.objects:
        if not count.negated:
            yield _of_object(count, labels)
    for fact in stage.facts:
        if not fact.negated:
            yield _of_fact(fact, labels)


def _excluded(stage: Stage, labels: tuple[str, ...]) -> Iterable[Requirement]:
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


def _of_fact(fact: ObjectFact, labels: tuple[str, ...]) -> Requirement:
    label = match_label(fact.label, labels) or fact.label
    other = fact.other if fact.kind in EVENTS else match_label(fact.other, labels) or fact.other
    text = ":".join(filter(None, ("object", fact.label, fact.kind, fact.other)))
    return Requirement(text, facts=(replace(fact, label=label, other=other),))


def _of_object(count: ObjectCount, labels: tuple[str, ...]) -> Requirement:
    label = match_label(count.label, labels)
    named = replace(count, label=label or count.label)
    return Requirement(f"object:{count.label}{count.op}{count.number}", objects=(named,))


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


def decouple(text: str, labels: tuple[str, ...] = ()) -> Requirement:
    """Take plain words apart by rules: which channel is meant, and what it is asked for."""
    found, explained = find_objects(text, labels)
    facts, happening = find_facts(text, labels) if found else ((), 0.0)
    requests = dict.fromkeys((*TEXT_CHANNELS, Channel.VISUAL), text)
    screen = next((match for pattern in _SCREEN if (match := pattern.search(text))), None)
    speech = None if screen else _SPEECH.search(text)
    for channel, match in ((Channel.SCREEN_TEXT, screen), (Channel.SPEECH, speech)):
        if match and (tail := _meaningful(match.group("tail"))):
            requests[channel] = tail
    also = _headed(text) if speech is None else ()
    if screen and (written := _meaningful(_LAYOUT.sub(" ", requests[Channel.SCREEN_TEXT]))):
        requests[Channel.SCREEN_TEXT] = written
    weights: dict[Channel, float] = {}
    if screen or _SCREEN_CUE.search(text):
        weights = {Channel.SPEECH: UNSURE, Channel.VISUAL: UNSURE}
    elif speech or _SPEECH_CUE.search(text):
        weights = {Channel.SCREEN_TEXT: UNSURE, Channel.VISUAL: UNSURE}
    elif _LOOK.search(text):
        weights = {Channel.SPEECH: UNSURE, Channel.SCREEN_TEXT: UNSURE}
    return Requirement(
        text, requests, weights, objects=found, explained=explained, facts=facts, happening=happening, also=also
    )


def _headed(text: str) -> tuple[tuple[Channel, str], ...]:
    """What a slide or sign is named after, "acknowledgements slide": it most likely stands on it."""
    match = _HEAD.search(text)
    head = _meaningful(match.group("head")) if match else ""
    telling = len(tokens(head)) <= 5 and any(len(term) > 3 for term in content_terms(head))
    return ((Channel.SCREEN_TEXT, head),) if head and telling else ()


def _meaningful(tail: str) -> str:
    tail = " ".join(tail.split()).strip(" ?!.,:;\"'“”")
    return tail if any(word not in STOP_WORDS for word in tokens(tail)) else ""


def find_objects(text: str, labels: tuple[str, ...]) -> tuple[tuple[ObjectCount, ...], float]:
    """The detector's labels that `text` names, with their numbers, and the share of its content words they explain.

    "two red circles" with the label `red circle` is `(red circle = 2)` and 1.0; with `circle` it is 2/3.
    """
    words = stems(text)
    used: set[int] = set()
    found: dict[str, ObjectCount] = {}
    for label, names in sorted(_names(labels).items(), key=lambda item: -max(len(name) for name in item[1])):
        for name in names:
            at = _find(words, name, used)
            if at is None or label in found:
                continue
            used.update(range(at, at + len(name)))
            number = _number_before(words, at, used)
            found[label] = ObjectCount(label, "=", number) if number is not None else ObjectCount(label)
    terms = content_terms(text)
    if not found or not terms:
        return (), 0.0
    explained = {words[position] for position in used}
    return tuple(found.values()), sum(term in explained for term in terms) / len(terms)


def find_facts(text: str, labels: tuple[str, ...]) -> tuple[tuple[ObjectFact, ...], float]:
    """What plain words say that one thing does, or where it is to another, and the share of the words this explains.

    The thing is the one named before the verb or the place ("a man walks in"), the other the one named behind it ("cup
    left of the laptop").
    """
    for pattern, kind in _FACTS:
        match = pattern.search(text)
        if match is None:
            continue
        sides = (text[: match.start()], text[match.end() :])
        (before, share), (behind, other_share) = (find_objects(side, labels) for side in sides)
        if len(before) != 1 or (kind not in EVENTS and len(behind) != 1):
            continue
        known = len(content_terms(match.group())) + share * len(content_terms(sides[0]))
        if kind in EVENTS:
            fact = ObjectFact(before[0].label, kind)
        else:
            fact = ObjectFact(before[0].label, kind, behind[0].label)
            known += other_share * len(content_terms(sides[1]))
        return (fact,), min(1.0, known / max(1, len(content_terms(text))))
    return (), 0.0


def _names(labels: tuple[str, ...]) -> dict[str, list[tuple[str, ...]]]:
    names = {}
    for label in labels:
        aliases = ALIASES.get(label.lower(), ())
        names[label] = [name for text in (label, *aliases) if (name := tuple(stems(text.replace("_", " "))))]
    return {label: sorted(options, key=len, reverse=True) for label, options in names.items() if options}


def _find(words: list[str], name: tuple[str, ...], used: set[int]) -> int | None:
    for at in range(len(words) - len(name) + 1):
        if tuple(words[at : at + len(name)]) == name and not used & set(range(at, at + len(name))):
            return at
    return None


def _number_before(words: list[str], at: int, used: set[int]) -> int | None:
    """A number up to two words before a label ("two big red circles" has two between at most)."""
    for back in range(1, 4):
        position = at - back
        if position < 0 or position in used:
            return None
        if words[position].isascii() and words[position].isdigit():
            used.add(position)
            return int(words[position][:6])
    return None


def match_label(name: str, labels: Iterable[str]) -> str | None:
    """The detector's label that a person means: the same words, in the plural, or an everyday name of it."""
    wanted = tuple(stems(name.replace("_", " ")))
    for label, names in _names(tuple(labels)).items():
        if wanted in names:
            return label
    return None


def cue_free_terms(text: str) -> tuple[str, ...]:
    """The stems of `text` that say what is looked for, without words that only name a channel."""
    terms = content_terms(text)
    cues = {stem(word) for word in CUE_WORDS}
    return tuple(term for term in terms if term not in cues) or terms
