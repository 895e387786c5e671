"""Which videos and times a request allows."""

from __future__ import annotations

from collections.abc import Iterable

from index.reader import Scope, Snapshot
from index.scope import Overlaps
from library.catalogue import Catalogue
from library.records import VideoEntry
from query.language import Filters
from query.requests import SearchRequest
from query.source import primary, videos_in_language

_END = 1e12


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
    if filters.added_after is not None or filters.added_before is not None:
        sets.append(_ids(entry for entry in catalogue.videos() if _added(entry, filters)))
    if filters.languages:
        sets.append(videos_in_language(snapshot, languages_of(filters)))
    where: tuple[Overlaps, ...] = ()
    if filters.after is not None or filters.before is not None:
        where = (Overlaps(filters.after or 0.0, _END if filters.before is None else filters.before),)
    return Scope(video_ids=frozenset.intersection(*sets) if sets else None, where=where)


def languages_of(filters: Filters) -> frozenset[str]:
    """The primary tags of the languages asked for."""
    return frozenset(primary(language) for language in filters.languages)


def _ids(entries: Iterable[VideoEntry]) -> frozenset[str]:
    return frozenset(entry.video_id for entry in entries)


def _added(entry: VideoEntry, filters: Filters) -> bool:
    day = entry.added_at.date()
    return (filters.added_after is None or day >= filters.added_after) and (
        filters.added_before is None or day < filters.added_before
    )
