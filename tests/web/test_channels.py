"""Searching in some channels only, over the API."""

from __future__ import annotations

from flask.testing import FlaskClient


def test_a_search_asks_only_the_channels_that_are_named(client: FlaskClient) -> None:
    spoken = client.get("/api/v1/search?q=quicksort+pivot&channel=speech").json
    assert {name for item in spoken["moments"] for name in item["channels"]} == {"speech"}
    both = client.get("/api/v1/search?q=quicksort+pivot&channel=speech,title").json
    assert {name for item in both["moments"] for name in item["channels"]} <= {"speech", "title"}
    bound = client.get("/api/v1/search?q=object:person:enters&channel=speech").json
    assert bound["moments"] == []
    assert any("was not looked for" in note for note in bound["notes"])


def test_a_channel_that_does_not_exist_is_refused(client: FlaskClient) -> None:
    refused = client.get("/api/v1/search?q=x&channel=smell")
    assert refused.status_code == 422
    assert "application/problem+json" in refused.content_type
