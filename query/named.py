"""What a request names must be there: told before an engine is loaded for it."""

from __future__ import annotations

from library.catalogue import Catalogue
from query.examples.stretches import NamedStretch, check_start, locate
from query.language.parsing import parse
from query.language.terms import Example, Query
from query.requests import AskRequest, SearchRequest


def checked(request: SearchRequest, catalogue: Catalogue) -> Query:
    """A request's query, read; the request is looked through.

    Raises:
        InvalidRequest: there is nothing to look for, a number is out of range, or a place lies behind its video's end.
        NotFound: a video or library that is named does not exist.
    """
    request.check()
    query = parse(request.query)
    for video_id in request.video_ids:
        catalogue.video(video_id)
    if request.library is not None:
        catalogue.library(request.library)
    for stretch in request.examples:
        check_start(catalogue.video(stretch.video_id), stretch.start)
    for mark in (*request.like, *request.unlike):
        if (entry := catalogue.find_video(mark.video_id)) is not None:  # marks outlive their videos
            check_start(entry, mark.start)
    for item in (item for stage in query.stages for item in stage.every_item()):
        if isinstance(item, Example) and item.kind == "like":
            locate(example_stretch(item), catalogue)
    return query


def check_question(request: AskRequest, catalogue: Catalogue) -> None:
    """Look a question through. Raises as `checked` does."""
    request.check()
    checked(request.as_search, catalogue)


def example_stretch(example: Example) -> NamedStretch:
    """The place that `like:` names; a single time is that picture."""
    start = example.start or 0.0
    return NamedStretch(example.name, start, example.end if example.end is not None else start)
