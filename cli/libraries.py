"""`reelseek library`: the folders that are watched."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.context import settings_of
from cli.output import console, print_json, printable

app = typer.Typer(help="Watched folders: add, list, remove, scan.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Write JSON.")]


@app.command()
def add(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="The folder with videos.", exists=True, file_okay=False)],
    name: Annotated[str | None, typer.Option(help="Its name.", show_default="the folder's name")] = None,
) -> None:
    """Watch a folder: `reelseek serve` indexes what is new or changed in it."""
    from library.catalogue import open_catalogue

    folder = folder.resolve()
    with open_catalogue(settings_of(context)) as catalogue:
        library = catalogue.add_library(folder, name=name or "")
    console().print(
        f"Watching {printable(library.path)} as {printable(library.name)} ({library.library_id}).", markup=False
    )


@app.command("list")
def list_libraries(context: typer.Context, as_json: Json = False) -> None:
    """List the watched folders."""
    from library.catalogue import open_catalogue

    with open_catalogue(settings_of(context)) as catalogue:
        rows = catalogue.libraries()
    if as_json:
        print_json(
            [{"id": row.library_id, "name": row.name, "path": row.path, "videos": row.video_count} for row in rows]
        )
        return
    table = Table("id", "name", "videos", "folder", box=None)
    for row in rows:
        table.add_row(str(row.library_id), printable(row.name), str(row.video_count), printable(row.path))
    console().print(table if rows else "No folder is watched. Add one with: reelseek library add FOLDER")


@app.command()
def remove(context: typer.Context, library: Annotated[str, typer.Argument(help="Its id or name.")]) -> None:
    """Stop watching a folder. Nothing in it is touched, and what is indexed stays searchable."""
    from library.catalogue import open_catalogue

    with open_catalogue(settings_of(context)) as catalogue:
        removed = catalogue.remove_library(library)
    console().print(f"No longer watching {printable(removed.path)}.", markup=False)


@app.command()
def scan(context: typer.Context, as_json: Json = False) -> None:
    """Look for new, changed and removed files now, and queue the work; `reelseek serve` does it."""
    from library.catalogue import open_catalogue
    from workers.scan import scan_libraries

    settings = settings_of(context)
    with open_catalogue(settings) as catalogue:
        report = scan_libraries(catalogue, settings)
    if as_json:
        print_json(report.payload())
        return
    console().print(report.sentence(), markup=False)
