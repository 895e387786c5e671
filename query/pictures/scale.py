"""What a resemblance is worth: from cosines of a description and pictures to confidences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from query.ranking.calibrate import expected_maximum, logistic
from reelseek.records import Vector

PICTURES_SHARE = 0.93
"""The most that a resemblance can be worth."""

OWN = 0.25
"""How much of a picture's own nearness to all texts, and of a description's own nearness to all pictures, is believed.

Both are noisy: the pictures of a small library are few, and what a model does not know it maps to few places.
"""

SAME = 0.97
"""Cosine from which a picture and the one before it in its video are one picture."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Pictures of a library, each different from the one before it.

    Attributes:
        vectors: `(n, d)`.
        seconds: `(n,)`, how long each stands.
        pictures: how many different ones there are in the whole library, about.
    """

    vectors: Vector
    seconds: npt.NDArray[np.float64]
    pictures: int

    @classmethod
    def of(cls, vectors: Vector, seconds: npt.ArrayLike, videos: list[str], frames: int) -> Sample:
        """From keyframes in order of video and time. What repeats counts once, with all its time.

        How many keyframes an ingest keeps of a still picture says nothing of the library.

        Args:
            videos: the video of each.
            frames: how many the whole library has.
        """
        times = np.asarray(seconds, dtype=np.float64)
        if not len(vectors):
            return cls(vectors, times, 0)
        new = np.ones(len(vectors), dtype=bool)
        new[1:] = np.einsum("nd,nd->n", vectors[1:], vectors[:-1]) < SAME
        new[1:] |= np.asarray(videos[1:]) != np.asarray(videos[:-1])
        groups = np.cumsum(new) - 1
        stands = np.bincount(groups, weights=np.maximum(times, 0.1)).astype(np.float64)
        return cls(vectors[new], stands, max(1, round(frames * float(new.mean()))))


@dataclass(frozen=True, slots=True)
class PictureScale:
    """Turns cosines of descriptions and pictures into strengths, and those into confidences.

    The null is what pictures of this library and descriptions of other things (`bank`) have in common: `centre` and
    `spread` are the mean and the standard deviation within a picture of all these cosines, pictures weighted by the
    time they stand. A picture that is near every text and a description that is near every picture are corrected for
    with a share (`OWN`), as in querybank normalisation (Bogolin et al., CVPR 2022), not divided by their own spread,
    which is far too noisy. The size of the library says how high chance alone can reach.
    """

    bank: Vector
    sample: Vector
    seconds: npt.NDArray[np.float64]
    centre: float
    spread: float
    pictures: int

    @classmethod
    def of(cls, bank: Vector, sample: Sample | None) -> PictureScale:
        """Make the scale of a library.

        Args:
            bank: `(m, d)`, descriptions of other things.
        """
        if sample is None or not len(sample.vectors):
            return cls(bank, bank[:0], np.zeros(0), 0.0, 1.0, 1)
        cosines = sample.vectors @ bank.T
        means = cosines.mean(axis=1)
        within = np.average(cosines.var(axis=1), weights=sample.seconds)
        centre = float(np.average(means, weights=sample.seconds))
        return cls(bank, sample.vectors, sample.seconds, centre, max(1e-3, float(np.sqrt(within))), sample.pictures)

    def z(self, vectors: Vector, description: Vector) -> npt.NDArray[np.float64]:
        """How many spreads each picture `(n, d)` is nearer to a description `(d,)` than chance, `(n,)`."""
        own = (vectors @ self.bank.T).mean(axis=1) - self.centre
        cosines = vectors @ description - self.centre
        strength: npt.NDArray[np.float64] = (cosines - OWN * own - OWN * self._common(description)) / self.spread
        return strength

    def _common(self, description: Vector) -> float:
        """How near a description is to what stands for most of the time; less is known of it in a small library."""
        if not len(self.sample):
            return 0.0
        cosines = self.sample @ description
        order = np.argsort(cosines)
        share = np.cumsum(self.seconds[order]) / self.seconds.sum()
        middle = float(cosines[order][np.searchsorted(share, 0.5)])
        return (middle - self.centre) * len(self.sample) / (len(self.sample) + 20.0)

    @property
    def middle(self) -> float:
        """The strength that has confidence 0.5."""
        return 1.2 + 0.6 * expected_maximum(self.pictures)

    def confidence(self, strength: float) -> float:
        """0 to 1, but never as sure as words that stand there themselves."""
        return PICTURES_SHARE * logistic(1.8 * (strength - self.middle))
