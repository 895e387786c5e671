"""Which sentences stand for a text: the central ones (LexRank), of every chapter some, none twice, in order of time.

LexRank: Erkan and Radev, "LexRank: Graph-based Lexical Centrality as Salience in Text Summarization", JAIR 22 (2004),
here with cosines of sentence vectors. Focused on a question, a sentence's nearness to it counts as much as its
centrality (Otterbacher et al. 2005).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from query.digest.material import Material
from query.texts.scale import WordStatistics
from query.texts.words import content_terms
from reelseek.digests import Length, Point
from reelseek.records import Channel, Vector

COUNTS: dict[Length, int] = {"short": 3, "medium": 8, "long": 20}
"""About how many sentences a summary has."""

_SIMILAR = 0.3
_REPEATS = 0.7
_SHORT_WORDS, _LONG_WORDS = 5, 45
_LETTERS = 4
"""Of a text on screen that tells something: line numbers and page numbers do not."""
_BLOCK = 1_500
_FOCUS = 0.6
_QUOTE_WORDS = (7, 30)

Scores = npt.NDArray[np.float64]


def summary(material: Material, words: WordStatistics, length: Length, query: Vector | None = None) -> list[Point]:
    """The sentences of a summary, in order of time.

    Args:
        query: the meaning of what it is focused on; None summarises all.
    """
    candidates = _candidates(material)
    if not candidates:
        return []
    scores = _scores(material, candidates, words, query)
    most = COUNTS[length]
    chosen: list[int] = []
    for part, room in _shares(material, candidates, most).items():
        mine = sorted((at for at in candidates if material.passages[at].part == part), key=lambda at: -scores[at])
        taken = 0
        for at in mine:
            if taken >= room:
                break
            if not any(_repeats(material, at, other) for other in chosen):
                chosen.append(at)
                taken += 1
    best = sorted(chosen, key=lambda at: -scores[at])[:most]
    return [_point(material, at, scores[at]) for at in sorted(best, key=lambda at: _order(material, at))]


def quotes(material: Material, words: WordStatistics, most: int = 5) -> list[Point]:
    """Single sentences worth reading out: central, telling, and short enough to be quoted."""
    low, high = _QUOTE_WORDS
    spoken = [at for at in _candidates(material) if material.passages[at].channel is Channel.SPEECH]
    spoken = [at for at in spoken if low <= len(material.passages[at].text.split()) <= high]
    if not spoken:
        return []
    central = _scores(material, spoken, words, None)
    telling = {at: _information(material.passages[at].text, words) for at in spoken}
    highest = max(telling.values()) or 1.0
    worth = {at: 0.5 * central[at] + 0.5 * telling[at] / highest for at in spoken}
    chosen: list[int] = []
    for at in sorted(spoken, key=lambda number: -worth[number]):
        if len(chosen) < most and not any(_repeats(material, at, other) for other in chosen):
            chosen.append(at)
    return [_point(material, at, worth[at]) for at in sorted(chosen, key=lambda at: _order(material, at))]


def _candidates(material: Material) -> list[int]:
    """Whole sentences of a fit length; where nothing is said, what stands on screen and what captions say."""
    spoken = [at for at in material.of(Channel.SPEECH) if _is_sentence(material.passages[at].text)]
    if spoken:
        return spoken
    seen = [at for at in material.of(Channel.CAPTION) if _is_sentence(material.passages[at].text)]
    written = material.of(Channel.SCREEN_TEXT)
    readable = [at for at in written if sum(map(str.isalpha, material.passages[at].text)) >= _LETTERS]
    return seen or readable or written or material.of(Channel.SPEECH)


def _is_sentence(text: str) -> bool:
    return _SHORT_WORDS <= len(text.split()) <= _LONG_WORDS or (len(text) > 12 and " " not in text)


def _scores(
    material: Material, candidates: Sequence[int], words: WordStatistics, query: Vector | None
) -> dict[int, float]:
    """How much each candidate stands for, 0 to 1."""
    central = _by_part(material, candidates) if material.vectors is not None else _by_words(material, candidates, words)
    if query is not None and material.vectors is not None:
        near = material.vectors[list(candidates)] @ query
        spread = float(near.max() - near.min()) or 1.0
        near = (near - near.min()) / spread
        central = (1 - _FOCUS) * central + _FOCUS * near
    return {at: float(value) for at, value in zip(candidates, central, strict=True)}


def _by_part(material: Material, candidates: Sequence[int]) -> Scores:
    """Degree centrality within each chapter: the share of its sentences that a sentence resembles, by how much."""
    assert material.vectors is not None
    scores = np.zeros(len(candidates))
    parts = np.array([material.passages[at].part for at in candidates])
    for part in np.unique(parts):
        mine = np.flatnonzero(parts == part)
        for first in range(0, len(mine), _BLOCK):  # of a very long chapter, blocks: the matrix is quadratic
            block = mine[first : first + _BLOCK]
            vectors = material.vectors[[candidates[i] for i in block]]
            likeness = vectors @ vectors.T
            np.fill_diagonal(likeness, 0.0)
            scores[block] = np.where(likeness > _SIMILAR, likeness, 0.0).sum(axis=1) / max(1, len(block) - 1)
    return scores / (scores.max() or 1.0)


def _by_words(material: Material, candidates: Sequence[int], words: WordStatistics) -> Scores:
    """Without sentence vectors: how many of a sentence's words the rest of the text uses as well."""
    terms = [set(content_terms(material.passages[at].text)) for at in candidates]
    counts: dict[str, int] = {}
    for each in terms:
        for term in each:
            counts[term] = counts.get(term, 0) + 1
    scores = np.array([sum(math.log(counts[t]) * words.weight(t) for t in each) / (len(each) + 3) for each in terms])
    return scores / (scores.max() or 1.0)


def _information(text: str, words: WordStatistics) -> float:
    terms = content_terms(text)
    return sum(words.weight(term) for term in terms) / (len(terms) + 2)


def _shares(material: Material, candidates: Sequence[int], most: int) -> dict[int, int]:
    """How many sentences each chapter may give: by the root of its length, so that a long one does not fill it all."""
    sizes: dict[int, int] = {}
    for at in candidates:
        part = material.passages[at].part
        sizes[part] = sizes.get(part, 0) + 1
    whole = sum(math.sqrt(size) for size in sizes.values())
    return {part: max(1, math.ceil(most * math.sqrt(size) / whole)) for part, size in sizes.items()}


def _repeats(material: Material, one: int, other: int) -> bool:
    first, second = material.passages[one], material.passages[other]
    if first.text.casefold() == second.text.casefold():
        return True
    return material.vectors is not None and float(material.vectors[one] @ material.vectors[other]) >= _REPEATS


def _order(material: Material, at: int) -> tuple[int, float]:
    """Of one video by time; of several ranges by range."""
    passage = material.passages[at]
    return passage.part, passage.start


def _point(material: Material, at: int, weight: float) -> Point:
    passage = material.passages[at]
    title = material.parts[passage.part] if passage.part < len(material.parts) else ""
    text = " ".join(passage.text.split())
    return Point(passage.video_id, passage.start, passage.end, passage.channel, text, round(min(1.0, weight), 4), title)
