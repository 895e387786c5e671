"""Frame rates and time codes of files, as editing programs count them (SMPTE ST 12-1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from reelseek.errors import InvalidRequest

_STANDARD = tuple(
    Fraction(*rate)
    for rate in ((24_000, 1001), (24, 1), (25, 1), (30_000, 1001), (30, 1), (48, 1), (50, 1), (60_000, 1001), (60, 1))
)
_TIMECODE = re.compile(r"^(\d{1,2}):(\d{2}):(\d{2})([:;.,])(\d{2})$")
_DROPPED_PER_MINUTE = {30: 2, 60: 4}


@dataclass(frozen=True, slots=True)
class MediaClock:
    """How a file counts its pictures.

    Attributes:
        rate: pictures per second; for a variable rate the nearest standard one.
        start: the number of the first picture: its time code.
        drop: the time code leaves numbers out (29.97 and 59.94).
        variable: the distances of the pictures differ, so that a number names a time only roughly.
        duration: seconds.
        has_picture, has_sound: what is in it.
    """

    rate: Fraction = Fraction(25)
    start: int = 0
    drop: bool = False
    variable: bool = False
    duration: float = 0.0
    has_picture: bool = True
    has_sound: bool = True


def standard_rate(rate: Fraction | float) -> Fraction:
    """The nearest rate that has a time code, by ratio; 25 where none is known."""
    exact = Fraction(rate)
    if exact <= 0:
        return Fraction(25)
    return min(_STANDARD, key=lambda known: max(known / exact, exact / known))


def parse_timecode(text: str, rate: Fraction) -> tuple[int, bool]:
    """A time code as the number of its picture, and whether numbers are left out in it (`;` before the frames).

    Raises:
        InvalidRequest: it is none, or not of this rate.
    """
    match = _TIMECODE.match(text.strip())
    whole = round(rate)
    if match is None or int(match[5]) >= whole or int(match[2]) > 59 or int(match[3]) > 59:
        raise InvalidRequest(f"{text!r} is no time code at {float(rate):g} pictures a second.")
    hours, minutes, seconds, frames = (int(match[index]) for index in (1, 2, 3, 5))
    total_minutes = 60 * hours + minutes
    drop = match[4] in ";.," and drops(rate)
    number = (60 * total_minutes + seconds) * whole + frames
    if drop:
        number -= _DROPPED_PER_MINUTE[whole] * (total_minutes - total_minutes // 10)
    return number, drop


def drops(rate: Fraction) -> bool:
    """Whether a rate has a time code that leaves numbers out."""
    return rate.denominator == 1001 and round(rate) in _DROPPED_PER_MINUTE
