"""How people ask for what is seen: the same claims in many words, few of them those that the model was trained with."""

from __future__ import annotations

import random

from demo.captions import Caption, Claim, describe

_PLURALS = {"person": ("person", "people"), "bus": ("bus", "buses")}
_NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four"}
_PLACES = {
    "left": ("on the left", "in the left half", "at the left edge"),
    "right": ("on the right", "in the right half", "at the right edge"),
    "top": ("at the top", "in the upper half"),
    "bottom": ("at the bottom", "in the lower half"),
    "centre": ("in the middle", "in the centre"),
}
_FRAMES = (
    "{}",
    "{}",
    "{}",
    "seen:({})",
    "the shot with {}",
    "where can I see {}?",
    "footage of {}",
    "is there a scene showing {}?",
    "find the place where {} come into view",
    "{} in one picture",
    "somewhere there are {}",
)
_JOINS = ("{} and {}", "{} and {}", "{} together with {}", "{} beside {}", "{}, and also {}", "{} next to {}")


def asked(claims: tuple[Claim, ...], rng: random.Random) -> Caption:
    """Claims in words, with the claims."""
    parts = [_worded(claim, rng) for claim in claims]
    text = parts[0] if len(parts) == 1 else rng.choice(_JOINS).format(*parts)
    return Caption(rng.choice(_FRAMES).format(text), claims)


def plainly(claims: tuple[Claim, ...]) -> str:
    """Claims in the shortest words, for a stage of a sequence."""
    return " and ".join(_plain(claim) for claim in claims)


def described_at_length(claims: tuple[Claim, ...], rng: random.Random) -> Caption:
    """The same in some eighty words, most of which say nothing that a picture shows, the claims far apart."""
    parts = [_worded(claim, rng) for claim in claims]
    sentences = [
        "I am looking for a part of a recording that somebody showed to me a good while ago on a telephone.",
        f"As far as I remember there should be {parts[0]} in it, quite clear and not hidden by anything else.",
        "Whether anybody was talking at that moment I cannot say, and the name of the file has escaped me as well.",
        "It does not matter whether it is long or short, or in which year it was made, or who has made it.",
    ]
    if len(parts) > 1:
        sentences.append(
            f"What I am sure of is that in the same picture one could make out {parts[1]}, at least briefly."
        )
    rng.shuffle(sentences)
    return Caption(" ".join(sentences), claims)


def _worded(claim: Claim, rng: random.Random) -> str:
    if rng.random() < 0.4:
        return describe(claim, rng)
    noun, nouns = _PLURALS.get(claim.kind, (claim.kind, f"{claim.kind}s"))
    number = _NUMBERS[claim.count or 2]
    few = noun if claim.count == 1 else nouns
    if claim.kind == "person":
        forms = [f"{number} {few} dressed in {claim.colour}", f"{number} {few} who wear {claim.colour}"]
    else:
        forms = [f"{number} {few} in {claim.colour}", f"{number} {claim.colour} coloured {few}"]
        if claim.count == 2:
            forms.append(f"a pair of {claim.colour} {few}")
        if claim.count == 1:
            forms.append(f"just one {claim.colour} {few}")
    place = f" {rng.choice(_PLACES[claim.position])}" if claim.position else ""
    return rng.choice(forms) + place


def _plain(claim: Claim) -> str:
    noun, nouns = _PLURALS.get(claim.kind, (claim.kind, f"{claim.kind}s"))
    few = noun if claim.count == 1 else nouns
    number = _NUMBERS[claim.count or 2] if claim.count != 1 else "a" if claim.colour != "orange" else "an"
    if claim.kind == "person":
        return f"{number} {few} in {claim.colour}"
    return f"{number} {claim.colour} {few}"
