"""`python -m workers.cutter`: cuts the one clip that standard input asks for, and ends. It loads nothing but FFmpeg."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ingest.cutting import Cut, Progress, make_clip
from reelseek.errors import ReelseekError


@dataclass(frozen=True, slots=True)
class CutRequest:
    """What is cut, and how.

    Attributes:
        copy: take the packets as they are, from the key picture before each start on.
        height: largest height of the picture (px); 0 is that of the sources.
        title: written into the file.
    """

    cuts: tuple[Cut, ...]
    copy: bool = False
    height: int = 0
    title: str = ""

    @property
    def duration(self) -> float:
        """Seconds, as asked for."""
        return sum(cut.duration for cut in self.cuts)


def cut_now(request: CutRequest, target: Path, progress: Progress | None = None) -> float:
    """Cut a clip or reel in this process; its length (s). Raises what `make_clip` does."""
    return make_clip(
        request.cuts, target, copy=request.copy, height=request.height, title=request.title, progress=progress
    )


def as_message(request: CutRequest, target: Path) -> str:
    """A request as this module's process reads it."""
    return json.dumps(
        {
            "cuts": [[os.fspath(cut.path), cut.start, cut.end, cut.title] for cut in request.cuts],
            "copy": request.copy,
            "height": request.height,
            "title": request.title,
            "target": os.fspath(target),
        }
    )


def main() -> int:
    """Cut; an error goes to standard output as JSON: `error` (its class), `message`, `hint`."""
    asked = json.load(sys.stdin)
    with suppress(OSError):
        os.nice(5)
    cuts = tuple(Cut(Path(path), start, end, title) for path, start, end, title in asked["cuts"])
    try:
        cut_now(CutRequest(cuts, asked["copy"], asked["height"], asked["title"]), Path(asked["target"]))
    except ReelseekError as error:
        json.dump({"error": type(error).__name__, "message": error.message, "hint": error.hint}, sys.stdout)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
