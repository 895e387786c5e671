"""Search and questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from apiflask import APIBlueprint

from query.ranking.saliency import STEP
from query.service import SearchRequest
from reelseek.records import Image, JsonObject
from reelseek.wire import search_payload
from web.backend import backend
from web.example_schemas import ExampleQuery
from web.search_schemas import MomentQuery, SaliencyOut, SaliencyQuery, SearchOut, SearchQuery


def register(api: APIBlueprint) -> None:
    """Add the routes."""

    @api.get("/videos/<video:video_id>/moments")
    @api.input(MomentQuery, location="query", arg_name="query")
    @api.output(SearchOut)
    def moments(video_id: str, query: MomentQuery) -> JsonObject:
        """Find moments in one video."""
        backend().catalogue.video(video_id)
        return search_payload(backend().service.search(SearchRequest(query.q, k=query.k, video_ids=(video_id,))))

    @api.get("/videos/<video:video_id>/saliency")
    @api.input(SaliencyQuery, location="query", arg_name="query")
    @api.output(SaliencyOut)
    def saliency(video_id: str, query: SaliencyQuery) -> JsonObject:
        """Score each two seconds of a video by how much they have to do with a query."""
        scores = backend().service.saliency(video_id, query.q)
        return {"query": query.q, "step": STEP, "scores": list(scores)}


def search_request(query: SearchQuery, images: Mapping[str, Image] | None = None) -> SearchRequest:
    """What the query service is asked for."""
    asked = SearchRequest(
        query.q,
        k=query.k,
        video_ids=tuple(query.video),
        library=query.library,
        images=images or {},
        min_confidence=query.min_confidence,
        level=query.level,
        channels=frozenset(query.channel) or None,
    )
    if not isinstance(query, ExampleQuery):
        return asked
    return replace(
        asked, examples=tuple(query.example), by=query.by, like=tuple(query.like), unlike=tuple(query.unlike)
    )
