"""`reelseek keys`: API keys, which any bind address but loopback needs."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from cli.context import settings_of
from cli.output import console, print_json, printable

app = typer.Typer(help="API keys: create, list, revoke.", no_args_is_help=True)


@app.command()
def create(context: typer.Context, name: Annotated[str, typer.Argument(help="What the key is for.")]) -> None:
    """Make a key and show it, this once."""
    from library import keys
    from library.catalogue import open_catalogue

    with open_catalogue(settings_of(context)) as catalogue:
        typer.echo(keys.create_key(catalogue, name))


@app.command("list")
def list_keys(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False
) -> None:
    """List the keys by name and first characters; the keys themselves are not kept."""
    from library import keys
    from library.catalogue import open_catalogue

    with open_catalogue(settings_of(context)) as catalogue:
        rows = keys.list_keys(catalogue)
    if as_json:
        print_json([{"id": row.key_id, "name": row.name, "prefix": row.prefix} for row in rows])
        return
    table = Table("id", "name", "starts with", box=None)
    for row in rows:
        table.add_row(str(row.key_id), printable(row.name), row.prefix)
    console().print(table if rows else "No API key exists. Only this machine can reach Reelseek.")


@app.command()
def revoke(context: typer.Context, key_id: Annotated[int, typer.Argument(help="The id that `list` shows.")]) -> None:
    """Revoke a key; it stops working at once."""
    from library import keys
    from library.catalogue import open_catalogue

    with open_catalogue(settings_of(context)) as catalogue:
        revoked = keys.revoke_key(catalogue, key_id)
    console().print(f"Revoked {printable(revoked.name)}.", markup=False)
