"""Figures of `reelseek eval` as tables for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from cli.output import console, printable
from reelseek.records import JsonObject

if TYPE_CHECKING:
    from bench.evaluation.history import Compared, Kept

SHOWN_CHANGES = 10
"""Gains and losses that are told one by one, each."""


def show_benchmark(figures: JsonObject) -> None:
    """The means of a benchmark, their intervals, and what a search costs."""
    where = "in its own video" if figures["within_video"] else f"in {figures['videos']} videos"
    named = " ".join(filter(None, (figures["bench"], figures["split"], figures["type"])))
    out = console()
    out.print(f"{printable(named)}: {figures['n']} queries, each searched {where}", markup=False)
    names = [name for name, value in figures.items() if isinstance(value, float)]
    table = Table(*names)
    table.add_row(*(f"{figures[name]:.4f}" for name in names))
    out.print(table)
    for name, (low, high) in figures["interval"].items():
        out.print(f"{name}: 95 % interval {low:.4f} to {high:.4f}")
    show_costs(figures["latency_ms"])


def show_costs(latencies: JsonObject) -> None:
    """Median and 95th percentile of each stage of a search."""
    table = Table("one search (ms)", "p50", "p95")
    for stage, cost in latencies.items():
        table.add_row(stage, f"{cost['p50']:.1f}", f"{cost['p95']:.1f}")
    console().print(table)


def show_ablation(figures: JsonObject) -> None:
    """A row for each variant."""
    names = list(dict.fromkeys(name for row in figures.values() for name in row))
    table = Table("", *names)
    for variant, row in figures.items():
        cells = (row.get(name) for name in names)
        table.add_row(
            variant,
            *("" if cell is None else f"{cell:.4f}" if isinstance(cell, float) else str(cell) for cell in cells),
        )
    console().print(table)


def show_judged(figures: JsonObject) -> None:
    """Queries with known places, by kind; those that nothing answers; what a search costs."""
    out = console()
    table = Table("queries", "n", "R@1", "R@5", "R@10", "MRR@10", "vR@1", "vR@3", "kept at the cut-off")
    for kind, row in (*figures["kinds"].items(), ("all", figures["all"])):
        table.add_row(
            kind,
            str(row["n"]),
            *(f"{row[name]:.3f}" for name in ("R@1", "R@5", "R@10", "MRR@10", "vR@1", "vR@3", "kept")),
        )
    out.print(table)
    absent, risk = figures["absent"], figures["risk"]
    if absent["n"]:
        out.print(f"{absent['n']} queries that nothing answers: {absent['answered']:.1%} got an answer")
    out.print(f"area under the risk-coverage curve: {risk['area']:.4f} (the best order has {risk['least']:.4f})")
    show_costs(figures["latency_ms"])


def show_missed(rows: list[JsonObject], most: int = SHOWN_CHANGES) -> None:
    """Queries whose first moment is not right."""
    for row in rows[:most]:
        rank = f"rank {row['rank']}" if row["rank"] else "not found"
        console().print(
            f"not first: {row['kind']} {printable(row['query'])!r}: {rank}; first is {printable(row['first'])}",
            markup=False,
        )
    if len(rows) > most:
        console().print(f"and {len(rows) - most} more")


def show_history(runs: list[Kept]) -> None:
    """A line for each run."""
    table = Table("run", "date (UTC)", "videos", "queries", "R@1", "R@10", "absent answered", "note")
    for run in runs:
        every, absent = run.figures["all"], run.figures["absent"]
        table.add_row(
            str(run.number), run.date[:16].replace("T", " "), str(run.index["videos"]), str(every["n"]),
            f"{every['R@1']:.3f}", f"{every['R@10']:.3f}", f"{absent['answered']:.1%}", printable(run.note),
        )  # fmt: skip
    console().print(table)


def show_compared(found: Compared, names: tuple[str, str]) -> None:
    """What changed between two runs, whether it is more than chance, and for which queries."""
    out = console()
    for name, before, after in found.changed:
        out.print(f"{name}: {printable(before)} → {printable(after)}", markup=False)
    table = Table(f"{names[0]} → {names[1]}", "change", "95 % interval", "p", "gained", "lost")
    for kind, change in found.kinds.items():
        sure = f"{change.low:+.3f} to {change.high:+.3f}"
        table.add_row(kind, f"{change.mean:+.3f}", sure, f"{change.p:.3f}", str(change.gained), str(change.lost))
    out.print(table)
    out.print(
        f"{found.shared} queries are in both; the change is that of 1 / rank (of absent ones, of staying unanswered)"
    )
    for title, rows in (("gained", found.gains), ("lost", found.losses)):
        for kind, query, old, new in rows[:SHOWN_CHANGES]:
            places = " → ".join(str(rank) if rank else "none" for rank in (old, new))
            out.print(f"{title}: {kind} {printable(query)!r}: rank {places}", markup=False)


def show_questions(figures: JsonObject) -> None:
    """How many questions were answered rightly, beside what chance gives: over all of them, and by group."""
    out = console()
    out.print(
        f"{figures['form']}: {figures['asked']} of {figures['questions']} questions asked "
        f"({figures['without_video']} without a video here), {figures['answered']} answered: "
        f"{figures['by_model']} by the model, {figures['by_words']} by words alone"
    )
    if not figures["all"]["n"]:
        out.print("No right answer is known of what was asked: nothing is scored.")
        return
    table = Table("", "n", "accuracy", "95 % interval", "chance")
    rows = [(f"{kind}: {name}", row) for kind, named in figures["groups"].items() for name, row in named.items()]
    for name, row in (("all", figures["all"]), *rows):
        low, high = row["interval"]
        sure = f"{low:.3f} to {high:.3f}"
        table.add_row(printable(name), str(row["n"]), f"{row['accuracy']:.3f}", sure, f"{row['floor']:.3f}")
    out.print(table)
    if (cited := figures["cited"])["n"]:
        low, high = cited["interval"]
        out.print(
            f"first citation at the known place: {cited['share']:.3f} of {cited['n']} (95 % {low:.3f} to {high:.3f})"
        )
    if figures["seconds"]:
        out.print(f"one question: p50 {figures['seconds']['p50']:.1f} s, p95 {figures['seconds']['p95']:.1f} s")
    for note, count in figures["notes"].items():
        out.print(f"{count} × {printable(note)}", markup=False)


def show_format(figures: JsonObject, name: str) -> None:
    """The figures of another benchmark's scorer, group by group."""
    out = console()
    for group, row in figures.items():
        flat = _flat(row) if isinstance(row, dict) else {"": row}
        if flat:
            table = Table(f"{name}: {group}", "%")
            for key, value in flat.items():
                table.add_row(key, f"{value:.2f}")
            out.print(table)


def _flat(row: JsonObject, before: str = "") -> dict[str, float]:
    found: dict[str, float] = {}
    for key, value in row.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{before}{key} ")
        else:
            found[f"{before}{key}"] = value
    return found
