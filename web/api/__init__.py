"""The HTTP API, version 1."""

from __future__ import annotations

from apiflask import APIBlueprint

from web.api import asking, digests, examples, exports, jobs, libraries, media, saved, search, sources, status, videos


def blueprint() -> APIBlueprint:
    """Everything under `/api/v1`."""
    api = APIBlueprint("api", __name__, url_prefix="/api/v1", tag="Reelseek")
    for part in (examples, search, asking, digests, videos, media, exports, libraries, sources, saved, jobs, status):
        part.register(api)
    return api
