"""Long texts cut into windows: at ends of sentences, in any script, with nothing lost."""

from __future__ import annotations

import random

import pytest

from engines.windows import split_to_fit


def test_a_text_that_fits_is_not_touched() -> None:
    assert split_to_fit("one  two", lambda text: len(text) <= 20) == ["one  two"]


@pytest.mark.parametrize(
    ("text", "most", "windows"),
    [
        (
            "The weather was bad. The boat was green, it leaked.",
            34,
            ["The weather was bad.", "The boat was green, it leaked."],
        ),
        ("a green boat in the rain, with two old men", 30, ["a green boat in the rain,", "with two old men"]),
        (
            "昔のことです。緑の船がいました。そして雨が降った。",
            12,
            ["昔のことです。", "緑の船がいました。", "そして雨が降った。"],
        ),
        ("xxxxxxxx", 4, ["xxxx", "xxxx"]),
    ],
)
def test_windows_end_where_sentences_or_clauses_do(text: str, most: int, windows: list[str]) -> None:
    assert split_to_fit(text, lambda part: len(part) <= most) == windows


def test_nothing_but_white_space_is_lost_and_windows_are_alike() -> None:
    generator = random.Random(3)
    for _ in range(50):
        words = ["".join(generator.choices("abc日本", k=generator.randint(1, 9))) for _ in range(80)]
        text = "".join(word + generator.choice((" ", " ", " ", ". ", ", ", "。", "! ")) for word in words)
        windows = split_to_fit(text, lambda part: len(part) <= 60)
        assert "".join(windows).replace(" ", "") == text.replace(" ", "")
        assert all(0 < len(window) <= 60 for window in windows)
        assert max(map(len, windows)) < 12 * min(map(len, windows))
