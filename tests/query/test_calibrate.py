"""Confidences mean something: full matches near 1, chance near 0, whatever the size of the library."""

from __future__ import annotations

import numpy as np
import pytest

from query.calibrate import Null, expected_maximum
from query.picture_scale import PictureScale, picture_nulls
from query.text_scale import SentenceScale, WordStatistics
from query.words import content_terms, stems

LINES = [f"this is the line about topic number{n} of the talk" for n in range(300)]


@pytest.fixture(scope="module")
def words() -> WordStatistics:
    return WordStatistics.of([*LINES, "penguins live on the ice", "the history of the talk"])


def confidence(words: WordStatistics, query: str, text: str) -> float:
    terms = content_terms(query)
    return words.confidence(terms, [term for term in terms if term in set(stems(text))])


def test_all_words_are_near_one_and_none_is_nothing(words: WordStatistics) -> None:
    assert confidence(words, "penguins", "penguins live on the ice") > 0.95
    assert confidence(words, "penguins on ice", "penguins live on the ice") > 0.95
    assert confidence(words, "penguins", "the history of the talk") == 0.0


def test_a_common_word_of_a_rare_query_is_not_enough(words: WordStatistics) -> None:
    assert confidence(words, "topic penguins", "the line about topic number3") < 0.2
    assert confidence(words, "topic penguins", "penguins live on the ice") > 0.5
    assert confidence(words, "history of penguins", "the history of the talk") < 0.5


def test_more_of_the_query_is_always_better(words: WordStatistics) -> None:
    terms = content_terms("penguins ice history topic")
    values = [words.confidence(terms, terms[:count]) for count in range(len(terms) + 1)]
    assert values == sorted(values)


def test_in_a_tiny_library_a_word_keeps_its_worth() -> None:
    tiny = WordStatistics.of(["red car"])
    assert confidence(tiny, "red car", "red car") > 0.95
    assert confidence(tiny, "red bicycle", "red car") < 0.5


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def test_a_cosine_is_judged_by_unrelated_sentences_and_by_the_size_of_the_library() -> None:
    random = np.random.default_rng(0)
    bank, query = unit(random.normal(size=(48, 384))), unit(random.normal(size=384))
    small, large = SentenceScale.of(query, bank, 50), SentenceScale.of(query, bank, 50_000)
    assert small.confidence(0.95) > 0.95
    assert small.confidence(0.1) < 0.05
    assert large.middle > small.middle, "the larger the library, the higher chance reaches"
    assert small.confidence(small.middle) == pytest.approx(0.5)


def test_a_picture_must_stand_out_among_pictures_and_among_texts() -> None:
    scale = PictureScale(Null(0.2, 0.02), size=1_000)
    assert scale.confidence(scale.strength(0.32, Null(0.18, 0.03))) > 0.8
    assert scale.confidence(scale.strength(0.32, Null(0.31, 0.03))) < 0.2, "this picture is near every text"
    assert scale.confidence(scale.strength(0.205, Null(0.1, 0.02))) < 0.2, "every picture is near this query"
    assert scale.confidence(scale.strength(0.1, Null(0.2, 0.02))) < 0.01


def test_a_picture_that_is_near_every_text_has_a_higher_null() -> None:
    bank = np.eye(4, dtype=np.float32)
    near, far = np.full((1, 4), 0.5, np.float32), np.zeros((1, 4), np.float32)
    pictures = np.concatenate([near, far])
    first, second = picture_nulls(pictures, bank, pictures)
    assert first.centre > second.centre
    assert first.spread == second.spread
    assert picture_nulls(np.zeros((0, 4), np.float32), bank, pictures) == []


def test_a_library_full_of_what_is_looked_for_still_has_a_background() -> None:
    random = np.random.default_rng(1)
    others, wanted = random.normal(0.2, 0.02, 600), random.normal(0.3, 0.02, 400)
    clean, mixed = Null.of_lower_half(others), Null.of_lower_half(np.concatenate([others, wanted]))
    assert clean.centre == pytest.approx(0.2, abs=0.005)
    assert clean.spread == pytest.approx(0.02, abs=0.004)
    assert mixed.z(0.3) > 2.0


def test_nulls_of_nothing_and_of_equal_scores_do_not_divide_by_zero() -> None:
    assert np.isfinite(Null.of([]).z(0.5))
    assert np.isfinite(Null.of([0.3, 0.3, 0.3]).z(0.5))
    assert expected_maximum(0) > 0
