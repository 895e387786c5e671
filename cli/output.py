"""How results are written to a terminal and to a program."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from rich.console import Console
from rich.text import Text

from reelseek.results import Evidence, Moment
from reelseek.timecode import format_time

_PIPE_COLUMNS = 200
"""Width of tables that go into a file or a pipe, where nobody's window decides."""


def console() -> Console:
    """The console for people, on standard output."""
    piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(highlight=False, soft_wrap=True, width=_PIPE_COLUMNS if piped else None)


def error_console() -> Console:
    """The console for progress and remarks, on standard error, so that `--json` stays clean."""
    return Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """Write one JSON document to standard output. Odd file names survive as escapes."""
    sys.stdout.write(json.dumps(value, ensure_ascii=True, indent=2) + "\n")
    sys.stdout.flush()


def printable_lines(text: str) -> str:
    """The text without control characters but its line breaks."""
    return "\n".join(printable(line) for line in text.split("\n"))


def moment_text(number: int, moment: Moment) -> Text:
    """A moment as a person reads it: number, time range, title, confidence, then its best evidence."""
    text = Text()
    text.append(f"{number:>2}. ", style="dim")
    text.append(f"{format_time(moment.start)}–{format_time(moment.end)}", style="bold cyan")
    text.append(f"  {printable(moment.title)}", style="bold")
    text.append(f"  {round(moment.confidence * 100)} %", style="green" if moment.confidence >= 0.5 else "yellow")
    text.append("  " + ", ".join(channel.value for channel in moment.channels), style="dim")
    text.append("  offline" if moment.offline else "", style="yellow")
    for stage in moment.stages:
        times = f"{format_time(stage.start)}–{format_time(stage.end)}"
        text.append(f"\n    {times}  {printable(stage.query)}")
        text.append(f"  {round(stage.confidence * 100)} %", style="dim")
        best = max(stage.evidence, key=lambda item: item.score, default=None)
        text.append(f"\n        {evidence_text(best)}" if best is not None else "")
    for item in () if moment.stages else moment.evidence[:3]:
        text.append(f"\n    {evidence_text(item)}")
    text.append(f"\n    {printable(moment.path)}", style="dim")
    return text


def evidence_text(item: Evidence) -> str:
    """One piece of evidence on one line."""
    return f"{item.channel.value} {format_time(item.start)}: {printable(item.text)}"


def printable(text: str) -> str:
    """The text without control characters, which a hostile title or file name could send to the terminal."""
    return "".join(character if character.isprintable() else "�" for character in text)
