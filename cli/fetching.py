"""`reelseek fetch`: videos from URLs, downloaded and indexed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from cli.context import settings_of
from cli.indexing import SOME_FAILED, index_with_progress
from cli.output import error_console, print_json, printable, printable_lines
from reelseek.errors import MediaError
from reelseek.settings import Settings
from reelseek.urls import masked

if TYPE_CHECKING:
    from library.catalogue import Catalogue


def fetch(
    context: typer.Context,
    urls: Annotated[list[str], typer.Argument(help="Pages or files, http or https.", metavar="URL...")],
    library: Annotated[
        str | None, typer.Option(help="The watched folder they go into, its id or name.", show_default="the uploads")
    ] = None,
    max_height: Annotated[
        int | None, typer.Option(metavar="PIXELS", help="Largest height of the picture.", min=144)
    ] = None,
    queue: Annotated[
        bool, typer.Option("--queue", help="Leave it to `reelseek serve` instead of doing it here.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Download videos with yt-dlp and index them. Off until the setting fetch.enabled is true.

    Exits with 0 when all are there, with 3 when some could not be fetched or indexed.
    """
    from library.catalogue import open_catalogue
    from workers.enqueue import enqueue_fetch
    from workers.fetching import check_fetching

    settings = settings_of(context)
    urls = [check_fetching(settings, url) for url in urls]
    with open_catalogue(settings) as catalogue:
        target = catalogue.library(library) if library is not None else None
        if queue:
            library_id = target.library_id if target else None
            jobs = [enqueue_fetch(catalogue, settings, url, library_id, max_height) for url in urls]
            if as_json:
                print_json([{"url": masked(url), "job": job.job_id} for url, job in zip(urls, jobs, strict=True)])
            else:
                error_console().print(f"{len(jobs)} queued; `reelseek serve` fetches them.")
            return
        folder = Path(target.path) if target else None
        results = [_fetched(catalogue, settings, url, folder, max_height, quiet=as_json) for url in urls]
    reports = index_with_progress(settings, [Path(found["path"]) for found in results if found["path"]], quiet=as_json)
    failed = {str(report.path): report.reason for report in reports if report.state == "failed"}
    for found in results:
        found["reason"] = found["reason"] or failed.get(found["path"], "")
    if as_json:
        print_json(results)
    if any(found["reason"] for found in results):
        raise typer.Exit(SOME_FAILED)


def _fetched(
    catalogue: Catalogue, settings: Settings, url: str, folder: Path | None, max_height: int | None, *, quiet: bool
) -> dict[str, Any]:
    """Fetch one, with a progress bar and a line at its end."""
    from workers.fetching import fetch_video

    console = error_console()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    shown: dict[str, Any] = {"url": masked(url), "path": "", "title": "", "known": False, "reason": ""}
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bars:
        bar = bars.add_task(printable(masked(url))[:60], total=1.0)
        try:
            found = fetch_video(
                catalogue,
                settings,
                url,
                folder=folder,
                max_height=max_height,
                progress=lambda _, fraction: bars.update(bar, completed=fraction),
            )
        except MediaError as error:
            shown["reason"] = str(error)
            line = f"   failed  {masked(url)}\n           {error}"
        else:
            shown |= {"path": str(found.path), "title": found.title, "known": found.known}
            line = f"{'  is here' if found.known else '  fetched'}  {found.title}\n           {found.path}"
    if not quiet:
        console.print(printable_lines(line), markup=False, soft_wrap=True)
    return shown
