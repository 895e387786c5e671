from __future__ import annotations

import io
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from reelseek.errors import InvalidRequest
from reelseek.settings import Settings
from tests.support.web import jpeg, wav
from web.uploads import safe_name


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("holiday.mp4", "holiday.mp4"),
        ("Ferien in Österreich.mkv", "Ferien in Österreich.mkv"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system.mp4", "system.mp4"),
        ("/abs/olute.mp4", "olute.mp4"),
        (".hidden.mp4", "hidden.mp4"),
        ("a\0b\nc.mp4", "a b c.mp4"),
        ('<img src="x">.mp4', "img src=_x__.mp4"),
        ("con.mp4", "video con.mp4"),
        ("  spaced   out .mp4", "spaced out.mp4"),
        ("\u202egpj.mp4", "gpj.mp4"),
    ],
)
def test_names_are_made_safe(name: str, kept: str) -> None:
    assert safe_name(name) == kept


@pytest.mark.parametrize("name", ["", ".", "..", "///", "\0", " . ", "../.."])
def test_a_name_of_which_nothing_is_left_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest):
        safe_name(name)


@given(st.text(max_size=400))
def test_no_name_leaves_its_folder(name: str) -> None:
    try:
        kept = safe_name(name)
    except InvalidRequest:
        return
    folder = Path("/uploads")
    assert (folder / kept).resolve().parent == folder
    assert not kept.startswith(".")
    assert len(kept.encode()) <= 200
    assert kept.isprintable()


def test_an_upload_is_kept_whole_and_queued(fresh: FlaskClient, settings: Settings) -> None:
    content = wav()
    response = fresh.post("/api/v1/videos", data={"file": (io.BytesIO(content), "clip.mp4")})
    assert response.status_code == 202, response.text
    assert (settings.data / "uploads" / "clip.mp4").read_bytes() == content
    jobs = fresh.get("/api/v1/jobs?state=queued").json["jobs"]
    assert [job["what"] for job in jobs] == ["clip.mp4"]
    assert list((settings.data / "incoming").iterdir()) == []


def test_a_second_file_of_the_same_name_overwrites_nothing(fresh: FlaskClient, settings: Settings) -> None:
    names = [
        fresh.post("/api/v1/videos", data={"file": (io.BytesIO(content), "clip.mp4")}).json["name"]
        for content in map(wav, (1, 2, 3))
    ]
    assert names == ["clip.mp4", "clip (2).mp4", "clip (3).mp4"]
    folder = settings.data / "uploads"
    assert [(folder / name).read_bytes() for name in names] == [wav(1), wav(2), wav(3)]


@pytest.mark.parametrize("name", ["../../../escape.mp4", "..\\..\\escape.mp4", "/tmp/escape.mp4", "a/../../escape.mp4"])
def test_a_hostile_name_stays_in_the_folder(fresh: FlaskClient, settings: Settings, name: str) -> None:
    response = fresh.post("/api/v1/videos", data={"file": (io.BytesIO(wav()), name)})
    assert response.json["name"] == "escape.mp4"
    assert [path.name for path in (settings.data / "uploads").iterdir()] == ["escape.mp4"]
    assert list(settings.data.parent.rglob("escape.mp4")) == [settings.data / "uploads" / "escape.mp4"]


def test_an_empty_or_missing_file_is_refused_and_leaves_nothing(fresh: FlaskClient, settings: Settings) -> None:
    assert fresh.post("/api/v1/videos", data={"file": (io.BytesIO(b""), "clip.mp4")}).status_code == 422
    assert fresh.post("/api/v1/videos", data={"other": (io.BytesIO(b"x"), "clip.mp4")}).status_code == 422
    assert fresh.post("/api/v1/videos", data={"file": (io.BytesIO(b"x"), "...")}).status_code == 422
    assert not (settings.data / "uploads").exists() or list((settings.data / "uploads").iterdir()) == []
    assert list((settings.data / "incoming").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("notes.txt", b"hello\n" * 100, "notes.txt was not taken. It is no video or sound file"),
        ("talk.mp4", b"x", "talk.mp4 was not taken. It is no video or sound file"),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "It is no video or sound file"),
        ("still.png", jpeg(), "It is no video or sound file"),
    ],
)
def test_what_is_no_video_is_refused_at_once_and_leaves_nothing(
    fresh: FlaskClient, settings: Settings, name: str, content: bytes, reason: str
) -> None:
    response = fresh.post("/api/v1/videos", data={"file": (io.BytesIO(content), name)})
    assert (response.status_code, response.mimetype) == (422, "application/problem+json")
    assert reason in response.json["detail"]
    assert not (settings.data / "uploads").exists()
    assert list((settings.data / "incoming").iterdir()) == []
    assert fresh.get("/api/v1/jobs").json["jobs"] == []


def test_the_form_of_the_page_uploads_too(fresh: FlaskClient, settings: Settings) -> None:
    response = fresh.post("/library/upload", data={"file": (io.BytesIO(wav()), "clip.mp4")})
    assert response.status_code == 303
    assert "Uploaded clip.mp4" in fresh.get("/library").text
    assert (settings.data / "uploads" / "clip.mp4").exists()
