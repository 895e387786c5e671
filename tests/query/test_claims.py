"""Claims against evidence: words, meaning, numbers, negation; and answers taken apart into sentences."""

from __future__ import annotations

import pytest

from query.answering.claims import Checker, Support, sentences_of
from query.texts.numbers import numbers_in
from query.texts.scale import WordStatistics

LINES = (
    "Welcome to the kitchen.",
    "The oven should be at two hundred and thirty degrees.",
    "Let the dough rest for 45 minutes.",
    "Do not open the door while it bakes.",
)


@pytest.fixture
def checker() -> Checker:
    return Checker(WordStatistics.of(LINES))


@pytest.mark.parametrize(
    "claim",
    [
        "The oven should be at 230 degrees.",
        "The dough rests for forty-five minutes.",
        "You should not open the door while it bakes.",
        "- The dough rests for 45 minutes.",
    ],
)
def test_what_is_said_supports_a_claim_in_other_forms(checker: Checker, claim: str) -> None:
    (sentence,) = sentences_of(claim)
    assert checker.support(sentence.text, LINES) is Support.QUOTED


@pytest.mark.parametrize(
    "claim",
    [
        "The oven should be at 180 degrees.",
        "The dough rests for 45 hours and 12 minutes.",
        "The oven should not be at two hundred and thirty degrees.",
        "Open the door while it bakes.",
        "The butter melts slowly on the stove.",
    ],
)
def test_other_numbers_a_lost_or_added_not_and_other_things_are_unsupported(checker: Checker, claim: str) -> None:
    assert checker.support(claim, LINES) is None


def test_nothing_supports_a_claim_where_there_is_no_evidence(checker: Checker) -> None:
    assert checker.support("The oven is hot.", ()) is None


def test_an_answer_is_taken_apart_with_its_citations() -> None:
    found = sentences_of("It is hot [1]. It rests. [2, 3] Then:\n- first step [4]\n2. second step")
    assert [(item.text, item.cited) for item in found] == [
        ("It is hot.", (1,)),
        ("It rests.", (2, 3)),
        ("Then:", ()),
        ("first step", (4,)),
        ("second step", ()),
    ]
    assert [item.claims for item in found] == [False, False, False, True, True]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("two hundred and thirty degrees", {230.0}),
        ("twenty-five eggs", {25.0}),
        ("two thousand and five", {2005.0}),
        ("1,250.50 dollars, 3 times", {1250.5, 3.0}),
        ("one of them", set()),
        ("on 2024-05-31", {2024.0, 5.0, 31.0}),
        ("nothing here", set()),
    ],
)
def test_numbers_are_read_as_digits_and_as_words(text: str, numbers: set[float]) -> None:
    assert numbers_in(text) == numbers
