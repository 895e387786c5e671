"""Numbers in texts, as digits and as English words: "two hundred and thirty" is 230."""

from __future__ import annotations

import re

from query.texts.words import fold

_SMALL = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
nineteen
"""
_ROUND = "twenty thirty forty fifty sixty seventy eighty ninety"
_UNITS = {word: value for value, word in enumerate(_SMALL.split())}
_TENS = {word: 10 * value for value, word in enumerate(_ROUND.split(), 2)}
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")
_GROUPED = re.compile(r"^\d{1,3}(?:,\d{3})+(?:\.\d+)?$")


def is_number(word: str) -> bool:
    """Whether a folded word is part of a number."""
    return word[:1].isdigit() or word in _UNITS or word in _TENS or word in _SCALES


def numbers_in(text: str) -> frozenset[float]:
    """All numbers of a text. A lone "one" is a pronoun more often than a number, and counts only beside others."""
    found: set[float] = set()
    run: list[str] = []
    for token in [*_TOKEN.findall(fold(text)), ""]:
        if token in _UNITS or token in _TENS or token in _SCALES or (token == "and" and run):
            run.append(token)
            continue
        if (value := _spoken(run)) is not None:
            found.add(value)
        run = []
        if token[:1].isdigit():
            found.update(_written(token))
    return frozenset(found)


def _written(token: str) -> list[float]:
    plain = token.replace(",", "") if _GROUPED.match(token) else token.replace(",", ".")
    try:
        return [float(plain)]
    except ValueError:  # a version or a date: its parts
        return [float(part) for part in re.findall(r"\d+", token)]


def _spoken(run: list[str]) -> float | None:
    words = [word for word in run if word != "and"]
    if not words or words == ["one"]:
        return None
    whole = part = 0
    for word in words:
        if word in _SCALES:
            part = max(1, part) * _SCALES[word]
            if _SCALES[word] >= 1_000:
                whole, part = whole + part, 0
        else:
            part += _UNITS.get(word, 0) + _TENS.get(word, 0)
    return float(whole + part)
