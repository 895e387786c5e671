"""Texts longer than a model's context: cut into windows that fit, pooled back into one vector each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from reelseek.records import Vector


def split_to_fit(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Cut a text into windows that all fit, at white space where there is some, losing nothing else.

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
    middle = len(text) // 2
    spaces = [place for place in (text.rfind(" ", 0, middle), text.find(" ", middle)) if place > 0]
    cut = min(spaces, key=lambda place: abs(place - middle)) if spaces else middle
    return _halve(text[:cut], fits) + _halve(text[cut:].lstrip(" "), fits)


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
