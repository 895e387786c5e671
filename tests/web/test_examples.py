"""Searches by example, feedback and suggestions over HTTP."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.support.web import LECTURE, SCRIPT, TRAFFIC, jpeg, make_clip


def test_feedback_comes_in_the_address_or_as_json(client: FlaskClient) -> None:
    marks = {"q": "sorting memory", "like": f"{LECTURE}@12-17.5", "unlike": f"{LECTURE}@0-5.5", "min_confidence": 0}
    in_address = client.get("/api/v1/search", query_string=marks).json
    assert in_address["moments"][0]["start"] == 12.0
    assert in_address["moments"][0]["confidence"] > 0.99
    assert all(moment["end"] <= 0 or moment["start"] >= 5.5 for moment in in_address["moments"])
    assert any(item["kind"] == "feedback" for item in in_address["moments"][0]["contributions"])
    body = {
        "q": "sorting memory",
        "like": [{"video_id": LECTURE, "start": 12, "end": 17.5}],
        "unlike": [f"{LECTURE}@0-5.5"],
        "min_confidence": 0,
    }
    as_json = client.post("/api/v1/search", json=body).json
    assert [m["start"] for m in as_json["moments"]] == [m["start"] for m in in_address["moments"]]


@pytest.mark.parametrize(
    "body",
    [
        {"q": "x", "like": ["nothing"]},
        {"q": "x", "like": [f"{LECTURE}@9-3"]},
        {"q": "x", "unlike": [{"video_id": LECTURE, "start": -1, "end": 2}]},
        {"q": "x", "like": [f"{LECTURE}@1-2"] * 51},
        {"q": "x", "surprise": 1},
        {"q": ""},
        [],
    ],
)
def test_marks_that_are_none_are_refused(client: FlaskClient, body: object) -> None:
    response = client.post("/api/v1/search", json=body)
    assert response.status_code == 422
    assert response.mimetype == "application/problem+json"


def test_more_like_a_moment_leaves_it_out(client: FlaskClient) -> None:
    found = client.get(f"/api/v1/videos/{LECTURE}/similar?start=6&end=11.5&by=said").json
    assert all(moment["video_id"] != LECTURE or moment["start"] >= 11.5 for moment in found["near_misses"])
    assert client.get(f"/api/v1/videos/{LECTURE}/similar?start=6&end=11.5&by=seen").status_code == 503
    assert client.get(f"/api/v1/videos/{'0' * 32}/similar?start=0&end=1").status_code == 404
    assert client.get(f"/api/v1/videos/{LECTURE}/similar?start=5&end=1").status_code == 422
    behind = client.get(f"/api/v1/videos/{LECTURE}/similar?start=900&end=901")
    assert (behind.status_code, "ends at 0:24" in behind.json["detail"]) == (422, True)


def test_several_pictures_and_clips_are_taken(client: FlaskClient, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", seconds=3).read_bytes()
    for data in (
        {"image": [(io.BytesIO(jpeg()), "a.jpg"), (io.BytesIO(jpeg((0, 0, 200))), "b.jpg")]},
        {"clip": (io.BytesIO(clip), "clip.mp4")},
    ):
        response = client.post("/api/v1/search", data=data)
        assert response.status_code == 503  # it was read; no engine for pictures is on this machine
    response = client.post("/api/v1/search", data={"clip": (io.BytesIO(b"no video" * 100), "x.mp4")})
    assert response.status_code == 422
    assert "clip cannot be read" in response.json["detail"]


def test_what_is_typed_is_completed(client: FlaskClient) -> None:
    found = client.get("/api/v1/suggest?q=quick").json["suggestions"]
    assert found[0]["text"] == "Quicksort"
    assert found[0]["kind"] == "word"
    assert client.get("/api/v1/suggest?q=object:").json["suggestions"][0]["text"].startswith("object:")
    assert client.get("/api/v1/suggest?q=").json == {"suggestions": []}
    inside = client.get(f"/api/v1/suggest?q=quick&video={TRAFFIC}").json["suggestions"]
    assert all(item["text"] != "Quicksort" for item in inside)
    assert len(client.get("/api/v1/suggest?q=s&limit=2").json["suggestions"]) <= 2


def test_hostile_titles_are_suggested_as_text(client: FlaskClient) -> None:
    found = client.get("/api/v1/suggest?q=traf").json["suggestions"]
    title = next(item for item in found if item["kind"] == "title")
    assert SCRIPT in title["text"]
    assert '"' not in title["text"]


def test_a_misspelt_word_is_found_and_told(client: FlaskClient) -> None:
    found = client.get("/api/v1/search?q=quiksort").json
    assert found["suggestions"] == ["Quicksort"]
    assert any("Quicksort" in item["text"] for item in found["moments"][0]["evidence"])
    assert any("as well" in note for note in found["notes"])
