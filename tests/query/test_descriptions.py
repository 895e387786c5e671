"""Descriptions taken apart, and how much pictures resemble them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from query.pictures.descriptions import LONG, MOST_EXCHANGED, Description, unframed
from query.pictures.likeness import Likeness
from query.pictures.scale import PictureScale, Sample
from reelseek.records import Vector


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("the shot with two red cars", "two red cars"),
        ("where can I see a bus?", "a bus"),
        ("is there a scene showing a man on a roof?", "a man on a roof"),
        ("footage of three dogs", "three dogs"),
        ("two cars in one picture", "two cars"),
        ("the shot", "the shot"),
        ("a picture on the wall", "a picture on the wall"),
        ("写真を撮る女性", "写真を撮る女性"),
        ("ein rotes Auto", "ein rotes Auto"),
    ],
)
def test_words_that_only_say_that_a_picture_is_looked_for_go(text: str, bare: str) -> None:
    assert unframed(text) == bare


def test_what_must_be_seen_together_is_told_apart() -> None:
    assert Description.of("a black bus and a pink car").parts == ("a black bus", "a pink car")
    assert Description.of("a woman with a dog, and also a bicycle").parts == ("a woman", "a dog", "a bicycle")
    assert Description.of("a woman reading a book").parts == ()


def test_no_word_of_another_language_is_lost() -> None:
    taken = Description.of("eine schwarze Katze auf dem Dach und zwei Hunde")
    assert taken.text == "eine schwarze Katze auf dem Dach und zwei Hunde"
    assert taken.parts == taken.clauses == taken.exchanged == ()


def test_colours_are_exchanged_for_others_and_numbers_left_to_the_detector() -> None:
    (colours,) = Description.of("two red cars").exchanged
    assert colours[0] == "two red cars"
    assert "two blue cars" in colours
    assert "two red cars" not in colours[1:]
    many = Description.of("a red, a blue, a green, a black, a white and a pink balloon").exchanged
    assert sum(len(group) - 1 for group in many) <= MOST_EXCHANGED


def test_a_long_description_is_cut_at_its_clauses_and_all_of_it_kept() -> None:
    text = "I saw it a long time ago. " * 5 + "There was a green boat, quite close; someone waved from it!"
    assert len(text.split()) >= LONG
    taken = Description.of(text)
    assert "There was a green boat" in taken.clauses
    assert " ".join(taken.clauses).split() == re.sub(r"[.,;!]", "", text).split()
    unspaced = Description.of("　".join(["昔のことです。", "緑の船がいました。"] * 3) + " x" * LONG)
    assert any("緑の船" in clause for clause in unspaced.clauses)


@pytest.fixture
def scale() -> PictureScale:
    random = np.random.default_rng(0)
    bank, pictures = random.normal(size=(48, 64)), random.normal(size=(200, 64))
    bank, pictures = (item / np.linalg.norm(item, axis=1, keepdims=True) for item in (bank, pictures))
    videos = [str(number) for number in range(200)]
    return PictureScale.of(bank.astype(np.float32), Sample.of(pictures.astype(np.float32), [5.0] * 200, videos, 200))


def axes(*numbers: int) -> Vector:
    """One vector that points along some axes."""
    vector = np.zeros(64, np.float32)
    vector[list(numbers)] = 1.0
    return vector / np.linalg.norm(vector)


def test_a_picture_of_both_things_is_before_one_that_is_very_like_one_of_them(scale: PictureScale) -> None:
    none = np.zeros((0, 64), np.float32)
    both, bus_only = axes(0, 1, 2, 3), axes(0, 0, 4)
    whole = Likeness("a bus and a car", axes(0, 1), np.stack([axes(0), axes(1)]), none)
    strengths = whole.strengths(np.stack([both, bus_only]), scale)
    assert strengths[0] > strengths[1] + 2


def test_what_another_colour_would_fit_better_loses(scale: PictureScale) -> None:
    red, blue = axes(0, 1), axes(0, 2)
    plain = Likeness.of("a red car", red)
    wary = Likeness("a red car", red, plain.parts, plain.clauses, (np.stack([red, blue]),))
    pictures = np.stack([axes(0, 1, 5), axes(0, 2, 5)])
    assert wary.strengths(pictures, scale)[0] == pytest.approx(plain.strengths(pictures, scale)[0])
    assert wary.strengths(pictures, scale)[1] < plain.strengths(pictures, scale)[1]


def test_of_a_long_description_only_what_can_be_seen_counts(scale: PictureScale) -> None:
    none = np.zeros((0, 64), np.float32)
    boat, year, owner = axes(0), axes(40), axes(41)
    long = Likeness("…", axes(0, 40, 41), none, np.stack([year, boat, owner]))
    pictures = np.stack([axes(0, 7), axes(8, 9)])
    alone = Likeness.of("a boat", boat).strengths(pictures, scale)
    assert long.strengths(pictures, scale)[0] == pytest.approx(alone[0], abs=0.5)
    assert len(long.probes) == 3
