"""`reelseek backup`: a copy of what cannot be made anew."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.context import settings_of
from cli.output import console, error_console, print_json, printable
from cli.upkeep import amount


class Part(StrEnum):
    """What can be left out."""

    ARTEFACTS = "artefacts"
    UPLOADS = "uploads"
    LIVE = "live"


def backup(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where to; the same folder again takes only what is new.")],
    skip: Annotated[list[Part] | None, typer.Option(help="Leave this out; repeatable.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Copy the catalogue, the settings, what was extracted, uploads and recordings, while `reelseek serve` runs.

    To restore, put the folder where the data folder was and run `reelseek index --rebuild`: no model runs for it.
    """
    from workers.backup import back_up

    done = back_up(settings_of(context), folder, skip or ())
    if as_json:
        print_json({"files": done.files, "bytes": done.bytes, "unchanged": done.unchanged, "notes": done.notes})
        return
    for note in done.notes:
        error_console().print(f"Note: {printable(note)}", style="yellow", markup=False)
    copied = f"{done.files} files ({amount(done.bytes)}) were copied to {printable(str(folder))}"
    console().print(f"{copied}, {done.unchanged} lay there already.", markup=False, soft_wrap=True)
