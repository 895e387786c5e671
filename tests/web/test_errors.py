from __future__ import annotations

import logging
import re

import pytest
from flask.testing import FlaskClient

from reelseek.errors import ReelseekError
from reelseek.settings import Settings
from tests.support.web import LECTURE
from web.app import create_app
from web.errors import MIMETYPE


def subclasses(root: type[ReelseekError]) -> list[type[ReelseekError]]:
    return [root, *(one for child in root.__subclasses__() for one in subclasses(child))]


@pytest.mark.parametrize(
    ("method", "path", "kwargs", "status"),
    [
        ("GET", "/api/v1/nothing", {}, 404),
        ("GET", "/nothing", {}, 404),
        ("GET", f"/api/v1/videos/{'0' * 32}", {}, 404),
        ("GET", "/api/v1/videos/short", {}, 404),
        ("PUT", "/api/v1/search", {}, 405),
        ("POST", "/healthz", {}, 405),
        ("GET", "/api/v1/search?q=a&k=0", {}, 422),
        ("GET", "/api/v1/search?q=a&k=x", {}, 422),
        ("GET", "/api/v1/search?q=a&unknown=1", {}, 422),
        ("GET", "/api/v1/search?q=", {}, 422),
        ("GET", "/api/v1/search?q=a&video=../x", {}, 422),
        ("GET", f"/api/v1/search?q={'a' * 5000}", {}, 422),
        ("GET", "/api/v1/search?q=a&library=99999999999999999999", {}, 422),
        ("GET", "/api/v1/search?q=a&library=77", {}, 404),
        ("POST", "/api/v1/search", {}, 422),
        ("POST", "/api/v1/ask", {"json": {}}, 422),
        ("POST", "/api/v1/ask", {"json": {"question": "a", "x": 1}}, 422),
        ("POST", "/api/v1/ask", {"json": [1]}, 422),
        ("POST", "/api/v1/ask", {"data": "{", "content_type": "application/json"}, 400),
        ("POST", "/api/v1/videos", {}, 422),
        ("GET", "/api/v1/videos?state=odd", {}, 422),
        ("GET", "/api/v1/videos?page=0", {}, 422),
        ("GET", f"/api/v1/videos/{LECTURE}/moments", {}, 422),
        ("GET", f"/api/v1/videos/{LECTURE}/transcript.vtt?kind=thoughts", {}, 422),
        ("GET", f"/api/v1/videos/{LECTURE}/thumbnails/99999999999999999999.jpg", {}, 404),
        ("DELETE", "/api/v1/libraries/99999999999999999999", {}, 404),
        ("POST", "/api/v1/jobs/123456/retry", {}, 404),
        ("GET", "/api/v1/jobs?limit=0", {}, 422),
    ],
)
def test_every_error_is_a_problem(
    client: FlaskClient, method: str, path: str, kwargs: dict[str, object], status: int
) -> None:
    response = client.open(path, method=method, **kwargs)
    assert response.status_code == status
    assert response.mimetype == MIMETYPE
    problem = response.json
    assert problem["status"] == status
    assert re.fullmatch(r"urn:reelseek:problem:[a-z-]+", problem["type"])
    assert problem["title"]
    assert problem["detail"]
    assert "Traceback" not in response.text


def test_a_405_says_what_is_allowed_and_a_422_which_field(client: FlaskClient) -> None:
    assert "GET" in client.put("/api/v1/search").headers["Allow"]
    assert client.get("/api/v1/search?q=a&k=0").json["errors"][0]["field"] == "query.k"


@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        ('{"question": "why"', "application/json", "The body is no JSON: Expecting ',' delimiter: line 1 column"),
        ("question=why", "application/x-www-form-urlencoded", "not sent as JSON"),
        ('["why"]', "application/json", "body: Input should be a JSON object."),
        ('{"question": "why", "colour": 1}', "application/json", "colour: There is no such field here."),
        ('{"question": "why", "video": ["x"]}', "application/json", "A video's id has 32 hexadecimal digits."),
    ],
)
def test_a_body_that_does_not_fit_is_told_in_words(client: FlaskClient, body: str, kind: str, told: str) -> None:
    problem = client.post("/api/v1/ask", data=body, content_type=kind).json
    assert told in problem["detail"]


@pytest.mark.parametrize("error", subclasses(ReelseekError), ids=lambda error: error.__name__)
def test_each_of_our_errors_keeps_status_kind_and_hint(settings: Settings, error: type[ReelseekError]) -> None:
    app = create_app(settings)

    @app.get("/api/v1/raise")
    def fail() -> str:
        raise error("One sentence.", hint="Do this.")

    response = app.test_client().get("/api/v1/raise")
    app.extensions["reelseek"].close()
    assert response.status_code == error.status
    assert response.mimetype == MIMETYPE
    assert response.json["type"].rpartition(":")[2] == error.kind
    assert (response.json["detail"], response.json["hint"]) == ("One sentence.", "Do this.")


def test_a_fault_of_ours_is_logged_and_told_without_its_inner_workings(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(settings)

    @app.get("/api/v1/raise")
    def fail() -> str:
        raise RuntimeError("secret detail")

    with caplog.at_level(logging.ERROR):
        response = app.test_client().get("/api/v1/raise")
    app.extensions["reelseek"].close()
    assert response.status_code == 500
    assert response.mimetype == MIMETYPE
    assert "secret" not in response.text
    assert response.json["instance"].strip("#") in caplog.text


def test_a_person_gets_a_page_and_a_program_a_problem(client: FlaskClient) -> None:
    page = client.get("/nothing", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert page.status_code == 404
    assert page.mimetype == "text/html"
    assert "nothing at this address" in page.text
    assert client.get("/nothing", headers={"Accept": "*/*"}).mimetype == MIMETYPE
    assert client.get("/api/v1/nothing", headers={"Accept": "text/html"}).mimetype == MIMETYPE


def test_too_large_a_body_is_refused_before_it_is_read(settings: Settings) -> None:
    import io

    small = settings.model_copy(update={"web": settings.web.model_copy(update={"max_upload_bytes": 1000})})
    app = create_app(small)
    response = app.test_client().post("/api/v1/videos", data={"file": (io.BytesIO(b"x" * 5000), "big.mp4")})
    app.extensions["reelseek"].close()
    assert response.status_code == 413
    assert response.mimetype == MIMETYPE
    assert not list((settings.data / "uploads").glob("*"))
