"""What a resemblance is worth: from cosines of a description and pictures to confidences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from query.calibrate import Null, expected_maximum, logistic
from reelseek.records import Vector

PICTURES_SHARE = 0.93
"""The most that a resemblance can be worth."""


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
