"""Rows of a run, kept as they come: a run that was killed goes on where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

from bench.evaluation.corpus import rows
from bench.evaluation.formats.common import broken
from reelseek.errors import Conflict
from reelseek.records import JsonObject

_HEAD = b'{"made_with": '
_TOLD = 3


@dataclass(slots=True)
class KeptRows:
    """JSON lines: what the run was made with, then a row each with its `id`, written as they come.

    A file that is there is gone on with; a last line that was not written to its end is dropped.

    Attributes:
        made_with: name to value; a run that was made with something else is not gone on with.
        rows: what is in the file, by id.
    """

    path: Path
    made_with: JsonObject
    rows: dict[str, JsonObject] = field(default_factory=dict)
    _file: IO[str] | None = None

    def __enter__(self) -> Self:
        """Read what is there, and open it for more.

        Raises:
            Conflict: it is no such file, or of a run that was made with something else; the message says with what.
            InvalidRequest: a line of it is broken; the message says which.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        written = self.path.read_bytes() if self.path.exists() else b""
        if written[: len(_HEAD)] != _HEAD[: len(written)]:
            raise Conflict(f"{self.path} holds something else than answers.", hint="Name another file: --out FILE.")
        whole = written.rfind(b"\n") + 1
        if whole < len(written):
            os.truncate(self.path, whole)
        if whole:
            self._take_over()
        self._file = self.path.open("a", encoding="utf-8")
        if not whole:
            self._write({"made_with": self.made_with})
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def keep(self, row: JsonObject) -> None:
        """Keep a row; when this returns a killed process no longer loses it."""
        self._read(row)
        self._write(row)

    def _read(self, row: JsonObject) -> None:
        self.rows[str(row["id"])] = row

    def _write(self, row: JsonObject) -> None:
        assert self._file is not None, "it is open"
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
        self._file.flush()

    def _take_over(self) -> None:
        found = rows(self.path)
        where, head = next(found)
        with broken(where):
            changed = list(_changed(dict(head["made_with"]), self.made_with))
        if changed:
            raise Conflict(
                f"{self.path} is of a run with {'; '.join(changed[:_TOLD])}.",
                hint="Name another file with --out, or delete this one to ask anew.",
            )
        for where, row in found:
            with broken(where):
                self._read(row)


def _changed(before: JsonObject, now: JsonObject) -> Iterator[str]:
    for name in {**before, **now}:
        if before.get(name) != now.get(name):
            yield f"{name} {before.get(name)!r} instead of {now.get(name)!r}"
