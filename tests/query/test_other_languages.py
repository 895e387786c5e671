"""Queries that are not English, in scripts with and without spaces: no word of theirs is dropped on the way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from query.service import SearchRequest
from reelseek.settings import load_settings
from tests.query.conftest import NO_MODELS
from tests.support.query_world import Film, World

FILM = Film(
    "News.mp4",
    60.0,
    said=(
        (2.0, 6.0, "今日はとても天気がいいですね"),
        (10.0, 14.0, "明日は会議で予算を決めます"),
        (20.0, 24.0, "Сегодня мы обсуждаем бюджет города"),
        (26.0, 29.0, "วันนี้เราจะพูดถึงประวัติศาสตร์"),
    ),
    written=((30.0, 40.0, "営業時間は九時から"),),
    language="ja",
)


@pytest.fixture(scope="module")
def news(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("news")
    made = World(load_settings({"data": folder / "data", "engines": NO_MODELS}), folder / "films", [FILM])
    yield made
    made.close()


@pytest.mark.parametrize(
    ("query", "start"),
    [
        ("天気", 2.0),
        ("予算", 10.0),
        ("said:予算", 10.0),
        ('"明日は会議"', 10.0),
        ("бюджет", 20.0),
        ("бюджет города", 20.0),
        ("ประวัติศาสตร์", 26.0),
        ("営業時間", 30.0),
        ("text:営業時間", 30.0),
        ("天気 then 予算", 2.0),
    ],
)
def test_words_of_any_script_find_their_moment(news: World, query: str, start: float) -> None:
    moments = news.service.search(SearchRequest(query)).moments
    assert moments, query
    assert moments[0].start == start


def test_what_nobody_said_is_not_found_in_any_script(news: World) -> None:
    for query in ("雪崩", "вертолёт"):
        assert news.service.search(SearchRequest(query)).moments == ()


def test_highlight_scores_of_words_in_another_script(news: World) -> None:
    scores = news.service.saliency(FILM.video_id, "予算")
    assert max(scores) == max(scores[5:7]) > 0.5
