"""Who may do what: API keys, the signed session of a browser, and the guards against other sites' pages.

On loopback without any key everything is open to the person at the machine. Three things keep other web pages out even
then: unsafe requests must come from our own origin, the `Host` header must name loopback (DNS rebinding), and no
cross-origin header is ever sent.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import secrets
import urllib.parse
from pathlib import Path

from apiflask import APIFlask
from flask import Response, g, redirect, request, session, url_for
from werkzeug.wrappers import Response as BaseResponse

from library import keys
from library.catalogue import open_catalogue
from reelseek.artefacts import storage_errors
from reelseek.errors import Forbidden, StorageError, Unauthorized
from reelseek.settings import Settings
from web.backend import backend
from web.errors import wants_page

_log = logging.getLogger(__name__)
KEY_COMMAND = "reelseek keys create NAME"
SESSION_KEY = "key"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN = frozenset({"static", "health.alive", "health.ready", "pages.login", "pages.login_form"})
_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
SECURITY_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def install(app: APIFlask, settings: Settings) -> None:
    """Guard every request to `app` and mark every answer."""
    app.secret_key = session_secret(settings)
    app.config.update(SESSION_COOKIE_NAME="reelseek", SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Strict")
    app.before_request(_guard)
    app.after_request(_mark)


def is_loopback(host: str) -> bool:
    """Whether a bind address or a host name can only mean this machine."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def check_bind_address(settings: Settings) -> None:
    """Check the bind address before anything listens.

    Raises:
        Forbidden: it is not loopback, and no API key exists.
    """
    if is_loopback(settings.web.host):
        return
    with open_catalogue(settings) as catalogue:
        if keys.any_exist(catalogue):
            return
    raise Forbidden(
        f"Reelseek does not listen on {settings.web.host or 'all addresses'} without an API key: "
        "everyone who reaches it could see and change the library.",
        hint=f"Make a key first: {KEY_COMMAND}",
    )


def session_secret(settings: Settings) -> bytes:
    """The key that signs sessions, made once and kept in the data folder, readable by its owner alone."""
    path = settings.data / "session.key"
    made = secrets.token_bytes(32)
    try:
        with storage_errors("The data folder"):
            settings.data.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                _write_once(path, made)
            return path.read_bytes()
    except StorageError as error:
        _log.warning("%s Whoever logs in is logged out when the server ends.", error.message)
        return made


def _write_once(path: Path, content: bytes) -> None:
    """Create `path` whole, or leave the one that another process made first."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        if not path.exists():
            temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)


def _guard() -> BaseResponse | None:
    _check_host()
    bearer = _bearer()
    if bearer is None:
        _check_origin()
    if request.endpoint in _OPEN:
        return None
    if bearer is not None or keys_needed():
        return _check_key(bearer)
    return None


def keys_needed() -> bool:
    """Whether a request must show a key: one exists, or the address is not loopback."""
    return not is_loopback(backend().settings.web.host) or keys.any_exist(backend().catalogue)


def _check_host() -> None:
    """A page of another site whose name was made to point here still sends its own name."""
    if is_loopback(backend().settings.web.host) and not is_loopback(_host_name(request.host)):
        raise Forbidden(
            f"This server answers to localhost only, not to {_host_name(request.host)!r}.",
            hint="Set web.host to listen on another address.",
        )


def _host_name(host: str) -> str:
    return (urllib.parse.urlsplit(f"//{host}").hostname or "") if host.count("[") == host.count("]") else ""


def _check_origin() -> None:
    """Refuse unsafe requests that another site's page made a browser send."""
    if request.method in _SAFE:
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    foreign = site is not None and site not in ("same-origin", "none")
    if origin is not None and origin != request.host_url.rstrip("/"):
        # behind a proxy that speaks TLS the scheme differs; the host may not
        foreign = foreign or urllib.parse.urlsplit(origin).netloc != request.host
    if foreign:
        raise Forbidden("This request came from the page of another site.", hint="Use Reelseek's own page, or a key.")


def _bearer() -> str | None:
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, value = header.partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def _check_key(bearer: str | None) -> BaseResponse | None:
    catalogue = backend().catalogue
    if bearer is not None:
        if keys.check_key(catalogue, bearer) is None:
            raise Unauthorized("This API key is not valid.", hint=f"Make one with: {KEY_COMMAND}")
        return None
    known = session.get(SESSION_KEY)
    if any(key.key_id == known and key.revoked_at is None for key in keys.list_keys(catalogue)):
        g.signed_in = True
        return None
    if wants_page() and request.method == "GET":
        return redirect(url_for("pages.login_form", next=request.full_path.rstrip("?")))
    raise Unauthorized(
        "This needs an API key.", hint=f"Send `Authorization: Bearer KEY`; make a key with: {KEY_COMMAND}"
    )


def _mark(response: Response) -> Response:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store" if request.path.startswith("/api/") else "no-cache"
    return response
