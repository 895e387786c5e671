"""Searching by examples and with feedback, more like a moment, and completions."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint, HTTPError
from flask import request
from pydantic import ValidationError

from query.requests import SearchRequest, Stretch
from reelseek.records import Image, JsonObject
from reelseek.wire import search_payload
from web.api.search import search_request
from web.backend import backend
from web.clip_pictures import read_clip
from web.example_schemas import ExampleQuery, SimilarQuery, SuggestOut, SuggestQuery, UploadedExamples
from web.pictures import read_picture
from web.search_schemas import SearchOut

_UNREADABLE: Any = {503: "Nothing here can compare pictures"}


def register(api: APIBlueprint) -> None:
    """Add the routes."""

    @api.get("/search")
    @api.input(ExampleQuery, location="query", arg_name="query")
    @api.output(SearchOut)
    def search(query: ExampleQuery) -> JsonObject:
        """Find moments by words or the query language, by examples, and with feedback."""
        return search_payload(backend().service.search(search_request(query)))

    @api.post("/search")
    @api.input(UploadedExamples, location="files", arg_name="query")
    @api.output(SearchOut)
    @api.doc(responses=_UNREADABLE)
    def search_by_example(query: UploadedExamples) -> JsonObject:
        """Find moments that look like pictures or a clip.

        `multipart/form-data` with `image` (also several) or `clip`, and the rest as fields; or JSON with the same
        fields and no files.
        """
        if request.is_json:
            return search_payload(backend().service.search(search_request(_body())))
        return search_payload(backend().service.search(search_request(query, sent_pictures(query))))

    @api.get("/videos/<video:video_id>/similar")
    @api.input(SimilarQuery, location="query", arg_name="query")
    @api.output(SearchOut)
    def similar(video_id: str, query: SimilarQuery) -> JsonObject:
        """Find moments that are like a part of a video; that place itself is left out."""
        example = Stretch(video_id, query.start, query.end)
        asked = SearchRequest(
            examples=(example,), by=query.by, k=query.k, video_ids=tuple(query.video), library=query.library
        )
        return search_payload(backend().service.search(asked))

    @api.get("/suggest")
    @api.input(SuggestQuery, location="query", arg_name="query")
    @api.output(SuggestOut)
    def suggest(query: SuggestQuery) -> JsonObject:
        """Complete what is being typed, from the library's own words and names and the query language's fields."""
        found = backend().service.suggest(query.q, query.limit, _videos(query))
        return {"suggestions": [{"text": s.text, "shown": s.shown, "kind": s.kind, "count": s.count} for s in found]}


def sent_pictures(query: UploadedExamples) -> dict[str, Image]:
    """The pictures that came with a request, numbered from 1, and those of its clip.

    Raises:
        InvalidRequest: a picture or the clip cannot be read.
    """
    uploads = [upload for upload in request.files.getlist("image") if upload.filename]  # an empty field has no name
    pictures = {str(number): read_picture(upload) for number, upload in enumerate(uploads, start=1)}
    if query.clip:
        taken = read_clip(query.clip, backend().settings)
        pictures |= {f"clip {number}": picture for number, picture in enumerate(taken, start=1)}
    return pictures


def _body() -> ExampleQuery:
    """The JSON body as a search."""
    try:
        return ExampleQuery.model_validate(request.get_json())
    except ValidationError as error:
        fields: dict[str, list[str]] = {}
        for item in error.errors():
            fields.setdefault(".".join(str(part) for part in item["loc"]) or "_schema", []).append(item["msg"])
        raise HTTPError(422, detail={"json": fields}) from error


def _videos(query: SuggestQuery) -> frozenset[str] | None:
    """The videos whose words count; None is all."""
    sets = [frozenset(query.video)] if query.video else []
    if query.library is not None:
        served = backend().catalogue
        library = served.library(query.library).library_id
        sets.append(frozenset(entry.video_id for entry in served.videos(library=library)))
    return frozenset.intersection(*sets) if sets else None
