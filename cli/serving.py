"""`reelseek serve` (web, worker and schedule together), `demo` and the web process by itself."""

from __future__ import annotations

import sys
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from cli.context import settings_of
from cli.indexing import index_with_progress
from cli.output import error_console
from reelseek.settings import Settings

Host = Annotated[str | None, typer.Option(help="Bind address; any but loopback needs an API key.")]
Port = Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")]


def serve(context: typer.Context, host: Host = None, port: Port = None) -> None:
    """Serve the page and the API, index what is queued, scan libraries, record live sources. Ctrl-C ends all of it."""
    _supervise(settings_of(context, {"web": {"host": host, "port": port}}))


def demo(
    context: typer.Context,
    host: Host = None,
    port: Port = None,
    index_only: Annotated[bool, typer.Option("--index-only", help="Index the demo library, serve nothing.")] = False,
) -> None:
    """Index the demo library that comes with Reelseek, then serve it.

    Where no real weights are on this machine, the demo's own small models are used; they know only drawn scenes.
    """
    settings = settings_of(context, {"web": {"host": host, "port": port}, "engines": {"demo_models": True}})
    reports = index_with_progress(settings, [Path(str(resources.files("demo") / "videos"))])
    if any(report.state == "failed" for report in reports):
        raise typer.Exit(3)
    if not index_only:
        _supervise(settings)


def web(context: typer.Context) -> None:
    """Serve the page and the API only; `serve` starts this as a process of its own."""
    from web.server import serve as serve_web

    serve_web(settings_of(context))


def _supervise(settings: Settings) -> None:
    from web.auth import check_bind_address
    from workers.supervisor import serve as supervise

    check_bind_address(settings)
    error_console().print(
        "Starting the web server, a worker, the recorder of live sources and the schedule. Ctrl-C ends them all.",
        style="dim",
    )
    raise typer.Exit(supervise(settings, [sys.executable, "-m", "cli.main", "web"]))
