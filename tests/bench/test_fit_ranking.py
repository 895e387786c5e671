"""The fit of the ranking: what tells right from wrong is found, and what does not gets no weight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.fit_confidence import QUESTION, WITH_MEANING, Tried, fitted_confidence, passing
from bench.fit_ranking import ORDER, Asked, fitted_order
from query.texts.signals import SIGNALS

TELLS = SIGNALS.index("best_meaning")


def questions(count: int, answered: bool, seed: int, lines: int = 80) -> list[Asked]:
    """Noise in every signal; where a question is answered, one signal is high in the line that answers."""
    made = []
    random = np.random.default_rng(seed)
    for _ in range(count):
        signals = random.normal(size=(lines, len(SIGNALS))).astype(np.float32)
        right = np.zeros(lines, dtype=bool)
        if answered:
            right[7] = True
            signals[7, TELLS] += 12
        made.append(Asked(signals, right))
    return made


def asked(count: int, answered: bool, seed: int, lines: int = 80) -> list[Tried]:
    """The same as the fit of confidence takes it."""
    group = (f"{lines} lines", QUESTION, "made up")
    return [Tried(group, True, answered, lines, item.signals) for item in questions(count, answered, seed, lines)]


def test_the_signal_that_tells_right_lines_from_others_orders_them() -> None:
    weights = fitted_order([questions(30, True, 1), questions(50, True, 2)])
    assert ORDER[int(weights.argmax())] == "best_meaning"
    assert weights.min() >= 0
    assert sorted(weights)[-2] < 0.5 * weights.max()


def test_few_questions_to_the_wrong_library_are_answered_and_most_to_the_right_one() -> None:
    both = [*asked(60, True, 3), *asked(60, False, 4)]
    certainty = fitted_confidence(both, WITH_MEANING)
    assert SIGNALS[int(certainty.weights.argmax())] == "best_meaning"
    reached = passing(both, certainty)
    assert reached["80 lines", QUESTION, "made up", True] == 1.0
    assert reached["80 lines", QUESTION, "made up", False] <= 0.05


def test_among_more_lines_more_is_asked_for() -> None:
    """The best of many lines is high by chance alone: what is enough in a small library is not in a large one."""
    both = [item for lines in (20, 2_000) for seed in (True, False) for item in asked(40, seed, 5 + seed, lines)]
    weak = [replace(item, signals=np.where(item.signals > 6, item.signals - 8, item.signals)) for item in both]
    certainty = fitted_confidence(weak, ("best_meaning",))
    assert certainty.middles[1].growth > 0
    assert certainty.confidence(4.0, 20) > certainty.confidence(4.0, 2_000)
