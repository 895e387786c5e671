"""Which channels run, on which engine, and what is lost where one is off."""

from __future__ import annotations

from apiflask import APIBlueprint

from reelseek import __version__
from reelseek.records import JsonObject
from web.backend import Backend, backend
from web.present import KIND_NAMES
from web.schemas import StatusOut


def register(api: APIBlueprint) -> None:
    """Add the routes."""

    @api.get("/status")
    @api.output(StatusOut)
    def status() -> JsonObject:
        """Tell version, channels, engines, and what is off."""
        return {
            "version": __version__,
            "warm": backend().is_warm,
            "videos": backend().catalogue.count_videos(),
            "engines": engine_payloads(backend()),
        }


def engine_payloads(served: Backend) -> list[JsonObject]:
    """Every kind of engine: what serves it, or why nothing does."""
    return [
        {
            "kind": str(kind),
            "title": KIND_NAMES.get(str(kind), str(kind)),
            "state": found.state,
            "engine": found.ref.id if found.ref else None,
            "note": found.ref.note if found.ref else "",
            "reason": found.reason,
            "fix": found.fix,
            "loses": found.loses,
            "missed": found.missed,
        }
        for kind, found in served.service.status().items()
    ]
