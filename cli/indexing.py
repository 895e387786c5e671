"""`reelseek index`: index files and folders here and now, with progress bars and one line a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from cli.context import settings_of
from cli.output import error_console, print_json, printable
from reelseek.errors import InvalidRequest
from reelseek.settings import Settings

if TYPE_CHECKING:
    from workers.indexing import FileReport, IndexEvent

SOME_FAILED = 3
"""Exit code when some files could not be indexed."""


def index(
    context: typer.Context,
    paths: Annotated[list[Path] | None, typer.Argument(help="Files and folders.", show_default=False)] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make the index anew from what was extracted before; no model runs.")
    ] = False,
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs", min=1, max=64, help="Processes at a time, each with its own models; long videos are shared out."
        ),
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Index files and folders now. What is done already is not done again.

    Exits with 0 when every file is indexed, with 3 when some could not be; the others are indexed all the same.
    """
    settings = settings_of(context)
    if rebuild == bool(paths):
        raise InvalidRequest("Name files or folders to index, or give --rebuild alone.")
    if rebuild:
        _rebuild(settings, as_json)
        return
    reports = index_with_progress(settings, paths or [], quiet=as_json, jobs=jobs)
    if as_json:
        print_json({"files": [report_payload(report) for report in reports], "summary": _counts(reports)})
    if any(report.state == "failed" for report in reports):
        raise typer.Exit(SOME_FAILED)


def index_with_progress(
    settings: Settings, paths: list[Path], *, quiet: bool = False, jobs: int = 1
) -> list[FileReport]:
    """Index with progress bars on standard error, a line per file as it ends, and a summary."""
    from workers.captioning import caption_videos
    from workers.indexing import Workspace, index_paths
    from workers.parallel import index_in_parallel

    console = error_console()
    with shown_bars(quiet) as shown, Workspace.open(settings) as workspace:
        reports = index_in_parallel(workspace, paths, jobs, shown) if jobs > 1 else index_paths(workspace, paths, shown)
        captioned, problem = caption_videos(workspace, (report.video_id for report in reports), shown.captions)
    if not quiet:
        if captioned:
            console.print(f"{captioned} captioned")
        if problem:
            console.print(f"Captions are not complete; the next run goes on with them. {printable(problem)}")
        if not reports:
            console.print("No videos there.")
        else:
            console.print(", ".join(f"{count} {state}" for state, count in _counts(reports).items() if count))
            if all(report.state == "unchanged" for report in reports) and not captioned:
                console.print("Nothing had to be done: no file was read, no model ran.")
    return reports


@contextmanager
def shown_bars(quiet: bool) -> Iterator[Bars]:
    """Progress bars on standard error while this lasts; none where it is no terminal."""
    console = error_console()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[stage]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bars:
        yield Bars(bars, quiet)


class Bars:
    """Turns events into a bar for each file at hand, one for all files, and a line for each that is finished."""

    def __init__(self, progress: Progress, quiet: bool) -> None:
        self.progress = progress
        self.quiet = quiet
        self.overall: TaskID | None = None
        self.current: dict[int, TaskID] = {}
        self.finished = 0

    def __call__(self, event: IndexEvent) -> None:
        if event.kind == "found":
            if self.overall is None:
                self.overall = self.progress.add_task("all files", total=event.total, stage="")
        elif event.kind == "started":
            name = printable(event.path.name)
            self.current[event.number] = self.progress.add_task(f"  {name[:40]}", total=1.0, stage="")
        elif event.kind == "progress" and event.number in self.current:
            self.progress.update(self.current[event.number], completed=event.fraction, stage=event.stage)
        elif event.kind == "finished" and event.report is not None:
            self.finished += 1
            if event.number in self.current:
                self.progress.remove_task(self.current.pop(event.number))
            if self.overall is not None:
                self.progress.update(self.overall, completed=self.finished)
            if not self.quiet:
                self.progress.console.print(_line(event.report), soft_wrap=True)

    def captions(self, stage: str, fraction: float) -> None:
        """Show a bar of its own for the captions of the video at hand."""
        if _CAPTIONS not in self.current:
            self.current[_CAPTIONS] = self.progress.add_task("  captions", total=1.0, stage=stage)
        self.progress.update(self.current[_CAPTIONS], completed=fraction)


_CAPTIONS = 0
"""The number of the bar for captions; files count from 1."""
_COLOURS = {"indexed": "green", "renamed": "green", "unchanged": "dim", "failed": "red"}


def _line(report: FileReport) -> Text:
    text = Text()
    text.append(f"{report.state:>9}", style=_COLOURS[report.state])
    text.append(f"  {printable(str(report.path))}")
    if report.reason:
        text.append(f"\n           {printable(report.reason)}", style="red")
    elif report.state == "indexed":
        reused = sum(run.state == "reused" for run in report.stages)
        detail = f"  {report.seconds:.1f} s"
        detail += f", {reused} stages reused" if reused else ""
        off: dict[str, list[str]] = {}
        for run in report.stages:
            if run.state == "off":
                off.setdefault(run.detail or "off", []).append(run.name)
        detail += "".join(f"; {reason}: without {', '.join(names)}" for reason, names in off.items())
        text.append(detail, style="dim")
        notes = [note for run in report.stages if run.state == "done" for note in run.detail.split("; ")[1:]]
        if notes:
            text.append(f"\n           {printable('; '.join(notes))}", style="yellow")
    return text


def _counts(reports: list[FileReport]) -> dict[str, int]:
    return {state: sum(report.state == state for report in reports) for state in _COLOURS}


def report_payload(report: FileReport) -> dict[str, Any]:
    """What became of a file, as JSON."""
    return {
        "path": str(report.path),
        "video_id": report.video_id,
        "state": report.state,
        "reason": report.reason,
        "seconds": round(report.seconds, 3),
        "stages": [
            {"name": run.name, "state": run.state, "seconds": round(run.seconds, 3), "detail": run.detail}
            for run in report.stages
        ],
    }


def _rebuild(settings: Settings, as_json: bool) -> None:
    from workers.indexing import Workspace
    from workers.upkeep import rebuild_index

    with Workspace.open(settings) as workspace:
        count = rebuild_index(workspace)
    if as_json:
        print_json({"rebuilt": count})
    else:
        error_console().print(f"The index was made anew from what was extracted of {count} videos.")
