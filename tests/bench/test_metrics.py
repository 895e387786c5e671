"""Metrics against cases worked by hand, and against what the authors of QVHighlights publish."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from bench.evaluation.corpus import BenchQuery
from bench.evaluation.formats import qvhighlights
from bench.evaluation.moments import (
    average_precisions,
    highlight_precision,
    hit_at,
    interpolated_precision,
    recall,
    recalls,
    reciprocal_rank,
)
from bench.evaluation.ranking import Result, is_hit, query_figures
from bench.evaluation.statistics import bootstrap, false_answers, paired, risk_coverage
from reelseek.errors import InvalidRequest


def test_a_hit_overlaps_by_three_tenths_or_has_its_middle_inside() -> None:
    assert is_hit((0, 10), (7, 17)) is False  # 3 of 17
    assert is_hit((0, 10), (4, 14)) is True  # 6 of 14
    assert is_hit((0, 10), (5, 5)) is True
    assert is_hit((3, 3), (0, 10)) is True
    assert is_hit((0, 100), (49, 51)) is True
    assert is_hit((0, 2), (2, 4)) is False


def test_a_second_hit_on_the_same_range_gains_nothing() -> None:
    query = BenchQuery("q", "x", "v", ((0.0, 10.0), (20.0, 30.0)))
    found = [Result("w", 0, 10), Result("v", 0, 10), Result("v", 1, 9), Result("v", 20, 30)]
    figures = query_figures(query, found)
    ideal = 1 + 1 / math.log2(3)
    assert figures["nDCG@10"] == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal)
    assert figures["MRR@10"] == 0.5
    assert (figures["R@1"], figures["R@5"], figures["vR@1"], figures["vR@10"]) == (0, 1, 0, 1)


def test_recall_at_k_and_iou() -> None:
    ranked = [(0.0, 10.0), (40.0, 60.0), (41.0, 50.0)]
    truth = [(40.0, 50.0)]
    assert [recall(ranked, truth, k, 0.5) for k in (1, 2, 3)] == [0, 1, 1]  # 10 of 20
    assert [recall(ranked, truth, k, 0.7) for k in (1, 2, 3)] == [0, 0, 1]  # 9 of 10
    assert recalls(ranked, truth)["R@5 IoU=0.7"] == 1
    assert recalls([], truth)["R@100 IoU=0.3"] == 0


def test_average_precision_takes_each_true_range_once_from_the_highest_score_down() -> None:
    truths = [(0.0, 10.0), (20.0, 30.0)]
    found = [(0.0, 10.0, 0.2), (0.0, 9.0, 0.9), (50.0, 60.0, 0.8), (20.0, 30.0, 0.1)]
    # in order of score: right (0-9), wrong (50-60), wrong (0-10 is taken), right: precisions 1 and 2/4
    assert average_precisions(found, truths, (0.5,))[0] == pytest.approx((1 + 0.5) / 2)
    # at 0.95 the first is wrong; then 0-10 is right at rank 3 (1/3) and 20-30 at rank 4 (1/2), which interpolation
    # gives to the first as well
    assert average_precisions(found, truths, (0.95,))[0] == pytest.approx(0.5)
    assert average_precisions([], truths, (0.5,))[0] == 0
    assert interpolated_precision([False, True], 1) == 0.5


def test_a_highlight_curve_with_ties_counts_each_level_once() -> None:
    marked = [True, False, True, False]
    assert highlight_precision([4, 3, 2, 1], marked) == pytest.approx((1 + 2 / 3) / 2)
    assert highlight_precision([5, 5, 5, 1], marked) == pytest.approx(2 / 3)
    assert highlight_precision([1, 1, 1, 1], [False] * 4) == 0
    assert highlight_precision([1, 2, 3, 4], [True] * 4) == 1
    # clips that the curve does not reach have 0, which is above what is below it
    assert highlight_precision([-1.0, -2.0], [False, False, True]) == 1


def test_hits_and_reciprocal_rank() -> None:
    assert [hit_at([False, True], k) for k in (1, 2)] == [0, 1]
    assert reciprocal_rank([False, False, True]) == pytest.approx(1 / 3)
    assert reciprocal_rank([False]) == 0


def test_the_published_figures_of_qvhighlights_come_out_to_the_last_digit(shared_data: Path) -> None:
    folder = shared_data / "bench" / "qvhighlights"
    truth = qvhighlights.read_truth(folder / "highlight_val_release.jsonl")
    predictions = qvhighlights.read(folder / "sample_val_preds.jsonl", truth)
    published = json.loads((folder / "sample_val_preds_metrics_raw.json").read_text())
    assert qvhighlights.figures(truth, predictions) == published
    predictions.pop(truth[5].query_id)
    with pytest.raises(InvalidRequest, match="1 queries have no prediction"):
        qvhighlights.figures(truth, predictions)


def test_the_interval_of_a_mean_covers_it_and_narrows_with_more_queries() -> None:
    few, many = bootstrap([0.0, 1.0] * 10), bootstrap([0.0, 1.0] * 1000)
    assert few.mean == many.mean == 0.5
    assert few.low < many.low < 0.5 < many.high < few.high
    # the standard error is 0.5 / sqrt(2000); the interval is about 1.96 of it to each side
    assert many.high - 0.5 == pytest.approx(1.96 * 0.5 / math.sqrt(2000), rel=0.1)
    assert bootstrap([1.0] * 7).low == 1.0
    assert bootstrap([]).mean == 0.0


def test_a_difference_is_significant_only_where_chance_would_hardly_make_it() -> None:
    none = paired([0.2, 0.4], [0.2, 0.4])
    assert (none.mean, none.p, none.gained, none.lost) == (0, 1, 0, 0)
    # six gains of the same size: of 64 patterns of signs two are as extreme
    few = paired([0.0] * 6, [1.0] * 6)
    assert few.p == pytest.approx(2 / 64, abs=0.006)
    assert (few.mean, few.gained, few.lost) == (1, 6, 0)
    chance = np.random.default_rng(0)
    before = chance.random(200)
    assert paired(before.tolist(), (before + 0.1).tolist()).p < 0.001
    assert paired(before.tolist(), chance.permutation(before).tolist()).p > 0.05
    with pytest.raises(ValueError, match="not the same ones"):
        paired([1.0], [1.0, 0.0])


def test_risk_and_coverage_of_four_queries() -> None:
    curve = risk_coverage([0.9, 0.8, 0.8, 0.1], [True, False, True, False])
    assert curve.coverage == (0.25, 0.75, 1.0)
    assert curve.risk == pytest.approx((0.0, 1 / 3, 0.5))
    assert curve.area == pytest.approx(0.25 * 0 + 0.5 / 3 + 0.25 * 0.5)
    assert curve.best == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)
    assert risk_coverage([], []).area == 0
    assert false_answers([0.2, 0.5, 0.7, 0.1], 0.5) == 0.5
