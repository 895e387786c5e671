"""Small helpers of the templates: times and sizes in words, and what of a text matched, marked and escaped."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from flask import Flask, request
from markupsafe import Markup, escape

from query.language.parsing import ObjectCount, ObjectFact, Words, parse
from query.texts.words import content_terms, stems
from reelseek.answers import Answer
from reelseek.timecode import format_time, took

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_CODE = re.compile(r"`([^`]+)`")
_CITATION = re.compile(r"\[(\d{1,3})\]")

CHANNEL_NAMES = {
    "visual": "Seen",
    "speech": "Said",
    "screen_text": "On screen",
    "objects": "Objects",
    "caption": "Caption",
    "sound": "Heard",
    "title": "Title",
}
"""What the channels are called on the page."""

KIND_NAMES = {
    "visual": "Pictures",
    "sentence": "Meaning of sentences",
    "speech": "Speech",
    "speakers": "Who speaks",
    "sounds": "Sounds",
    "screen_text": "Text on screen",
    "objects": "Objects",
    "rerank": "Reading again",
    "vlm": "Answers by a model",
}
"""What the kinds of engines are called on the page."""

KIND_TEXTS = {
    "words": "by its words",
    "meaning": "by its meaning",
    "text": "by words and meaning",
    "picture": "by its look",
    "objects": "by count",
    "title": "of the video",
    "example": "like the example",
    "feedback": "by your marks",
    "rerank": "read again by a model",
}
"""How a channel was searched, as the explanation of a moment says it."""

SEARCH_STAGE_NAMES = {
    "plan": "Understanding the query",
    "retrieve": "Looking",
    "retrieve.text": "words",
    "retrieve.pictures": "pictures",
    "retrieve.objects": "objects",
    "fuse": "Weighing",
    "exclude": "Leaving out",
    "join": "Joining over time",
    "near_words": "Near matches of unknown words",
    "rerank": "Reading again",
    "describe": "Describing",
}
"""The stages of a search as the page calls them; those with a dot are parts of the one before it."""

STATE_NAMES = {
    "new": "New",
    "queued": "Waiting",
    "indexing": "Indexing",
    "indexed": "Ready",
    "failed": "Failed",
    "missing": "File is gone",
}
STAGE_NAMES = {
    "fetch": "Downloading",
    "identity": "Reading the file",
    "probe": "Reading the file",
    "frames": "Looking at the pictures",
    "speech": "Listening",
    "speakers": "Telling voices apart",
    "sounds": "Listening for sounds",
    "screen_text": "Reading the screen",
    "objects": "Finding objects",
    "visual": "Comparing pictures with words",
    "segments": "Cutting segments",
    "chapters": "Finding chapters",
    "text_vectors": "Understanding text",
    "media": "Making thumbnails",
    "index": "Writing the index",
    "publish": "Writing the index",
    "captions": "Describing what is seen",
    "notes": "Taking notes",
}


def install(app: Flask) -> None:
    """Give the templates their filters and names."""
    app.jinja_env.filters.update(
        clock=clock,
        span=span,
        size=size,
        percent=percent,
        likely=likely,
        ago=ago,
        highlight=highlight,
        cited=cited,
        figure=figure,
        took=took,
        coded=coded,
    )
    app.jinja_env.globals.update(
        channel_names=CHANNEL_NAMES,
        kind_names=KIND_NAMES,
        state_names=STATE_NAMES,
        stage_names=STAGE_NAMES,
        kind_texts=KIND_TEXTS,
        search_stage_names=SEARCH_STAGE_NAMES,
        with_level=with_level,
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


def clock(seconds: float) -> str:
    """Seconds as `m:ss`."""
    return format_time(seconds)


def span(start: float, end: float) -> str:
    """A time range as `m:ss – m:ss`."""
    first, last = format_time(start), format_time(end)
    return first if first == last else f"{first} – {last}"


def size(count: float) -> str:
    """Bytes in words."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit in ("B", "KB") else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def figure(value: float) -> str:
    """A score of any scale with about three digits: `12.4`, `0.381`."""
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"


def with_level(level: str) -> dict[str, list[str] | str]:
    """The arguments of the page at hand, with another level of results."""
    return {**request.args.to_dict(flat=False), "level": level}


def percent(fraction: float) -> int:
    """A fraction as a whole percentage, 0 to 100."""
    return round(100 * min(1.0, max(0.0, fraction)))


def likely(confidence: float) -> str:
    """A confidence in one word."""
    return "strong" if confidence >= 0.8 else "middling" if confidence >= 0.5 else "weak"


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """How long ago something was, roughly."""
    if moment is None:
        return "never"
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    seconds = max(0.0, ((now or datetime.now(UTC)) - moment).total_seconds())
    for length, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


@lru_cache(maxsize=256)
def wanted_stems(query: str) -> frozenset[str]:
    """The stems of a query's words and objects, without those that must not be there."""
    found: set[str] = set()
    for stage in parse(query).stages:
        for item in stage.every_item():
            if item.negated:
                continue
            if isinstance(item, Words):
                found.update(stems(item.text) if item.phrase else content_terms(item.text))
            elif isinstance(item, ObjectCount):
                found.update(stems(item.label))
            elif isinstance(item, ObjectFact):
                found.update(stems(f"{item.label} {item.other}"))
    return frozenset(found)


def highlight(text: str, query: str) -> Markup:
    """`text` as HTML, escaped, the words that match the query in `<mark>`."""
    wanted = wanted_stems(query)
    parts: list[Markup] = []
    at = 0
    for match in _WORD.finditer(text) if wanted else ():
        if wanted.isdisjoint(stems(match.group())):
            continue
        parts += [escape(text[at : match.start()]), Markup("<mark>{}</mark>").format(match.group())]
        at = match.end()
    parts.append(escape(text[at:]))
    return Markup("").join(parts)


def coded(text: str) -> Markup:
    """A sentence as HTML, escaped, what stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))


def cited(answer: Answer) -> Markup:
    """An answer's text as HTML, escaped, each `[n]` a link to citation n; a number without one stays text."""
    parts: list[Markup] = []
    at = 0
    for match in _CITATION.finditer(answer.answer):
        number = int(match.group(1))
        if not 1 <= number <= len(answer.citations):
            continue
        link = Markup('<a class="cite" href="#citation-{n}" aria-label="Citation {n}">[{n}]</a>').format(n=number)
        parts += [escape(answer.answer[at : match.start()]), link]
        at = match.end()
    parts.append(escape(answer.answer[at:]))
    return Markup("").join(parts)
