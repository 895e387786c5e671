"""How a file counts its pictures: rate and time code, for programs that edit it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from av.container import InputContainer

from ingest.opening import open_media, picture_stream
from ingest.probe import sound_stream
from reelseek.errors import InvalidRequest
from reelseek.export.clocks import MediaClock, parse_timecode, standard_rate

_UNEVEN = 0.01
"""Difference of the mean rate from the finest one from which pictures are taken to be at uneven distances."""
_AV_TIME_BASE = 1_000_000


def media_clock(path: Path) -> MediaClock:
    """Read the rate and the time code of a file; nothing is decoded.

    Raises:
        MediaError: it is not there, or cannot be read.
    """
    with open_media(path) as container:
        video = picture_stream(container)
        mean = Fraction(video.average_rate or video.guessed_rate or 0) if video is not None else Fraction(0)
        finest = Fraction(video.base_rate or mean) if video is not None else mean
        rate = standard_rate(mean)
        start, drop = _timecode(container, rate)
        return MediaClock(
            rate=rate,
            start=start,
            drop=drop,
            variable=bool(mean) and abs(finest / mean - 1) > _UNEVEN,
            duration=(container.duration or 0) / _AV_TIME_BASE,
            has_picture=video is not None,
            has_sound=sound_stream(container) is not None,
        )


def _timecode(container: InputContainer, rate: Fraction) -> tuple[int, bool]:
    """The number of the first picture: of a time code track (QuickTime, MP4) or a tag (MXF); 0 without any."""
    for tags in (container.metadata, *(stream.metadata for stream in container.streams)):
        if text := tags.get("timecode"):
            try:
                return parse_timecode(text, rate)
            except InvalidRequest:  # of another rate than its pictures have
                continue
    return 0, False
