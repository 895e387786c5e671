"""Saved searches over the API."""

from __future__ import annotations

from flask.testing import FlaskClient

from library.catalogue import open_catalogue
from library.database import now
from library.records import SavedHit
from library.searches import record_run
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
    assert fresh.delete(f"/api/v1/saved/{number}").status_code == 204
    assert fresh.get(f"/api/v1/saved/{number}/moments").status_code == 404
