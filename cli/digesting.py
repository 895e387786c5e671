"""`reelseek summarize`: videos, or what a search finds, in short."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.context import settings_of
from cli.exporting import cut
from cli.indexing import SOME_FAILED
from cli.output import console, error_console, print_json, printable
from cli.searching import Json
from reelseek.digests import Digest, Term
from reelseek.errors import EngineUnavailable, InvalidRequest
from reelseek.records import JsonObject
from reelseek.settings import Settings
from reelseek.timecode import format_time


def summarize(
    context: typer.Context,
    video: Annotated[
        str, typer.Argument(help="A video: its id, or words of its title or file name.", metavar="[VIDEO]")
    ] = "",
    query: Annotated[
        str, typer.Option("--query", "-q", help="What matters; without a video, what to search for.")
    ] = "",
    length: Annotated[Literal["short", "medium", "long"], typer.Option(help="About 3, 8 or 20 sentences.")] = "medium",
    extractive: Annotated[
        bool, typer.Option("--extractive", help="Only sentences of the videos, also where there is a model.")
    ] = False,
    reel: Annotated[
        Path | None, typer.Option(metavar="FILE.mp4", help="Cut what it rests on into a clip.", dir_okay=False)
    ] = None,
    seconds: Annotated[float, typer.Option(help="How long the clip may be.", min=1.0, max=3600.0)] = 60.0,
    prepare: Annotated[
        bool,
        typer.Option("--prepare", help="Only take the notes that a model needs of a long video; without VIDEO of all."),
    ] = False,
    queue: Annotated[bool, typer.Option("--queue", help="With --prepare: leave the work to `reelseek serve`.")] = False,
    as_json: Json = False,
) -> None:
    """Sum up a video, or what a search finds: sentences with their times, quotes, names and terms.

    A model takes notes of a long video first. They are kept, and the workers help. With --prepare it exits with 3 when
    some could not be taken.
    """
    from query.digest.digests import DigestRequest, digest
    from query.service import open_service
    from reelseek.wire import digest_payload
    from workers.note_sharing import share_notes

    if prepare or queue:
        if not prepare or query or reel is not None:
            raise InvalidRequest("--queue goes with --prepare, which sums up nothing yet.")
        _prepare(settings_of(context), video, queue=queue, as_json=as_json)
        return

    if reel is not None and reel.suffix.lower() != ".mp4":
        raise InvalidRequest(f"{reel.name} must end in .mp4: clips are MP4 files.")
    settings = settings_of(context)
    with share_notes(open_service(settings)) as service:
        video_id = service.catalogue.named_video(video).video_id if video else ""
        found = digest(service, DigestRequest(video_id, query, length, by_model=not extractive))
    if as_json:
        print_json(digest_payload(found))
    else:
        _show(found)
    if reel is not None:
        _cut_reel(settings, found, reel, seconds)


def _prepare(settings: Settings, video: str, *, queue: bool, as_json: bool) -> None:
    from query.digest.digests import video_notes
    from query.service import open_service
    from workers.note_sharing import share_notes

    told: list[JsonObject] = []
    with share_notes(open_service(settings)) as service:
        if service.engines.vlm() is None:
            raise EngineUnavailable("No model is there that could take notes.", hint="See the setting engines.vlm.")
        for entry in [service.catalogue.named_video(video)] if video else service.catalogue.videos():
            notes = video_notes(service, entry.video_id)
            if notes is None:
                continue
            missing = len(notes.missing())
            rest = service.note_takers(service.engines, notes, 0.0 if queue else math.inf) if missing else ""
            coverage = notes.coverage(notes.missing())
            about: JsonObject = {"video_id": entry.video_id, "title": entry.title, "rest": rest}
            told.append(about | {"noted": coverage.noted, "segments": coverage.segments})
            if not as_json:
                line = coverage.told if notes.needed else "It is short and needs no notes."
                console().print(f"{printable(entry.title)}: {line} {printable(rest)}".strip(), markup=False)
    if as_json:
        print_json({"videos": told})
    if not queue and any(item["noted"] != item["segments"] for item in told):
        raise typer.Exit(SOME_FAILED)


def _cut_reel(settings: Settings, found: Digest, target: Path, seconds: float) -> None:
    from library.catalogue import open_catalogue
    from query.digest.reel import reel
    from workers.exports import cut_plan, excerpt_of

    ranges = reel(found.points, seconds)
    if not ranges:
        raise InvalidRequest("There is nothing to cut: the summary rests on no sentence.")
    with open_catalogue(settings) as catalogue:
        excerpts = [excerpt_of(catalogue, video_id, start, end) for video_id, start, end in ranges]
        request = cut_plan(catalogue, excerpts, title=found.query or next(iter(found.videos.values()), "Reelseek"))
    cut(request, target)


def _show(found: Digest) -> None:
    out = console()
    for note in found.notes:
        error_console().print(f"Note: {printable(note)}", style="yellow", markup=False)
    if found.engine != "extractive":
        out.print(printable(found.text), markup=False)
        out.print()
    several = len(found.videos) > 1
    chapter = ""
    for point in found.points:
        if point.chapter and point.chapter != chapter:
            chapter = point.chapter
            out.print(printable(chapter), style="bold", markup=False)
        where = f"{printable(found.videos.get(point.video_id, ''))}, " if several else ""
        out.print(f"  {where}{format_time(point.start)}  {printable(point.text)}", markup=False)
    _terms("Names", found.names)
    _terms("On screen", found.terms)
    if found.quotes:
        out.print("Quotes", style="bold")
        for point in found.quotes:
            out.print(f"  {format_time(point.start)}  “{printable(point.text)}”", markup=False)
    error_console().print(f"summed up by {found.engine}", style="dim")


def _terms(heading: str, terms: tuple[Term, ...]) -> None:
    if terms:
        out = console()
        out.print(heading, style="bold")
        told = (f"{printable(term.text)} ({term.count} ×, first at {format_time(term.times[0][0])})" for term in terms)
        out.print(f"  {'; '.join(told)}", markup=False)
