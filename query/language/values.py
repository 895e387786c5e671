"""The values of the query language: numbers, times, lengths, days."""

from __future__ import annotations

import re
from datetime import date

from query.language.terms import Days, Example, ObjectCount, Span
from reelseek.errors import InvalidRequest
from reelseek.timecode import parse_time

_COUNT = re.compile(r"^(>=|<=|==|=|>|<)\s*(\d{1,6})$")
_COUNTS = re.compile(r"^==?\s*(\d{1,6})(?:-|\.\.\.?|–)(\d{1,6})$")
_BOUND = re.compile(r"^(>=|<=|==|=|>|<)?\s*(.+)$", re.DOTALL)
_DATE = re.compile(r"^(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?$")
_UNITS = (
    (re.compile(r"h(?:ou)?rs?", re.IGNORECASE), "h"),
    (re.compile(r"m(?:inute|in)s?", re.IGNORECASE), "m"),
    (re.compile(r"s(?:econd|ec)s?", re.IGNORECASE), "s"),
)


class BadValue(Exception):
    """A value that means nothing; the text says how it is written."""


def count_of(label: str, text: str) -> ObjectCount:
    """`>=2`, `=2`, `=2-4` behind an object.

    Raises:
        BadValue: it is no count.
    """
    if match := _COUNT.match(text):
        return ObjectCount(label, match.group(1).replace("==", "="), int(match.group(2)))
    if (match := _COUNTS.match(text)) and int(match.group(1)) <= int(match.group(2)):
        return ObjectCount(label, ">=", int(match.group(1)), most=int(match.group(2)))
    raise BadValue("a count is written >=2, <=2, =2, >2, <2 or =2-4")


def seconds_of(text: str) -> float:
    """`90`, `90s`, `90 seconds`, `1:30`, `1m30s`, `2 hours`.

    Raises:
        InvalidRequest: it is no time.
    """
    short = re.sub(r"\s+", "", text)
    for pattern, unit in _UNITS:
        short = pattern.sub(unit, short)
    return parse_time(short)


def span_of(text: str) -> Span:
    """`>10m`, `<=90s`, `5m-10m`, or a length that is met to a tenth (at least a second).

    Raises:
        BadValue: it is none of these.
    """
    match = _BOUND.match(text.strip())
    sign, value = (match.group(1) or "", match.group(2)) if match else ("", "")
    try:
        low, dash, high = value.partition("-")
        if dash and not sign:
            ends = seconds_of(low), seconds_of(high)
            return Span(min(ends), max(ends))
        seconds = seconds_of(value)
    except InvalidRequest as error:
        raise BadValue("a length is written duration:>10m, duration:<90s or duration:5m-10m") from error
    if sign in (">", ">="):
        return Span(least=seconds, above=sign == ">")
    if sign in ("<", "<="):
        return Span(most=seconds, closed=sign == "<=")
    blur = max(1.0, 0.1 * seconds)
    return Span(max(0.0, seconds - blur), seconds + blur)


def days_of(text: str) -> Days:
    """`2024`, `2024-05`, `2024-05-31` (all days of it), `>=2024-05`, `<2025`.

    Raises:
        BadValue: it is no date.
    """
    match = _BOUND.match(text.strip())
    sign, value = (match.group(1) or "=", match.group(2)) if match else ("=", "")
    ends = period(value)
    if ends is None:
        raise BadValue("a date is written 2024, 2024-05 or 2024-05-31, a limit with >=, <=, > or < before it")
    first, end = ends
    if sign in (">", ">="):
        return Days(first=first if sign == ">=" else end)
    if sign in ("<", "<="):
        return Days(end=end if sign == "<=" else first)
    return Days(first, end)


def period(text: str) -> tuple[date, date] | None:
    """The first day of a year, month or day, and the first one behind it; None where it is no date.

    Raises:
        BadValue: there is no such day.
    """
    match = _DATE.match(text)
    if not match or not (match.group(2) or 1900 <= int(match.group(1)) < 2200):
        return None
    year, month, day = (int(part) if part else None for part in match.groups())
    assert year is not None
    try:
        first = date(year, month or 1, day or 1)
        if day is not None:
            return first, date.fromordinal(first.toordinal() + 1)
        return first, date(year + 1, 1, 1) if month in (None, 12) else date(year, (month or 1) + 1, 1)
    except (ValueError, OverflowError) as error:
        raise BadValue("there is no such day") from error


def place_of(name: str, place: str) -> Example:
    """`1:20-1:30` of a video as an example.

    Raises:
        BadValue: it is no place.
    """
    try:
        first, dash, last = place.partition("-")
        start, end = seconds_of(first), seconds_of(last) if dash else None
    except InvalidRequest as error:
        raise BadValue("a place in a video is written like:NAME@1:20-1:30 or like:NAME@1:20") from error
    if end is not None and end <= start:
        raise BadValue("this place ends before it begins")
    return Example("like", name, start, end)
