"""Thumbnails of the last seconds of a video and what is measured between any two of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from reelseek.records import Image

Floats = NDArray[np.float32]

WIDTH, HEIGHT = 32, 18
COLUMNS, ROWS = 8, 6
SEARCH = 2
"""Blocks are looked for this many pixels of a thumbnail around: 6 % of the picture's width, 11 % of its height."""


class Thumbnails:
    """A sliding window over pictures, which are numbered from the first one fed; those from `first` on are there.

    Kept are luma and colour for block matching, and the inner products of luma, from which distances, correlations
    and straight lines between pictures follow without touching pixels again.

    Args:
        reach: seconds behind the newest picture that stay, as long as there are at most `SIZE / 2` pictures in them.
    """

    SIZE = 160

    def __init__(self, reach: float) -> None:
        import cv2

        self._cv2: Any = cv2
        self._reach = reach
        self.first = self.count = 0
        self._times = np.zeros(self.SIZE)
        self._contrast = np.zeros(self.SIZE, np.float32)
        self._means = np.zeros(self.SIZE, np.float32)
        self._luma = np.zeros((self.SIZE, HEIGHT, WIDTH), np.float32)
        self._padded = np.zeros((self.SIZE, HEIGHT + 2 * SEARCH, WIDTH + 2 * SEARCH), np.float32)
        self._moved = sliding_window_view(self._padded, (HEIGHT, WIDTH), axis=(1, 2))  # type: ignore[call-overload]
        self._colour = np.zeros((self.SIZE, 2, ROWS * COLUMNS), np.float32)
        self._detail = np.zeros(self.SIZE, np.float32)
        self._products = np.zeros((self.SIZE, self.SIZE), np.float32)

    def add(self, time: float, small: Image) -> None:
        """Take a picture in (YCbCr, channels first); where there is no room, those out of reach go."""
        if self.count - self.first == self.SIZE:
            self._forget()
        place = self.count - self.first
        cv2 = self._cv2
        luma, *colours = (self._shrunk(plane, WIDTH, HEIGHT) for plane in small)
        luma = luma.astype(np.float32)
        self._times[place] = time
        self._luma[place] = luma
        self._padded[place] = cv2.copyMakeBorder(luma, SEARCH, SEARCH, SEARCH, SEARCH, cv2.BORDER_REPLICATE)
        self._colour[place] = [self._shrunk(plane, COLUMNS, ROWS).ravel() for plane in colours]
        mean, contrast = cv2.meanStdDev(luma)
        self._means[place], self._contrast[place] = mean[0, 0], contrast[0, 0]
        finer = self._shrunk(small[0], 2 * WIDTH, 2 * HEIGHT)
        self._detail[place] = (
            sum(
                cv2.norm(one, other, cv2.NORM_L2SQR)
                for one, other in ((finer[1:], finer[:-1]), (finer[:, 1:].copy(), finer[:, :-1].copy()))
            )
            / finer.size
        )
        row = self._luma[: place + 1].reshape(place + 1, -1) @ (luma.ravel() / luma.size)
        self._products[place, : place + 1] = self._products[: place + 1, place] = row
        self.count += 1

    def _shrunk(self, image: NDArray[Any], width: int, height: int) -> NDArray[Any]:
        """The means of a picture's blocks."""
        return np.asarray(self._cv2.resize(image, (width, height), interpolation=self._cv2.INTER_AREA))

    def _forget(self) -> None:
        used = self.count - self.first
        gone = int(np.searchsorted(self._times[:used], self._times[used - 1] - self._reach))
        gone = max(gone, used // 2)
        for array in (self._times, self._contrast, self._means, self._detail, self._luma, self._padded, self._colour):
            array[: used - gone] = array[gone:used].copy()
        self._products[: used - gone, : used - gone] = self._products[gone:used, gone:used].copy()
        self.first += gone

    def time(self, number: int) -> float:
        """When a picture is shown."""
        return float(self._times[number - self.first])

    def since(self, time: float) -> int:
        """The number of the first picture at or after a time."""
        return self.first + int(np.searchsorted(self._times[: self.count - self.first], time - 1e-6))

    def times(self, start: int, end: int) -> NDArray[np.float64]:
        """When the pictures `[start, end)` are shown."""
        return self._times[start - self.first : end - self.first]

    def contrast(self, start: int, end: int) -> Floats:
        """The standard deviations of luma of the pictures `[start, end)`."""
        return self._contrast[start - self.first : end - self.first]

    def detail(self, start: int, end: int) -> Floats:
        """The mean squared differences of neighbouring pixels of luma, at twice the thumbnail's size."""
        return self._detail[start - self.first : end - self.first]

    def products(self, start: int, end: int) -> Floats:
        """The mean products of luma of the pictures `[start, end)`, each with each."""
        return self._products[start - self.first : end - self.first, start - self.first : end - self.first]

    def difference(self, known: int, new: int) -> float:
        """How much of picture `new` is not in `known`: grey levels, luma with motion taken out, and colour."""
        return float(self.differences(known, new).mean())

    def differences(self, known: int, new: int) -> Floats:
        """`difference` for each of the 48 blocks of `new`."""
        known, new = known - self.first, new - self.first
        apart = self._moved[known] - self._luma[new]
        np.abs(apart, out=apart)
        # One picture under the other: a single call takes the means of all blocks of all positions.
        costs = self._shrunk(apart.reshape(-1, WIDTH), COLUMNS, (2 * SEARCH + 1) ** 2 * ROWS).reshape(
            -1, ROWS * COLUMNS
        )
        return np.asarray(costs.min(axis=0) + self._colours_apart(known, new), np.float32)

    def plain_difference(self, one: int, other: int) -> float:
        """The mean difference of luma, pixel by pixel."""
        one, other = one - self.first, other - self.first
        return float(self._cv2.norm(self._luma[one], self._luma[other], self._cv2.NORM_L1)) / (WIDTH * HEIGHT)

    def colour_difference(self, one: int, other: int) -> float:
        """The part of `difference` that colour has: with `plain_difference` it is the most that `difference` can be."""
        return float(self._colours_apart(one - self.first, other - self.first).mean())

    def _colours_apart(self, known: int, new: int) -> Floats:
        blue, red = np.abs(self._colour[known] - self._colour[new])
        return np.asarray(blue + red, np.float32)

    def correlations(self, left: NDArray[np.intp], right: NDArray[np.intp]) -> Floats:
        """The correlation of luma of each of `left` with each of `right`; 0 where one is plain."""
        rows, columns = left - self.first, right - self.first
        covariance = self._products[np.ix_(rows, columns)] - np.outer(self._means[rows], self._means[columns])
        spread = np.outer(self._contrast[rows], self._contrast[columns])
        return np.asarray(covariance / np.maximum(spread, 1.0), np.float32)
