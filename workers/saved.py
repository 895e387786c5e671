"""Running saved searches on what is new, and keeping what they find."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from index.reader import IndexReader
from library.database import now
from library.records import SavedHit, SavedSearch
from library.searches import new_videos, record_run, saved_searches
from query.requests import SearchRequest
from query.service import QueryService
from reelseek.errors import InvalidRequest, NotFound
from reelseek.results import Moment
from workers.notifying import queue_finds
from workers.workspace import Workspace

_MOMENTS = 20
_log = logging.getLogger(__name__)


def run_saved_searches(workspace: Workspace, searches: Iterable[SavedSearch] | None = None) -> dict[str, int]:
    """Run saved searches on the videos that were published since each was last run; no model runs where there are none.

    A search that cannot be run any more (its library is gone) is passed over with a warning.

    Args:
        searches: these; None for all.

    Returns:
        Name of each search that was run to how many new moments it found.
    """
    found: dict[str, int] = {}
    reader = IndexReader(workspace.settings)
    service = QueryService(workspace.settings, workspace.catalogue, reader, workspace.engines, workspace.store)
    try:
        for saved in saved_searches(workspace.catalogue) if searches is None else searches:
            began, videos = now(), new_videos(workspace.catalogue, saved)
            if not videos:
                continue
            request = SearchRequest(
                saved.query,
                int(saved.options.get("k", _MOMENTS)),
                tuple(videos),
                saved.options.get("library"),
                min_confidence=saved.options.get("min_confidence"),
            )
            try:
                moments = service.search(request).moments
            except (InvalidRequest, NotFound) as error:
                _log.warning("The saved search %s cannot be run: %s", saved.name, error)
                continue
            hits = [_hit(saved, moment) for moment in moments]
            found[saved.name] = record_run(workspace.catalogue, saved.search_id, began, videos, hits)
            queue_finds(workspace, saved, began)
    finally:
        reader.close()
    return found


def _hit(saved: SavedSearch, moment: Moment) -> SavedHit:
    text = moment.evidence[0].text if moment.evidence else ""
    return SavedHit(
        saved.search_id, moment.video_id, moment.title, moment.start, moment.end, moment.confidence, text, now()
    )
