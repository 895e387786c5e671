"""HTTP byte ranges (RFC 9110, section 14): what a `Range` and an `If-Range` header ask of a file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

_ONE_RANGE = re.compile(r"bytes[ \t]*=[ \t]*(\d*)[ \t]*-[ \t]*(\d*)[ \t]*", re.IGNORECASE | re.ASCII)


class Whole(Enum):
    """The answers to a range that are no part of the file."""

    FULL = "full"
    """Send everything: there is no range, or one that may be ignored (another unit, malformed, several)."""
    UNSATISFIABLE = "unsatisfiable"
    """The range lies outside the file: 416."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes `[start, stop)` of a file."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        """Number of bytes."""
        return self.stop - self.start


def select_range(header: str | None, size: int) -> ByteRange | Whole:
    """What of a file of `size` bytes a `Range` header asks for.

    Malformed headers, other units and several ranges at once are ignored, which the RFC allows and players live with.
    """
    match = _ONE_RANGE.fullmatch(header.strip(" \t")) if header else None
    if match is None or match.groups() == ("", ""):
        return Whole.FULL
    first, last = match.groups()
    if max(len(first), len(last)) > 19:  # beyond any file; also keeps int() cheap on hostile headers
        return Whole.UNSATISFIABLE if first else Whole.FULL
    if not first:
        suffix = int(last)
        return ByteRange(max(0, size - suffix), size) if suffix and size else Whole.UNSATISFIABLE
    start = int(first)
    if last and int(last) < start:
        return Whole.FULL
    if start >= size:
        return Whole.UNSATISFIABLE
    return ByteRange(start, min(int(last) + 1, size) if last else size)


def range_applies(if_range: str | None, etag: str, last_modified: str) -> bool:
    """Whether the range still holds: `If-Range` is absent, or names this very version (strong comparison)."""
    return if_range is None or if_range.strip() in (etag, last_modified)


def etag_matches(if_none_match: str | None, etag: str) -> bool:
    """Whether the client already has this version (`If-None-Match`, weak comparison)."""
    if not if_none_match:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags
