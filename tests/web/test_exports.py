from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import av
import pysubs2
import pytest
from flask.testing import FlaskClient

from library import searches
from library.catalogue import open_catalogue
from library.records import SavedHit
from reelseek.settings import load_settings
from tests.support.web import HOSTILE_LINE, HOSTILE_TITLE, LECTURE, TRAFFIC, SmallLibrary, build_library
from web.app import create_app

API = "/api/v1"


def name_of(response: object) -> str:
    header = response.headers["Content-Disposition"]  # type: ignore[attr-defined]
    assert header.startswith("attachment; filename=")
    return header.partition("filename=")[2].strip('"')


def test_captions_are_saved_as_subtitles_of_any_channel(client: FlaskClient) -> None:
    response = client.get(f"{API}/videos/{LECTURE}/export/captions?format=srt")
    assert name_of(response) == "A lecture about sorting.srt"
    read = pysubs2.SSAFile.from_string(response.text, "srt")
    assert [(event.start, event.end, event.text) for event in read][1] == (
        6000,
        11500,
        "Quicksort picks a pivot and splits the list.",
    )
    written = client.get(f"{API}/videos/{TRAFFIC}/export/captions?format=srt&channel=screen_text")
    assert name_of(written).endswith(".screen_text.srt")
    assert HOSTILE_LINE in written.text
    assert client.get(f"{API}/videos/{LECTURE}/export/captions?format=ass").status_code == 422
    assert client.get(f"{API}/videos/{'f' * 32}/export/captions").status_code == 404


def test_chapters_and_their_timeline(client: FlaskClient) -> None:
    meta = client.get(f"{API}/videos/{LECTURE}/export/chapters?format=ffmetadata").text
    assert meta.startswith(";FFMETADATA1\n")
    assert "START=12000\nEND=24000\ntitle=Memory --> cost" in meta
    edl = client.get(f"{API}/videos/{LECTURE}/export/timeline?format=edl")
    assert name_of(edl) == "A lecture about sorting.edl"
    assert edl.text.count("* FROM CLIP: file://") == 2
    otio = client.get(f"{API}/videos/{LECTURE}/export/timeline?ranges=1-2,5.5-9").json
    assert [child["metadata"]["reelseek"]["start"] for child in otio["tracks"]["children"][0]["children"]] == [1.0, 5.5]
    assert client.get(f"{API}/videos/{LECTURE}/export/timeline?ranges=9-5").status_code == 422
    assert client.get(f"{API}/videos/{TRAFFIC}/export/timeline").status_code == 422, "it has no chapters"


def test_moments_of_a_search_leave_as_table_playlist_and_links(client: FlaskClient) -> None:
    table = client.get(f"{API}/search/export?q=lorries+crossing&format=csv")
    assert table.mimetype == "text/csv"
    assert name_of(table) == "lorries crossing.csv"
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert rows[0]["video_id"] == TRAFFIC
    assert HOSTILE_LINE in rows[0]["text"]
    link = rows[0]["link"]
    assert link.startswith(f"http://localhost/videos/{TRAFFIC}?t=")
    assert client.get(link.removeprefix("http://localhost")).status_code == 200
    playlist = client.get(f"{API}/search/export?q=merge+sort&format=m3u").text.splitlines()
    assert playlist[0] == "#EXTM3U"
    assert f"http://localhost{API}/videos/{LECTURE}/media" in playlist
    found = client.get(f"{API}/search/export?q=merge+sort&format=json").json
    assert found["moments"][0]["start"] == 12.0
    nothing = client.get(f"{API}/search/export?q=zebra+stampede&format=otio")
    assert nothing.status_code == 422


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> SmallLibrary:
    """A library that the tests of this file change."""
    folder = tmp_path_factory.mktemp("exports")
    return build_library(load_settings({"data": folder / "data"}), folder / "videos")


