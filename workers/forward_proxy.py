"""A forward proxy on loopback for one download: what the download reaches, it reaches through here.

It knows `CONNECT` and plain HTTP, looks a name up once, connects to the address that it looked at, and counts. Only who
has its password is served.
"""

from __future__ import annotations

import base64
import hmac
import http.client
import secrets
import select
import socket
import socketserver
import threading
import time
import urllib.parse
from contextlib import suppress
from typing import Any, Self

from reelseek.errors import Forbidden, MediaError, ReelseekError
from workers.addresses import AddressGuard

_BLOCK = 64 << 10
_LONGEST_LINE = 64 << 10
_CONNECT_SECONDS, _IDLE_SECONDS = 20.0, 60.0
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authorization", "proxy-connection", "te", "upgrade", "expect"}
)


class FilteringProxy:
    """Runs in a thread from `with` to its end.

    Args:
        guard: which addresses may be reached.
        max_bytes: what may be received in all.
        seconds: how long it serves at all.
    """

    def __init__(self, guard: AddressGuard, max_bytes: int, seconds: float) -> None:
        self._guard, self._max_bytes, self._until = guard, max_bytes, time.monotonic() + seconds
        self._password = secrets.token_urlsafe(24)
        self._lock = threading.Lock()
        self.received = 0
        """Bytes that came from the Internet."""
        self.refusal: ReelseekError | None = None
        """Why the first connection that was not made, or was cut off, was not."""
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="fetch-proxy", daemon=True
        )

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its URL, with the password."""
        return f"http://reelseek:{self._password}@127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.close_connections()
        self._server.server_close()
        self._thread.join()

    def knows(self, authorization: str) -> bool:
        """Whether a request came with the password."""
        expected = base64.b64encode(f"reelseek:{self._password}".encode()).decode()
        return hmac.compare_digest(authorization.encode(), f"Basic {expected}".encode())

    def connect(self, host: str, port: int) -> socket.socket:
        """Connect to a host that may be reached.

        Raises:
            ReelseekError: it may not, or does not answer.
        """
        try:
            addresses = self._guard.addresses(host, port)
        except Forbidden as error:
            self._refuse(error)
            raise
        reason = "it has no address"
        for address in addresses:
            try:
                # an address, not the name: nothing is looked up a second time
                return socket.create_connection((address, port), timeout=_CONNECT_SECONDS)
            except OSError as error:
                reason = error.strerror or str(error)
        raise MediaError(f"{host} does not answer: {reason}.")

    def count(self, size: int) -> bool:
        """Note what was received; whether more may come."""
        with self._lock:
            self.received += size
            received = self.received
        if received > self._max_bytes:
            self._refuse(MediaError(f"It is larger than {self._max_bytes} bytes (fetch.max_bytes)."))
            return False
        if time.monotonic() > self._until:
            self._refuse(MediaError("It takes longer than fetch.max_minutes."))
            return False
        return True

    def _refuse(self, reason: ReelseekError) -> None:
        with self._lock:
            self.refusal = self.refusal or reason


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    proxy: FilteringProxy

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._open: set[socket.socket] = set()

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: Any) -> None:
        if isinstance(request, socket.socket):
            self._open.add(request)
        super().process_request(request, client_address)

    def close_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        super().close_request(request)
        if isinstance(request, socket.socket):
            self._open.discard(request)

    def close_connections(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, *_: object) -> None:
        """A connection that breaks is the client's to notice."""


class _Handler(socketserver.StreamRequestHandler):
    timeout = _IDLE_SECONDS
    server: _Server

    def handle(self) -> None:
        with suppress(OSError, ValueError):
            self._serve()

    def _serve(self) -> None:
        proxy = self.server.proxy
        line = self.rfile.readline(_LONGEST_LINE).decode("latin-1").split()
        headers = http.client.parse_headers(self.rfile)
        if len(line) != 3:
            return self._answer(400, "That is no request.")
        if not proxy.knows(headers.get("Proxy-Authorization", "")):
            return self._answer(407, "The password is missing.", "Proxy-Authenticate: Basic realm=reelseek\r\n")
        method, target, _ = line
        try:
            if method == "CONNECT":
                parts = urllib.parse.urlsplit(f"//{target}")
                with proxy.connect(parts.hostname or "", parts.port or 443) as upstream:
                    self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    return self._relay(upstream)
            parts = urllib.parse.urlsplit(target)
            if parts.scheme != "http" or not parts.hostname:
                return self._answer(400, "Only http and https are fetched.")
            with proxy.connect(parts.hostname, parts.port or 80) as upstream:
                upstream.sendall(_request(method, parts, headers))
                self._pass_body(headers, upstream)
                return self._pass_answer(upstream)
        except ReelseekError as error:
            return self._answer(403 if isinstance(error, Forbidden) else 502, error.message)

    def _pass_body(self, headers: http.client.HTTPMessage, upstream: socket.socket) -> None:
        left = int(headers.get("Content-Length", "0"))
        while left > 0 and (block := self.rfile.read(min(left, _BLOCK))):
            upstream.sendall(block)
            left -= len(block)

    def _pass_answer(self, upstream: socket.socket) -> None:
        """Pass the server's answer on, and say that the connection ends with it: the next request may go elsewhere."""
        upstream.settimeout(_IDLE_SECONDS)
        head = b""
        while b"\r\n\r\n" not in head and len(head) < _LONGEST_LINE and (block := upstream.recv(_BLOCK)):
            head += block
        if not self.server.proxy.count(len(head)):
            return
        lines, end, rest = head.partition(b"\r\n\r\n")
        status, *fields = lines.split(b"\r\n")
        kept = [
            field for field in fields if field.partition(b":")[0].strip().lower().decode("latin-1") not in _HOP_BY_HOP
        ]
        self.wfile.write(b"\r\n".join([status, *kept, b"Connection: close"]) + end + rest)
        self._relay(upstream)

    def _relay(self, upstream: socket.socket) -> None:
        """Pass bytes both ways until one side ends, falls silent, or too much has come."""
        upstream.settimeout(_IDLE_SECONDS)
        client = self.connection
        while True:
            ready, _, _ = select.select([client, upstream], [], [], _IDLE_SECONDS)
            if not ready:
                return
            if upstream in ready:
                block = upstream.recv(_BLOCK)
                if not block or not self.server.proxy.count(len(block)):
                    return
                client.sendall(block)
            if client in ready:
                block = client.recv(_BLOCK)
                if not block:
                    return
                upstream.sendall(block)

    def _answer(self, status: int, text: str, header: str = "") -> None:
        body = text.encode()
        head = (
            f"HTTP/1.1 {status} {http.client.responses[status]}\r\n{header}Content-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.wfile.write(head.encode("latin-1") + body)


def _request(method: str, parts: urllib.parse.SplitResult, headers: http.client.HTTPMessage) -> bytes:
    """The request as the server itself wants it: its path alone, and the connection closed after the answer."""
    target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
    kept = [f"{name}: {value}" for name, value in headers.items() if name.lower() not in _HOP_BY_HOP]
    lines = [f"{method} {target} HTTP/1.1", *kept, "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1")
