"""Words for drawn scenes, and which words are true of which picture."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demo.documents import DOCUMENTS
from demo.drawing import COLOURS, GROUNDS, KINDS, SHAPES, TEXTURES
from demo.scenes import POSITIONS, Fact, Group, Picture, Scene, fitting_colours

SEVERAL = 0
"""The count of a claim that says "some": two or more."""

_NOUNS: dict[str, tuple[tuple[str, str], ...]] = {
    "circle": (("circle", "circles"), ("circle", "circles"), ("round shape", "round shapes")),
    "square": (("square", "squares"),),
    "triangle": (("triangle", "triangles"),),
    "star": (("star", "stars"),),
    "car": (("car", "cars"),),
    "truck": (("truck", "trucks"), ("truck", "trucks"), ("lorry", "lorries")),
    "bus": (("bus", "buses"),),
    "person": (("person", "people"), ("person", "people"), ("man", "men"), ("person", "persons")),
    "bicycle": (("bicycle", "bicycles"), ("bicycle", "bicycles"), ("bike", "bikes")),
}
_NUMBERS = {
    1: ("a", "a", "one", "a single", "1"),
    2: ("two", "two", "2"),
    3: ("three", "three", "3"),
    4: ("four", "four", "4"),
}
_SOME = ("", "some", "several")
_PLACES = {
    "left": ("on the left", "at the left", "to the left", "on the left side", "left"),
    "right": ("on the right", "at the right", "to the right", "on the right side", "right"),
    "top": ("at the top", "at the top", "on top", "top"),
    "bottom": ("at the bottom", "at the bottom", "below", "bottom"),
    "centre": ("in the centre", "in the middle", "in the center", "at the centre"),
}
_PREFIXES = (
    "",
    "",
    "",
    "",
    "",
    "",
    "there is ",
    "a picture of ",
    "a photo of ",
    "a scene with ",
    "show ",
    "find ",
    "a frame with ",
    "when do we see ",
    "where are ",
    "when is there ",
    "the moment with ",
)
_SUFFIXES = ("", "", "", "", ".", "?", " appear", " are shown", " in the video")
_DOCUMENTS = {
    "slide": (
        "a slide with text",
        "a slide",
        "a presentation slide",
        "a lecture slide with bullet points",
        "text on a slide",
    ),
    "code": (
        "a screen with code",
        "a code editor",
        "a terminal",
        "source code on a screen",
        "a screen recording of an editor",
    ),
    "whiteboard": (
        "a whiteboard",
        "a whiteboard with a drawing",
        "a diagram with boxes and arrows",
        "boxes and arrows on a whiteboard",
    ),
}
_FOREIGN = """
dog cats house tree budget meeting water summer music engine kitchen lamp ship winter garden bread doctor
story price children letter window island computer river soil storm tea steps church error file menu import
total passed city
""".split()  # noqa: SIM905 (a list of sixty strings says no more)
"""Words of other things; the model has no vector for them and learns what that means."""
_NOTHING = "nothing"
_GROUND_WORDS = {name: (f"on a {name} background", f"on {name}", f"on a {name} ground") for name in GROUNDS} | {
    "striped": ("on a striped background", "on stripes"),
    "dotted": ("on a dotted background", "on dots"),
    "checked": ("on a checked background", "on checks"),
    "shaded": ("on a shaded background",),
    "street": ("on a street", "on the road", "in the street", "in traffic"),
}


@dataclass(frozen=True, slots=True)
class Claim:
    """What a caption says: a kind, and colour, count and position where it names them ("" or None where not)."""

    kind: str
    colour: str = ""
    count: int | None = SEVERAL
    position: str = ""


@dataclass(frozen=True, slots=True)
class Caption:
    """Words and what they say: every claim must hold, and the ground if one is named."""

    text: str
    claims: tuple[Claim, ...]
    ground: str = ""


def caption_of(picture: Picture, rng: random.Random) -> Caption:
    """A caption that is true of the picture, in varied wording and more or less exact."""
    if picture.scene.document:
        kind = picture.scene.document
        return Caption(
            rng.choice(_PREFIXES) * (rng.random() < 0.3) + rng.choice(_DOCUMENTS[kind]), (Claim(kind, count=1),)
        )
    facts = list(picture.facts())
    coloured = [fact for fact in facts if fact.colour]
    chosen = [rng.choice(facts if rng.random() < 0.2 else coloured)]
    others = [fact for fact in coloured if fact.kind != chosen[0].kind or (chosen[0].colour and fact is not chosen[0])]
    if others and rng.random() < 0.55:
        chosen.append(rng.choice(others))
    claims = tuple(_claim(fact, rng) for fact in chosen)
    words = [describe(claim, rng) for claim in claims]
    text = rng.choice((" and ", " and ", " and ", " with ", " next to ", ", ")).join(words)
    ground = picture.scene.ground if rng.random() < 0.15 else ""
    if ground:
        text += " " + rng.choice(_GROUND_WORDS[ground])
    foreign = f" {rng.choice(_FOREIGN)}" if rng.random() < 0.1 else ""
    return Caption(rng.choice(_PREFIXES) + text + foreign + rng.choice(_SUFFIXES), claims, ground)


def foreign_caption(rng: random.Random) -> Caption:
    """Words that are true of no drawn scene: other things, perhaps counted and coloured, or plain talk."""
    words = rng.choices(_FOREIGN, k=rng.choices((1, 2, 3, 5, 8), (3, 3, 2, 1, 1))[0])
    if rng.random() < 0.4:
        words = [rng.choice(_NUMBERS[rng.randint(1, 4)]), rng.choice(("", *COLOURS)), words[0]]
    else:
        words = [rng.choice(("", "", "", "the", "a", "and", "in", "on", "with")) + " " + word for word in words]
    return Caption(" ".join(f"{rng.choice(_PREFIXES)}{' '.join(words)}".split()), (Claim(_NOTHING),))


def _claim(fact: Fact, rng: random.Random) -> Claim:
    position = rng.choice(sorted(fact.positions)) if fact.positions and rng.random() < 0.4 else ""
    count = SEVERAL if fact.count > max(_NUMBERS) or (fact.count > 1 and rng.random() < 0.12) else fact.count
    return Claim(fact.kind, fact.colour, count, position)


def describe(claim: Claim, rng: random.Random) -> str:
    """A claim in words: "two red circles on the left"."""
    count = SEVERAL if claim.count is None else claim.count
    noun = rng.choice(_NOUNS[claim.kind])[0 if count == 1 else 1]
    number = rng.choice(_NUMBERS[count] if count else _SOME)
    if claim.kind == "person" and claim.colour and rng.random() < 0.7:
        words = f"{number} {noun} {rng.choice(('in', 'in', 'dressed in', 'wearing'))} {claim.colour}"
    else:
        words = f"{number} {claim.colour} {noun}"
    if number == "a" and words[2:3] == "o":
        words = "an" + words[1:]
    if claim.position:
        words += " " + rng.choice(_PLACES[claim.position])
    return " ".join(words.split())


def vocabulary() -> str:
    """Every word that a caption can hold, as one text."""
    parts: list[str] = [*_PREFIXES, *_SUFFIXES, *_SOME, *COLOURS, "and with next to in dressed in wearing an , . ?"]
    for table in (_NUMBERS, _PLACES, _DOCUMENTS, _GROUND_WORDS):
        parts += [words for choices in table.values() for words in choices]
    parts += [word for choices in _NOUNS.values() for pair in choices for word in pair]
    return " ".join(parts)


_ALL_KINDS = (*KINDS, *DOCUMENTS, _NOTHING)
_ALL_GROUNDS = ("", *GROUNDS, *TEXTURES, "street")
_COLOUR_INDEX = {name: index for index, name in enumerate(("", *COLOURS))}
_MOST_FACTS, _MOST_CLAIMS = 6, 2
Codes = npt.NDArray[np.int16]


def encode_facts(picture: Picture) -> Codes:
    """What is true of a picture as numbers, shape `(_MOST_FACTS, 5)`: kind, colour, count, positions (bits), ground."""
    codes = np.full((_MOST_FACTS, 5), -1, np.int16)
    codes[:, 4] = _ALL_GROUNDS.index("" if picture.scene.document else picture.scene.ground)
    for row, fact in zip(codes, picture.facts(), strict=False):
        bits = sum(1 << POSITIONS.index(position) for position in fact.positions)
        row[:4] = _ALL_KINDS.index(fact.kind), _COLOUR_INDEX[fact.colour], fact.count, bits
    return codes


def encode_claims(caption: Caption) -> Codes:
    """What a caption says as numbers, shape `(_MOST_CLAIMS, 5)`; a kind of -1 asks nothing."""
    codes = np.full((_MOST_CLAIMS, 5), -1, np.int16)
    codes[:, 4] = _ALL_GROUNDS.index(caption.ground)
    for row, claim in zip(codes, caption.claims, strict=False):
        bits = 1 << POSITIONS.index(claim.position) if claim.position else 0
        row[:4] = _ALL_KINDS.index(claim.kind), _COLOUR_INDEX[claim.colour], claim.count or SEVERAL, bits
    return codes


def truth_matrix(claims: Sequence[Codes] | Codes, facts: Sequence[Codes] | Codes) -> npt.NDArray[np.bool_]:
    """Which caption is true of which picture, shape `(captions, pictures)`."""
    said = np.asarray(claims)[:, None, :, None, :]
    true = np.asarray(facts)[None, :, None, :, :]
    kind = said[..., 0] == true[..., 0]
    colour = said[..., 1] == true[..., 1]
    count = np.where(said[..., 2] == SEVERAL, true[..., 2] >= 2, said[..., 2] == true[..., 2])
    place = (said[..., 3] & true[..., 3]) == said[..., 3]
    held = (kind & colour & count & place).any(axis=3) | (said[..., 0, 0] == -1)[..., :]
    ground = (said[:, :, 0, 0, 4] == 0) | (said[:, :, 0, 0, 4] == true[:, :, 0, 0, 4])
    result: npt.NDArray[np.bool_] = held.all(axis=2) & ground
    return result


def fact_labels(picture: Picture) -> npt.NDArray[np.bool_]:
    """What a scene holds as yes and no, flat: kind × colour × count, kind × colour × position, ground."""
    counts = np.zeros((len(_ALL_KINDS), len(_COLOUR_INDEX), 4), np.bool_)
    places = np.zeros((len(_ALL_KINDS), len(_COLOUR_INDEX), len(POSITIONS)), np.bool_)
    grounds = np.zeros(len(_ALL_GROUNDS), np.bool_)
    grounds[_ALL_GROUNDS.index("" if picture.scene.document else picture.scene.ground)] = True
    for fact in picture.facts():
        at = _ALL_KINDS.index(fact.kind), _COLOUR_INDEX[fact.colour]
        if fact.count <= 4:
            counts[(*at, fact.count - 1)] = True
        for position in fact.positions:
            places[(*at, POSITIONS.index(position))] = True
    return np.concatenate([counts.ravel(), places.ravel(), grounds])


def class_captions() -> list[tuple[str, Scene]]:
    """Every count of every kind in every colour, in the plainest words, with a scene of nothing else."""
    classes = []
    for kind in KINDS:
        ground = "white" if kind in SHAPES else "grey"
        for colour in fitting_colours(ground):
            for count, number in enumerate(("one", "two", "three", "four"), 1):
                noun = _NOUNS[kind][0][0 if count == 1 else 1]
                classes.append((f"{number} {colour} {noun}", Scene((Group(kind, colour, count),), ground)))
    return classes


def understand(text: str) -> Caption:
    """What plain words such as "two red circles on the left and a blue star" claim.

    Raises:
        ValueError: a part names no kind.
    """
    grounds = [name for name, phrases in _GROUND_WORDS.items() if any(phrase in text for phrase in phrases)]
    return Caption(text, tuple(_claim_in(part) for part in text.split(" and ")), grounds[0] if grounds else "")


def _claim_in(part: str) -> Claim:
    words = part.replace(",", " ").split()
    kinds = [kind for kind, nouns in _NOUNS.items() if any(noun in words for pair in nouns for noun in pair)]
    if not kinds:
        raise ValueError(f"no kind of object in {part!r}")
    noun_at = next(i for i, word in enumerate(words) if any(word in pair for pair in _NOUNS[kinds[0]]))
    near = words[: noun_at + 3] if kinds[0] == "person" else words[:noun_at]
    colour = next((word for word in near if word in COLOURS), "")
    counts = [count for count, numbers in _NUMBERS.items() if words[0] in numbers or (words[0], count) == ("an", 1)]
    places = [place for place, phrases in _PLACES.items() if any(phrase in part for phrase in phrases[:-1])]
    return Claim(kinds[0], colour, counts[0] if counts else SEVERAL, places[0] if places else "")
