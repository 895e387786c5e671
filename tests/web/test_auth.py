from __future__ import annotations

import io
import stat

import pytest
from flask.testing import FlaskClient

from library import keys
from library.catalogue import open_catalogue
from reelseek.errors import Forbidden
from reelseek.settings import Settings, load_settings
from web.app import create_app
from web.auth import check_bind_address, is_loopback, session_secret

HTML = {"Accept": "text/html"}


@pytest.fixture
def key(settings: Settings) -> str:
    with open_catalogue(settings) as catalogue:
        return keys.create_key(catalogue, "test")


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_without_keys_loopback_is_open(fresh: FlaskClient) -> None:
    assert fresh.get("/api/v1/videos").status_code == 200
    assert fresh.get("/library").status_code == 200


def test_once_a_key_exists_it_is_needed_everywhere(fresh: FlaskClient, key: str) -> None:
    for path in ("/api/v1/videos", "/api/v1/status", "/api/openapi.json", f"/api/v1/videos/{'a' * 32}/media"):
        refused = fresh.get(path)
        assert refused.status_code == 401, path
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert refused.mimetype == "application/problem+json"
        assert fresh.get(path, headers=bearer("rsk_wrong")).status_code == 401
        assert fresh.get(path, headers={"Authorization": f"Basic {key}"}).status_code == 401
        assert fresh.get(path, headers=bearer(key)).status_code in (200, 404)
    assert fresh.post("/api/v1/libraries", json={"path": "/"}).status_code == 401


def test_health_and_the_sign_in_page_need_no_key_and_show_nothing(fresh: FlaskClient, key: str) -> None:
    assert fresh.get("/healthz").status_code == 200
    assert fresh.get("/readyz").status_code == 200
    assert fresh.get("/login").status_code == 200
    assert fresh.get("/static/css/base.css").status_code == 200
    assert fresh.get("/static/../app.py").status_code == 404


def test_a_person_signs_in_with_a_key_and_out_again(fresh: FlaskClient, key: str) -> None:
    sent = fresh.get("/library?state=failed", headers=HTML)
    assert sent.status_code == 302
    assert sent.headers["Location"] == "/login?next=/library?state%3Dfailed"
    assert fresh.post(sent.headers["Location"], data={"key": "wrong"}).status_code == 401
    entered = fresh.post(sent.headers["Location"], data={"key": key})
    assert (entered.status_code, entered.headers["Location"]) == (303, "/library?state=failed")
    cookie = entered.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert key not in cookie
    assert fresh.get("/library", headers=HTML).status_code == 200
    assert fresh.get("/api/v1/videos").status_code == 200
    fresh.post("/logout")
    assert fresh.get("/api/v1/videos").status_code == 401


def test_a_revoked_key_ends_its_sessions(fresh: FlaskClient, settings: Settings, key: str) -> None:
    with open_catalogue(settings) as catalogue:
        keys.create_key(catalogue, "another")
    fresh.post("/login", data={"key": key})
    assert fresh.get("/api/v1/videos").status_code == 200
    with open_catalogue(settings) as catalogue:
        keys.revoke_key(catalogue, keys.list_keys(catalogue)[0].key_id)
    assert fresh.get("/api/v1/videos").status_code == 401
    assert fresh.get("/api/v1/videos", headers=bearer(key)).status_code == 401


def test_a_forged_session_is_worth_nothing(fresh: FlaskClient, key: str) -> None:
    from itsdangerous import URLSafeTimedSerializer

    forged = URLSafeTimedSerializer("guess", salt="cookie-session").dumps({"key": 1})
    fresh.set_cookie("reelseek", forged)
    assert fresh.get("/api/v1/videos").status_code == 401


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_leads_nowhere_else(fresh: FlaskClient, key: str, target: str) -> None:
    assert fresh.post("/login", query_string={"next": target}, data={"key": key}).status_code == 400


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Origin": "http://localhost"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://localhost:9999"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, False),
    ],
)
def test_another_sites_page_can_change_nothing(fresh: FlaskClient, headers: dict[str, str], allowed: bool) -> None:
    answers = {
        fresh.post("/api/v1/libraries", json={"path": "relative"}, headers=headers).status_code,
        fresh.post("/library/upload", data={"file": (io.BytesIO(b""), "a.mp4")}, headers=headers).status_code,
        fresh.delete("/api/v1/libraries/1", headers=headers).status_code,
    }
    assert answers == ({422, 404} if allowed else {403})
    assert fresh.get("/api/v1/videos", headers=headers).status_code == 200
    assert "Access-Control-Allow-Origin" not in fresh.get("/api/v1/videos", headers=headers).headers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:8700", 200),
        ("127.0.0.1:8700", 200),
        ("[::1]:8700", 200),
        ("127.0.0.2", 200),
        ("evil.example", 403),
        ("evil.example:8700", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("192.168.1.5", 403),
    ],
)
def test_on_loopback_no_other_name_is_answered(fresh: FlaskClient, host: str, status: int) -> None:
    assert fresh.get("/api/v1/videos", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("::1", True),
        ("127.8.8.8", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.168.0.1", False),
        ("example.org", False),
        ("localhost.example.org", False),
    ],
)
def test_what_is_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_another_address_needs_a_key_first(settings: Settings) -> None:
    everywhere = load_settings({"data": settings.data, "web": {"host": "0.0.0.0"}})
    check_bind_address(settings)
    with pytest.raises(Forbidden) as refused:
        check_bind_address(everywhere)
    assert "reelseek keys create" in str(refused.value)
    with open_catalogue(settings) as catalogue:
        keys.create_key(catalogue, "remote")
    check_bind_address(everywhere)


def test_on_another_address_nothing_is_open_even_when_the_last_key_is_revoked(settings: Settings, key: str) -> None:
    app = create_app(load_settings({"data": settings.data, "web": {"host": "0.0.0.0"}}))
    client = app.test_client()
    remote = {"Host": "media.example.org"}
    assert client.get("/api/v1/videos", headers=remote | bearer(key)).status_code == 200
    with open_catalogue(settings) as catalogue:
        keys.revoke_key(catalogue, 1)
    assert client.get("/api/v1/videos", headers=remote).status_code == 401
    assert client.get("/api/v1/videos", headers=remote | bearer(key)).status_code == 401
    app.extensions["reelseek"].close()


@pytest.mark.parametrize("path", ["/", "/library", "/api/v1/videos", "/nothing", "/static/js/app.js"])
def test_every_answer_carries_the_security_headers(fresh: FlaskClient, path: str) -> None:
    headers = fresh.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_the_signing_key_is_kept_and_private(settings: Settings) -> None:
    first = session_secret(settings)
    assert len(first) == 32
    assert session_secret(settings) == first
    assert stat.S_IMODE((settings.data / "session.key").stat().st_mode) == 0o600
