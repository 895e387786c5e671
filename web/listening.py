"""Taking a port, and telling why it cannot be had."""

from __future__ import annotations

import os
import socket

from reelseek.errors import Conflict


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at a port. Raises `Conflict` where that is taken."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise cannot_listen(host, port, error) from error


def cannot_listen(host: str, port: int, error: OSError) -> Conflict:
    """What a server that gets no port tells its user."""
    reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
    return Conflict(f"Cannot listen on {host}:{port}: {reason}.", hint="Choose another port with --port.")