def test_a_saved_search_is_exported(own: SmallLibrary) -> None:
    with open_catalogue(own.settings) as catalogue:
        saved = searches.save_search(catalogue, "sorting", "merge sort")
        hit = SavedHit(
            saved.search_id, LECTURE, "A lecture about sorting", 12.0, 17.5, 0.9, "=cmd()", datetime.now(UTC)
        )
        searches.record_run(catalogue, saved.search_id, datetime.now(UTC), [LECTURE], [hit])
    app = create_app(own.settings)
    response = app.test_client().get(f"{API}/saved/{saved.search_id}/export?format=csv")
    (row,) = csv.DictReader(io.StringIO(response.text))
    assert (row["start"], row["confidence"], row["text"]) == ("12.0", "0.9", "'=cmd()")
    links = re.findall(rf'href="({API}/saved/[^"]+)"', app.test_client().get("/saved").text)
    assert len(links) == 7
    assert app.test_client().get(links[0].replace("&amp;", "&")).text == response.text
    app.extensions["reelseek"].close()


def test_a_clip_is_cut_once_and_sent_in_parts(client: FlaskClient, small_library: SmallLibrary, tmp_path: Path) -> None:
    url = f"{API}/videos/{LECTURE}/export/clip?start=5&end=7.5"
    response = client.get(url)
    assert response.status_code == 200, response.text
    assert response.mimetype == "video/mp4"
    assert name_of(response) == "A lecture about sorting 0.05.0-0.07.5.mp4"
    (tmp_path / "clip.mp4").write_bytes(response.data)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 25
    part = client.get(url, headers={"Range": "bytes=10-19", "If-Range": response.headers["ETag"]})
    assert part.status_code == 206
    assert part.data == response.data[10:20]
    assert client.get(url, headers={"If-None-Match": response.headers["ETag"]}).status_code == 304
    assert len(list(small_library.settings.clips_path.glob("*.mp4"))) >= 1
    assert client.get(f"{API}/videos/{LECTURE}/export/clip?start=7&end=7").status_code == 422
    assert client.get(f"{API}/videos/{LECTURE}/export/clip?start=90&end=99").status_code == 422
    assert client.get(f"{API}/videos/{'e' * 32}/export/clip?start=0&end=1").status_code == 404


def test_a_reel_of_a_search_is_one_video(client: FlaskClient, tmp_path: Path) -> None:
    found = client.get(f"{API}/search/export?q=merge+sort+pivot&format=json").json["moments"]
    response = client.get(f"{API}/search/export?q=merge+sort+pivot&format=mp4&height=60")
    assert response.status_code == 200, response.text
    (tmp_path / "reel.mp4").write_bytes(response.data)
    with av.open(str(tmp_path / "reel.mp4")) as container:
        assert container.duration / 1e6 == pytest.approx(sum(item["duration"] for item in found), abs=0.3)
        assert container.streams.video[0].height == 60


@pytest.fixture
def bounded(small_library: SmallLibrary) -> Iterator[FlaskClient]:
    """The same library behind a server that cuts one short clip at a time."""
    export = small_library.settings.export.model_copy(update={"longest": 5.0, "at_once": 1})
    app = create_app(small_library.settings.model_copy(update={"export": export}))
    yield app.test_client()
    app.extensions["reelseek"].close()


def test_cutting_is_bounded(bounded: FlaskClient) -> None:
    long = bounded.get(f"{API}/videos/{LECTURE}/export/clip?start=0&end=9")
    assert long.status_code == 422
    assert "at most 5 s" in long.json["detail"]
    clips = bounded.application.extensions["reelseek"].clips
    assert clips._places.acquire(blocking=False), "somebody else's clip takes the only place"
    busy = bounded.get(f"{API}/videos/{LECTURE}/export/clip?start=1&end=2.3")
    clips._places.release()
    assert busy.status_code == 503
    assert busy.headers["Retry-After"] == "5"
    assert busy.json["type"] == "urn:reelseek:problem:busy"
    person = bounded.get(f"{API}/videos/{LECTURE}/export/clip?start=0&end=9", headers={"Accept": "text/html,*/*"})
    assert person.mimetype == "text/html", "a person clicked a link"


