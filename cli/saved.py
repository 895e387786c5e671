"""`reelseek saved`: searches that are run again on every video that is new."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from cli.context import settings_of
from cli.output import console, print_json, printable
from reelseek.timecode import format_time

app = typer.Typer(help="Saved searches, run on what is new: add, list, show, run, remove.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Write JSON.")]
Key = Annotated[str, typer.Argument(help="Its id or name.")]


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name.")],
    query: Annotated[str, typer.Argument(help="What to search for, as in `reelseek search`.")],
    library: Annotated[str | None, typer.Option(help="Only in this library, by id or name.")] = None,
) -> None:
    """Save a search: from now on each video that is indexed is searched for it."""
    from library.catalogue import open_catalogue
    from library.searches import save_search
    from query.language.parsing import parse

    with open_catalogue(settings_of(context)) as catalogue:
        options: dict[str, Any] = {}
        if library is not None:
            options["library"] = catalogue.library(library).library_id
        parse(query)
        saved = save_search(catalogue, name, query, options)
    console().print(f"{printable(saved.name)} ({saved.search_id}) is run on every video that is new.", markup=False)


@app.command("list")
def list_searches(context: typer.Context, as_json: Json = False) -> None:
    """List the saved searches with how much each has found."""
    from library.catalogue import open_catalogue
    from library.searches import hit_counts, saved_searches

    with open_catalogue(settings_of(context)) as catalogue:
        counts = hit_counts(catalogue)
        rows = [(saved, counts.get(saved.search_id, 0)) for saved in saved_searches(catalogue)]
    if as_json:
        print_json(
            [
                {
                    "id": saved.search_id,
                    "name": saved.name,
                    "query": saved.query,
                    "options": saved.options,
                    "last_run_at": saved.last_run_at and saved.last_run_at.isoformat(),
                    "found": count,
                }
                for saved, count in rows
            ]
        )
        return
    table = Table("id", "name", "found", "query", box=None)
    for saved, count in rows:
        table.add_row(str(saved.search_id), printable(saved.name), str(count), printable(saved.query))
    console().print(table if rows else "No search is saved. Save one with: reelseek saved add NAME QUERY")


@app.command()
def show(
    context: typer.Context,
    search: Key,
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="How many moments.")] = 20,
    as_json: Json = False,
) -> None:
    """Show what a saved search has found, the newest first."""
    from library.catalogue import open_catalogue
    from library.searches import find_search, saved_hits

    with open_catalogue(settings_of(context)) as catalogue:
        saved = find_search(catalogue, search)
        hits = saved_hits(catalogue, saved.search_id, k)
    if as_json:
        print_json(
            [
                {
                    "video_id": hit.video_id,
                    "title": hit.title,
                    "start": hit.start,
                    "end": hit.end,
                    "confidence": round(hit.confidence, 4),
                    "text": hit.text,
                    "found_at": hit.found_at.isoformat(),
                }
                for hit in hits
            ]
        )
        return
    out = console()
    for hit in hits:
        text = Text(f"{hit.found_at:%Y-%m-%d %H:%M}  ", style="dim")
        text.append(f"{format_time(hit.start)}–{format_time(hit.end)}", style="bold cyan")
        text.append(f"  {printable(hit.title)}", style="bold")
        text.append(f"  {round(hit.confidence * 100)} %", style="green")
        text.append(f"\n    {printable(hit.text)}", style="dim")
        out.print(text)
    if not hits:
        out.print("Nothing yet.")


@app.command()
def run(context: typer.Context, search: Annotated[str | None, typer.Argument(help="Its id or name.")] = None) -> None:
    """Run one saved search, or all, on what is new; `reelseek serve` does it after each video."""
    from library.searches import find_search
    from workers.saved import run_saved_searches
    from workers.workspace import Workspace

    with Workspace.open(settings_of(context)) as workspace:
        chosen = None if search is None else [find_search(workspace.catalogue, search)]
        found = run_saved_searches(workspace, chosen)
    for name, count in found.items():
        console().print(f"{printable(name)}: {count} new", markup=False)
    if not found:
        console().print("No video is new since they were last run.")


@app.command()
def remove(context: typer.Context, search: Key) -> None:
    """Forget a saved search and what it found."""
    from library.catalogue import open_catalogue
    from library.searches import delete_search, find_search

    with open_catalogue(settings_of(context)) as catalogue:
        saved = find_search(catalogue, search)
        delete_search(catalogue, saved.search_id)
    console().print(f"{printable(saved.name)} is no longer run.", markup=False)
