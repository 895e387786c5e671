"""Plain words taken apart by rules: which channel is meant, what it is asked for, which things are named.

"The slide that says X" asks the screen text for X, "he mentions X" the speech, "two cars" the detector for cars. The
rules only move weight between channels, for rules err.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from query.language.terms import EVENTS, ObjectCount, ObjectFact
from query.planning.requirement import TEXT_CHANNELS, UNSURE, Requirement
from query.planning.subject import REQUEST_WORDS
from query.texts.words import STOP_WORDS, content_terms, stem, stems, tokens
from reelseek.records import Channel

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
    re.compile(
        r"\b(?:message|notice|warning)\s+(?P<tail>\S.{0,200}?)\s+(?:on|in)\s+(?:the\s+)?screen\b", re.IGNORECASE
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
_ABOUT_SPEECH = (
    re.compile(
        r"\b(?:opinions?|views?|thoughts?|discussions?|debates?|conversations?|remarks?|comments?|(?:dis)?agree(?:s|d)?)\b"
        r"[^.?!]{0,40}?\s(?:about|on)\s+(?P<tail>\S.*)$",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:think|thinks|thought|decid(?:e|es|ed|ing))\s(?:[^.?!]{0,30}?\s)?(?:about|of|on)\s+(?P<tail>\S.*)$",
        re.IGNORECASE,
    ),
    re.compile(r"^\s*according\s+to\s+[^,]{1,60},\s*(?P<tail>\S.*)$", re.IGNORECASE),
    re.compile(
        r"^\s*(?:which|what)\s+(?P<tail>\S.{0,200}?)\s+(?:does|do|did|is|was|were|has|have)\s+(?:\S+\s+){1,4}?"
        r"(?:recommend|suggest|mention|propose|announce|describe|discuss)(?:ed)?\s*\??\s*$",
        re.IGNORECASE,
    ),
)
"""What is said about something, in words that do not name the speaking itself."""

_SPEECH = re.compile(
    r"\b(?:says?|said|saying|mentions?|mentioned|mentioning|(?:talk|speak)(?:s|ing|ed)?\s+(?:about|of|on)|spoke\s+(?:about|of)"
    r"|discuss(?:es|ed|ing)?|explain(?:s|ed|ing)?|announc(?:es|ed|ing)|tells?\s+(?:us\s+)?(?:about|that)"
    r"|told\s+(?:us\s+)?(?:about|that)|describ(?:es|ed|ing)|recommend(?:s|ed)?|suggest(?:s|ed)?|argu(?:es|ed)|claim(?:s|ed))"
    r"\s+(?:that\s+|about\s+|the\s+words?\s+)?(?P<tail>\S.*)$",
    re.IGNORECASE,
)
_SPEECH_CUE = re.compile(
    r"\b(?:say|says|said|mentioned|talk(?:s|ed|ing)?\s+about|spoken|explained?|explains|(?:dis)?agree(?:s|d)?\s+(?:with|on))\b",
    re.IGNORECASE,
)
_SCREEN_CUE = re.compile(r"\b(?:on\s+(?:the\s+)?screen|slides?|written|reads?)\b", re.IGNORECASE)
_LOOK = re.compile(
    r"\b(?:looks?\s+like|colou?rs?|wearing|wears|standing|sitting|holding|in\s+the\s+background|left\s+of|right\s+of)\b",
    re.IGNORECASE,
)
_LOOK_AT = re.compile(
    r"\b(?:how\s+many|(?:is|are)\s+there|enters?|leaves?|stands?|lies|hangs?|close-?ups?|next\s+to|in\s+front\s+of|behind"
    r"|drives?|crosses)\b",
    re.IGNORECASE,
)
"""Words that ask for what is seen where a thing is named that a detector knows."""

_ADVICE = re.compile(
    r"^\W*(?:how|where|when|why|what|which)\s+(?:can|could|may|must|should|would|do)\s+(?:i|you|we|one)\s+"
    r"(?!see|find|watch|spot|look)\w",
    re.IGNORECASE,
)
"""Questions of somebody who wants to do something: that is told, seldom seen."""

_LACKING = re.compile(
    r"(?:\b(?:but|with|and|has|have)\s+)?\b(?:no|without(?:\s+any)?|not?\s+any)\s+(?:an?\s+|the\s+)?(?=\S)",
    re.IGNORECASE,
)
_LIMITS: Mapping[tuple[str, str], str] = {
    ("mor", "than"): ">",
    ("at", "least"): ">=",
    ("at", "most"): "<=",
    ("up", "to"): "<=",
    ("fewer", "than"): "<",
    ("less", "than"): "<",
}
"""Stems of the words before a number that make a limit of it."""

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


def decouple(text: str, labels: tuple[str, ...] = ()) -> Requirement:
    """Take plain words apart by rules: which channel is meant, and what it is asked for."""
    shown, lacking = find_lacking(text, labels)
    found, explained = find_objects(shown, labels)
    facts, happening = find_facts(text, labels) if found else ((), 0.0)
    requests = dict.fromkeys((*TEXT_CHANNELS, Channel.VISUAL), text) | {Channel.VISUAL: shown}
    if not shown:
        del requests[Channel.VISUAL]
    screen = next((match for pattern in _SCREEN if (match := pattern.search(text))), None)
    speech = (
        None if screen else next((match for rule in (_SPEECH, *_ABOUT_SPEECH) if (match := rule.search(text))), None)
    )
    for channel, match in ((Channel.SCREEN_TEXT, screen), (Channel.SPEECH, speech)):
        if match and (tail := _meaningful(match.group("tail"))):
            requests[channel] = tail
    if speech and shown == text and (tail := _meaningful(speech.group("tail"))) and _only_asks(text[: speech.start()]):
        requests[Channel.VISUAL] = tail
    also = _headed(text) if speech is None else ()
    if screen and (written := _meaningful(_LAYOUT.sub(" ", requests[Channel.SCREEN_TEXT]))):
        requests[Channel.SCREEN_TEXT] = written
    weights: dict[Channel, float] = {}
    if screen or _SCREEN_CUE.search(text):
        weights = {Channel.SPEECH: UNSURE, Channel.VISUAL: UNSURE, Channel.OBJECTS: UNSURE}
    elif speech or _SPEECH_CUE.search(text):
        weights = {Channel.SCREEN_TEXT: UNSURE, Channel.VISUAL: UNSURE, Channel.OBJECTS: UNSURE}
    elif _ADVICE.search(text):
        weights = {Channel.VISUAL: UNSURE, Channel.OBJECTS: UNSURE}
    elif _LOOK.search(text) or (found and _LOOK_AT.search(text)):
        weights = {Channel.SPEECH: UNSURE, Channel.SCREEN_TEXT: UNSURE}
    return Requirement(
        text,
        requests,
        weights,
        objects=found,
        explained=explained,
        facts=facts,
        happening=happening,
        also=also,
        lacking=lacking,
    )


def _headed(text: str) -> tuple[tuple[Channel, str], ...]:
    """What a slide or sign is named after, "acknowledgements slide": it most likely stands on it."""
    match = _HEAD.search(text)
    head = _meaningful(match.group("head")) if match else ""
    telling = len(tokens(head)) <= 5 and any(len(term) > 3 for term in content_terms(head))
    return ((Channel.SCREEN_TEXT, head),) if head and telling else ()


def _only_asks(words: str) -> bool:
    """Whether words name nothing that a picture could show: "what is" before "said about the car"."""
    return all(word in STOP_WORDS or word in REQUEST_WORDS for word in tokens(words))


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
            found[label] = _counted(label, words, at, used)
    terms = content_terms(text)
    if not found or not terms:
        return (), 0.0
    explained = {words[position] for position in used}
    return tuple(found.values()), sum(term in explained for term in terms) / len(terms)


def find_lacking(text: str, labels: tuple[str, ...]) -> tuple[str, tuple[ObjectCount, ...]]:
    """What plain words say is not to be seen, "a street without cars", and the words without it.

    Only things that the detector knows: image-text models hardly know what "no" means. The words are empty where they
    say nothing else.
    """
    lacking: dict[str, ObjectCount] = {}
    rest = text
    for match in reversed(list(_LACKING.finditer(text))):
        names = list(re.finditer(r"[^\s.,;!?]+", text[match.end() :]))[:3]
        for count in range(len(names), 0, -1):
            label = match_label(" ".join(name.group() for name in names[:count]), labels)
            if label is not None:
                end = match.end() + names[count - 1].end()
                rest = f"{rest[: match.start()].rstrip()} {rest[end:].lstrip()}".strip()
                lacking[label] = ObjectCount(label)
                break
    telling = any(word not in STOP_WORDS for word in tokens(rest))
    return (rest, tuple(lacking.values())) if lacking and (telling or not tokens(rest)) else (text, ())


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


def _counted(label: str, words: list[str], at: int, used: set[int]) -> ObjectCount:
    """A label with its number: "two cars", "more than two cars", "at least three red cars"."""
    place = _number_before(words, at, used)
    if place is None:
        return ObjectCount(label)
    limit = next((op for phrase, op in _LIMITS.items() if tuple(words[max(0, place - 2) : place]) == phrase), "=")
    if limit != "=":
        used.update((place - 2, place - 1))
    return ObjectCount(label, limit, int(words[place][:6]))


def _number_before(words: list[str], at: int, used: set[int]) -> int | None:
    """The place of a number up to two words before a label ("two big red circles" has two between at most)."""
    for back in range(1, 4):
        position = at - back
        if position < 0 or position in used:
            return None
        if words[position].isascii() and words[position].isdigit():
            used.add(position)
            return position
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
