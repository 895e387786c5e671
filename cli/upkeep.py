"""`reelseek reindex`, `gc` and `storage`: keeping videos up to date, and what they take within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from cli.context import settings_of
from cli.indexing import SOME_FAILED, report_payload, shown_bars
from cli.output import console, error_console, print_json, printable
from reelseek.errors import NotFound
from reelseek.timecode import format_time

if TYPE_CHECKING:
    from library.records import VideoEntry
    from workers.staleness import VideoChange
    from workers.storage import StorageUse
    from workers.workspace import Workspace

Json = Annotated[bool, typer.Option("--json", help="Write JSON.")]
_SHOWN_VIDEOS = 20


def reindex(
    context: typer.Context,
    stage: Annotated[
        str | None, typer.Option(help="Only videos in which this stage is stale: frames, speech, screen_text, …")
    ] = None,
    library: Annotated[str | None, typer.Option(help="Only this library, by id or name.")] = None,
    video: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only this video; repeatable.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Do the stage (or all) again though nothing changed, and what builds on it.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, why, and what it costs; do nothing.")
    ] = False,
    queue: Annotated[bool, typer.Option("--queue", help="Leave the work to `reelseek serve`.")] = False,
    as_json: Json = False,
) -> None:
    """Bring videos up to date after an engine or a setting changed. Only stages that are stale run.

    What was extracted before is used; a file that is gone is needed only for what must be decoded. The old index is
    searched until the new rows of a video are complete. Exits with 3 when some videos could not be done.
    """
    from ingest.storage import STAGES
    from workers.reindexing import queue_videos
    from workers.staleness import stale_videos
    from workers.workspace import Workspace

    settings = settings_of(context)
    with Workspace.open(settings) as workspace:
        entries = _entries(workspace, library, video)
        changes = list(stale_videos(workspace, entries, stage=stage, force=force))
        if dry_run:
            _show_changes(changes, as_json)
            return
        due = [change for change in changes if change.due]
        if queue:
            again = ([stage] if stage else STAGES) if force else ()
            jobs = queue_videos(workspace, [change.video.video_id for change in reversed(due)], again)
            if as_json:
                print_json({"jobs": [job.job_id for job in jobs]})
            else:
                console().print(f"{len(jobs)} videos are queued; `reelseek serve` does them.")
            return
        _reindex_here(workspace, due, as_json)


def _entries(workspace: Workspace, library: str | None, video: list[str] | None) -> list[VideoEntry]:
    number = workspace.catalogue.library(library).library_id if library is not None else None
    entries = workspace.catalogue.videos(library=number, ids=video or None)
    if missing := set(video or ()) - {entry.video_id for entry in entries}:
        raise NotFound(f"There is no video {min(missing)}.", hint="`reelseek videos` lists them.")
    return entries


def _reindex_here(workspace: Workspace, changes: list[VideoChange], as_json: bool) -> None:
    from workers.reindexing import reindex_videos

    with shown_bars(as_json) as bars:
        reports = reindex_videos(workspace, changes, bars)
    if as_json:
        print_json({"videos": [report_payload(report) for report in reports]})
    elif not reports:
        console().print("Nothing is stale.")
    if any(report.state == "failed" for report in reports):
        raise typer.Exit(SOME_FAILED)


def _show_changes(changes: list[VideoChange], as_json: bool) -> None:
    costs = [step.seconds for change in changes for step in change.runs]
    known = sum(cost for cost in costs if cost is not None)
    if as_json:
        total = None if None in costs else round(known, 2)
        print_json({"videos": [_change_payload(change) for change in changes], "seconds": total})
        return
    out = console()
    for change in changes:
        out.print(_change_text(change))
    if not changes:
        out.print("Nothing is stale.")
        return
    due = sum(change.due for change in changes)
    length = sum(change.video.duration for change in changes if change.due)
    cost = f"about {known:.1f} s of work" + (", and what is unknown" if None in costs else "")
    videos = "1 video" if due == 1 else f"{due} videos"
    out.print(f"{videos} would be done ({format_time(length)} of video): {cost}. Nothing was done.")


def _change_payload(change: VideoChange) -> dict[str, Any]:
    return {
        "video_id": change.video.video_id,
        "title": change.video.title,
        "offline": change.offline,
        "due": change.due,
        "seconds": _rounded(change.seconds),
        "stages": [
            {
                "name": step.stage,
                "action": step.action,
                "reason": step.reason,
                "seconds": _rounded(step.seconds),
            }
            for step in change.steps
        ],
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)


def _cost(seconds: float | None) -> str:
    return "unknown" if seconds is None else f"{seconds:.1f} s"


_MARKS = {"run": ("run", "green"), "off": ("turn off", "yellow"), "blocked": ("cannot", "red")}


def _change_text(change: VideoChange) -> Text:
    text = Text(f"{change.video.video_id}  ")
    text.append(printable(change.video.title), style="bold")
    text.append("  offline" if change.offline else "", style="yellow")
    reused = [step.stage for step in change.steps if step.action == "reuse"]
    for step in change.steps:
        if step.action == "reuse":
            continue
        mark, style = _MARKS[step.action]
        text.append(f"\n    {mark:<8} ", style=style)
        text.append(f"{step.stage:<13} {printable(step.reason)}")
        if step.action == "run":
            text.append(f"  ({_cost(step.seconds)})", style="dim")
    if not change.runs and change.due:
        text.append("\n    its rows are written again")
    text.append(f"\n    reuse    {', '.join(reused)}", style="dim")
    return text


def gc(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be reclaimed; reclaim nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Reclaim space: replaced results, leftovers, what belongs to no video, old versions of the index.

    `storage.keep_replaced_days`, `storage.max_gb` and `storage.keep_looks_days` are the rule. What is live, and a video
    that is being indexed, are never touched. `reelseek serve` does the same once a day.
    """
    from workers.collecting import collect_garbage
    from workers.workspace import Workspace

    with Workspace.open(settings_of(context)) as workspace:
        found = collect_garbage(workspace, dry_run=dry_run)
        titles = {video_id: workspace.catalogue.find_video(video_id) for video_id in found.videos}
    if as_json:
        print_json(found.payload() | {"dry_run": dry_run})
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for kind, size in found.kinds.most_common():
        table.add_row(kind, amount(size))
    for video_id, size in found.videos.most_common(_SHOWN_VIDEOS):
        entry = titles[video_id]
        table.add_row(f"  of {printable(entry.title if entry else video_id)}", amount(size), style="dim")
    out = console()
    out.print(table)
    for note in found.notes:
        error_console().print(f"Note: {printable(note)}", style="yellow", markup=False)
    if found.busy:
        error_console().print(f"{found.busy} videos are being indexed and were left alone.", style="yellow")
    out.print(f"{amount(found.bytes)} {'would be' if dry_run else 'were'} reclaimed.")


