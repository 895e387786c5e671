"""Which videos and times a request allows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date

from index.reader import Scope, Snapshot
from index.scope import Overlaps
from library.catalogue import Catalogue
from library.records import VideoEntry
from query.language.terms import Filters
from query.requests import SearchRequest
from query.source import primary, videos_in_language
from query.texts.words import stems
from reelseek.records import Chapter

_END = 1e12
_RECORDED = ("date_recorded", "com.apple.quicktime.creationdate", "creation_time", "date", "date_digitized", "year")
"""Container tags that tell when it was recorded, the surest first."""

_DAY = re.compile(r"^(\d{4})[-:/.](\d{1,2})[-:/.](\d{1,2})(?!\d)")
_EPOCH = 1971


def scope_of(request: SearchRequest, filters: Filters, catalogue: Catalogue, snapshot: Snapshot) -> Scope:
    """The rows that may be found.

    Raises:
        NotFound: a video or library that the request names does not exist.
    """
    sets: list[frozenset[str]] = []
    if request.video_ids:
        sets.append(frozenset(catalogue.video(video_id).video_id for video_id in request.video_ids))
    if request.library is not None:
        sets.append(_ids(catalogue.videos(library=catalogue.library(request.library).library_id)))
    for name in filters.videos:
        exact = catalogue.find_video(name)
        sets.append(_ids(catalogue.videos(query=name)) | _ids([exact] if exact is not None else []))
    sets += [_ids(catalogue.videos(tag=tag)) for tag in filters.tags]
    if filters.added or filters.recorded or filters.durations:
        sets.append(_ids(entry for entry in catalogue.videos() if _fits(entry, filters)))
    if filters.languages:
        sets.append(videos_in_language(snapshot, languages_of(filters)))
    where: tuple[Overlaps, ...] = ()
    if filters.after is not None or filters.before is not None:
        where = (Overlaps(filters.after or 0.0, _END if filters.before is None else filters.before),)
    return Scope(video_ids=frozenset.intersection(*sets) if sets else None, where=where)


def chapter_ranges(
    filters: Filters, catalogue: Catalogue, chapters: Callable[[VideoEntry], Iterable[Chapter]]
) -> dict[str, list[tuple[float, float]]] | None:
    """The times of the chapters that are asked for, by video; None where none are.

    Args:
        chapters: gives a video's.
    """
    if not filters.chapters:
        return None
    wanted = [set(stems(name)) for name in filters.chapters]
    found: dict[str, list[tuple[float, float]]] = {}
    for entry in catalogue.videos():
        fitting = [
            (chapter.start, chapter.end)
            for chapter in (chapters(entry) if entry.live_ingest else ())
            if all(words and words <= set(stems(chapter.title)) for words in wanted)
        ]
        if fitting:
            found[entry.video_id] = fitting
    return found


def languages_of(filters: Filters) -> frozenset[str]:
    """The primary tags of the languages asked for."""
    return frozenset(primary(language) for language in filters.languages)


def _ids(entries: Iterable[VideoEntry]) -> frozenset[str]:
    return frozenset(entry.video_id for entry in entries)


def _fits(entry: VideoEntry, filters: Filters) -> bool:
    """Whether a video is as long as asked for, and of the days asked for."""
    recorded = recorded_on(entry) if filters.recorded else None
    return (
        all(days.holds(entry.added_at.date()) for days in filters.added)
        and all(recorded is not None and days.holds(recorded) for days in filters.recorded)
        and all(span.holds(entry.duration) for span in filters.durations)
    )


def recorded_on(entry: VideoEntry) -> date | None:
    """The day on which a video was recorded, by what the file says of itself; None where it says nothing."""
    tags = {str(name).lower(): str(value) for name, value in (entry.info.get("tags") or {}).items()}
    for name in _RECORDED:
        match = _DAY.match(tags.get(name, "").strip())
        if match is None:
            continue
        try:
            day = date(*(int(part) for part in match.groups()))
        except ValueError:
            continue
        if day.year > _EPOCH:  # a camera whose clock was never set says 1904 or 1970
            return day
    return None
