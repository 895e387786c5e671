"""The list of commands, their global flags, and where errors become exit codes."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli import (
    agents,
    asking,
    backing,
    digesting,
    doctor,
    evaluating,
    exporting,
    fetching,
    indexing,
    jobs,
    keys,
    libraries,
    live,
    models,
    removing,
    saved,
    searching,
    serving,
    showing,
    tagging,
    upkeep,
)
from cli.context import global_flags
from reelseek import __version__
from reelseek.errors import ReelseekError

app = typer.Typer(
    name="reelseek",
    help="Search a library of videos by what is seen, said, written and present in them, on your own machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("index")(indexing.index)
app.command("fetch")(fetching.fetch)
app.command("search", epilog=searching.LANGUAGE)(searching.search)
app.command("ask")(asking.ask)
app.command("summarize")(digesting.summarize)
app.command("videos")(searching.videos)
app.command("show")(showing.show)
app.command("tag")(tagging.tag)
app.command("remove")(removing.remove)
app.command("serve")(serving.serve)
app.command("demo")(serving.demo)
app.command("web", hidden=True)(serving.web)
app.command("mcp")(agents.mcp)
app.command("doctor")(doctor.doctor)
app.command("jobs")(jobs.jobs)
app.command("reindex")(upkeep.reindex)
app.command("storage")(upkeep.storage)
app.command("gc")(upkeep.gc)
app.command("backup")(backing.backup)
app.command("eval")(evaluating.evaluate)
app.add_typer(libraries.app, name="library")
app.add_typer(live.app, name="live")
app.add_typer(models.app, name="models")
app.add_typer(saved.app, name="saved")
app.add_typer(exporting.app, name="export")
app.add_typer(keys.app, name="keys")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"reelseek {__version__}")
        raise typer.Exit


@app.callback()
def _global(
    context: typer.Context,
    data: Annotated[
        Path | None, typer.Option(help="The data folder; overrides REELSEEK_DATA.", file_okay=False)
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="The settings file; overrides REELSEEK_CONFIG and ./reelseek.toml.")
    ] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="GROUP.NAME=VALUE", help="Override one setting; repeatable.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens to standard error.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    if config is not None:
        os.environ["REELSEEK_CONFIG"] = str(config)
    context.obj = global_flags(data, assignments or [])


def run() -> None:
    """Run the command; an error that is ours is one sentence and its exit code, never a traceback."""
    try:
        app(standalone_mode=True)
    except ReelseekError as error:
        typer.echo(f"reelseek: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # the reader of our output (`| head`) went away; leave quietly, as other tools do
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except KeyboardInterrupt:
        sys.exit(130)
