"""A part of a video as people write it, `VIDEO@1:20-1:30`, and as it is told between programs."""

from __future__ import annotations

from dataclasses import dataclass

from library.catalogue import Catalogue
from library.records import VideoEntry
from query.requests import Stretch
from reelseek.errors import InvalidRequest
from reelseek.timecode import format_time, parse_time

_HINT = "Write VIDEO@1:20-1:30, where VIDEO is an id or words of one title."
_ROUNDED = 0.01  # places are written in hundredths of a second


@dataclass(frozen=True, slots=True)
class NamedStretch:
    """A part of a video that is named by its id, or by words of its title or file name."""

    name: str
    start: float
    end: float


def read_stretch(text: str) -> NamedStretch:
    """Read `VIDEO@1:20-1:30`; a single time is that picture.

    Raises:
        InvalidRequest: it is nothing of the kind.
    """
    name, at, times = text.strip().rpartition("@")
    if not at or not name.strip():
        raise InvalidRequest(f"{text!r} names no part of a video.", hint=_HINT)
    first, dash, last = times.replace("–", "-").partition("-")
    start = parse_time(first)
    end = parse_time(last) if dash else start
    if end < start:
        raise InvalidRequest(f"{text!r} ends before it begins.", hint=_HINT)
    return NamedStretch(name.strip(), start, end)


def locate(named: NamedStretch, catalogue: Catalogue) -> Stretch:
    """The stretch that is meant.

    Raises:
        NotFound: there is no such video.
        InvalidRequest: several videos are called so, or it ends before.
    """
    entry = catalogue.named_video(named.name)
    check_start(entry, named.start)
    return Stretch(entry.video_id, named.start, min(named.end, entry.duration or named.end))


def check_start(entry: VideoEntry, start: float) -> None:
    """Refuse a place behind a video's end. Raises `InvalidRequest`."""
    if entry.duration and start > entry.duration + _ROUNDED:
        end = f"{format_time(entry.duration)} ({entry.duration:.1f} s)"
        raise InvalidRequest(f"“{entry.title}” ends at {end}, before {start:g} s.")


def write_stretch(stretch: Stretch) -> str:
    """A stretch as `ID@12.5-15`, which `read_stretch` reads."""
    return f"{stretch.video_id}@{_seconds(stretch.start)}-{_seconds(stretch.end)}"


def _seconds(time: float) -> str:
    return f"{time:.2f}".rstrip("0").rstrip(".")
