"""A video whose file is gone: still found, said to be offline everywhere, shown by its pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from typer.testing import CliRunner

from cli.commands import app
from tests.support.web import LECTURE, TRAFFIC, SmallLibrary


@pytest.fixture
def gone(small_library: SmallLibrary) -> Iterator[SmallLibrary]:
    """The lecture's file is away while the test runs."""
    aside = small_library.lecture.with_suffix(".away")
    small_library.lecture.rename(aside)
    yield small_library
    aside.rename(small_library.lecture)


def test_it_is_found_and_marked_in_the_api(client: FlaskClient, gone: SmallLibrary) -> None:
    found = client.get("/api/v1/search", query_string={"q": "quicksort pivot"}).json["moments"]
    assert found[0]["video_id"] == LECTURE
    assert found[0]["offline"] is True
    assert client.get(f"/api/v1/videos/{LECTURE}").json["playable"] is False
    assert client.get(f"/api/v1/videos/{TRAFFIC}").json["playable"] is True
    other = client.get("/api/v1/search", query_string={"q": "text:lorries"}).json["moments"]
    assert other[0]["offline"] is False


def test_playing_it_is_refused_with_what_helps(client: FlaskClient, gone: SmallLibrary) -> None:
    response = client.get(f"/api/v1/videos/{LECTURE}/media")
    assert response.status_code == 404
    assert "not there just now" in response.json["detail"]
    assert "disk is not connected" in json.dumps(response.json)
    assert client.get(f"/api/v1/videos/{LECTURE}/storyboard.vtt").status_code == 200


def test_the_pages_say_so_and_show_its_pictures(client: FlaskClient, gone: SmallLibrary) -> None:
    results = client.get("/", query_string={"q": "quicksort pivot"}).text
    assert ">Offline</span>" in results
    page = client.get(f"/videos/{LECTURE}").text
    assert "The file is not there" in page
    assert "<video" not in page
    assert page.count(f'<img src="/api/v1/videos/{LECTURE}/thumbnails/') == 4
    assert client.get(f"/api/v1/videos/{LECTURE}/thumbnails/2.jpg").mimetype == "image/jpeg"
    assert "Quicksort picks a pivot" in page


def test_there_is_none_of_that_while_the_file_is_there(client: FlaskClient, small_library: SmallLibrary) -> None:
    page = client.get(f"/videos/{LECTURE}").text
    assert "<video" in page
    assert 'class="stills"' not in page
    assert ">Offline</span>" not in client.get("/", query_string={"q": "quicksort pivot"}).text


def test_the_command_line_says_so_too(gone: SmallLibrary) -> None:
    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["--data", str(gone.settings.data), *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    offline = {video["video_id"]: video["offline"] for video in json.loads(run("videos", "--json"))}
    assert offline == {LECTURE: True, TRAFFIC: False}
    assert "offline" in run("videos")
    assert "offline" in run("search", "quicksort pivot")
