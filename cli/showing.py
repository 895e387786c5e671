"""`reelseek show`: one video, what it is and what was found in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.context import settings_of
from cli.output import console, print_json, printable
from cli.searching import Json
from reelseek.timecode import format_time

if TYPE_CHECKING:
    from library.records import VideoEntry


def show(
    context: typer.Context,
    video: Annotated[str, typer.Argument(help="Its id, or words of its title or file name.")],
    as_json: Json = False,
) -> None:
    """Show one video: where it is, its sound tracks and subtitles and which are used, its channels, what was found."""
    from library.catalogue import open_catalogue
    from workers.damage import damage_of
    from workers.sound_tracks import sound_tracks
    from workers.subtitle_tracks import subtitle_tracks

    settings = settings_of(context)
    with open_catalogue(settings) as catalogue:
        entry = catalogue.named_video(video)
    damage = damage_of(settings, entry.video_id)
    tracks, subtitles = sound_tracks(entry, settings.ingest), subtitle_tracks(entry, settings.ingest)
    if as_json:
        print_json(_payload(entry) | {"damage": damage, "audio_tracks": tracks, "subtitle_tracks": subtitles})
        return
    out = console()
    out.print(printable(entry.title), style="bold", markup=False)
    channels = [f"{channel}: {engine or 'off'}" for channel, engine in entry.channels.items()]
    facts = (
        _facts(entry) + ([("damage", damage)] if damage else []) + [("sound", _track_text(track)) for track in tracks]
    )
    facts += [("subtitles", _subtitle_text(track)) for track in subtitles]
    before = ""
    for name, value in [*facts, *(("channels", channel) for channel in channels)]:
        out.print(f"{name if name != before else '':<10}{printable(value)}", markup=False)
        before = name


def _payload(entry: VideoEntry) -> dict[str, Any]:
    return {
        "video_id": entry.video_id,
        "title": entry.title,
        "locations": [place.path for place in entry.locations],
        "state": entry.state,
        "offline": entry.offline,
        "partial": entry.partial,
        "error": entry.error,
        "tags": list(entry.tags),
        "duration": entry.duration,
        "width": entry.width,
        "height": entry.height,
        "channels": entry.channels,
        "segments": entry.counts.segments,
        "frames": entry.counts.frames,
        "lines": entry.counts.lines,
    }


def _facts(entry: VideoEntry) -> list[tuple[str, str]]:
    state = entry.state.value + (", offline" if entry.live_ingest and entry.offline else "")
    counts = entry.counts
    facts = [
        ("id", entry.video_id),
        ("state", f"{state}: {entry.error}" if entry.error else state),
        *(("file", place.path) for place in entry.locations),
        ("length", format_time(entry.duration)),
        ("picture", f"{entry.width} × {entry.height}" if entry.width else "none"),
        ("found", f"{counts.segments} segments, {counts.frames} keyframes, {counts.lines} lines"),
    ]
    if entry.tags:
        facts.append(("tags", ", ".join(entry.tags)))
    return facts if entry.has_audio else [*facts, ("sound", "none")]


def _track_text(track: dict[str, Any]) -> str:
    channels = "1 channel" if track["channels"] == 1 else f"{track['channels']} channels"
    told = [track["language"] or "language unknown", track["title"], track["codec"], channels]
    marks = ["default"] * track["default"] + ["beside the film's own sound"] * (track["kind"] == "beside")
    text = f"{track['index']}: {', '.join(filter(None, [*told, *marks]))}"
    return f"{text} – listened to: {track['rule']}" if track["chosen"] else text


def _subtitle_text(track: dict[str, Any]) -> str:
    told = [track["language"] or "language unknown", track["title"], track["role"]]
    told += ["pictures"] * (track["kind"] == "picture")
    text = f"{track['file'] or track['index']}: {', '.join(filter(None, told))}"
    return f"{text} – the words come from it" if track["chosen"] else text
