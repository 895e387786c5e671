"""`reelseek live`: cameras, streams, pipes and growing files, recorded in chunks that are searchable at once."""

from __future__ import annotations

import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from cli.context import settings_of
from cli.output import console, error_console, print_json, printable
from reelseek.errors import InvalidRequest, NotFound
from reelseek.settings import Settings
from reelseek.urls import masked

if TYPE_CHECKING:
    from library.catalogue import Catalogue
    from library.records import Source

app = typer.Typer(help="Live sources: add, list, remove, record.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Write JSON.")]
Keep = Annotated[
    str | None, typer.Option(metavar="TIME", help="Delete recordings older than this, such as 24h or 7d; 0 keeps all.")
]
Chunk = Annotated[float | None, typer.Option(metavar="SECONDS", help="Length of a recording.", min=1, max=3600)]

_UNITS = {"": 1.0, "h": 1.0, "d": 24.0, "m": 1 / 60, "s": 1 / 3600}
_TIME = re.compile(r"^(\d+(?:\.\d+)?)\s*([smhd]?)$")


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name; recordings and their library are called after it.")],
    url: Annotated[str, typer.Argument(help="rtsp, rtmp, http (HLS or MPEG-TS), tcp, udp or srt URL.")],
    keep: Keep = None,
    chunk: Chunk = None,
) -> None:
    """Add a live source: `reelseek serve` records it from now on, and what is recorded is searchable at once."""
    from library.catalogue import open_catalogue
    from workers.recordings import add_source

    settings = settings_of(context)
    with open_catalogue(settings) as catalogue:
        source = add_source(catalogue, settings, name, url, chunk_seconds=chunk, keep_hours=_hours(keep))
    text = f"Added {source.name} ({masked(source.url)}). `reelseek serve` records it into {settings.live_path / name}"
    console().print(printable(text), markup=False)


@app.command("list")
def list_sources(context: typer.Context, as_json: Json = False) -> None:
    """List the live sources with their state, their newest recording and their gaps."""
    from library.catalogue import open_catalogue

    with open_catalogue(settings_of(context)) as catalogue:
        sources = catalogue.sources()
    if as_json:
        print_json([_payload(source) for source in sources])
        return
    table = Table("name", "state", "recordings", "newest ended", "gaps", "source", box=None)
    for source in sources:
        state = f"{source.state.value}: {source.detail}" if source.detail else source.state.value
        newest = f"{source.last_chunk_at:%Y-%m-%d %H:%M:%S}" if source.last_chunk_at else ""
        cells = (source.name, state, str(source.chunk_count), newest, str(source.gap_count), masked(source.url))
        table.add_row(*(printable(cell) for cell in cells))
    console().print(table if sources else "There is no live source. Add one with: reelseek live add NAME URL")


@app.command()
def remove(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name.")],
    delete: Annotated[bool, typer.Option("--delete", help="Delete what was recorded as well.")] = False,
) -> None:
    """Stop recording a source and forget it. What is recorded stays, and stays for ever, unless --delete is given."""
    from library.catalogue import open_catalogue
    from workers.recordings import remove_source

    settings = settings_of(context)
    with open_catalogue(settings) as catalogue:
        count = remove_source(catalogue, settings, name, recordings=delete)
    console().print(f"Removed {printable(name)}." + (f" {count} recordings deleted." if delete else ""), markup=False)


@app.command()
def run(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(help="Sources to record, all without any; - reads standard input.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="For - and --follow: what it is called.")] = None,
    follow: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Record a file that is still being written.", dir_okay=False)
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="For - and --follow: when its first picture was taken, 2026-11-21T10:00:00Z."
        ),
    ] = None,
    keep: Keep = None,
    chunk: Chunk = None,
    queue: Annotated[
        bool, typer.Option("--queue", help="Leave the indexing to `reelseek serve` instead of doing it here.")
    ] = False,
) -> None:
    """Record here and now, until Ctrl-C or the end of the source, and index what is recorded."""
    from library.catalogue import open_catalogue

    settings = settings_of(context)
    piped = names == ["-"]
    if follow is not None and names:
        raise InvalidRequest("Give --follow FILE alone, or names of sources.")
    if not (piped or follow) and (name or start or keep or chunk):
        raise InvalidRequest(
            "--name, --start, --keep and --chunk go with - or --follow; `reelseek live add` sets them."
        )
    stop = threading.Event()
    with open_catalogue(settings) as catalogue, _until_told(stop), _worker(settings, wanted=not queue):
        if piped or follow:
            source = _temporary(catalogue, settings, name, follow, chunk, _hours(keep))
            _record(catalogue, settings, source, stop, _moment(start))
        else:
            _record_sources(catalogue, settings, names, stop)


def _record(
    catalogue: Catalogue, settings: Settings, source: Source, stop: threading.Event, begin: datetime | None
) -> None:
    from workers.live import FollowedFile, LiveRecording, Pipe

    def opened() -> FollowedFile | Pipe:
        if source.kind == "file":
            return FollowedFile(Path(source.url), settings.live.stall_seconds, stop)
        return Pipe(sys.stdin.buffer)

    recording = LiveRecording(
        catalogue,
        settings,
        source,
        stop,
        opened=opened,
        begin=begin,
        say=lambda text: _say(source.name, text),
    )
    recording.run()
    _say(source.name, f"{recording.recorded} recordings.")


def _record_sources(catalogue: Catalogue, settings: Settings, names: list[str] | None, stop: threading.Event) -> None:
    from workers.recorder import RecorderPool

    for name in names or ():
        if catalogue.source(name).kind != "url":
            raise InvalidRequest(f"{name} is no URL; give it to `reelseek live run` as it was given before.")
    if not names and not catalogue.sources("url"):
        raise NotFound("There is no live source.", hint="Add one with: reelseek live add NAME URL")
    RecorderPool(settings, catalogue, names, _say).run(stop)


def _temporary(
    catalogue: Catalogue,
    settings: Settings,
    name: str | None,
    follow: Path | None,
    chunk: float | None,
    keep: float | None,
) -> Source:
    """The source of a pipe or a file, noted under its name so that it is listed, and its library is the same again."""
    from workers.recordings import add_source

    kind, url = ("file", str(follow.absolute())) if follow is not None else ("pipe", "-")
    if name is None:
        if follow is None:
            raise InvalidRequest("Standard input has no name.", hint="Give it one with --name.")
        name = follow.stem
    try:
        known = catalogue.source(name)
    except NotFound:
        return add_source(catalogue, settings, name, url, kind=kind, chunk_seconds=chunk, keep_hours=keep)
    if known.kind == "url":
        raise InvalidRequest(f"{name} is the name of a source with a URL.", hint="Take another --name.")
    return catalogue.change_source(known, kind, url, chunk_seconds=chunk, keep_hours=keep)


@contextmanager
def _until_told(stop: threading.Event) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the recording in good order; a second Ctrl-C ends at once."""

    def end(_number: int, _frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _worker(settings: Settings, *, wanted: bool) -> Any:
    """A worker in this process that does what is queued, and at the end what is left of the recordings."""
    return _Worker(settings) if wanted else nullcontext()


class _Worker:
    def __init__(self, settings: Settings) -> None:
        self._settings, self._halt, self._done = settings, threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="live-worker", daemon=True)

    def __enter__(self) -> None:
        # here, not in the thread: PyAV cannot be imported by two of them at once
        import workers.live
        import workers.runner  # noqa: F401

        self._thread.start()

    def __exit__(self, kind: object, *_: object) -> None:
        """Index what is left of the recordings; after an error or a second Ctrl-C the job at hand is put back."""
        self._done.set()
        if kind is not None:
            self._halt.set()
        self._thread.join()

    def _work(self) -> None:
        from workers.enqueue import recordings_wait
        from workers.runner import run_next
        from workers.workspace import Workspace

        with Workspace.open(self._settings) as workspace:
            while not self._halt.is_set():
                done = self._done.is_set()
                if done and not recordings_wait(workspace.catalogue):
                    return
                if run_next(workspace, self._halt) is None:
                    self._done.wait(0.2)


def _payload(source: Source) -> dict[str, Any]:
    return {
        "name": source.name,
        "kind": source.kind,
        "url": masked(source.url),
        "state": source.state.value,
        "detail": source.detail,
        "chunk_seconds": source.chunk_seconds,
        "keep_hours": source.keep_hours,
        "recordings": source.chunk_count,
        "newest_ended": source.last_chunk_at.isoformat() if source.last_chunk_at else None,
        "gap_count": source.gap_count,
        "gaps": [
            {"start": gap.start.isoformat(), "end": gap.end.isoformat(), "reason": gap.reason} for gap in source.gaps
        ],
    }


def _hours(text: str | None) -> float | None:
    if text is None:
        return None
    match = _TIME.match(text.strip().lower())
    if match is None:
        raise InvalidRequest(f"{text!r} is no length of time.", hint="Write 24h, 7d or 90m.")
    return float(match[1]) * _UNITS[match[2]]


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidRequest(f"{text!r} is no time.", hint="Write 2026-11-21T10:00:00Z.") from error
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _say(name: str, text: str) -> None:
    error_console().print(printable(f"{name}: {text}"), markup=False, soft_wrap=True)
