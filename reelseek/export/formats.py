"""The formats in which moments leave, by name, with how a browser is told of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from reelseek.errors import InvalidRequest
from reelseek.export import playlists, tables, timelines
from reelseek.export.clocks import MediaClock
from reelseek.export.excerpts import Excerpt, permalink
from reelseek.filenames import safe_name
from reelseek.timecode import format_time


@dataclass(frozen=True, slots=True)
class Listing:
    """What is written, and with what.

    Attributes:
        title: of the whole: the query, or the video.
        base: the page's address without a slash at its end, before links.
        clocks: of each video; timelines alone need them.
        address: where a player finds a video; None is its file.
    """

    excerpts: Sequence[Excerpt]
    title: str = ""
    base: str = ""
    clocks: Mapping[str, MediaClock] = field(default_factory=dict)
    address: Callable[[Excerpt], str] | None = None


@dataclass(frozen=True, slots=True)
class Format:
    """A format: how its files end, what they are to HTTP, and how they are written."""

    suffix: str
    mimetype: str
    write: Callable[[Listing], str]
    needs_clocks: bool = False


def _links(listing: Listing) -> str:
    links = (permalink(listing.base, item.video_id, item.start, item.end) for item in listing.excerpts)
    return "".join(f"{link}\n" for link in links)


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "json": Format(".json", "application/json", lambda it: tables.excerpts_json(it.excerpts, it.base, it.title)),
        "csv": Format(".csv", "text/csv", lambda it: tables.excerpts_csv(it.excerpts, it.base)),
        "links": Format(".txt", "text/plain", _links),
        "m3u": Format(".m3u8", "audio/x-mpegurl", lambda it: playlists.excerpts_m3u(it.excerpts, it.address)),
        "otio": Format(
            ".otio",
            "application/x-otio+json",
            lambda it: timelines.otio_text(it.excerpts, it.clocks, it.title),
            needs_clocks=True,
        ),
        "edl": Format(
            ".edl", "text/plain", lambda it: timelines.edl_text(it.excerpts, it.clocks, it.title), needs_clocks=True
        ),
    }
)


def file_name(title: str, suffix: str, start: float | None = None, end: float | None = None) -> str:
    """A harmless file name: the title, and the times (`1.02-1.30`) where there are any."""
    times = "" if start is None or end is None else f" {_name_time(start)}-{_name_time(end)}"
    try:
        return safe_name(f"{title[:100]}{times}".replace("/", "_") + suffix)
    except InvalidRequest:
        return f"reelseek{suffix}"


def _name_time(seconds: float) -> str:
    return format_time(seconds, decimals=1).replace(":", ".")
