"""Telling another program what saved searches find: the finds of each run are posted, as JSON, to `notify.url`.

A post is a job: one that is refused, or meets nobody, is tried again, and set aside where a person sees it.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from library.ledger import Ledger
from library.records import Job, SavedSearch
from library.searches import hit_payload, saved_hits
from reelseek.errors import ReelseekError
from reelseek.export.excerpts import permalink
from reelseek.records import JsonObject
from reelseek.settings import Settings
from workers.enqueue import queue_notice
from workers.workspace import Workspace

_SECONDS = 10.0


def queue_finds(workspace: Workspace, saved: SavedSearch, since: datetime) -> Job | None:
    """Queue a post of what a saved search found since a moment; None where nobody wants it, or there is nothing."""
    if not workspace.settings.notify.url:
        return None
    found = [hit for hit in saved_hits(workspace.catalogue, saved.search_id) if hit.found_at >= since]
    if not found:
        return None
    base = workspace.settings.page_url
    notice: JsonObject = {
        "event": "saved_search.found",
        "search": {"search_id": saved.search_id, "name": saved.name, "query": saved.query},
        "moments": [hit_payload(hit) | {"link": permalink(base, hit.video_id, hit.start, hit.end)} for hit in found],
    }
    ledger = Ledger(workspace.catalogue, workspace.settings.workers)
    return queue_notice(ledger, notice, f"{saved.search_id}:{since.isoformat()}")


def send_notice(settings: Settings, notice: JsonObject) -> JsonObject:
    """Post a notice; a user and password in the address are sent as Basic authentication.

    Raises:
        ReelseekError: it was not taken.
    """
    import httpx

    where = settings.notify.url
    if not where:
        return {"posted": False}
    host = urlsplit(where).hostname  # the rest of the address may be secret
    try:
        answer = httpx.post(where, json=notice, timeout=_SECONDS, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ReelseekError(f"{host} cannot be reached: {error or type(error).__name__}.") from error
    if not answer.is_success:
        raise ReelseekError(f"{host} answered {answer.status_code} {answer.reason_phrase}.")
    return {"posted": True, "status": answer.status_code}
