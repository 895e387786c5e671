"""Chapters: the container's own, else those its description lists, else found where the video turns to a new topic."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from ingest.titles import TITLE_LENGTH, heading_times, titles
from ingest.topics import CUES, LEAST_LENGTH, Evidence, topic_starts
from reelseek.records import Chapter, Segment, TimedText, Vector, VideoInfo

CONTAINER, DESCRIPTION, FOUND = "container", "description", "topics"

_LISTS = ("description", "synopsis", "comment", "longdescription", "ldes")
_TIME = re.compile(r"(?<![\d:.])(?:(\d{1,2}):)?(\d{1,3}):([0-5]\d)(?!:?\d)")
_FEWEST, _CLOSEST = 3, 10.0
"""As YouTube has it: at least three entries, the first at 0:00, each at least 10 s long."""
_BEFORE, _BEHIND = " \t-–—:|•*·.,;)]>", " \t-–—:|•*·,;([<"


def chapters(
    info: VideoInfo,
    segments: Sequence[Segment],
    lines: Sequence[TimedText],
    line_vectors: Vector | None = None,
    visual_vectors: Vector | None = None,
    encode: Callable[[list[str]], Vector] | None = None,
) -> tuple[Chapter, ...]:
    """Chapters of a video, in order: given ones, or found ones, which cover it wholly; none where it is one piece.

    Args:
        lines: speech and screen text.
        line_vectors: a row for each line, or None without a sentence engine; then words are compared.
        visual_vectors: a row for each segment; used where next to nothing is said or written.
        encode: the sentence engine of `line_vectors`; called only where chapters are looked for.
    """
    if info.chapters:
        return info.chapters
    if listed := listed_chapters(info.tags, info.duration):
        return listed
    if not segments or segments[-1].end - segments[0].start < LEAST_LENGTH:
        return ()
    evidence = Evidence(
        segments,
        lines,
        line_vectors,
        encode(list(CUES)) if encode is not None and line_vectors is not None and len(lines) else None,
        visual_vectors,
        heading_times(lines),
    )
    starts = topic_starts(evidence)
    if len(starts) < 2:
        return ()
    spans = list(pairwise([0.0, *starts[1:], segments[-1].end]))
    named = zip(spans, titles(segments, lines, spans, encode), strict=True)
    return tuple(Chapter(index, start, end, title, FOUND) for index, ((start, end), title) in enumerate(named))


def listed_chapters(tags: Mapping[str, str], duration: float) -> tuple[Chapter, ...]:
    """The chapters that a description lists as people do: `0:00 Intro`, `1:30 The harbour`, …; none where it does not.

    Args:
        tags: of the container; in whatever case its names are.
        duration: of the video, in seconds.
    """
    texts = {name.casefold(): text for name, text in tags.items()}
    for name in _LISTS:
        entries = _entries(texts.get(name, ""))
        starts = [start for start, _ in entries]
        fits = len(entries) >= _FEWEST and starts[0] == 0.0 and starts[-1] + _CLOSEST <= duration
        if fits and all(b - a >= _CLOSEST for a, b in pairwise(starts)):
            spans = pairwise([*starts, duration])
            return tuple(
                Chapter(index, start, end, title, DESCRIPTION)
                for index, ((start, end), (_, title)) in enumerate(zip(spans, entries, strict=True))
            )
    return ()


def _entries(text: str) -> list[tuple[float, str]]:
    """The times in a text and what is named at each: behind it, as nearly everybody writes, else before it."""
    lines = [(line, match) for line in text.splitlines() if (match := _TIME.search(line))]
    if len(lines) >= _FEWEST:
        found = [(match, _name(line[match.end() :]) or line[: match.start()]) for line, match in lines]
    else:  # a container that keeps no line breaks
        matches = list(_TIME.finditer(text))
        ends = [*(match.start() for match in matches[1:]), len(text)]
        found = [(match, text[match.end() : end]) for match, end in zip(matches, ends, strict=False)]
    entries = []
    for match, title in found:
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        if not (name := _name(title)):
            return []
        entries.append((3600.0 * hours + 60.0 * minutes + seconds, name))
    return entries


def _name(text: str) -> str:
    return " ".join(text.split()).lstrip(_BEFORE).rstrip(_BEHIND)[:TITLE_LENGTH].strip()
