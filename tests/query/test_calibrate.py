"""Confidences mean something: full matches near 1, chance near 0, whatever the size of the library."""

from __future__ import annotations

import numpy as np
import pytest

from query.pictures.scale import PictureScale, Sample
from query.ranking.calibrate import Null, expected_maximum
from query.texts.scale import SentenceScale, WordStatistics
from query.texts.words import content_terms, stems
from reelseek.records import Vector

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


def scale_of(bank: Vector, pictures: Vector, seconds: float = 5.0) -> PictureScale:
    videos = [str(number) for number in range(len(pictures))]
    return PictureScale.of(bank, Sample.of(pictures, [seconds] * len(pictures), videos, len(pictures)))


def test_a_picture_must_stand_out_among_pictures_and_among_texts() -> None:
    random = np.random.default_rng(2)
    bank, pictures = unit(random.normal(size=(48, 64))), unit(random.normal(size=(400, 64)))
    scale = scale_of(bank, pictures)
    query = unit(random.normal(size=64))
    match = unit(query + 0.6 * unit(random.normal(size=64)))
    assert max(scale.confidence(value) for value in scale.z(pictures, query)) < 0.5, "chance is no match"
    assert scale.confidence(float(scale.z(match[None], query)[0])) > 0.9


def test_what_is_near_every_text_or_every_picture_counts_for_less() -> None:
    random = np.random.default_rng(3)
    bank, pictures = unit(random.normal(size=(48, 64))), unit(random.normal(size=(400, 64)))
    query = unit(random.normal(size=64))
    usual = unit(query + unit(random.normal(size=64)))
    hub = unit(usual + 0.5 * unit(bank.mean(axis=0)))
    hub_scale = scale_of(bank, pictures)
    gained = float(hub @ query) - float(usual @ query)
    risen = hub_scale.z(hub[None], query)[0] - hub_scale.z(usual[None], query)[0]
    assert risen < gained / hub_scale.spread
    common = unit(pictures + 0.7 * query)
    assert scale_of(bank, common)._common(query) > 0.2
    assert abs(hub_scale._common(query)) < 0.05


def test_a_picture_kept_many_times_says_no_more_of_the_library() -> None:
    """The ingest may keep one keyframe of a still picture or a hundred."""
    random = np.random.default_rng(4)
    bank, pictures = unit(random.normal(size=(48, 32))), unit(random.normal(size=(30, 32)))
    query = unit(random.normal(size=32))
    once = PictureScale.of(bank, Sample.of(pictures, [8.0] * 30, ["v"] * 30, 30))
    often = np.repeat(pictures, [20] + [1] * 29, axis=0)
    many = PictureScale.of(bank, Sample.of(often, [0.4] * 20 + [8.0] * 29, ["v"] * 49, 49))
    assert many.middle == once.middle
    assert many.z(pictures, query) == pytest.approx(once.z(pictures, query))


def test_a_library_without_pictures_has_a_scale() -> None:
    bank = unit(np.random.default_rng(5).normal(size=(48, 16)))
    assert PictureScale.of(bank, None).confidence(0.0) < 0.5
    assert Sample.of(bank[:0], [], [], 0).pictures == 0


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
