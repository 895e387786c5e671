"""`reelseek serve` (web, worker and schedule together), `demo` and the web process by itself."""

from __future__ import annotations

import logging
import os
import shlex
import sys
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from cli.context import settings_of
from cli.indexing import index_with_progress
from cli.output import error_console
from reelseek.durable import replace_file
from reelseek.errors import InvalidRequest
from reelseek.settings import CONFIG_NAME, Settings, default_data, folder_config_file

_DEMO_SETTINGS = """\
# Settings of this data folder, written by `reelseek demo`: every command on it uses the demo's own models.
[engines]
demo_models = true
"""

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
    The demo's data folder carries that setting, so that every other command on it uses them too. Without --data it is
    a folder `demo` in the user's own data folder.
    """
    given = settings_of(context, {"web": {"host": host, "port": port}, "engines": {"demo_models": True}})
    settings = given.model_copy(update={"data": given.data / "demo"}) if given.data == default_data() else given
    videos = Path(str(resources.files("demo") / "videos"))
    _carry_demo_settings(settings, videos)
    reports = index_with_progress(settings, [videos])
    if any(report.state == "failed" for report in reports):
        raise typer.Exit(3)
    here = f"reelseek --data {shlex.quote(str(settings.data))}"
    error_console().print(f'Search it in a terminal too: {here} search "two red circles"', markup=False, soft_wrap=True)
    if not index_only:
        _supervise(settings)


def _carry_demo_settings(settings: Settings, videos: Path) -> None:
    """Write the setting file of the demo's data folder, unless it carries one already.

    Raises:
        InvalidRequest: the folder holds other videos, which would be looked at with the demo's models.
    """
    from library.catalogue import open_catalogue

    if folder_config_file(settings.data) is not None:
        return
    with open_catalogue(settings) as catalogue:
        if any(Path(entry.path).parent != videos for entry in catalogue.videos()):
            raise InvalidRequest(
                f"{settings.data} holds other videos: the demo's models know only drawn scenes, and would be used for "
                "those too.",
                hint="Give the demo a data folder of its own: reelseek --data DIR demo",
            )
    replace_file(settings.data / CONFIG_NAME, _DEMO_SETTINGS.encode())


def web(context: typer.Context) -> None:
    """Serve the page and the API only; `serve` starts this as a process of its own."""
    from web.server import serve as serve_web

    serve_web(settings_of(context))
    # A model may still be loading in a thread: the interpreter's own end would stop it inside a native library, which
    # then aborts the process. What has to be closed is closed.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _supervise(settings: Settings) -> None:
    from web.auth import check_bind_address
    from web.listening import listen
    from workers.supervisor import serve as supervise

    check_bind_address(settings)
    listen(settings.web.host, settings.web.port).close()  # a taken port is told before anything is started
    error_console().print(
        "Starting the web server, a worker, the recorder of live sources and the schedule. Ctrl-C ends them all.",
        style="dim",
    )
    raise typer.Exit(supervise(settings, [sys.executable, "-m", "cli.main", "web"]))
