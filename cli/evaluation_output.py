"""Where the results of `reelseek eval` go, and how it tells how far it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from cli.output import error_console
from reelseek.durable import replace_file
from reelseek.records import JsonObject

Told = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the results of a call go."""

    out: Path | None
    figures: Path | None

    def keep(self, figures: JsonObject) -> None:
        """Write the figures, where a file is named for them."""
        if self.figures is not None:
            replace_file(self.figures, (json.dumps(figures, indent=2) + "\n").encode())


@contextmanager
def shown_progress() -> Iterator[Told]:
    """A progress bar on standard error, and what moves it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=error_console(), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def told(doing: str, done: int, total: int) -> None:
            if doing not in tasks:
                tasks[doing] = bars.add_task(doing, total=total)
            bars.update(tasks[doing], completed=done, total=total)

        yield told
