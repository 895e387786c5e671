"""Excerpts as a timeline that editing programs open: OTIO (OpenTimelineIO) and EDL (CMX3600)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from reelseek.errors import EngineUnavailable, InvalidRequest
from reelseek.export.clocks import MediaClock, drops
from reelseek.export.excerpts import Excerpt
from reelseek.export.playlists import file_url

_NAME_LENGTH = 120
_REEL_LENGTH = 8
_EDL_EVENTS = 999


def otio_text(excerpts: Sequence[Excerpt], clocks: Mapping[str, MediaClock], title: str = "") -> str:
    """A timeline with the excerpts one after another, as OTIO's JSON.

    Args:
        clocks: of each video, by its id.

    Raises:
        InvalidRequest: there is nothing to put in it.
        EngineUnavailable: OpenTimelineIO is not installed.
    """
    return str(_library().adapters.write_to_string(timeline(excerpts, clocks, title), "otio_json", indent=2))


def edl_text(excerpts: Sequence[Excerpt], clocks: Mapping[str, MediaClock], title: str = "") -> str:
    """The same as an edit decision list of CMX3600.

    It has one frame rate, the commonest of its sources, and says whether its time codes leave numbers out. Where a
    source at 29.97 counts without leaving any out, the list does too: its numbers are then those of 30 a second.

    Raises:
        InvalidRequest: there is nothing to put in it, or more than the 999 events that it can number.
        EngineUnavailable: OpenTimelineIO or its adapter is not installed.
    """
    if len(excerpts) > _EDL_EVENTS:
        raise InvalidRequest(f"An EDL holds at most {_EDL_EVENTS} events, not {len(excerpts)}.", hint="Export OTIO.")
    otio = _library()
    if "cmx_3600" not in otio.adapters.available_adapter_names():
        raise EngineUnavailable("EDL cannot be written here.", hint=_EXTRA)
    used = [clocks[excerpt.video_id] for excerpt in excerpts]
    rate = _commonest(used)
    drop = drops(rate) and all(clock.drop or not clock.start for clock in used if clock.rate == rate)
    counted = {video_id: _at(clock, rate) for video_id, clock in clocks.items()}
    if not drop and drops(rate):
        counted = {video_id: _renumbered(clock) for video_id, clock in counted.items()}
    made = timeline(excerpts, counted, title, scale=rate)
    made.tracks[:] = [track for track in made.tracks if track.kind == "Video"] or made.tracks
    reels = _reels(excerpts)
    for clip, excerpt in zip(made.tracks[0], excerpts, strict=True):
        clip.metadata["cmx_3600"] = {"reel": reels[excerpt.video_id]}
    number = float(counted[excerpts[0].video_id].rate)
    text: str = otio.adapters.write_to_string(made, "cmx_3600", rate=number, style="avid")
    head, _, events = text.partition("\n\n")
    return f"{head}\nFCM: {'DROP FRAME' if drop else 'NON-DROP FRAME'}\n\n{events}"


def timeline(
    excerpts: Sequence[Excerpt], clocks: Mapping[str, MediaClock], title: str = "", *, scale: Fraction | None = None
) -> Any:
    """An `opentimelineio.schema.Timeline` with a track of pictures and one of sound.

    Args:
        scale: the rate at which seconds become pictures, where the clocks' numbers stand for others.
    """
    if not excerpts:
        raise InvalidRequest("There is nothing to put on a timeline.")
    otio = _library()
    used = [clocks[excerpt.video_id] for excerpt in excerpts]
    made = otio.schema.Timeline(name=_name(title) or "Reelseek")
    made.global_start_time = otio.opentime.RationalTime(0, float(_commonest(used)))
    for kind, wanted in (
        ("Video", any(clock.has_picture for clock in used)),
        ("Audio", any(clock.has_sound for clock in used)),
    ):
        if wanted:
            track = otio.schema.Track(name="V1" if kind == "Video" else "A1", kind=kind)
            for excerpt, clock in zip(excerpts, used, strict=True):
                there = clock.has_picture if kind == "Video" else clock.has_sound
                item = _item(otio, excerpt, clock, scale or clock.rate)
                track.append(item if there else otio.schema.Gap(duration=item.source_range.duration))
            made.tracks.append(track)
    return made


def _item(otio: Any, excerpt: Excerpt, clock: MediaClock, rate: Fraction) -> Any:
    """A clip; whole pictures, at least one."""
    first = round(excerpt.start * rate)
    count = max(1, round(excerpt.end * rate) - first)
    whole = max(round(clock.duration * rate), first + count)
    clip = otio.schema.Clip(name=_name(excerpt.name), source_range=_range(otio, clock, clock.start + first, count))
    if excerpt.path:
        clip.media_reference = otio.schema.ExternalReference(
            target_url=file_url(excerpt.path), available_range=_range(otio, clock, clock.start, whole)
        )
    else:
        clip.media_reference = otio.schema.MissingReference()
    told = {"video_id": excerpt.video_id, "start": excerpt.start, "end": excerpt.end, "text": excerpt.text}
    if excerpt.confidence is not None:
        told["confidence"] = excerpt.confidence
    if clock.variable:
        told["variable_frame_rate"] = True
    clip.metadata["reelseek"] = told
    return clip


def _range(otio: Any, clock: MediaClock, start: int, count: int) -> Any:
    rate = float(clock.rate)
    return otio.opentime.TimeRange(otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(count, rate))


def _commonest(clocks: Sequence[MediaClock]) -> Fraction:
    if not clocks:
        raise InvalidRequest("There is nothing to put on a timeline.")
    return Counter(clock.rate for clock in clocks).most_common(1)[0][0]


def _at(clock: MediaClock, rate: Fraction) -> MediaClock:
    """A clock at another rate: its first picture has the same time of day."""
    if clock.rate == rate:
        return clock
    start = round(clock.start / clock.rate * rate)
    return MediaClock(rate, start, clock.drop, clock.variable, clock.duration, clock.has_picture, clock.has_sound)


def _renumbered(clock: MediaClock) -> MediaClock:
    """A clock at 29.97 (59.94) that counts as one at 30 (60): what a time code that leaves nothing out does."""
    whole = Fraction(round(clock.rate))
    return MediaClock(whole, clock.start, False, clock.variable, clock.duration, clock.has_picture, clock.has_sound)


def _reels(excerpts: Sequence[Excerpt]) -> dict[str, str]:
    """A reel name of at most eight letters and digits for each video, all different."""
    names: dict[str, str] = {}
    for excerpt in excerpts:
        if excerpt.video_id in names:
            continue
        stem = re.sub(r"[^A-Za-z0-9]", "", excerpt.title).upper()[:_REEL_LENGTH] or "REEL"
        name, number = stem, 1
        while name in names.values():
            number += 1
            name = f"{stem[: _REEL_LENGTH - len(str(number))]}{number}"
        names[excerpt.video_id] = name
    return names


def _name(text: str) -> str:
    """One printable line, which cannot begin another line of an EDL."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_NAME_LENGTH]


_EXTRA = "Install the extra: pip install 'reelseek[export]'"


def _library() -> Any:
    try:
        import opentimelineio
    except ImportError as error:
        raise EngineUnavailable("OpenTimelineIO is not installed.", hint=_EXTRA) from error
    return opentimelineio
