"""The fit of the ranking: what tells right from wrong is found, and what does not gets no weight."""

from __future__ import annotations

import numpy as np
import pytest

from bench.fit_ranking import ORDER, SURE, Asked, fitted_confidence, fitted_order, passing
from query.texts.signals import SIGNALS

TELLS = SIGNALS.index("best_meaning")


def questions(count: int, answered: bool, seed: int) -> list[Asked]:
    """Noise in every signal; where a question is answered, one signal is high in the line that answers."""
    made = []
    random = np.random.default_rng(seed)
    for _ in range(count):
        signals = random.normal(size=(80, len(SIGNALS))).astype(np.float32)
        right = np.zeros(80, dtype=bool)
        if answered:
            right[7] = True
            signals[7, TELLS] += 12
        made.append(Asked(signals, right))
    return made


def test_the_signal_that_tells_right_lines_from_others_orders_them() -> None:
    weights = fitted_order([questions(30, True, 1), questions(50, True, 2)])
    assert ORDER[int(weights.argmax())] == "best_meaning"
    assert weights.min() >= 0
    assert sorted(weights)[-2] < 0.5 * weights.max()


def test_few_questions_to_the_wrong_library_are_answered_and_most_to_the_right_one() -> None:
    here, elsewhere = questions(60, True, 3), questions(60, False, 4)
    weights, middle = fitted_confidence(here, elsewhere)
    assert SURE[int(weights.argmax())] == "best_meaning"
    assert passing(here, weights, middle) == pytest.approx(1.0)
    assert passing(elsewhere, weights, middle) <= 0.05
