"""Readings joined over time: which are one text, and which reading of it is kept."""

from __future__ import annotations

import pytest

from ingest.text_tracks import best_reading, join, same_numbers, same_text
from reelseek.records import Box, TextBox
from tests.support.screen import line


def texts(*pictures: list[TextBox]) -> list[tuple[str, float, float]]:
    """The tracks of pictures that stand for a second each."""
    found = join([(float(n), n + 1.0, boxes) for n, boxes in enumerate(pictures)])
    return [(track.text, track.start, track.end) for track in found]


def reading(text: str, left: float = 0.1, right: float = 0.9, confidence: float = 0.95, top: float = 0.1) -> TextBox:
    return TextBox(text, confidence, Box(left, top, right, top + 0.1))


def test_half_faded_readings_belong_to_the_whole_one() -> None:
    shown = texts(
        [reading("FOR BIG", right=0.35, confidence=0.7)],
        [reading("FOR BIGGER ESCAPES")],
        [reading("FOR BIGGER", right=0.55, confidence=0.8)],
    )
    assert shown == [("FOR BIGGER ESCAPES", 0.0, 3.0)]


def test_a_line_being_typed_is_one_line_and_told_whole() -> None:
    typed = "git commit -m fix"
    shown = texts(*([reading(typed[:n], right=0.1 + 0.04 * n)] for n in (3, 8, 12, 17, 17)))
    assert shown == [(typed, 0.0, 5.0)]


def test_dirt_at_the_end_does_not_win() -> None:
    assert best_reading([line("Agenda")] * 3 + [line("Agenda l", confidence=0.99)]) == "Agenda"
    assert best_reading([line("Photosynthesls", confidence=0.6), line("Photosynthesis"), line("Photosynthesis")]) == (
        "Photosynthesis"
    )


def test_a_line_read_in_pieces_now_and_then_is_one_line() -> None:
    whole = [reading("Total revenue 2025")]
    pieces = [reading("Total", right=0.3), reading("revenue", left=0.32, right=0.6), reading("2025", left=0.65)]
    assert texts(whole, pieces, whole) == [("Total revenue 2025", 0.0, 3.0)]


def test_pieces_read_as_one_line_now_and_then_stay_pieces() -> None:
    pieces = [reading("Name", right=0.3), reading("Price", left=0.6)]
    assert texts(pieces, [reading("Name Price")], pieces) == [("Name", 0.0, 3.0), ("Price", 0.0, 3.0)]


def test_texts_that_fade_into_each_other_stay_two() -> None:
    first, second = "Lorem ipsum dolor", "At vero eos et acc"
    mixed = reading(f"{first}{second}", confidence=0.86)
    shown = texts([reading(first)], [reading(first)], [mixed], [reading(second)])
    assert shown[0] == (first, 0.0, 2.0)
    assert shown[-1] == (second, 3.0, 4.0)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("Slide 3", "Slide 4", False),
        ("$35", "$36", False),
        ("12:01", "12:02", False),
        ("SOURCE CODE", "S0URCE CODE", True),
        ("Chapter One", "Chapter Two", False),
        ("Land and Vegetation", "LandandVegetation", True),
        ("The rivers of Europe", "The rlvers of Europe", True),
        ("Good morning", "Good evening", False),
    ],
)
def test_which_readings_are_one_text(a: str, b: str, same: bool) -> None:
    assert bool(same_text(line(a), line(b))) is same


def test_digits_count_and_letters_taken_for_digits_do_not() -> None:
    assert same_numbers("chapter1", "chapter1")
    assert not same_numbers("1of12", "1of13")
    assert same_numbers("b00k", "book")


def test_a_counter_is_not_its_own_beginning() -> None:
    assert len(texts([reading("Score 1", right=0.5)], [reading("Score 12", right=0.55)])) == 2


def test_neighbours_do_not_change_places() -> None:
    rows = [[line(f"row {name}", y=0.2 + 0.1 * n) for n, name in enumerate(("alpha", "beta", "gamma"))]] * 3
    assert len(texts(*rows)) == 3


def test_a_page_that_is_scrolled_keeps_its_lines() -> None:
    page = ["import os", "def f(x):", "return x", "x = 1", "y = 2", "print(y)"]
    pictures = [
        [line(text, y=0.2 + 0.1 * n - 0.1 * step) for n, text in enumerate(page) if 0.2 + 0.1 * n - 0.1 * step > 0.0]
        for step in range(3)
    ]
    assert len(texts(*pictures)) == len(page)
