"""Excerpts as JSON and as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

from reelseek.export.excerpts import Excerpt, permalink
from reelseek.records import JsonObject
from reelseek.timecode import format_time

_COLUMNS = (
    "video_id", "title", "path", "start", "end", "duration", "from", "to", "confidence", "channels", "text", "link",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet take a cell for a formula (OWASP, CSV injection), wide forms too."""


def excerpt_payload(excerpt: Excerpt, base: str = "") -> JsonObject:
    """The JSON of one excerpt. `base` is the address before its link."""
    return {
        "video_id": excerpt.video_id,
        "title": excerpt.title,
        "path": _sendable(excerpt.path),
        "start": round(excerpt.start, 3),
        "end": round(excerpt.end, 3),
        "duration": round(excerpt.duration, 3),
        "confidence": None if excerpt.confidence is None else round(excerpt.confidence, 4),
        "channels": list(excerpt.channels),
        "text": excerpt.text,
        "link": permalink(base, excerpt.video_id, excerpt.start, excerpt.end),
    }


def excerpts_json(excerpts: Sequence[Excerpt], base: str = "", title: str = "") -> str:
    """One JSON document: what was asked for, and the excerpts in order."""
    document = {"title": title, "moments": [excerpt_payload(excerpt, base) for excerpt in excerpts]}
    return json.dumps(document, indent=2) + "\n"


def excerpts_csv(excerpts: Sequence[Excerpt], base: str = "") -> str:
    """A table with one row for each excerpt, as RFC 4180 has it; no cell of it is a formula to a spreadsheet."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for excerpt in excerpts:
        payload = excerpt_payload(excerpt, base)
        payload["from"], payload["to"] = (format_time(time, decimals=1) for time in (excerpt.start, excerpt.end))
        payload["channels"] = " ".join(excerpt.channels)
        writer.writerow([_cell(payload[name]) for name in _COLUMNS])
    return table.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str):
        text = "".join(character for character in value if character.isprintable() or character in "\n\t").strip()
        return f"'{text}" if text.startswith(_FORMULA) else text
    return "" if value is None else value


def _sendable(text: str) -> str:
    """Bytes of a file name that are no valid UTF-8 become replacement characters."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
