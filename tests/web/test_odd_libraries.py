"""The pages over libraries that are large or oddly named."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert

from library.catalogue import open_catalogue
from library.database import now
from library.records import VideoState
from library.schema import VideoRow
from reelseek.settings import Settings

LONG = "An uninterrupted title " + "of_words_that_are_joined_" * 40
RIGHT_TO_LEFT = "محاضرة عن الخوارزميات"
HOSTILE = '"><img src=x onerror=window.hacked=1>'


def fill(settings: Settings, titles: list[str]) -> None:
    """Videos of these titles, the first the newest."""
    moment = now()
    rows = [
        {
            "video_id": f"{number:032x}",
            "title": title,
            "search_key": title.casefold(),
            "state": VideoState.FAILED,
            "added_at": moment - timedelta(seconds=number),
            "channels": {},
            "info": {},
        }
        for number, title in enumerate(titles)
    ]
    with open_catalogue(settings) as catalogue, catalogue.database.write() as session:
        session.execute(insert(VideoRow), rows)


def titles_on(page: str) -> list[str]:
    return re.findall(r'<h3><a href="/videos/[0-9a-f]{32}" dir="auto">([^<]*)</a></h3>', page)


def test_ten_thousand_videos_are_listed_page_by_page(fresh: FlaskClient, settings: Settings) -> None:
    fill(settings, [f"video {number}" for number in range(10_000)])
    first = fresh.get("/library").text
    assert "10000 videos" in first
    assert titles_on(first) == [f"video {number}" for number in range(48)]
    assert 'rel="prev"' not in first
    last = fresh.get("/library?page=209").text
    assert titles_on(last) == [f"video {number}" for number in range(9984, 10_000)]
    assert 'rel="next"' not in last
    assert re.search(r'<input id="page" name="page" type="number" min="1" max="209" value="209"', last)
    beyond = fresh.get("/library?page=999&state=failed")
    assert (beyond.status_code, beyond.headers["Location"]) == (303, "/library?page=209&state=failed")
    found = fresh.get("/library?q=video+99&page=2").text
    assert 'name="q" value="video 99"' in found, "the page field keeps the filter"
    assert len(titles_on(found)) == 48


@pytest.mark.parametrize("title", [LONG, RIGHT_TO_LEFT, HOSTILE])
def test_odd_titles_are_shown_whole_and_as_text(fresh: FlaskClient, settings: Settings, title: str) -> None:
    fill(settings, [title])
    for path in ("/library", f"/videos/{0:032x}"):
        page = fresh.get(path).text
        assert title.replace('"', "&#34;").replace("<", "&lt;").replace(">", "&gt;") in page
        assert "<img src=x" not in page
