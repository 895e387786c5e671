"""Saved searches."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from library.catalogue import Catalogue
from library.database import now, storable
from library.records import SavedSearch
from library.schema import SavedSearchRow
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


def mark_run(catalogue: Catalogue, search_id: int) -> None:
    """Note that a saved search was just run."""
    with catalogue.database.write() as session:
        if row := session.get(SavedSearchRow, search_id):
            row.last_run_at = now()


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


def _record(row: SavedSearchRow) -> SavedSearch:
    return SavedSearch(row.search_id, row.name, row.query, row.created_at, row.last_run_at, dict(row.options))
