"""The web server process: waitress over the application."""

from __future__ import annotations

import logging
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from flask import Flask

from reelseek.artefacts import storage_errors
from reelseek.errors import StorageError
from reelseek.settings import Settings
from web.app import create_app
from web.auth import check_bind_address
from web.backend import Backend
from web.listening import cannot_listen

_log = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT (or Ctrl-C).

    Raises:
        Forbidden: the address is not loopback and no API key exists.
        Conflict: the port is taken.
    """
    import waitress

    check_bind_address(settings)
    _spool_into(settings)
    app = create_app(settings)
    served: Backend = app.extensions["reelseek"]
    try:
        server: Any = waitress.create_server(
            app,
            host=settings.web.host,
            port=settings.web.port,
            threads=settings.web.threads,
            max_request_body_size=settings.web.max_upload_bytes + (1 << 20),
            channel_timeout=300,
            channel_request_lookahead=1,  # reading on, waitress sees that a client hung up while it waits
            ident="reelseek",
            clear_untrusted_proxy_headers=True,
        )
    except OSError as error:
        served.close()
        raise cannot_listen(settings.web.host, settings.web.port, error) from error
    print(f"Reelseek is at {_url(server, settings)}", flush=True)
    served.warm()
    with _signals():
        try:
            server.run()
        except (KeyboardInterrupt, SystemExit):
            _log.info("stopping")
        finally:
            server.close()
            if not served.is_warming:  # closing would wait for what is being loaded; the end of the process does not
                served.close()


@contextmanager
def on_loopback(app: Flask) -> Iterator[str]:
    """Serve an application in a thread, at a free port of loopback; yields its URL without a slash at the end."""
    import waitress

    server: Any = waitress.create_server(app, host="127.0.0.1", port=0, threads=4, channel_request_lookahead=1)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.task_dispatcher.shutdown(timeout=5)
        server.close()
        thread.join(10)


def _spool_into(settings: Settings) -> None:
    """Let waitress buffer large uploads in the data folder: the system's own may be small, or in memory."""
    folder = settings.data / "incoming"
    try:
        with storage_errors("The data folder"):
            folder.mkdir(parents=True, exist_ok=True)
            for left in folder.glob("upload-*.part*"):  # of a server that was killed
                left.unlink(missing_ok=True)
    except StorageError as error:
        _log.warning("%s It is only read.", error.message)
    tempfile.tempdir = str(folder)


def _url(server: Any, settings: Settings) -> str:
    port = getattr(server, "effective_port", None) or server.effective_listen[0][1]
    host = settings.web.host
    if host in ("", "0.0.0.0", "::", "localhost"):
        host = "localhost"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


@contextmanager
def _signals() -> Iterator[None]:
    """SIGTERM ends the server as Ctrl-C does."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        sys.exit(0)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
