"""Sequences on the page and in the API: each part with its words, its time and a link to it."""

from __future__ import annotations

from flask.testing import FlaskClient

from tests.support.web import LECTURE

QUERY = 'said:"picks a pivot" then[20s] said:"additional memory"'


def test_the_parts_of_a_sequence_are_shown_with_links(client: FlaskClient) -> None:
    page = client.get("/", query_string={"q": QUERY}).get_data(as_text=True)
    parts = page.split('aria-label="Parts in order"', 1)[1].split("</ol>", 1)[0]
    assert "picks a pivot" in parts
    assert "additional memory" in parts
    assert 'data-seek="6.0"' in parts
    assert 'data-seek="12.0"' in parts
    assert f"/videos/{LECTURE}?t=12.0" in parts
    assert "Merge" in parts


def test_the_parts_of_a_sequence_in_the_api(client: FlaskClient) -> None:
    result = client.get("/api/v1/search", query_string={"q": QUERY}).get_json()
    stages = result["moments"][0]["stages"]
    assert [stage["query"] for stage in stages] == QUERY.split(" then[20s] ")
    assert [stage["start"] for stage in stages] == [6.0, 12.0]
    assert all(0.5 <= stage["confidence"] <= 1 for stage in stages)
    assert stages[0]["evidence"][0]["text"].startswith("Quicksort")


def test_a_mistake_in_the_query_is_pointed_at(client: FlaskClient) -> None:
    result = client.get("/api/v1/search", query_string={"q": 'sorting "list'}).get_json()
    assert any(note.startswith("Character 9") for note in result["notes"])
    assert result["moments"]
