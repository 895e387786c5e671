"""Texts longer than a model's context: cut into windows that fit, pooled back into one vector each."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from reelseek.records import Vector

_ENDS = (re.compile(r"(?<=[.!?…])\s|(?<=[。！？])"), re.compile(r"(?<=[,;:])\s|(?<=[，、；：])"), re.compile(r"\s"))
"""Where a text is cut: after a sentence, else after a clause, else between words."""


def split_to_fit(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Cut a text into windows that all fit, at ends of sentences where there are some, losing only white space.

    It is halved until it fits, so the windows are of similar length and weigh the same in their mean: cutting off
    full windows from the left would let a last one of three words count as much as one of three hundred.

    Args:
        text: any text.
        fits: whether a text goes through the model uncut.
    """
    if fits(text):
        return [text]
    return _halve(" ".join(text.split()), fits)


def _halve(text: str, fits: Callable[[str], bool]) -> list[str]:
    if len(text) <= 1 or fits(text):
        return [text]
    cut = _near_middle(text)
    return _halve(text[:cut].rstrip(" "), fits) + _halve(text[cut:].lstrip(" "), fits)


def _near_middle(text: str) -> int:
    """The best place to cut: the end of a sentence in the middle third, else of a clause, else the nearest space."""
    middle, third = len(text) // 2, len(text) / 3
    for ends in _ENDS:
        places = [match.end() for match in ends.finditer(text) if 0 < match.end() < len(text)]
        nearest = min(places, key=lambda place: abs(place - middle), default=0)
        if nearest and (third <= nearest <= 2 * third or ends is _ENDS[-1]):
            return nearest
    return middle


def encode_windows(texts: Sequence[str], fits: Callable[[str], bool], encode: Callable[[list[str]], Vector]) -> Vector:
    """Embed texts of any length: windows embedded, those of a text averaged, and normalised again.

    Args:
        texts: one or more.
        fits: whether a text goes through the model uncut.
        encode: texts that fit to L2-normalised vectors, `(n, dimension)`.

    Returns:
        `(len(texts), dimension)`, L2-normalised.
    """
    windows = [split_to_fit(text, fits) for text in texts]
    vectors = encode([window for group in windows for window in group])
    if len(vectors) == len(windows):
        return vectors
    starts = np.cumsum([0] + [len(group) for group in windows[:-1]])
    return normalised(np.add.reduceat(vectors, starts, axis=0))


def normalised(vectors: Vector) -> Vector:
    """Each row at length 1 (a zero row stays zero)."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Vector = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled
