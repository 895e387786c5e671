"""`reelseek export`: captions, chapters, moments, timelines, clips and reels for other programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from cli.context import settings_of
from cli.output import error_console, printable
from reelseek.errors import InvalidRequest
from reelseek.records import Channel
from reelseek.timecode import format_time, parse_time

if TYPE_CHECKING:
    from library.catalogue import Catalogue
    from reelseek.export.excerpts import Excerpt
    from reelseek.settings import Settings
    from workers.cutter import CutRequest

app = typer.Typer(
    help="Write captions, chapters, moments, timelines, clips and reels for other programs.", no_args_is_help=True
)
Video = Annotated[str, typer.Argument(help="A video: its id, or words of its title or file name.", metavar="VIDEO")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="The file to write; without it, standard output.", dir_okay=False)
]
Clip = Annotated[Path, typer.Option("--output", "-o", help="The MP4 to write.", dir_okay=False)]
Copy = Annotated[
    bool, typer.Option("--copy", help="Do not encode anew: at once and without loss, from the key picture before on.")
]
Height = Annotated[int, typer.Option(metavar="PIXELS", help="Largest height of the picture.", min=0, max=8640)]
Query = Annotated[str, typer.Argument(help="What to search for, as in `reelseek search`.")]
Saved = Annotated[str | None, typer.Option(metavar="NAME", help="What this saved search has found.")]
Ranges = Annotated[
    list[str] | None, typer.Option("--range", metavar="VIDEO@1:20-1:30", help="This stretch; repeatable, in order.")
]
Count = Annotated[int | None, typer.Option("-k", min=1, max=200, help="How many moments of a search.")]
OneVideo = Annotated[list[str] | None, typer.Option("--video", metavar="ID", help="Only in this video; repeatable.")]


@app.command()
def captions(
    context: typer.Context,
    video: Video,
    file_format: Annotated[Literal["vtt", "srt"], typer.Option("--format", help="WebVTT or SubRip.")] = "vtt",
    channel: Annotated[
        Literal["speech", "screen_text", "caption", "sound"], typer.Option(help="What is said, written, seen or heard.")
    ] = "speech",
    output: Output = None,
) -> None:
    """Write what is said (or stands on screen, …) as subtitles."""
    from query.service import open_service
    from reelseek.export.captions import TRANSCRIPTS

    with open_service(settings_of(context)) as service:
        lines = service.lines(service.catalogue.named_video(video).video_id, Channel(channel))
    _write(TRANSCRIPTS[file_format](lines), output)
    error_console().print(f"{len(lines)} lines", style="dim")


@app.command()
def chapters(
    context: typer.Context,
    video: Video,
    file_format: Annotated[
        Literal["vtt", "ffmetadata"], typer.Option("--format", help="WebVTT, or FFmpeg's metadata file.")
    ] = "vtt",
    output: Output = None,
) -> None:
    """Write the chapters of a video.

    `ffmpeg -i VIDEO -i CHAPTERS -map_metadata 1 -codec copy OUT` puts FFmpeg's file into a video.
    """
    from query.service import open_service
    from reelseek.export.captions import CHAPTERS

    with open_service(settings_of(context)) as service:
        found = service.chapters(service.catalogue.named_video(video).video_id)
    _write(CHAPTERS[file_format](found), output)
    error_console().print(f"{len(found)} chapters", style="dim")


@app.command()
def moments(
    context: typer.Context,
    query: Query = "",
    saved: Saved = None,
    ranges: Ranges = None,
    file_format: Annotated[
        Literal["json", "csv", "links", "m3u", "otio", "edl"],
        typer.Option("--format", help="Tables, permalinks, a playlist, or a timeline for editing programs."),
    ] = "json",
    k: Count = None,
    video: OneVideo = None,
    output: Output = None,
) -> None:
    """Write moments: of a search, of a saved search, or stretches that are named."""
    from library.catalogue import open_catalogue
    from reelseek.export.formats import FORMATS, Listing
    from workers.exports import media_clocks

    settings = settings_of(context)
    found, title = _excerpts(settings, query, saved, ranges, k, video)
    wanted = FORMATS[file_format]
    clocks = {}
    if wanted.needs_clocks:
        with open_catalogue(settings) as catalogue:
            clocks = media_clocks(catalogue, found)
    _write(wanted.write(Listing(found, title, settings.page_url, clocks)), output)
    error_console().print(f"{len(found)} moments", style="dim")


@app.command()
def clip(
    context: typer.Context,
    video: Video,
    start: Annotated[str, typer.Argument(help="Where it begins: 75, 1:15, 1m15s.")],
    end: Annotated[str, typer.Argument(help="Where it ends.")],
    output: Clip,
    copy: Copy = False,
    height: Height = 0,
) -> None:
    """Cut a stretch out of a video, exact to the picture."""
    from library.catalogue import open_catalogue
    from workers.exports import cut_plan, excerpt_of

    settings = settings_of(context)
    with open_catalogue(settings) as catalogue:
        entry = catalogue.named_video(video)
        found = excerpt_of(catalogue, entry.video_id, parse_time(start), parse_time(end))
        request = cut_plan(catalogue, [found], copy=copy, height=height)
    cut(request, output)


@app.command()
def reel(
    context: typer.Context,
    output: Clip,
    query: Query = "",
    saved: Saved = None,
    ranges: Ranges = None,
    k: Count = None,
    video: OneVideo = None,
    copy: Copy = False,
    height: Height = 0,
    title: Annotated[str, typer.Option(help="Its title; else what was searched for.")] = "",
) -> None:
    """Cut moments out of their videos and join them into one, in order; each is a chapter."""
    from library.catalogue import open_catalogue
    from workers.exports import cut_plan

    settings = settings_of(context)
    found, told = _excerpts(settings, query, saved, ranges, k, video)
    with open_catalogue(settings) as catalogue:
        request = cut_plan(catalogue, found, copy=copy, height=height, title=title or told)
    cut(request, output)


def _excerpts(
    settings: Settings, query: str, saved: str | None, ranges: list[str] | None, k: int | None, video: list[str] | None
) -> tuple[list[Excerpt], str]:
    """The moments that are asked for, and what to call them."""
    if sum((bool(query.strip()), saved is not None, bool(ranges))) != 1:
        raise InvalidRequest("Give one of these: a query, --saved NAME, or --range VIDEO@1:20-1:30.")
    if query.strip():
        return _searched(settings, query, k, video), query
    from library.catalogue import open_catalogue

    with open_catalogue(settings) as catalogue:
        if saved is not None:
            return _saved(catalogue, saved, k)
        return [_range(catalogue, text) for text in ranges or ()], "Reelseek"


def _searched(settings: Settings, query: str, k: int | None, video: list[str] | None) -> list[Excerpt]:
    from query.service import SearchRequest, open_service
    from reelseek.export.excerpts import excerpts_of

    with open_service(settings) as service:
        result = service.search(SearchRequest(query=query, k=k, video_ids=tuple(video or ())))
    for note in result.notes:
        error_console().print(f"Note: {printable(note)}", style="yellow", markup=False)
    return excerpts_of(result.moments)


def _saved(catalogue: Catalogue, key: str, k: int | None) -> tuple[list[Excerpt], str]:
    from library.searches import find_search, saved_hits
    from workers.exports import excerpts_of_hits

    found = find_search(catalogue, key)
    return excerpts_of_hits(catalogue, saved_hits(catalogue, found.search_id, k)), found.name


def _range(catalogue: Catalogue, text: str) -> Excerpt:
    """`VIDEO@START-END` as an excerpt."""
    from query.examples.stretches import locate, read_stretch
    from workers.exports import excerpt_of

    stretch = locate(read_stretch(text), catalogue)
    return excerpt_of(catalogue, stretch.video_id, stretch.start, stretch.end)


def _write(text: str, output: Path | None) -> None:
    """Write a whole file or nothing; without a path to standard output, as UTF-8 whatever the terminal is."""
    from reelseek.durable import replace_file, storage_errors

    content = text.encode("utf-8", "replace")
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return
    with storage_errors(f"{output}"):
        replace_file(output, content)


def cut(request: CutRequest, output: Path) -> None:
    """Cut, with a bar on a terminal, and say what was written."""
    from workers.cutter import cut_now

    if output.suffix.lower() != ".mp4":
        raise InvalidRequest(f"{output.name} must end in .mp4: clips are MP4 files.")
    with _bar(output.name) as progress:
        length = cut_now(request, output, progress)
    error_console().print(f"{format_time(length, decimals=1)} in {printable(str(output))}", markup=False)


@contextmanager
def _bar(name: str) -> Iterator[Callable[[float], None]]:
    console = error_console()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as bars:
        bar = bars.add_task(printable(name)[:60], total=1.0)
        yield lambda share: bars.update(bar, completed=share)
