"""Every moment says how its confidence came about: gains that add up, in fused, joined, chained and cut results."""

from __future__ import annotations

import json

import pytest

from query.ranking.fuse import fuse
from query.ranking.runs import Run
from query.ranking.waterfall import settled, shared, shortfall, weighted
from reelseek.records import Channel
from reelseek.results import Contribution, Moment
from reelseek.wire import search_payload
from tests.query.conftest import Search

SAID, SEEN, TITLE = Channel.SPEECH, Channel.VISUAL, Channel.TITLE
QUERIES = (
    "gradient descent and the learning rate",
    "overfitting",
    "the slide that says homework",
    "two cars",
    '"office layout"',
    "said:budget text:agenda",
    "said:flour then said:dough",
    'text:"gradient descent" while said:steps',
    "said:budget then[2m] text:lisbon then said:thursday",
    "object:car -object:person",
    "object:car>=2 object:person",
    "bread -oven",
    "sound:applause",
    "video:lecture loss",
)


def add_up(moment: Moment) -> None:
    assert moment.contributions
    assert sum(item.gain for item in moment.contributions) == pytest.approx(moment.confidence, abs=1e-6)
    assert all(item.gain >= 0 and item.rank >= 1 for item in moment.contributions)
    assert all(0.0 <= item.calibrated <= 1.0 and 0.0 <= item.weight <= 1.0 for item in moment.contributions)
    gains = [item.gain for item in moment.contributions]
    assert gains == sorted(gains, reverse=True)


@pytest.mark.parametrize("query", QUERIES)
def test_the_gains_of_every_moment_add_up_to_its_confidence(search: Search, query: str) -> None:
    result = search(query, k=50)
    assert result.moments or result.near_misses
    for moment in (*result.moments, *result.near_misses):
        add_up(moment)
        assert {item.channel for item in moment.contributions} >= set(moment.channels)
    # and once more in the JSON, where they are rounded
    for payload in search_payload(result)["moments"]:
        assert sum(item["gain"] for item in payload["contributions"]) == pytest.approx(payload["confidence"], abs=1e-3)
    json.dumps(search_payload(result))


def test_joined_parts_tell_which_part_of_the_query_they_answer(search: Search) -> None:
    moment = search("said:flour then said:dough").moments[0]
    assert len({item.asked for item in moment.contributions}) == 2
    assert all(item.asked for item in moment.contributions)
    alone = search("said:flour").moments[0]
    assert {item.asked for item in alone.contributions} == {""}


def test_a_near_miss_says_why_it_is_one(search: Search) -> None:
    result = search("budget for marketing", min_confidence=0.99)
    assert result.near_misses
    for moment in result.near_misses:
        assert "under the cut-off of 99 %" in moment.shortfall
        assert f"{100 * moment.confidence:.0f} % sure" in moment.shortfall
    assert all(not moment.shortfall for moment in search("budget for marketing").moments)


def test_every_stage_of_a_search_is_timed(search: Search) -> None:
    timings = search("said:budget then text:lisbon").timings_ms
    assert set(timings) >= {"plan", "retrieve", "retrieve.text", "fuse", "join", "describe"}
    assert timings["retrieve.text"] <= timings["retrieve"]
    assert "retrieve.objects" in search("object:car").timings_ms


def _run(channel: Channel, confidence: float, *, start: float = 0.0, end: float = 10.0) -> Run:
    return Run("v", start, end, channel, confidence, parts={channel: confidence}, raw=0.3)


def test_channels_that_agree_are_surer_than_each_alone() -> None:
    both = fuse([_run(SAID, 0.7), _run(SEEN, 0.6), _run(TITLE, 0.5, end=100.0)], 10)[0]
    assert both.confidence > 0.7
    assert [(item.channel, item.rank) for item in settled(both)] == [(SAID, 1), (SEEN, 1), (TITLE, 1)]
    assert sum(item.gain for item in settled(both)) == pytest.approx(both.confidence)
    assert {item.channel: item.gain for item in settled(both)} == pytest.approx(both.parts)


def test_support_makes_no_unlikely_place_likely() -> None:
    weak = fuse([_run(SAID, 0.3), _run(SEEN, 0.3), _run(TITLE, 0.9, end=100.0)], 10)
    assert max(run.confidence for run in weak if run.channel is not TITLE) < 0.5


def test_a_title_lifts_what_is_found_in_its_video_and_does_not_flood() -> None:
    places = [_run(SAID, 0.6 - 0.01 * number, start=20.0 * number, end=20.0 * number + 5) for number in range(5)]
    lifted = fuse([*places, _run(TITLE, 0.9, end=100.0)], 10)
    timed = [run for run in lifted if run.channel is SAID]
    assert [run.start for run in timed] == [0.0, 20.0, 40.0, 60.0, 80.0]
    assert all(run.confidence > 0.6 - 0.01 * number for number, run in enumerate(timed))
    # the whole video stands once at most, whatever is found in it
    assert sum(run.channel is TITLE for run in lifted) <= 1


def test_what_a_weight_takes_away_is_taken_from_every_search() -> None:
    two = (
        Contribution(SAID, "words", 2, 7.5, 0.6, 1.0, 0.5),
        Contribution(SAID, "meaning", 1, 0.4, 0.5, 1.0, 0.3),
    )
    run = weighted(Run("v", 0, 1, SAID, 0.8, parts={SAID: 0.8}, contributions=two), 0.5)
    assert run.confidence == pytest.approx(0.4)
    assert [item.gain for item in run.contributions] == pytest.approx([0.25, 0.15])
    assert [item.weight for item in run.contributions] == [0.5, 0.5]
    assert [item.calibrated for item in run.contributions] == [0.6, 0.5]


def test_gains_are_shared_out_in_proportion_or_else_to_the_best() -> None:
    none = (Contribution(SAID, "words", 1, 0, 0.2, 1, 0), Contribution(SAID, "meaning", 1, 0, 0.4, 1, 0))
    assert [item.gain for item in shared(none, 0.5)] == [0.0, 0.5]
    assert shared((), 0.5) == ()


def test_a_shortfall_names_the_weakest_part() -> None:
    parts = (
        Contribution(SAID, "words", 1, 9, 0.9, 1.0, 0.3, "said:budget"),
        Contribution(SEEN, "picture", 4, 0.2, 0.2, 0.7, 0.1, "seen:office"),
    )
    text = shortfall(Run("v", 0, 1, SEEN, 0.4, contributions=parts), 0.5)
    assert "weakest part is seen:office" in text
    assert "counts for 70 %" in text
