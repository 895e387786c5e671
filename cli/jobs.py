"""`reelseek jobs`: what workers do, what waits for them, and what could not be done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.context import settings_of
from cli.output import console, print_json, printable
from cli.searching import Json
from reelseek.records import JsonObject
from reelseek.urls import masked

if TYPE_CHECKING:
    from library.catalogue import Catalogue
    from library.records import Job


def jobs(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are done or were cancelled.")] = False,
    kind: Annotated[str, typer.Option(help="Only of this kind: index, caption, notes, …")] = "",
    limit: Annotated[int, typer.Option(help="How many of each state.", min=1, max=10_000)] = 50,
    as_json: Json = False,
) -> None:
    """List the jobs that run or wait, and those that failed, with the reason. `reelseek serve` does them."""
    from library.catalogue import open_catalogue
    from library.ledger import Ledger
    from library.records import JobState

    shown = [JobState.RUNNING, JobState.QUEUED, JobState.FAILED, JobState.QUARANTINED]
    if everything:
        shown += [JobState.DONE, JobState.CANCELLED]
    with open_catalogue(settings_of(context)) as catalogue:
        ledger = Ledger(catalogue)
        found = [job for state in shown for job in ledger.jobs(state, limit, kind=kind or None)]
        rows = [_payload(job, catalogue) for job in found]
    if as_json:
        print_json({"jobs": rows})
        return
    table = Table("id", "kind", "state", "of", "", box=None)
    for row in rows:
        told = row["error"] or (f"{row['stage']} {row['fraction']:.0%}" if row["state"] == "running" else "")
        table.add_row(str(row["job_id"]), row["kind"], row["state"], printable(row["what"]), printable(told))
    console().print(table if rows else "Nothing runs, waits or has failed.")


def _payload(job: Job, catalogue: Catalogue) -> JsonObject:
    return {
        "job_id": job.job_id,
        "kind": job.kind,
        "state": job.state.value,
        "what": _what(job, catalogue),
        "video_id": str(job.payload.get("video_id", "")),
        "stage": job.stage,
        "fraction": round(job.fraction, 3),
        "attempt": job.attempt,
        "error": job.error,
        "created_at": job.created_at.isoformat(),
        "finished_at": job.finished_at and job.finished_at.isoformat(),
    }


def _what(job: Job, catalogue: Catalogue) -> str:
    """The file, address or video that a job is of; empty where it is of none."""
    if path := job.payload.get("path"):
        return Path(str(path)).name
    if url := job.payload.get("url"):
        return masked(str(url))
    if video_id := job.payload.get("video_id"):
        entry = catalogue.find_video(str(video_id))
        return entry.title if entry is not None else "a video that was removed"
    return ""
