"""`reelseek search` and `videos`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.padding import Padding
from rich.text import Text

from cli.context import settings_of
from cli.examples import ByName, read_images, read_stretches
from cli.explaining import counted, explained, group_text, timings_text
from cli.output import console, error_console, moment_text, print_json, printable
from reelseek.records import Channel
from reelseek.results import SearchResult, nearest
from reelseek.timecode import format_time, took

Json = Annotated[bool, typer.Option("--json", help="Write JSON.")]
Count = Annotated[
    int | None,
    typer.Option("-k", min=1, max=200, help="How many moments; the setting query.k says when it is not given."),
]
OneVideo = Annotated[list[str] | None, typer.Option("--video", metavar="ID", help="Only in this video; repeatable.")]
OneChannel = Annotated[list[Channel] | None, typer.Option("--channel", help="Only in this channel; repeatable.")]
Images = Annotated[
    list[Path] | None,
    typer.Option(help="Search by a picture; repeatable. A query names it: image:NAME.", exists=True, dir_okay=False),
]
Clips = Annotated[
    list[str] | None,
    typer.Option(metavar="FILE|VIDEO@1:20-1:30", help="Find a clip again: a file, or a part of a video; repeatable."),
]
Likes = Annotated[
    list[str] | None,
    typer.Option(metavar="VIDEO@1:20-1:30", help="A result that was right: more like it; repeatable."),
]
Unlikes = Annotated[
    list[str] | None,
    typer.Option(metavar="VIDEO@1:20-1:30", help="A result that was wrong: fewer like it; repeatable."),
]


class LevelName(StrEnum):
    """What a search gives, as an option of the command line."""

    MOMENTS = "moments"
    CHAPTERS = "chapters"
    VIDEOS = "videos"


LANGUAGE = """\b
The query language in short (all of it: docs/search.md):
  "slow down"                        these very words
  said:hello text:"Q3 plan"          only in speech, only on screen
  seen:(a red hat) sound:applause    only in the picture, only sounds
  object:car>=2 object:person:enters detected objects
  speaker:maria                      where she speaks
  like:lecture@1:20-1:30             like this place in the library
  -advert  -said:budget              must not be there
  A then B   A then[30s] B           one after the other
  A while B                          at the same time
  A | B   A or B   red (car | bus)   one of them
  A within 10s of B                  both, near each other
  not B within 10s of A              A without B near it
  video:x tag:x lang:de chapter:x after:1:30 duration:>10m added:2026-01 recorded:2024
"""
"""What `reelseek search --help` tells of the query language."""


def search(
    context: typer.Context,
    query: Annotated[
        str, typer.Argument(help="Words, or the query language: said: text: seen: sound: object: A then B.")
    ] = "",
    k: Count = None,
    video: OneVideo = None,
    image: Images = None,
    clip: Clips = None,
    by: Annotated[ByName, typer.Option(help="In what a --clip of the library is to be found again.")] = ByName.ALL,
    like: Likes = None,
    unlike: Unlikes = None,
    channel: OneChannel = None,
    level: Annotated[
        LevelName, typer.Option(help="Single moments, or chapters or whole videos with the best moments in each.")
    ] = LevelName.MOMENTS,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show how each confidence came about, and what took how long.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Find moments: when does it happen, and in which video."""
    from query.service import SearchRequest, open_service
    from reelseek.wire import search_payload

    settings = settings_of(context)
    pictures = read_images(image or (), clip or (), settings)
    with open_service(settings) as service:
        result = service.search(
            SearchRequest(
                query=query,
                k=k,
                video_ids=tuple(video or ()),
                images=pictures,
                examples=read_stretches(clip or (), service.catalogue),
                by=by.value,
                like=read_stretches(like or (), service.catalogue),
                unlike=read_stretches(unlike or (), service.catalogue),
                level=level.value,
                channels=frozenset(channel) if channel else None,
            )
        )
    if as_json:
        print_json(search_payload(result))
        return
    _show_result(result, explain=explain)


def _show_result(result: SearchResult, *, explain: bool) -> None:
    for note in result.notes:
        error_console().print(f"Note: {printable(note)}", style="yellow", markup=False)
    out = console()
    show = explained if explain else moment_text
    for number, group in enumerate(result.groups, start=1):
        out.print(group_text(number, group))
        for place, moment in enumerate(group.moments, start=1):
            out.print(Padding(show(place, moment), (0, 0, 0, 4), expand=False))
    for number, moment in enumerate(result.moments if not result.groups else (), start=1):
        out.print(show(number, moment))
    near = result.near_misses if explain else nearest(result.near_misses)[:3]
    if not result.moments:
        out.print("Nothing in the library matches." + (" The nearest misses:" if near else ""))
    elif explain and result.near_misses:
        out.print("Near misses:")
    if explain or not result.moments:
        for number, moment in enumerate(near, start=1):
            out.print(show(number, moment))
    counts = [counted(len(result.groups), result.level)] if result.groups else []
    counts.append(counted(len(result.moments), "moments"))
    error_console().print(f"{', '.join(counts)} in {took(result.took_ms)}", style="dim")
    if explain:
        error_console().print(timings_text(result.timings_ms), style="dim")


def videos(context: typer.Context, as_json: Json = False) -> None:
    """List the videos that Reelseek knows, with their state."""
    from library.catalogue import open_catalogue

    with open_catalogue(settings_of(context)) as catalogue:
        entries = catalogue.videos()
    if as_json:
        print_json(
            [
                {
                    "video_id": entry.video_id,
                    "title": entry.title,
                    "path": entry.path,
                    "state": entry.state,
                    "offline": entry.offline,
                    "error": entry.error,
                    "tags": list(entry.tags),
                    "duration": entry.duration,
                    "channels": entry.channels,
                }
                for entry in entries
            ]
        )
        return
    if not entries:
        console().print("No videos yet. Add some with: reelseek index FOLDER")
        return
    out = console()
    for entry in entries:
        line = Text(entry.video_id)
        line.append(f"  {entry.state:<8} {format_time(entry.duration):>8}  ", style="dim")
        line.append(printable(entry.title), style="bold")
        line.append("  offline" if entry.live_ingest and entry.offline else "", style="yellow")
        line.append(f"\n    {printable(entry.path)}" if entry.path else "", style="dim")
        line.append(f"\n    {printable(entry.error)}" if entry.error else "", style="red")
        out.print(line)