def storage(
    context: typer.Context,
    all_videos: Annotated[bool, typer.Option("--all", help="List every video, not only the largest.")] = False,
    as_json: Json = False,
) -> None:
    """Show what takes space: by kind, by video, and per hour of video."""
    from workers.storage import storage_use
    from workers.workspace import Workspace

    settings = settings_of(context)
    with Workspace.open(settings) as workspace:
        use = storage_use(workspace)
    if as_json:
        print_json(_use_payload(use))
        return
    table = Table("kind", "", box=None, pad_edge=False)
    for kind, size in use.kinds.items():
        table.add_row(kind, amount(size), style=None if size else "dim")
    videos = Table("video", "", "per hour", box=None, pad_edge=False)
    for video in use.videos if all_videos else use.videos[:_SHOWN_VIDEOS]:
        rate = video.bytes / (video.duration / 3600) if video.duration else 0
        videos.add_row(printable(video.title), amount(video.bytes), amount(rate))
    out = console()
    out.print(table)
    out.print()
    out.print(videos)
    if not all_videos and len(use.videos) > _SHOWN_VIDEOS:
        out.print(f"… and {len(use.videos) - _SHOWN_VIDEOS} more (--all).")
    bound = f" of {settings.storage.max_gb:g} GB" if settings.storage.max_gb else ""
    hourly = f", {amount(use.bytes_per_hour)} per hour of video" if use.bytes_per_hour is not None else ""
    free = f"; {amount(use.free)} free" if use.free is not None else ""
    out.print(f"\nArtefacts: {amount(use.artefacts)}{bound} for {use.hours:.1f} hours{hourly}{free}.")


def _use_payload(use: StorageUse) -> dict[str, Any]:
    return {
        "kinds": use.kinds,
        "artefact_bytes": use.artefacts,
        "hours": round(use.hours, 4),
        "bytes_per_hour": None if use.bytes_per_hour is None else round(use.bytes_per_hour),
        "free_bytes": use.free,
        "videos": [
            {
                "video_id": video.video_id,
                "title": video.title,
                "duration": video.duration,
                "bytes": video.bytes,
                "kinds": {kind: size for kind, size in video.kinds.items() if size},
            }
            for video in use.videos
        ],
    }


def amount(size: float) -> str:
    """Bytes as a person reads them, in powers of ten."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(size) < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError
