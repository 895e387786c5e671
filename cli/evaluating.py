"""`reelseek eval`: how well search finds what it should, on benchmarks and on this library."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from cli.context import settings_of
from cli.output import console, error_console
from reelseek.durable import replace_file
from reelseek.errors import InvalidRequest
from reelseek.records import JsonObject

Bench = Annotated[
    Path | None,
    typer.Option(help="A benchmark folder with corpus.jsonl and queries.jsonl.", file_okay=False, exists=True),
]
Out = Annotated[Path | None, typer.Option(help="Write what each query found here.", dir_okay=False)]
Cache = Annotated[Path | None, typer.Option(help="Where indexed corpora are kept; else in the data folder.")]
Figures = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures to this file.")]


def evaluate(
    context: typer.Context,
    bench: Bench = None,
    split: Annotated[str, typer.Option(help="Only queries of this split; empty takes all.")] = "",
    query_type: Annotated[str, typer.Option("--type", help="Only queries of this type.")] = "",
    out: Out = None,
    within_video: Annotated[bool, typer.Option("--within-video", help="Search each query in its own video.")] = False,
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="How many moments a query asks for.")] = 10,
    cache: Cache = None,
    as_json: Figures = None,
) -> None:
    """Measure how well search finds what it should."""
    from bench.evaluation.benchmark import Task, run_benchmark
    from bench.evaluation.runs import write_run

    settings = settings_of(context)
    if bench is None:
        raise InvalidRequest("There is nothing to evaluate.", hint="Name a benchmark folder: --bench DIR.")
    task = Task(bench, split, query_type, within_video, k)
    with _progress() as told:
        figures, run = run_benchmark(task, settings, cache or settings.data / "evaluation" / "corpora", told)
    if out:
        write_run(out, run)
    _show(figures)
    _keep(figures, as_json)


def _show(figures: JsonObject) -> None:
    out = console()
    where = "in its own video" if figures["within_video"] else f"in {figures['videos']} videos"
    named = " ".join(filter(None, (figures["bench"], figures["split"], figures["type"])))
    out.print(f"{named}: {figures['n']} queries, each searched {where}", markup=False)
    names = [name for name, value in figures.items() if name != "n" and isinstance(value, float)]
    table = Table(*names)
    table.add_row(*(f"{figures[name]:.4f}" for name in names))
    out.print(table)
    stages = Table("one search (ms)", "p50", "p95")
    for stage, cost in figures["latency_ms"].items():
        stages.add_row(stage, f"{cost['p50']:.1f}", f"{cost['p95']:.1f}")
    out.print(stages)


def _keep(figures: JsonObject, path: Path | None) -> None:
    if path is not None:
        replace_file(path, (json.dumps(figures, indent=2) + "\n").encode())


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on standard error, and what moves it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=error_console(), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def told(doing: str, done: int, total: int) -> None:
            if doing not in tasks:
                tasks[doing] = bars.add_task(doing, total=total)
            bars.update(tasks[doing], completed=done, total=total)

        yield told
