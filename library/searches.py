"""Saved searches."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from library.catalogue import Catalogue
from library.database import now, storable
from library.records import SavedHit, SavedSearch
from library.schema import SavedHitRow, SavedSearchRow, VideoRow
from reelseek.errors import Conflict, InvalidRequest, NotFound
from reelseek.records import JsonObject


def save_search(catalogue: Catalogue, name: str, query: str, options: JsonObject | None = None) -> SavedSearch:
    """Keep a query under a name.

    Raises:
        InvalidRequest: the name or the query is empty, or the name longer than 200 characters.
        Conflict: the name is taken.
    """
    name, query = storable(name).strip(), storable(query).strip()
    if not 1 <= len(name) <= 200 or not query:
        raise InvalidRequest("A saved search needs a name of at most 200 characters and a query.")
    try:
        with catalogue.database.write() as session:
            row = SavedSearchRow(name=name, query=query, options=options or {}, created_at=now())
            session.add(row)
            session.flush()
            return _record(row)
    except IntegrityError as error:
        raise Conflict(f"There is a saved search named {name} already.") from error


def saved_searches(catalogue: Catalogue) -> list[SavedSearch]:
    """All of them, by name."""
    with catalogue.database.read() as session:
        return [_record(row) for row in session.scalars(select(SavedSearchRow).order_by(SavedSearchRow.name))]


def saved_search(catalogue: Catalogue, search_id: int) -> SavedSearch:
    """One of them.

    Raises:
        NotFound: there is none.
    """
    with catalogue.database.read() as session:
        row = session.get(SavedSearchRow, search_id)
        if row is None:
            raise NotFound(f"There is no saved search {search_id}.")
        return _record(row)


def find_search(catalogue: Catalogue, key: str) -> SavedSearch:
    """A saved search by its number or its name.

    Raises:
        NotFound: there is none.
    """
    for saved in saved_searches(catalogue):
        if saved.name == key or str(saved.search_id) == key:
            return saved
    raise NotFound(f"There is no saved search {storable(key)}.", hint="`reelseek saved list` shows them.")


def new_videos(catalogue: Catalogue, saved: SavedSearch) -> list[str]:
    """The videos that were published since a saved search was last run, or since it was made."""
    since = saved.last_run_at or saved.created_at
    statement = select(VideoRow.video_id).where(VideoRow.live_ingest.is_not(None), VideoRow.indexed_at >= since)
    with catalogue.database.read() as session:
        return list(session.scalars(statement.order_by(VideoRow.indexed_at)))


def record_run(
    catalogue: Catalogue, search_id: int, run_at: datetime, video_ids: Collection[str], hits: Iterable[SavedHit]
) -> int:
    """Keep what a saved search found in some videos.

    A moment that overlaps one which was found before in the same video is that one, and keeps the time at which it was
    found; what is no longer found goes.

    Args:
        run_at: when the search began: what is published from then on is looked at next time.

    Returns:
        How many moments are new.
    """
    found, new = list(hits), 0
    with catalogue.database.write() as session:
        search = session.get(SavedSearchRow, search_id)
        if search is None:
            return 0
        search.last_run_at = run_at
        statement = select(SavedHitRow).where(
            SavedHitRow.search_id == search_id, SavedHitRow.video_id.in_(list(video_ids))
        )
        before = list(session.scalars(statement))
        for hit in found:
            row = next((row for row in before if _same(row, hit)), None)
            if row is None:
                new += 1
                row = SavedHitRow(search_id=search_id, video_id=hit.video_id, found_at=hit.found_at)
                session.add(row)
            else:
                before.remove(row)
            row.start, row.end, row.confidence, row.text = hit.start, hit.end, hit.confidence, storable(hit.text)
        for row in before:
            session.delete(row)
    return new


def saved_hits(catalogue: Catalogue, search_id: int, limit: int | None = 100) -> list[SavedHit]:
    """What a saved search found, the newest find first, the surest first among those of one run."""
    statement = (
        select(SavedHitRow, VideoRow.title)
        .join(VideoRow, VideoRow.video_id == SavedHitRow.video_id)
        .where(SavedHitRow.search_id == search_id)
        .order_by(SavedHitRow.found_at.desc(), SavedHitRow.confidence.desc(), SavedHitRow.hit_id)
        .limit(limit)
    )
    with catalogue.database.read() as session:
        return [
            SavedHit(row.search_id, row.video_id, title, row.start, row.end, row.confidence, row.text, row.found_at)
            for row, title in session.execute(statement)
        ]


def hit_payload(hit: SavedHit) -> JsonObject:
    """A find as the API and notices tell it."""
    return {
        "video_id": hit.video_id,
        "title": hit.title,
        "start": hit.start,
        "end": hit.end,
        "confidence": hit.confidence,
        "text": hit.text,
        "found_at": hit.found_at.isoformat(),
    }


def hit_counts(catalogue: Catalogue) -> dict[int, int]:
    """How many moments each saved search has found; one that found none is left out."""
    statement = select(SavedHitRow.search_id, func.count()).group_by(SavedHitRow.search_id)
    with catalogue.database.read() as session:
        return {search_id: found for search_id, found in session.execute(statement).all()}  # noqa: C416 (a row is no pair)


def delete_search(catalogue: Catalogue, search_id: int) -> None:
    """Forget a saved search.

    Raises:
        NotFound: there is none.
    """
    with catalogue.database.write() as session:
        row = session.get(SavedSearchRow, search_id)
        if row is None:
            raise NotFound(f"There is no saved search {search_id}.")
        session.delete(row)


def _same(row: SavedHitRow, hit: SavedHit) -> bool:
    return row.video_id == hit.video_id and row.start < hit.end and hit.start < row.end


def _record(row: SavedSearchRow) -> SavedSearch:
    return SavedSearch(row.search_id, row.name, row.query, row.created_at, row.last_run_at, dict(row.options))
