"""The pages of saved searches: what they found, a new one, one that goes."""

from __future__ import annotations

from flask import render_template, request, session, url_for
from werkzeug.wrappers import Response as BaseResponse

from library import searches
from library.records import SavedSearch
from reelseek.errors import ReelseekError
from reelseek.records import JsonObject
from web.api.saved import save
from web.backend import Backend, backend
from web.forms import fields, told
from web.schemas import NewSavedSearch

_SHOWN, _ALL_SHOWN = 3, 200


def saved_list() -> str:
    """All saved searches, each with the newest that it found."""
    return _page(searches.saved_searches(backend().catalogue), _SHOWN)


def saved_one(search_id: int) -> str:
    """One saved search, with all that it found."""
    return _page([searches.saved_search(backend().catalogue, search_id)], _ALL_SHOWN)


def add_saved() -> BaseResponse:
    """Save a search."""
    try:
        saved = save(backend(), fields(NewSavedSearch, request.form.to_dict()))
    except ReelseekError as error:
        return told(f"It was not saved: {error}", "pages.saved_list")
    return told(f"{saved.name} is saved: each video that is indexed from now on is searched.", "pages.saved_list")


def remove_saved(search_id: int) -> BaseResponse:
    """Forget a saved search and what it found."""
    catalogue = backend().catalogue
    name = searches.saved_search(catalogue, search_id).name
    searches.delete_search(catalogue, search_id)
    return told(f"{name} is no longer run.", "pages.saved_list")


def _page(found: list[SavedSearch], shown: int) -> str:
    served = backend()
    counts = searches.hit_counts(served.catalogue)
    return render_template(
        "saved.html",
        searches=[_shown(served, saved, counts.get(saved.search_id, 0), shown) for saved in found],
        one=shown == _ALL_SHOWN,
        message=session.pop("message", ""),
    )


def _shown(served: Backend, saved: SavedSearch, count: int, shown: int) -> JsonObject:
    library = saved.options.get("library")
    names = {item.library_id: item.name for item in served.catalogue.libraries()} if library else {}
    return {
        "saved": saved,
        "count": count,
        "hits": searches.saved_hits(served.catalogue, saved.search_id, shown),
        "library": names.get(library, "a folder that is no longer watched") if library else "",
        "again": url_for("pages.search", q=saved.query, library=library if library in names else None),
    }
