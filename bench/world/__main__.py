"""`python -m bench.world`: make a library of clips of which everything is known, index it, ask it, report."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path
from rich.console import Console
from rich.table import Table

from bench.world.make import OutOfTimeError, make_world, world_settings
from bench.world.measure import ask_absent, ask_present, figures
from bench.world.truth import absent_of, queries_of
from query.service import open_service


def main() -> int:
    """Run and print; 3 when the time that was given has passed and another run is needed."""
    wanted = parser().parse_args()
    data = wanted.data or user_cache_path("reelseek") / "bench-world"
    try:
        shots = make_world(data, wanted.clips, wanted.seed, seconds=wanted.seconds)
    except OutOfTimeError:
        print("The time is over; what is made and indexed is kept. Run it again to go on.", file=sys.stderr)
        return 3
    with open_service(world_settings(data)) as service:
        service.warm()
        present = ask_present(service, queries_of(shots, wanted.seed))
        absent = ask_absent(service, absent_of(shots, wanted.seed))
    measured = {"clips": wanted.clips, "seed": wanted.seed, **figures(present, absent)}
    show(measured)
    if wanted.json:
        wanted.json.write_text(json.dumps(measured, indent=2, ensure_ascii=False), encoding="utf-8")
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m bench.world", description=__doc__)
    made.add_argument("--clips", type=int, default=500, help="how many clips (default: %(default)s)")
    made.add_argument("--seed", type=int, default=1, help="another seed is another world (default: %(default)s)")
    made.add_argument("--data", type=Path, metavar="DIR", help="where clips and index are kept for the next run")
    made.add_argument("--seconds", type=float, help="stop making and indexing after so many seconds")
    made.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    return made


def show(measured: dict[str, Any]) -> None:
    """Print the figures as tables."""
    console = Console()
    table = Table("queries", "n", "R@1, IoU 0.5", "held-out half", "R@5", "kept at the cut-off", title="Present")
    for kind, row in measured["present"].items():
        shares = (row["R@1"], row["R@1 held-out half"], row["R@5"], row["kept"])
        table.add_row(kind, str(row["queries"]), *(f"{share:.3f}" for share in shares))
    console.print(table)
    table = Table("queries", "n", "answered", title="Absent")
    for kind, row in measured["absent"].items():
        table.add_row(kind, str(row["queries"]), f"{row['answered']:.3f}")
    console.print(table)
    console.print(
        f"absent answered {measured['absent_answered']:.3f}; right ones that keep their place {measured['kept']:.3f}"
    )
    took = measured["search_ms"]
    console.print(f"one search: p50 {took['p50']:.0f} ms, p95 {took['p95']:.0f} ms")


if __name__ == "__main__":
    sys.exit(main())
