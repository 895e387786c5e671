"""`reelseek models`: what serves each channel, what is missing and what that costs; fetch and check weights."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from cli.context import settings_of
from cli.output import console, error_console, print_json, printable
from reelseek.errors import ReelseekError, WeightsError

if TYPE_CHECKING:
    from engines.registry import Resolution
    from engines.weights import WeightsRow

app = typer.Typer(help="Engines and their weights: show, pull, verify.", invoke_without_command=True)

_Json = Annotated[bool, typer.Option("--json", help="Write JSON.")]


@app.callback()
def models(context: typer.Context, as_json: _Json = False) -> None:
    """Show what serves each channel, which weights there are, and what is lost without them."""
    if context.invoked_subcommand is not None:
        return
    from engines.registry import Engines
    from engines.weights import weights_table

    settings = settings_of(context)
    channels = Engines(settings).resolutions()
    rows = weights_table(settings)
    if as_json:
        print_json(
            {
                "channels": {kind: channel_payload(found) for kind, found in channels.items()},
                "weights": [_row_payload(row) for row in rows],
            }
        )
        return
    out = console()
    out.print(_weights(rows))
    out.print()
    out.print(channel_lines(channels.values()))


def channel_payload(found: Resolution) -> dict[str, Any]:
    """A channel's engine as JSON; `engine` is null where it is off."""
    return {
        "setting": found.spec,
        "engine": found.ref.id if found.ref else None,
        "state": found.state,
        "note": found.ref.note if found.ref else "",
        "reason": found.reason,
        "fix": found.fix,
        "loses": found.loses,
        "licence": found.licence,
        "weights": str(found.weights) if found.weights else None,
        "size_bytes": found.size_bytes,
        "fingerprint": found.ref.fingerprint if found.ref else None,
    }


def channel_lines(channels: Any) -> Text:
    """One line per channel: what serves it, or why nothing does, what that loses, and what helps."""
    text = Text()
    for found in channels:
        text.append(f"{found.kind:<12}", style="bold")
        if found.ref is not None:
            text.append(found.ref.id, style="green")
            if found.ref.note:
                text.append(f"  {found.ref.note}.", style="yellow")
                text.append(f" Better: reelseek models pull {found.kind}", style="cyan")
        else:
            text.append("off" if found.state == "off" else found.spec, style="red")
            text.append(f": {printable(found.reason)}. Lost: {found.loses}.")
            text.append(f" Get it: {found.fix}" if found.fix else "", style="cyan")
        text.append("\n")
    text.rstrip()
    return text


def _row_payload(row: WeightsRow) -> dict[str, Any]:
    return {**asdict(row), "path": str(row.path) if row.path else None}


def _weights(rows: list[WeightsRow]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("channel", "engine:weights", "size", "here", "licence"):
        table.add_column(name, no_wrap=name != "licence", justify="right" if name == "size" else "left")
    before = ""
    for row in rows:
        style = "bold green" if row.in_use else "" if row.present else "dim"
        here = "in use" if row.in_use else "yes" if row.usable else "no extra" if row.present else "no"
        channel, before = (row.channel if row.channel != before else ""), row.channel
        name = printable(f"{row.engine}:{row.name}")
        table.add_row(channel, name, _size(row.size_bytes), here, printable(row.licence), style=style)
    return table


def _size(size: int) -> str:
    if not size:
        return ""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(1, round(size / 1e6))} MB"


@app.command()
def pull(
    context: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CHANNEL|ENGINE:NAME]...",
            help="A channel, or an engine with its weights; nothing: every channel that weights serve.",
        ),
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Go to the newest commit where the weights are not pinned.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Fetch weights from the hub (HF_ENDPOINT), checked against their checksums; a broken pull goes on next time."""
    from engines.pull import pull as fetch
    from engines.pull import wanted

    settings = settings_of(context)
    results: list[dict[str, Any]] = []
    failed: ReelseekError | None = None
    with _Bars() as bars:
        for spec in wanted(targets or [], settings):
            try:
                done = fetch([spec.label], settings, bars.update, update=update)[0]
            except ReelseekError as error:
                failed = error
                results.append({"weights": spec.label, "state": "failed", "error": str(error)})
            else:
                results.append({**asdict(done), "path": str(done.path)})
    if as_json:
        print_json({"weights": results})
    else:
        for result in results:
            _print_pulled(result)
    if failed is not None:
        raise typer.Exit(failed.exit_code)


def _print_pulled(result: dict[str, Any]) -> None:
    if result["state"] == "failed":
        error_console().print(Text(f"{result['weights']}: {printable(result['error'])}", style="red"))
        return
    word = "here already" if result["state"] == "present" else "pulled"
    console().print(Text(f"{result['weights']}: {word}, {_size(result['size'])} at {result['commit']}"))


class _Bars:
    """A progress bar per file, on standard error."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._progress = Progress(*columns, console=error_console(), transient=True)
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def update(self, weights: str, file: str, done: int, size: int) -> None:
        key = (weights, file)
        if key not in self._tasks:
            self._tasks[key] = self._progress.add_task(printable(f"{weights} {file}"), total=size)
        self._progress.update(self._tasks[key], completed=done)

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._progress.stop()


@app.command()
def verify(context: typer.Context, as_json: _Json = False) -> None:
    """Read all weights on this machine and hold them against their recorded checksums."""
    from engines import weights

    settings = settings_of(context)
    status = error_console()

    def tell(name: str, file: Path) -> None:
        status.print(Text(f"checking {printable(name)} {printable(file.name)}", style="dim"))

    found = weights.verify(settings, weights.no_progress if as_json or not status.is_terminal else tell)
    if as_json:
        print_json({"weights": [asdict(item) for item in found]})
    else:
        table = Table("channel", "engine", "weights", "files", "state", box=None, pad_edge=False)
        for item in found:
            style = {"ok": "green", "damaged": "bold red", "unrecorded": "yellow"}[item.state]
            state = Text(f"{item.state}: {printable(item.detail)}" if item.detail else item.state, style=style)
            table.add_row(item.channel, item.engine, printable(item.name), str(item.files), state)
        console().print(table)
    if any(item.state == "damaged" for item in found):
        error_console().print("Damaged weights are fetched again by: reelseek models pull ENGINE:NAME")
        raise typer.Exit(WeightsError.exit_code)
