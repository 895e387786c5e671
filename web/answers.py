"""What the pages show of answers and summaries: a question with the one before it, a video in short."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from query.deep.answering import answer as answered
from query.digest.digests import DigestRequest, digest
from query.examples.stretches import locate, read_stretch, write_stretch
from query.requests import Stretch
from query.service import AskRequest
from reelseek.answers import Answer, Citation, Turn
from reelseek.digests import Digest
from reelseek.errors import InvalidRequest, NotFound
from reelseek.records import Channel
from reelseek.results import nearest
from web.backend import Backend, client_gone
from web.search_schemas import SearchQuery

_CITED = 8


def answer_view(served: Backend, query: SearchQuery, fields: Mapping[str, str]) -> dict[str, Any]:
    """An answer for the page; `before` and `at` of the address are the question before it and where that was found."""
    begun = time.perf_counter()
    earlier = _earlier(served, fields)
    request = AskRequest(
        query.q,
        k=query.k,
        video_ids=tuple(query.video),
        library=query.library,
        history=(earlier,) if earlier else (),
        stopped=client_gone(),
    )
    answer = answered(served.service, request)
    ids = {citation.video_id for citation in answer.citations}
    return {
        "answer": answer,
        "moments": answer.moments,
        "near_misses": nearest(answer.near_misses),
        "titles": {entry.video_id: entry.title for entry in served.catalogue.videos(ids=ids)} if ids else {},
        "followed": {"before": answer.understood or answer.question, "at": _cited(answer)},
        "took_ms": 1000 * (time.perf_counter() - begun),
    }


def _earlier(served: Backend, fields: Mapping[str, str]) -> Turn | None:
    """The question before; places in it that are no longer there are left out."""
    question = fields.get("before", "").strip()
    if not question:
        return None
    citations = []
    for text in filter(None, fields.get("at", "").split(",")[:_CITED]):
        try:
            at = locate(read_stretch(text), served.catalogue)
        except (InvalidRequest, NotFound):
            continue
        citations.append(Citation(at.video_id, at.start, at.end, Channel.SPEECH, ""))
    return Turn(question, citations=tuple(citations))


def _cited(answer: Answer) -> str:
    places = (Stretch(item.video_id, item.start, item.end) for item in answer.citations[:_CITED])
    return ",".join(write_stretch(place) for place in places)


def in_short(served: Backend, video_id: str) -> Digest | None:
    """A video in some sentences of its own, at once; None where nothing is said or written in it."""
    found = digest(served.service, DigestRequest(video_id, length="short", by_model=False))
    return found if found.points else None
