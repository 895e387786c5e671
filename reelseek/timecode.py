"""Seconds as people write them: `75`, `1:15`, `01:02:03.5`."""

from __future__ import annotations

import math
import re

from reelseek.errors import InvalidRequest

_CLOCK = re.compile(r"^(?:(?:(\d+):)?(\d{1,2}):)?(\d{1,2}(?:\.\d+)?)$")
_UNITS = re.compile(r"^(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?$")


def format_time(seconds: float, *, decimals: int = 0) -> str:
    """Write seconds as `m:ss` or `h:mm:ss`, with `decimals` places on the seconds.

    Rounding never shows a `60`: 59.96 with one decimal is `1:00.0`.
    """
    scale = 10**decimals
    ticks = max(0, math.floor(seconds * scale + 0.5)) if decimals else max(0, math.floor(seconds + 1e-9))
    whole, part = divmod(ticks, scale)
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    tail = f".{part:0{decimals}d}" if decimals else ""
    if hours:
        return f"{hours}:{minutes:02d}:{secs:02d}{tail}"
    return f"{minutes}:{secs:02d}{tail}"


def vtt_time(seconds: float) -> str:
    """Write seconds as WebVTT does, `hh:mm:ss.mmm`."""
    ms = max(0, round(seconds * 1000))
    whole, part = divmod(ms, 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}.{part:03d}"


def parse_time(text: str) -> float:
    """Read `75`, `75.5`, `1:15`, `1:02:03.5`, `90s`, `1m30s`, `1h` as seconds.

    Raises:
        InvalidRequest: it is none of these.
    """
    text = text.strip()
    try:
        value = float(text)
    except ValueError:
        pass
    else:
        if math.isfinite(value) and value >= 0:
            return value
        raise InvalidRequest(f"{text!r} is not a time.", hint="Write 75, 1:15 or 1m15s.")
    if match := _CLOCK.match(text):
        hours, minutes, seconds = match.groups()
        return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds)
    if text and (match := _UNITS.match(text)):
        hours, minutes, seconds = match.groups()
        return float(hours or 0) * 3600 + float(minutes or 0) * 60 + float(seconds or 0)
    raise InvalidRequest(f"{text!r} is not a time.", hint="Write 75, 1:15 or 1m15s.")


def took(milliseconds: float) -> str:
    """How long something took: `41 ms`, `2.3 s`."""
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def temporal_iou(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Intersection over union of two time ranges in seconds, 0 to 1."""
    overlap = min(a[1], b[1]) - max(a[0], b[0])
    union = max(a[1], b[1]) - min(a[0], b[0])
    return max(0.0, overlap) / union if union > 0 else 0.0
