"""Saved searches over the API."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

from library.catalogue import open_catalogue
from library.database import now
from library.records import SavedHit
from library.searches import record_run, saved_searches
from reelseek.settings import Settings
from tests.support.web import LECTURE, build_library


def test_a_search_is_saved_listed_and_forgotten(fresh: FlaskClient, settings: Settings) -> None:
    made = fresh.post("/api/v1/saved", json={"name": "sorting", "query": "said:quicksort"})
    assert made.status_code == 201
    number = made.json["search_id"]
    assert fresh.post("/api/v1/saved", json={"name": "sorting", "query": "x"}).status_code == 409
    assert fresh.post("/api/v1/saved", json={"name": "b", "query": "x", "library": 9}).status_code == 404
    assert fresh.post("/api/v1/saved", json={"name": " ", "query": "x"}).status_code == 422
    assert [item["name"] for item in fresh.get("/api/v1/saved").json["searches"]] == ["sorting"]
    assert fresh.get(f"/api/v1/saved/{number}/moments").json == {"moments": []}
    build_library(settings, settings.data / "videos")
    with open_catalogue(settings) as catalogue:
        hit = SavedHit(number, LECTURE, "", 6.0, 11.5, 0.9, "Quicksort picks a pivot.", now())
        record_run(catalogue, number, now(), [LECTURE], [hit])
    found = fresh.get(f"/api/v1/saved/{number}/moments").json["moments"]
    assert [(item["title"], item["start"], item["text"]) for item in found] == [
        ("A lecture about sorting", 6.0, "Quicksort picks a pivot.")
    ]
    assert [item["found"] for item in fresh.get("/api/v1/saved").json["searches"]] == [1]
    assert fresh.delete(f"/api/v1/saved/{number}").status_code == 204
    assert fresh.get(f"/api/v1/saved/{number}/moments").status_code == 404


def test_searches_are_saved_opened_and_removed_on_the_page(fresh: FlaskClient, settings: Settings) -> None:
    assert "No search is saved" in fresh.get("/saved").text
    fresh.post("/saved", data={"name": "<b>sorts</b>", "query": "said:quicksort"})
    page = fresh.get("/saved").text
    assert "&lt;b&gt;sorts&lt;/b&gt; is saved" in page
    assert "Nothing yet." in page
    assert "is saved" not in fresh.get("/saved").text, "it is told once"
    fresh.post("/saved", data={"name": "<b>sorts</b>", "query": "said:merge"})
    assert "It was not saved: There is a saved search named" in fresh.get("/saved").text
    fresh.post("/saved", data={"name": "", "query": "x"})
    assert "It was not saved: name" in fresh.get("/saved").text
    build_library(settings, settings.data / "videos")
    with open_catalogue(settings) as catalogue:
        (saved,) = saved_searches(catalogue)
        hits = [
            SavedHit(saved.search_id, LECTURE, "", start, start + 1, 0.9, "Quicksort picks a pivot.", now())
            for start in (2.0, 6.0, 10.0, 14.0)
        ]
        record_run(catalogue, saved.search_id, now(), [LECTURE], hits)
    page = fresh.get("/saved").text
    assert "4 moments found" in page
    assert page.count("<mark>Quicksort</mark> picks a pivot.") == 3, "the newest alone"
    one = fresh.get(f"/saved/{saved.search_id}").text
    assert one.count("<mark>Quicksort</mark> picks a pivot.") == 4
    (link,) = set(re.findall(rf'href="(/videos/{LECTURE}\?t=6.0[^"]*)"', one))
    assert fresh.get(link.replace("&amp;", "&")).status_code == 200
    assert fresh.get("/saved/999").status_code == 404
    fresh.post(f"/saved/{saved.search_id}/remove")
    assert "&lt;b&gt;sorts&lt;/b&gt; is no longer run." in fresh.get("/saved").text


def test_what_was_searched_for_can_be_saved_from_its_results(client: FlaskClient) -> None:
    page = client.get("/", query_string={"q": "quicksort pivot"}).text
    assert "Save this search" in page
    assert '<input type="hidden" name="query" value="quicksort pivot">' in page
    assert "Save this search" not in client.get("/?mode=ask&q=What+does+merge+sort+need%3F").text
