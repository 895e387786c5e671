"""`reelseek jobs`: what workers do, what waits for them, and what could not be done."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from cli.context import settings_of
from cli.output import console, print_json, printable
from cli.searching import Json


def jobs(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are done or were cancelled.")] = False,
    kind: Annotated[str, typer.Option(help="Only of this kind: index, caption, notes, …")] = "",
    limit: Annotated[int, typer.Option(help="How many of each state.", min=1, max=10_000)] = 50,
    as_json: Json = False,
) -> None:
    """List the jobs that run or wait, and those that failed, with the reason. `reelseek serve` does them."""
    from library.catalogue import open_catalogue
    from library.describing import job_payload
    from library.ledger import Ledger
    from library.records import JobState

    shown = [JobState.RUNNING, JobState.QUEUED, JobState.FAILED, JobState.QUARANTINED]
    if everything:
        shown += [JobState.DONE, JobState.CANCELLED]
    with open_catalogue(settings_of(context)) as catalogue:
        ledger = Ledger(catalogue)
        found = [job for state in shown for job in ledger.jobs(state, limit, kind=kind or None)]
        rows = [job_payload(job, catalogue) for job in found]
    if as_json:
        print_json({"jobs": rows})
        return
    table = Table("id", "kind", "state", "of", "", box=None)
    for row in rows:
        told = row["error"] or (f"{row['stage']} {row['fraction']:.0%}" if row["state"] == "running" else "")
        table.add_row(str(row["job_id"]), row["kind"], row["state"], printable(row["what"]), printable(told))
    console().print(table if rows else "Nothing runs, waits or has failed.")
