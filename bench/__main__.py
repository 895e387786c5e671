"""`python -m bench`: the retrieval evaluation on the demo library, then speed as ratios."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.evaluation.demo import evaluate_demo
from bench.ratios import decoding, sentence_vectors
from reelseek.settings import load_settings


def main() -> None:
    """Run and print; `--json FILE` keeps the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="keep the indexed demo here (default: a temporary folder)"
    )
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reelseek-bench-") as scratch:
        settings = load_settings({"data": wanted.data or Path(scratch), "engines": {"demo_models": True}})
        retrieval = evaluate_demo(settings)
        ratios = [decoding(settings), sentence_vectors(settings)]
    figures: dict[str, Any] = {
        "retrieval": retrieval,
        "ratios": [
            {"name": item.name, "ours_s": item.ours, "yardstick_s": item.yardstick, "ratio": item.value}
            for item in ratios
        ],
    }
    show(figures)
    if wanted.json:
        wanted.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


def show(figures: dict[str, Any]) -> None:
    """Print the figures as tables."""
    console = Console()
    table = Table("queries of the demo", "n", "R@1, IoU 0.5", "R@5, IoU 0.5", title="Retrieval")
    for kind, row in figures["retrieval"]["kinds"].items():
        table.add_row(kind, str(row["n"]), f"{row['R@1']:.3f}", f"{row['R@5']:.3f}")
    console.print(table)
    absent = figures["retrieval"]["absent"]
    console.print(f"of {absent['n']} queries that nothing answers, {absent['answered']:.0%} got an answer")
    for miss in figures["retrieval"]["missed"]:
        console.print(
            f"not first: {miss['kind']} {miss['query']!r}: rank {miss['rank']}, first is {miss['first']}", markup=False
        )
    took = figures["retrieval"]["latency_ms"]["all"]
    console.print(f"one search: p50 {took['p50']:.0f} ms, p95 {took['p95']:.0f} ms")
    table = Table("CPU time", "ours (s)", "yardstick (s)", "ratio", title="Ratios")
    for row in figures["ratios"]:
        table.add_row(row["name"], f"{row['ours_s']:.2f}", f"{row['yardstick_s']:.2f}", f"{row['ratio']:.2f}")
    console.print(table)


if __name__ == "__main__":
    main()
