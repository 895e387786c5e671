"""`reelseek mcp`: the MCP server on standard input and output, or on HTTP with the keys of the API."""

from __future__ import annotations

import json
import logging
import threading
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from library import keys
from library.catalogue import Catalogue, open_catalogue
from query.service import QueryService, open_service
from query.tools import Tools
from reelseek.settings import Settings
from web.auth import KEY_COMMAND, check_bind_address, is_loopback
from web.errors import MIMETYPE, TYPE_PREFIX
from web.listening import listen
from web.mcp_server import make_server
from workers.note_sharing import share_notes

PATH = "/mcp"
_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
_IDLE_SECONDS = 1800.0
_MOST_SESSIONS = 64

_log = logging.getLogger(__name__)


class Opened:
    """The query service of this process, opened when the first call needs it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._service: QueryService | None = None
        self._tools: Tools | None = None

    def tools(self) -> Tools:
        """The tools over it."""
        with self._lock:
            if self._tools is None:
                self._service = share_notes(open_service(self._settings))
                self._tools = Tools(self._service, self._settings.page_url)
            return self._tools

    def close(self) -> None:
        """Let go of it."""
        with self._lock:
            if self._service is not None:
                self._service.close()
                self._service = self._tools = None


def serve_stdio(settings: Settings) -> None:
    """Serve one client on standard input and output, until it closes them."""
    opened = Opened(settings)
    try:
        anyio.run(make_server(opened.tools).run_stdio_async)
    except KeyboardInterrupt:
        _log.info("stopping")
    finally:
        opened.close()


def serve_http(settings: Settings, host: str, port: int) -> None:
    """Serve clients over streamable HTTP at `/mcp` until SIGTERM or SIGINT.

    Raises:
        Forbidden: the address is not loopback and no API key exists.
        Conflict: the port is taken.
    """
    bound = settings.model_copy(update={"web": settings.web.model_copy(update={"host": host, "port": port})})
    check_bind_address(bound)
    opened, catalogue = Opened(settings), open_catalogue(settings)
    app = make_server(opened.tools).streamable_http_app(
        streamable_http_path=PATH,
        host=host,
        transport_security=_security(host),
        session_idle_timeout=_IDLE_SECONDS,
        max_sessions=_MOST_SESSIONS,
    )
    guarded = KeyGuard(app, catalogue, always=not is_loopback(host))
    config = uvicorn.Config(
        guarded,
        host=host,
        port=port,
        log_level="warning",
        lifespan="on",
        server_header=False,
        timeout_graceful_shutdown=3,
    )
    try:
        with listen(host, port) as listener:
            name, taken = f"[{host}]" if ":" in host else host, listener.getsockname()[1]
            print(f"Reelseek's MCP server is at http://{name}:{taken}{PATH}", flush=True)
            with suppress(KeyboardInterrupt):
                anyio.run(uvicorn.Server(config).serve, [listener])
    finally:
        opened.close()
        catalogue.close()


class KeyGuard:
    """Lets a request through that shows a key, or that needs none: on loopback, before a first key exists.

    Pages of other sites are refused whatever they show.

    Args:
        always: a key is needed even while none exists.
    """

    def __init__(self, app: ASGIApp, catalogue: Catalogue, *, always: bool) -> None:
        self._app, self._catalogue, self._always = app, catalogue, always

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            origin = headers.get("origin")
            if origin is not None and urlsplit(origin).netloc != headers.get("host"):
                await _refuse(send, HTTPStatus.FORBIDDEN, "This request came from the page of another site.")
                return
            scheme, _, secret = headers.get("authorization", "").partition(" ")
            bearer = secret.strip() if scheme.lower() == "bearer" else None
            if not await anyio.to_thread.run_sync(self._allowed, bearer):
                await _refuse(send, HTTPStatus.UNAUTHORIZED, "This needs a valid API key.")
                return
        await self._app(scope, receive, send)

    def _allowed(self, bearer: str | None) -> bool:
        if bearer:
            return keys.check_key(self._catalogue, bearer) is not None
        return not self._always and not keys.any_exist(self._catalogue)


async def _refuse(send: Send, status: HTTPStatus, detail: str) -> None:
    """Answer with a problem (RFC 9457), as the API does."""
    problem: dict[str, Any] = {
        "type": TYPE_PREFIX + status.phrase.lower(),
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
    }
    headers = [(b"content-type", MIMETYPE.encode())]
    if status is HTTPStatus.UNAUTHORIZED:
        problem["hint"] = f"Send `Authorization: Bearer KEY`; make a key with: {KEY_COMMAND}"
        headers.append((b"www-authenticate", b'Bearer realm="reelseek"'))
    body = json.dumps(problem).encode()
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _security(host: str) -> TransportSecuritySettings:
    """By which names a request may call this server, and from which pages it may come (DNS rebinding).

    On loopback only loopback's own names. Elsewhere the names under which a machine is reached are not known here;
    there every request needs a key, which other pages have not, and `KeyGuard` refuses such pages anyway.
    """
    if is_loopback(host):
        names = [name for known in _LOOPBACK_NAMES for name in (known, f"{known}:*")]
        origins = [f"http://{name}" for name in names]
        return TransportSecuritySettings(allowed_hosts=names, allowed_origins=origins)
    return TransportSecuritySettings(enable_dns_rebinding_protection=False)
