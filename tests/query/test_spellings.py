"""Names that are written in several ways become one; different persons stay two."""

from __future__ import annotations

import pytest

from query.digest.material import Material, Passage
from query.digest.spellings import spelling_key
from query.digest.terms import names, spellings
from query.texts.scale import WordStatistics
from reelseek.records import Channel

SPEECH, WRITTEN = Channel.SPEECH, Channel.SCREEN_TEXT


def passages(*lines: str, written: tuple[str, ...] = ()) -> tuple[Passage, ...]:
    said = [Passage("v", SPEECH, 10.0 * at, 10.0 * at + 5, line, 0) for at, line in enumerate(lines)]
    return tuple(said + [Passage("v", WRITTEN, 0.0, 5.0, line, 0) for line in written])


def named(*lines: str, written: tuple[str, ...] = ()) -> dict[str, int]:
    material = Material(passages(*lines, written=written), None, ("",))
    return {term.text: term.count for term in names(material, WordStatistics.of(lines))}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Katherine Johnson", "Catherine Jonson"),
        ("Thomas Meyer", "Thomas Maier"),
        ("Sophia Lopez", "Sofia Lopes"),
        ("Stephen Schmidt", "Steven Schmitt"),
        ("Kubernetes", "Cubernetes"),
        ("José Müller", "Jose Muller"),
    ],
)
def test_ways_to_write_one_name_have_one_key(one: str, other: str) -> None:
    assert spelling_key(one) == spelling_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Maria Lopez", "Mario Lopez"),
        ("Simon Weber", "Simone Weber"),
        ("John Miller", "Joan Miller"),
        ("Thomas Miller", "Thomas Mahler"),
        ("Jan Becker", "Ian Becker"),
        ("Anna Stein", "Hanna Stein"),
        ("Ada Lovelace", "Ida Lovelace"),
    ],
)
def test_different_persons_have_different_keys(one: str, other: str) -> None:
    assert spelling_key(one) != spelling_key(other)


def test_the_spelling_on_screen_counts_and_all_places_are_told() -> None:
    found = named(
        "In that year Catherine Jonson computed the orbit by hand.",
        "After that we asked Catherine Jonson to do it again.",
        "Many years later Katherine Johnson retired from her office.",
        written=("Katherine Johnson, NASA",),
    )
    assert found == {"Katherine Johnson": 3}


def test_without_a_screen_the_commonest_spelling_counts() -> None:
    found = named(
        "At noon the baker Steven Weber came in.",
        "It was here that Steven Weber spoke.",
        "In the evening the baker Stephen Weber left.",
    )
    assert found == {"Steven Weber": 3}


def test_a_surname_in_another_spelling_is_the_person_where_there_is_one_of_that_name() -> None:
    assert named("The engineer Maria Lopez drew it.", "Then Lopes signed it.") == {"Maria Lopez": 2}
    two = named("The engineer Maria Lopez drew it.", "Her brother Carlos Lopez built it.", "Then Lopez signed it.")
    assert {"Maria Lopez", "Carlos Lopez"} <= set(two), "which Lopez signed is not guessed"


def test_persons_with_names_alike_stay_two() -> None:
    assert set(named("We met Maria Lopez there.", "And then Mario Lopez left.")) == {"Maria Lopez", "Mario Lopez"}
    together = named(
        "To our surprise both Steven Weber and Stephen Weber came in.", "Only then Stephen Weber spoke to us."
    )
    assert set(together) == {"Steven Weber", "Stephen Weber"}, "side by side in one line they are two"
    assert set(named("We asked Jon.", "Then we asked John.")) == {"Jon", "John"}, "first names alone say too little"


def test_a_text_is_written_with_the_names_that_count() -> None:
    lines = ("In that year Catherine Jonson spoke to all of us.",)
    spelt = spellings(passages(*lines, written=("KATHERINE JOHNSON, NASA",)))
    assert spelt.apply("Catherine Jonson spoke; Catherine Jonsons did not.") == (
        "Katherine Johnson spoke; Catherine Jonsons did not."
    )
    assert spellings(passages(*lines)).apply("Katherine Johnson spoke.") == "Katherine Johnson spoke."
