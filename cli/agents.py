"""`reelseek mcp`: the library as tools for agents (Model Context Protocol)."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.context import settings_of
from reelseek.errors import EngineUnavailable, InvalidRequest

DEFAULT_PORT = 8701


def mcp(
    context: typer.Context,
    http: Annotated[bool, typer.Option("--http", help="Streamable HTTP at /mcp instead of standard input.")] = False,
    host: Annotated[
        str | None, typer.Option(help="With --http: bind address, 127.0.0.1; any but loopback needs an API key.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help=f"With --http: port, {DEFAULT_PORT}; 0 takes a free one.", min=0, max=65535)
    ] = None,
) -> None:
    """Serve the library to agents over MCP: an agent's program starts this command and talks to it.

    With --http it serves many, with the keys of the API (`reelseek keys`). Needs the extra `agents`.
    """
    if not http and (host is not None or port is not None):
        raise InvalidRequest("--host and --port go with --http.")
    settings = settings_of(context)
    try:
        from web.mcp_serving import serve_http, serve_stdio
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        raise EngineUnavailable("The MCP SDK is not installed.", hint="pip install 'reelseek[agents]'") from error
    if http:
        serve_http(settings, host or "127.0.0.1", DEFAULT_PORT if port is None else port)
    else:
        serve_stdio(settings)
