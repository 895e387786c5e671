"""`reelseek eval --library` and its history: queries mined out of one's own library, run by run."""

from __future__ import annotations

from dataclasses import asdict

from cli.evaluation_output import Kept, shown_progress
from cli.evaluation_tables import show_ablation, show_compared, show_history, show_judged, show_missed
from reelseek.settings import Settings


def run_library(
    settings: Settings, kept: Kept, *, per_kind: int, seed: int, note: str, other: tuple[Settings, str] | None
) -> None:
    """Ask queries mined out of the library, keep the run, compare it with the one before or another setting."""
    from bench.evaluation.history import add_run, compared, read_history
    from bench.evaluation.own_library import library_queries, run_library
    from query.service import open_service

    runs = read_history(settings.data)
    number = runs[-1].number + 1 if runs else 1
    with shown_progress() as told:
        with open_service(settings) as service:
            queries = library_queries(service, per_kind, seed)
            run = run_library(service, queries, number=number, note=note, told=told)
        if other is not None:
            with open_service(other[0]) as service:
                second = run_library(service, queries, number=number + 1, note=other[1], told=told)
    add_run(settings.data, run)
    show_judged(run.figures)
    show_missed(run.figures["missed"])
    cutoff = settings.query.cutoff
    if other is not None:
        add_run(settings.data, second)
        show_judged(second.figures)
        show_compared(compared(run, second, cutoff), ("these settings", other[1]))
    elif runs:
        show_compared(compared(runs[-1], run, cutoff), (f"run {runs[-1].number}", f"run {run.number}"))
    kept.keep(asdict(run) if other is None else {"first": asdict(run), "second": asdict(second)})


def run_library_ablation(settings: Settings, kept: Kept, per_kind: int, seed: int) -> None:
    """The ablation table over mined queries."""
    from bench.evaluation.ablation import ablate_judged
    from bench.evaluation.own_library import library_queries
    from query.service import open_service

    with shown_progress() as told, open_service(settings) as service:
        figures = ablate_judged(service, library_queries(service, per_kind, seed), told=told)
    show_ablation(figures)
    kept.keep(figures)


def run_history(settings: Settings, kept: Kept, compare: tuple[str, str] | None) -> None:
    """List the runs that were kept, or compare two of them."""
    from bench.evaluation.history import compared, find_run, read_history

    runs = read_history(settings.data)
    if compare is None:
        show_history(runs)
        kept.keep({"runs": [asdict(run) for run in runs]})
        return
    first, second = (find_run(runs, name) for name in compare)
    found = compared(first, second, settings.query.cutoff)
    show_compared(found, (f"run {first.number}", f"run {second.number}"))
    kept.keep(asdict(found))
