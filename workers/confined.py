"""A second fence around a library that loads what strangers wrote: Python's own audit events.

While a thread is confined it can connect to one port on loopback and nowhere else, look no name up, and start no
process. Whatever the library does, its requests go through the proxy behind that port.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_LOOPBACK = "127.0.0.1"
_LOOKUPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"})
_REFUSED = frozenset({
    "socket.sendto", "socket.sendmsg", "subprocess.Popen", "os.posix_spawn", "os.system", "os.exec", "os.fork",
    "os.forkpty", "os.spawn", "os.startfile",
})  # fmt: skip
_here = threading.local()
_once = threading.Lock()
_installed = False


@contextmanager
def confined(port: int) -> Iterator[None]:
    """Confine this thread to one port on loopback."""
    _install()
    _here.port = port
    try:
        yield
    finally:
        _here.port = None


@contextmanager
def at_large() -> Iterator[None]:
    """Free this thread again for a while: for what is ours, such as writing progress to a database."""
    port, _here.port = getattr(_here, "port", None), None
    try:
        yield
    finally:
        _here.port = port


def _install() -> None:
    """Listen to audit events; a listener cannot be taken away again, so there is one for ever."""
    global _installed
    with _once:
        if not _installed:
            sys.addaudithook(_audit)
            _installed = True


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        port = getattr(_here, "port", None)
        if port is not None and arguments[1][:2] != (_LOOPBACK, port):
            raise PermissionError("A download connects to nothing but its proxy.")
    elif event in _LOOKUPS:
        if getattr(_here, "port", None) is not None and arguments[0] not in (_LOOPBACK, None):
            raise PermissionError("A download looks no name up by itself.")
    elif event in _REFUSED and getattr(_here, "port", None) is not None:
        raise PermissionError("A download starts no process and sends no datagram.")
