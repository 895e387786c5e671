"""Live sources and downloads as the API and the page show them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask.testing import FlaskClient

from library.catalogue import open_catalogue
from library.records import Gap, SourceState
from reelseek.settings import Settings
from web.app import create_app
from workers.recordings import add_source

URL = "rtsp://viewer:pa55word@10.0.0.2/stream1?token=s3cret"


def test_a_source_is_listed_with_its_state_and_gaps_and_without_its_secrets(
    fresh: FlaskClient, settings: Settings
) -> None:
    assert fresh.get("/api/v1/sources").json == {"sources": []}
    assert "Live sources" not in fresh.get("/library").text
    begin = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
    with open_catalogue(settings) as catalogue:
        source = catalogue.claim_source(add_source(catalogue, settings, "front door", URL, keep_hours=24), "here:1")
        assert source is not None
        gap = Gap(begin, begin + timedelta(seconds=9), "It fell silent.")
        catalogue.note_source(source, SourceState.RECORDING, gap=gap, chunk_end=begin + timedelta(minutes=1))
    answer = fresh.get("/api/v1/sources")
    (shown,) = answer.json["sources"]
    assert (shown["name"], shown["state"], shown["recordings"]) == ("front door", "recording", 1)
    assert shown["newest_ended"] == "2026-11-21T10:01:00+00:00"
    assert shown["gaps"] == [
        {"start": "2026-11-21T10:00:00+00:00", "end": "2026-11-21T10:00:09+00:00", "reason": "It fell silent."}
    ]
    page = fresh.get("/library").text
    assert "front door" in page
    assert "recording" in page
    for text in (answer.text, page):
        assert "pa55word" not in text
        assert "s3cret" not in text
        assert "10.0.0.2" in text


def test_a_download_is_queued_where_fetching_is_on_and_only_for_a_web_address(settings: Settings) -> None:
    enabled = settings.model_copy(update={"fetch": settings.fetch.model_copy(update={"enabled": True})})
    app = create_app(enabled)
    client = app.test_client()
    try:
        url = "https://example.org/talk.mp4?token=s3cret"
        answer = client.post("/api/v1/videos/fetch", json={"url": url, "max_height": 720})
        assert answer.status_code == 202
        assert (answer.json["kind"], answer.json["state"]) == ("fetch", "queued")
        assert answer.json["what"] == "https://example.org/talk.mp4?token=***"
        again = client.post("/api/v1/videos/fetch", json={"url": url})
        assert again.json["job_id"] == answer.json["job_id"]
        assert client.post("/api/v1/videos/fetch", json={"url": "file:///etc/passwd"}).status_code == 422
        assert client.post("/api/v1/videos/fetch", json={"url": url, "library": 77}).status_code == 404
        assert "s3cret" not in client.get("/api/v1/jobs").text
    finally:
        app.extensions["reelseek"].close()


def test_fetching_is_refused_with_the_way_to_switch_it_on(client: FlaskClient) -> None:
    answer = client.post("/api/v1/videos/fetch", json={"url": "https://example.org/talk"})
    assert (answer.status_code, answer.content_type) == (403, "application/problem+json")
    assert "fetch.enabled" in answer.json["hint"]
    assert client.get("/api/v1/jobs").json["jobs"] == []
