"""Which queries find their place with pictures dropped, and which where models see every sampled picture."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.evaluation.corpus import rows
from bench.evaluation.demo import demo_queries
from bench.evaluation.judged import ABSENT, STRICT_IOU, Judged, ask_judged
from bench.evaluation.labelled import read_labelled
from bench.truth import demo_folder
from bench.videos import SHARED
from library.catalogue import Catalogue
from query.service import open_service
from reelseek.settings import load_settings
from workers.indexing import index_paths
from workers.workspace import Workspace

WITHOUT_WEIGHTS = frozenset({"ocr", "subtitle", "filename", "speech"})
"""Kinds of labelled queries that need no model of pictures."""
READ_ALONE = dict.fromkeys(("visual", "objects", "speech", "speakers", "sounds", "vlm"), "off")
FIRST = 3
"""A query is found where a right moment is among so many."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A query and the ranks of its first right moment: with pictures dropped, and with every one."""

    kind: str
    query: str
    dropped: int | None
    every: int | None


@dataclass(frozen=True, slots=True)
class Compared:
    """One library, indexed twice."""

    name: str
    pairs: list[Pair]


def clips(folder: Path, shared: Path = SHARED) -> Compared:
    """The labelled queries of the real clips that need no weights, over the clips that they name."""
    wanted = folder / "queries.jsonl"
    labelled = [row for _, row in rows(shared / "video_queries.jsonl") if row["modality"] in WITHOUT_WEIGHTS]
    wanted.write_text("".join(json.dumps(row) + "\n" for row in labelled), encoding="utf-8")
    named = sorted({name for row in labelled for name in (row["file"], *row["also_ok"])})
    paths = [shared / name for name in named]
    return _compared(
        "clips", folder, paths, READ_ALONE, lambda catalogue: read_labelled(wanted, catalogue.videos()).queries, None
    )


def demo(folder: Path) -> Compared:
    """All queries of the demo's truth, with the demo's models."""

    def queries(catalogue: Catalogue) -> list[Judged]:
        return [judged for judged in demo_queries(catalogue) if judged.kind != ABSENT]

    return _compared("demo", folder, [demo_folder()], {"demo_models": True}, queries, STRICT_IOU)


def _compared(
    name: str,
    folder: Path,
    paths: Sequence[Path],
    engines: dict[str, Any],
    queries: Callable[[Catalogue], list[Judged]],
    iou: float | None,
) -> Compared:
    ranks: list[list[int | None]] = []
    asked: list[Judged] = []
    for keyframes in ("auto", "all"):
        data = folder / f"{name}-{keyframes}"
        settings = load_settings({"data": data, "engines": engines, "ingest": {"keyframes": keyframes}})
        with Workspace.open(settings) as workspace:
            failed = [report for report in index_paths(workspace, paths) if report.state == "failed"]
        assert not failed, failed
        with open_service(settings) as service:
            service.warm()
            asked = queries(service.catalogue)
            ranks.append([outcome.rank for outcome in ask_judged(service, asked, iou=iou)])
    pairs = [Pair(item.kind, item.query, *both) for item, *both in zip(asked, *ranks, strict=True)]
    return Compared(name, pairs)


def found(rank: int | None) -> bool:
    """Whether a right moment is among the first."""
    return rank is not None and rank <= FIRST


def figures_of(compared: Compared) -> dict[str, Any]:
    """How many queries are found with pictures dropped and with every one, by kind; which are lost, which won by it."""
    kinds = {}
    for kind in sorted({pair.kind for pair in compared.pairs}):
        pairs = [pair for pair in compared.pairs if pair.kind == kind]
        kinds[kind] = {
            "n": len(pairs),
            "dropped": sum(found(pair.dropped) for pair in pairs),
            "every": sum(found(pair.every) for pair in pairs),
        }
    pairs = compared.pairs
    return {
        "library": compared.name,
        "kinds": kinds,
        "lost": [pair.query for pair in pairs if found(pair.every) and not found(pair.dropped)],
        "won": [pair.query for pair in pairs if found(pair.dropped) and not found(pair.every)],
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures of one library."""
    console = Console()
    table = Table("queries", "n", "with pictures dropped", "with every picture", title=figures["library"])
    for kind, row in figures["kinds"].items():
        table.add_row(kind, *(str(row[name]) for name in ("n", "dropped", "every")))
    console.print(table)
    lost, won = figures["lost"] or "none", figures["won"] or "none"
    console.print(f"found among the first {FIRST}; lost by dropping: {lost}; won: {won}", markup=False)


def main() -> None:
    """Run and print; `--json FILE` keeps the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.every_picture", description=__doc__)
    parser.add_argument("library", nargs="?", choices=("clips", "demo"), help="one of the two (default: both)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep both indexes here (default: a temporary folder)")
    wanted = parser.parse_args()
    kept = []
    with tempfile.TemporaryDirectory(prefix="reelseek-bench-") as scratch:
        folder = wanted.data or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for name, compare in (("clips", clips), ("demo", demo)):
            if wanted.library not in (None, name):
                continue
            if name == "clips" and not SHARED.is_dir():
                print("The real clips (../shared/data) are not on this machine: only the demo is asked.")
                continue
            kept.append(figures_of(compare(folder)))
            show(kept[-1])
    if wanted.json:
        wanted.json.write_text(json.dumps(kept, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
