"""From raw similarities to confidences: how likely is it that a score this high is more than chance?

Every channel ends in a number from 0 to 1 that means the same: 0.5 is where a match begins to be believed. None of them
depends on how well the other results of the same query did, so "nothing here matches" can come out.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from query.words import stems
from reelseek.records import Vector

_SPREAD = 1.4826
"""The median absolute deviation of a normal distribution times this is its standard deviation."""


PICTURES_SHARE = 0.93
"""The most that a resemblance can be worth."""


def logistic(value: float) -> float:
    """1 / (1 + e^-value), without overflow."""
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, value))))


@dataclass(frozen=True, slots=True)
class Null:
    """What scores of unrelated things look like: their middle and spread, robustly."""

    centre: float
    spread: float

    @classmethod
    def of(cls, scores: npt.ArrayLike, *, floor: float = 1e-3) -> Null:
        """Median and scaled median absolute deviation; `floor` keeps a degenerate sample from a spread of nothing."""
        values = np.asarray(scores, dtype=np.float64)
        if values.size == 0:
            return cls(0.0, max(floor, 1.0))
        centre = float(np.median(values))
        return cls(centre, max(floor, _SPREAD * float(np.median(np.abs(values - centre)))))

    @classmethod
    def of_lower_half(cls, scores: npt.ArrayLike, *, floor: float = 1e-3) -> Null:
        """Fit a normal distribution to the 10th and 40th percentiles.

        What is looked for lies at the upper end of the scores, and in a library of one subject it may be half of them:
        the middle and the spread must not be taken from there.
        """
        values = np.asarray(scores, dtype=np.float64)
        if values.size == 0:
            return cls(0.0, max(floor, 1.0))
        low, high = np.percentile(values, (10, 40))
        spread = max(floor, float(high - low) / 1.028)
        return cls(float(high) + 0.253 * spread, spread)

    def z(self, score: float) -> float:
        """How many spreads a score lies above the middle."""
        return (score - self.centre) / self.spread


def expected_maximum(count: int) -> float:
    """Roughly the largest of `count` standard normal draws, in standard deviations: sqrt(2 ln n)."""
    return math.sqrt(2.0 * math.log(max(2, count)))


@dataclass(frozen=True, slots=True)
class SentenceScale:
    """Turns the cosine of a query and a line into a confidence.

    The null comes from sentences that have nothing to do with the library, so that a library with one topic only is no
    obstacle; the library's size says how high chance alone can reach. Measured with MiniLM on 3,664 sentences of
    tutorials and 1,589 turns of meetings, 250 queries of each: of queries asked of the wrong library at most 5 % pass
    on this channel alone, of those asked of the right one 89 % do.
    """

    null: Null
    size: int

    @classmethod
    def of(cls, query: Vector, bank: Vector, size: int) -> SentenceScale:
        """Make the scale of a query `(d,)` from the bank's vectors `(m, d)`.

        The query's own null is noisy with so few sentences; it is shrunk half way to that of the bank against itself.
        """
        own = Null.of(bank @ query)
        general = Null.of((bank @ bank.T)[~np.eye(len(bank), dtype=bool)])
        return cls(Null((own.centre + general.centre) / 2, (own.spread + general.spread) / 2), size)

    @property
    def middle(self) -> float:
        """The cosine that has confidence 0.5."""
        return self.null.centre + self.null.spread * (1.2 * expected_maximum(self.size) + 3.0)

    def confidence(self, cosine: float) -> float:
        """0 to 1."""
        return logistic(0.85 * (cosine - self.middle) / self.null.spread)


@dataclass(frozen=True, slots=True)
class PictureScale:
    """Turns the cosine of a query and a picture into a confidence.

    Two nulls, for either alone errs: among the pictures of the library (a query that fits every picture a bit says
    nothing) and, for each picture, among descriptions of other things (a picture that is near every text says
    nothing). The geometric middle of both z-scores counts, that of the texts for more: in a library full of
    cars every car is common. Measured with the demo's model on the demo (66 pictures): what is seen has 2.9 and more
    (median 4.8), the best picture for what is only said or written 2.1 or less in 3 of 4.
    """

    library: Null
    size: int

    @property
    def middle(self) -> float:
        """The z-score that has confidence 0.5."""
        return 1.8 + 0.35 * expected_maximum(self.size)

    def strength(self, cosine: float, picture: Null) -> float:
        """The combined z-score of a picture."""
        among_pictures, among_texts = self.library.z(cosine), picture.z(cosine)
        if among_pictures <= 0 or among_texts <= 0:
            return min(among_pictures, among_texts)
        return float(among_pictures**0.3 * among_texts**0.7)

    def confidence(self, strength: float) -> float:
        """0 to 1, but never as sure as words that stand there themselves."""
        return PICTURES_SHARE * logistic(1.8 * (strength - self.middle))


def picture_nulls(vectors: Vector, bank: Vector, sample: Vector) -> list[Null]:
    """Each picture's similarities to the descriptions of other things, as nulls.

    The spread is that of all pictures: a model maps what it does not know to few places, so that single pictures seem
    to have almost none. The middle is a picture's own, shrunk half way to that of all.

    Args:
        vectors: `(n, d)`, the pictures.
        bank: `(m, d)`, the descriptions.
        sample: `(k, d)`, pictures of the whole library.
    """
    if not len(vectors):
        return []
    general = (sample if len(sample) else vectors) @ bank.T
    spread = max(1e-3, float(np.sqrt(general.var(axis=1).mean())))
    centres = ((vectors @ bank.T).mean(axis=1) + general.mean()) / 2
    return [Null(float(centre), spread) for centre in centres]


@dataclass(frozen=True, slots=True)
class WordStatistics:
    """In how many of `lines` lines a stem occurs: what makes a word rare here."""

    lines: int = 0
    frequency: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, texts: Iterable[str]) -> WordStatistics:
        """Count over a sample of the library's lines."""
        counts: Counter[str] = Counter()
        lines = 0
        for text in texts:
            counts.update(set(stems(text)))
            lines += 1
        return cls(lines, dict(counts))

    def weight(self, term: str) -> float:
        """Inverse document frequency, never nothing: `ln(1 + (N + 1) / (n + 0.5))`.

        The library counts as at least 50 lines, so that in a tiny one a word is not worthless for being in half of it.
        """
        total = max(50, self.lines)
        return math.log(1.0 + (total + 1.0) / (self.frequency.get(term, 0) + 0.5))

    def coverage(self, terms: Sequence[str], matched: Iterable[str]) -> float:
        """The share of the query's weight that is matched, 0 to 1."""
        whole = sum(self.weight(term) for term in terms)
        have = set(matched)
        return sum(self.weight(term) for term in terms if term in have) / whole if whole > 0 else 0.0

    def confidence(self, terms: Sequence[str], matched: Iterable[str]) -> float:
        """How surely a text with the `matched` of `terms` is meant, 0 to 1.

        Coverage decides: all words give 0.97, half of their weight is not enough. Two and more matched words that would
        hardly meet by chance (their joint information exceeds that of picking one line of the library) count for more.
        """
        have = [term for term in terms if term in set(matched)]
        if not have:
            return 0.0
        covered = self.coverage(terms, have)
        information = sum(self.weight(term) for term in have)
        surprise = information - math.log(1.0 + max(50, self.lines)) if len(have) > 1 else 0.0
        bonus = 0.12 * min(1.0, max(0.0, surprise / 6.0))
        return logistic(9.0 * (covered + bonus - 0.6))