def chosen(*moments: tuple[str, float, float], **rest: object) -> dict[str, object]:
    """The body of a request for moments of any videos."""
    return {"moments": [{"video_id": video, "start": start, "end": end} for video, start, end in moments], **rest}


ACROSS = ((TRAFFIC, 6.0, 8.5), (LECTURE, 12.0, 17.5), (TRAFFIC, 1.0, 2.0))


@pytest.mark.parametrize("name", ["json", "csv", "links", "m3u", "otio", "edl"])
def test_chosen_moments_of_several_videos_leave_in_the_order_they_were_chosen(client: FlaskClient, name: str) -> None:
    response = client.post(f"{API}/export", json=chosen(*ACROSS, format=name, title="My / cut"))
    assert response.status_code == 200, response.text
    assert name_of(response).startswith("My _ cut.")
    order = r"(?:/videos/|\"video_id\": \"|^)([ab][0-9a-f]{31})\b"
    if name == "edl":
        reels = re.findall(r"^\d{3}  (\w+)", response.text, re.MULTILINE)
        assert reels[0] == reels[2] != reels[1] == "ALECTURE"
    else:
        found = re.findall(order, response.text, re.MULTILINE)  # a table has each twice, its link too
        assert (found[::2] if name in ("json", "csv") else found) == [TRAFFIC, LECTURE, TRAFFIC]


def test_chosen_moments_are_cut_into_one_video_and_carry_their_own_titles(client: FlaskClient, tmp_path: Path) -> None:
    body = chosen(*ACROSS, format="mp4", height=60)
    body["moments"][0]["title"] = "Opening"  # type: ignore[index]
    response = client.post(f"{API}/export", json=body)
    assert response.status_code == 200, response.text
    assert name_of(response) == "Selection.mp4"
    (tmp_path / "reel.mp4").write_bytes(response.data)
    with av.open(str(tmp_path / "reel.mp4")) as container:
        assert container.duration / 1e6 == pytest.approx(9.0, abs=0.3)
        titles = [mark["metadata"]["title"] for mark in container.chapters()]
        assert titles[:2] == ["Opening", "A lecture about sorting"]
    first = client.post(f"{API}/export", json=body | {"format": "json"}).json["moments"][0]
    assert (first["text"], first["title"]) == ("Opening", HOSTILE_TITLE)


@pytest.mark.parametrize(
    ("moment", "status", "told"),
    [
        (("e" * 32, 0, 1), 404, "Moment 2: There is no video eeee"),
        ((LECTURE, 24, 30), 422, "Moment 2: 'A lecture about sorting' ends at 24.0 s"),
        ((LECTURE, 9, 5), 422, "Moment 2: There is nothing between 9 s and 5 s"),
        (("nonsense", 0, 1), 422, "moments.1.video_id: A video's id has 32"),
        ((LECTURE, -1, 1), 422, "moments.1.start:"),
    ],
)
def test_what_is_wrong_with_a_chosen_moment_says_which_one(
    client: FlaskClient, moment: tuple[str, float, float], status: int, told: str
) -> None:
    for name in ("json", "mp4"):
        response = client.post(f"{API}/export", json=chosen((TRAFFIC, 1, 2), moment, format=name))
        assert response.status_code == status, response.text
        assert told in response.json["detail"]


def test_a_selection_has_bounds(client: FlaskClient) -> None:
    assert client.post(f"{API}/export", json=chosen(format="csv")).status_code == 422
    assert client.post(f"{API}/export", json=chosen(*[(LECTURE, 1, 2)] * 200, format="edl")).status_code == 200
    many = client.post(f"{API}/export", json=chosen(*[(LECTURE, 1, 2)] * 201))
    assert many.status_code == 422
    assert "at most 200" in many.json["detail"]
    beyond = client.post(f"{API}/export", json=chosen((LECTURE, 20, 99)))
    assert beyond.json["moments"][0]["end"] == 24.0, "a video's end is the end"
    foreign = client.post(f"{API}/export", json=chosen(*ACROSS), headers={"Origin": "https://elsewhere.example"})
    assert foreign.status_code == 403


