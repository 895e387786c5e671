from __future__ import annotations

import os
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from library.catalogue import open_catalogue
from reelseek.records import VideoInfo
from reelseek.settings import Settings
from tests.support.web import LECTURE, TRAFFIC, SmallLibrary

MEDIA = f"/api/v1/videos/{LECTURE}/media"


def test_the_whole_file_comes_with_what_a_player_needs(client: FlaskClient, small_library: SmallLibrary) -> None:
    response = client.get(MEDIA)
    assert response.status_code == 200
    assert response.data == small_library.lecture.read_bytes()
    assert response.mimetype == "video/mp4"
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["Content-Length"] == str(small_library.lecture.stat().st_size)
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("header", "start", "stop"), [("bytes=5-14", 5, 15), ("bytes=100-", 100, None), ("bytes=-7", -7, None)]
)
def test_a_range_is_that_part(
    client: FlaskClient, small_library: SmallLibrary, header: str, start: int, stop: int | None
) -> None:
    content = small_library.lecture.read_bytes()
    response = client.get(MEDIA, headers={"Range": header})
    assert response.status_code == 206
    assert response.data == content[start:stop]
    first = start if start >= 0 else len(content) + start
    assert response.headers["Content-Range"] == f"bytes {first}-{first + len(response.data) - 1}/{len(content)}"
    assert response.headers["Content-Length"] == str(len(response.data))


def test_a_range_beyond_the_end_is_416_with_the_size(client: FlaskClient, small_library: SmallLibrary) -> None:
    response = client.get(MEDIA, headers={"Range": "bytes=999999999-"})
    assert response.status_code == 416
    assert response.headers["Content-Range"] == f"bytes */{small_library.lecture.stat().st_size}"
    assert response.mimetype == "application/problem+json"


def test_head_has_the_same_headers_and_no_body(client: FlaskClient) -> None:
    full, head = client.get(MEDIA), client.head(MEDIA)
    assert head.status_code == 200
    assert head.data == b""
    for name in ("Content-Length", "ETag", "Accept-Ranges", "Content-Type", "Last-Modified"):
        assert head.headers[name] == full.headers[name]


def test_an_entity_tag_saves_the_body_and_guards_a_range(client: FlaskClient) -> None:
    tag = client.head(MEDIA).headers["ETag"]
    assert client.get(MEDIA, headers={"If-None-Match": tag}).status_code == 304
    assert client.get(MEDIA, headers={"If-Range": tag, "Range": "bytes=0-3"}).status_code == 206
    assert client.get(MEDIA, headers={"If-Range": '"other"', "Range": "bytes=0-3"}).status_code == 200


def test_the_tag_changes_with_the_file_and_a_vanished_file_is_told(
    fresh: FlaskClient, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"first")
    info = VideoInfo("c" * 32, "Clip", 1.0, 2, 2, 1.0, 0, True, False, 0.0, 5, "mp4")
    with open_catalogue(settings) as catalogue:
        catalogue.record_video(info, path)
    url = f"/api/v1/videos/{'c' * 32}/media"
    before = fresh.head(url).headers["ETag"]
    path.write_bytes(b"other")
    os.utime(path, ns=(1, 1))
    assert fresh.head(url).headers["ETag"] != before
    path.unlink()
    gone = fresh.get(url)
    assert gone.status_code == 404
    assert gone.mimetype == "application/problem+json"
    assert "disk" in gone.json["hint"]
    path.mkdir()
    assert fresh.get(url).status_code == 404


def test_a_file_of_another_kind_is_never_sent_as_a_page(fresh: FlaskClient, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "video.html"
    path.write_text("<script>1</script>")
    info = VideoInfo("d" * 32, "Clip", 1.0, 2, 2, 1.0, 0, True, False, 0.0, 5, "mp4")
    with open_catalogue(settings) as catalogue:
        catalogue.record_video(info, path)
    assert fresh.get(f"/api/v1/videos/{'d' * 32}/media").mimetype == "application/octet-stream"


@pytest.mark.parametrize(
    "name",
    [
        "..%2f..%2f..%2fetc%2fpasswd",
        "../media",
        "%2e%2e/media",
        "a" * 31,
        "A" * 32,
        "g" * 32,
        LECTURE + "%00",
        LECTURE + "0",
    ],
)
def test_no_other_name_reaches_a_file(client: FlaskClient, name: str) -> None:
    for rest in ("media", "poster.jpg", "thumbnails/0.jpg", "transcript.vtt"):
        response = client.get(f"/api/v1/videos/{name}/{rest}")
        assert response.status_code == 404, (name, rest)
        assert response.mimetype == "application/problem+json"


def test_pictures_and_their_tags(client: FlaskClient) -> None:
    for name in ("poster.jpg", "thumbnails/1.jpg", "storyboard.jpg"):
        response = client.get(f"/api/v1/videos/{TRAFFIC}/{name}")
        assert response.status_code == 200, name
        assert response.mimetype == "image/jpeg"
        assert response.data.startswith(b"\xff\xd8")
        again = client.get(f"/api/v1/videos/{TRAFFIC}/{name}", headers={"If-None-Match": response.headers["ETag"]})
        assert again.status_code == 304
    assert client.get(f"/api/v1/videos/{TRAFFIC}/thumbnails/99.jpg").status_code == 404
    assert client.get(f"/api/v1/videos/{TRAFFIC}/done.json").status_code == 404


def test_the_transcript_holds_what_is_said_in_order(client: FlaskClient) -> None:
    response = client.get(f"/api/v1/videos/{LECTURE}/transcript.vtt")
    assert response.mimetype == "text/vtt"
    assert response.text.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:05.500\nWelcome to this lecture about sorting.\n")
    assert response.text.index("Quicksort") < response.text.index("Merge sort")
    assert "O(n log n)" not in response.text
    written = client.get(f"/api/v1/videos/{LECTURE}/transcript.vtt?kind=screen_text").text
    assert "O(n log n)" in written
    assert "Quicksort" not in written


def test_no_text_breaks_out_of_its_cue(client: FlaskClient) -> None:
    shown = client.get(f"/api/v1/videos/{TRAFFIC}/transcript.vtt?kind=screen_text").text
    assert "&lt;script&gt;" in shown
    assert "<" not in shown
    chapters = client.get(f"/api/v1/videos/{LECTURE}/chapters.vtt").text
    assert "Memory --&gt; cost" in chapters
    assert chapters.count("-->") == 2


def test_the_storyboard_names_a_sheet_that_is_there(client: FlaskClient) -> None:
    text = client.get(f"/api/v1/videos/{LECTURE}/storyboard.vtt").text
    name = text.splitlines()[-1].partition("#")[0]
    assert client.get(f"/api/v1/videos/{LECTURE}/{name}").status_code == 200
