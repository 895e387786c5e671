"""Excerpts as a playlist: M3U with the start and stop times that VLC reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from reelseek.export.excerpts import Excerpt
from reelseek.timecode import format_time


def file_url(path: str) -> str:
    """The absolute URL of a file on this machine; its bytes survive whatever they are."""
    return Path(path).absolute().as_uri()


def excerpts_m3u(excerpts: Sequence[Excerpt], address: Callable[[Excerpt], str] | None = None) -> str:
    """A playlist, encoded in UTF-8. Those without an address are left out.

    Args:
        address: where a player finds an excerpt's video; None is its file on this machine.
    """
    lines = ["#EXTM3U"]
    for excerpt in excerpts:
        where = address(excerpt) if address is not None else file_url(excerpt.path) if excerpt.path else ""
        if not where:
            continue
        times = f"{format_time(excerpt.start)}–{format_time(excerpt.end)}"
        title = " ".join(excerpt.name.split())
        lines += [
            f"#EXTINF:{round(excerpt.duration)},{title} {times}",
            f"#EXTVLCOPT:start-time={excerpt.start:.3f}",
            f"#EXTVLCOPT:stop-time={excerpt.end:.3f}",
            where,
        ]
    return "\n".join(lines) + "\n"
