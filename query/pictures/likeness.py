"""What pictures are to resemble, as vectors, and how much each picture resembles it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from query.pictures.scale import PictureScale
from reelseek.records import Vector

WEAKEST = 0.6
"""How much the weakest part of a description counts beside the whole of it."""

CHANCE, TELLING = 2.0, 3.0
"""The strength that any clause reaches somewhere, and the one that a clause reaches that speaks of what is seen."""

Strengths = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Likeness:
    """A description as vectors of length one.

    Attributes:
        described: the words, for evidence.
        whole: `(d,)`.
        parts: `(n, d)`, what must be seen together; no rows for a description of one thing.
        clauses: `(n, d)`, of a description that is too long to be compared as a whole; no rows for others.
        exchanged: for each colour that is named, `(n, d)`: first the description as it stands, then with
            others in its place, all encoded alike.
    """

    described: str
    whole: Vector
    parts: Vector
    clauses: Vector
    exchanged: tuple[Vector, ...] = ()

    @classmethod
    def of(cls, described: str, whole: Vector) -> Likeness:
        """A single vector, of any origin."""
        none = np.zeros((0, len(whole)), np.float32)
        return cls(described, whole, none, none)

    @property
    def probes(self) -> Vector:
        """What the index is searched by, `(n, d)`: the whole, or the clauses of a long description."""
        return self.clauses if len(self.clauses) else self.whole[None]

    def strengths(self, vectors: Vector, scale: PictureScale) -> Strengths:
        """How much each picture resembles it, in spreads of what chance gives, `(n,)`.

        A description of several things that are seen together is as strong as its whole and its weakest part
        together: image-text models are content with one of two things. It loses as much as an exchanged
        colour would fit better. Of a long one that counts by which clauses stand out: the others speak of what cannot
        be seen.

        Args:
            vectors: `(n, d)`, the pictures.
        """
        if not len(vectors):
            return np.zeros(0)
        if len(self.clauses):
            return _of_clauses(np.stack([scale.z(vectors, clause) for clause in self.clauses]))
        strength = scale.z(vectors, self.whole)
        if len(self.parts):
            weakest = np.min([scale.z(vectors, part) for part in self.parts], axis=0)
            strength = (1 - WEAKEST) * strength + WEAKEST * np.minimum(strength, weakest)
        for own, *others in self.exchanged:
            better = (vectors @ np.stack(others).T).max(axis=1) - vectors @ own
            strength = strength - np.maximum(0.0, better) / scale.spread
        return strength


def _of_clauses(each: Strengths) -> Strengths:
    """What the clauses of a long description, `(clauses, pictures)`, say together.

    Measured on 40 descriptions of eighty words, few of them about the picture, among 1,457 pictures: a right one is
    first for 10 % with one pooled vector, 38 % by the best sentence, 48 % by the best clause, 63 % by the sum above
    chance.
    """
    above = np.clip(each - CHANCE, 0.0, None).sum(axis=0)
    telling = max(1, int((each.max(axis=1) >= TELLING).sum()))
    strength: Strengths = np.where(above > 0, CHANCE + above / telling, each.max(axis=0))
    return strength