def test_what_is_kept_of_clips_has_a_bound(own: SmallLibrary) -> None:
    tight = own.settings.export.model_copy(update={"cache_gb": 0.0})
    app = create_app(own.settings.model_copy(update={"export": tight}))
    client = app.test_client()
    for start in (0, 1, 2):
        assert client.get(f"{API}/videos/{LECTURE}/export/clip?start={start}&end=3&mode=copy").status_code == 200
    assert len(list(own.settings.clips_path.iterdir())) == 1, "the newest one; it is being sent"
    own.lecture.unlink()
    missing = client.post(f"{API}/export", json=chosen((TRAFFIC, 1, 2), (LECTURE, 1, 2), format="mp4"))
    assert missing.status_code == 404
    assert missing.json["detail"].startswith("Moment 2: The file of 'A lecture about sorting' is not there")
    listed = client.post(f"{API}/export", json=chosen((TRAFFIC, 1, 2), (LECTURE, 1, 2), format="edl"))
    assert listed.status_code == 200, "a timeline may name a file that is on a disk that comes back"
    gone = client.get(f"{API}/videos/{LECTURE}/export/clip?start=0&end=2")
    assert gone.status_code == 404
    assert "is not there just now" in gone.json["detail"]
    app.extensions["reelseek"].close()


def test_the_pages_offer_exports_and_a_link_plays_a_moment_to_its_end(client: FlaskClient) -> None:
    page = client.get(f"/videos/{LECTURE}?t=6&end=11.5").text
    assert f'src="{API}/videos/{LECTURE}/media#t=6.00,11.50"' in page
    for link in re.findall(rf'href="({API}/[^"]*/export/[^"]+)"', page):
        assert client.get(link.replace("&amp;", "&")).status_code == 200, link
    assert f'action="{API}/videos/{LECTURE}/export/clip"' in page
    assert '#t=6.00"' in client.get(f"/videos/{LECTURE}?t=6&end=2").text
    found = client.get("/?q=merge+sort").text
    links = re.findall(rf'href="({API}/search/export[^"]+)"', found)
    assert len(links) == 7
    assert json.loads(client.get(next(link for link in links if "json" in link).replace("&amp;", "&")).text)["moments"]
    assert re.search(rf"/videos/{LECTURE}\?t=12.0&amp;end=17.5", found)


@pytest.mark.parametrize(
    "refined",
    [
        f"?q=sorting+memory&like={LECTURE}@12-17.5&unlike={LECTURE}@0-5.5&min_confidence=0&k=3",
        f"?q=lorries&min_confidence=0&channel=screen_text&video={LECTURE},{TRAFFIC}",
        f"?q=sorting&video={LECTURE}&k=1",
        "?q=sorting+a+list&level=chapters&min_confidence=0",
        f"?example={LECTURE}@12-17.5&by=said&min_confidence=0",
    ],
)
def test_what_is_exported_is_what_the_page_shows(client: FlaskClient, refined: str) -> None:
    page = client.get(f"/{refined}").text.partition('<details class="near')[0]
    moments = r'<li class="card moment" data-video="(\w+)" data-start="([\d.]+)" data-end="([\d.]+)"'
    shown = [(video, float(start), float(end)) for video, start, end in re.findall(moments, page)]
    assert shown
    link = next(link for link in re.findall(rf'href="({API}/search/export[^"]+)"', page) if "format=json" in link)
    response = client.get(link.replace("&amp;", "&"))
    assert response.status_code == 200, response.text
    exported = [(item["video_id"], item["start"], item["end"]) for item in response.json["moments"]]
    assert exported == [
        (video, pytest.approx(start, abs=0.01), pytest.approx(end, abs=0.01)) for video, start, end in shown
    ]
