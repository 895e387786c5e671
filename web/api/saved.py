"""Saved searches, and what they found."""

from __future__ import annotations

from apiflask import APIBlueprint

from library import searches
from library.records import SavedSearch
from query.language.parsing import parse
from reelseek.records import JsonObject
from web.backend import Backend, backend
from web.payloads import moment_text
from web.schemas import NewSavedSearch, SavedHitList, SavedSearchList, SavedSearchOut


def register(api: APIBlueprint) -> None:
    """Add the routes."""

    @api.get("/saved")
    @api.output(SavedSearchList)
    def list_saved() -> JsonObject:
        """List the saved searches."""
        catalogue = backend().catalogue
        counts = searches.hit_counts(catalogue)
        found = searches.saved_searches(catalogue)
        return {"searches": [_payload(saved, counts.get(saved.search_id, 0)) for saved in found]}

    @api.post("/saved")
    @api.input(NewSavedSearch, location="json", arg_name="new")
    @api.output(SavedSearchOut, status_code=201)
    def save_search(new: NewSavedSearch) -> JsonObject:
        """Save a search: every video that is indexed from now on is searched for it."""
        return _payload(save(backend(), new))

    @api.get("/saved/<number:search_id>/moments")
    @api.output(SavedHitList)
    def saved_moments(search_id: int) -> JsonObject:
        """List what a saved search has found, the newest first."""
        catalogue = backend().catalogue
        searches.saved_search(catalogue, search_id)
        return {"moments": [searches.hit_payload(hit) for hit in searches.saved_hits(catalogue, search_id)]}

    @api.delete("/saved/<number:search_id>")
    @api.output({}, status_code=204)
    def delete_saved(search_id: int) -> str:
        """Forget a saved search and what it found."""
        searches.delete_search(backend().catalogue, search_id)
        return ""


def save(served: Backend, new: NewSavedSearch) -> SavedSearch:
    """Save a search.

    Raises:
        InvalidRequest: it has no name or query.
        NotFound: there is no such library.
        Conflict: the name is taken.
    """
    parse(new.query)
    options: JsonObject = {}
    if new.library is not None:
        options["library"] = served.catalogue.library(new.library).library_id
    return searches.save_search(served.catalogue, new.name, new.query, options)


def _payload(saved: SavedSearch, found: int = 0) -> JsonObject:
    return {
        "search_id": saved.search_id,
        "name": saved.name,
        "query": saved.query,
        "library": saved.options.get("library"),
        "created_at": moment_text(saved.created_at),
        "last_run_at": moment_text(saved.last_run_at),
        "found": found,
    }
