"""Digests of videos and of searches, over the query service."""

from __future__ import annotations

from dataclasses import dataclass, replace

from query.answering.claims import Checker
from query.digest.material import Material, read_ranges, read_video
from query.digest.notes import KeptNotes
from query.digest.writing import Focus, by_model, extractive
from query.requests import SearchRequest
from query.service import QueryService, Reads
from reelseek.digests import Digest, Length
from reelseek.errors import EngineUnavailable, InvalidRequest

MOMENTS = 12
"""Moments of a search that are summed up."""


@dataclass(frozen=True, slots=True)
class DigestRequest:
    """What is to be summed up.

    Attributes:
        video_id: a video, all of it; empty sums up what a search finds.
        query: what it is focused on; without a video, what is searched for.
        library: only in this library.
        by_model: whether a model may write it, where there is one.
    """

    video_id: str = ""
    query: str = ""
    length: Length = "medium"
    library: int | str | None = None
    by_model: bool = True

    def check(self) -> None:
        """Refuse what cannot be summed up.

        Raises:
            InvalidRequest: neither a video nor a search is named.
        """
        if not self.video_id and not self.query.strip():
            raise InvalidRequest("There is nothing to sum up.", hint="Name a video, or what to search for.")


def digest(service: QueryService, request: DigestRequest) -> Digest:
    """Sum up a video, or what a search finds.

    Raises:
        InvalidRequest: neither a video nor a search is named.
        NotFound: there is no such video.
    """
    request.check()
    reads = service.reads()
    notes: tuple[str, ...] = ()
    if request.video_id:
        entry = service.catalogue.video(request.video_id)
        chapters = service.chapters(entry.video_id)
        material = read_video(reads.snapshot, entry.video_id, chapters, reads.text_space)
        titles = {entry.video_id: entry.title}
    else:
        found = service.search(SearchRequest(request.query, k=MOMENTS, library=request.library))
        ranges = [(moment.video_id, moment.start, moment.end) for moment in found.moments]
        material = read_ranges(reads.snapshot, ranges, reads.text_space)
        titles = {moment.video_id: moment.title for moment in found.moments}
        notes = found.notes
    vector = reads.encoders.sentence(request.query) if request.query.strip() and reads.text_space is not None else None
    focus = Focus(request.length, request.query.strip(), vector)
    made = _written(service, reads, material, focus, titles, request)
    return replace(made, notes=tuple(dict.fromkeys((*notes, *made.notes))))


def _written(
    service: QueryService,
    reads: Reads,
    material: Material,
    focus: Focus,
    titles: dict[str, str],
    request: DigestRequest,
) -> Digest:
    """By the model, where there is one that behaves; else of the videos' own sentences."""
    words = reads.statistics.words
    told = ""
    if request.by_model and material.passages:
        try:
            vlm = service.engines.vlm()
            if vlm is not None:
                checker = Checker.over(words, reads.encoders, meaning=reads.text_space is not None)
                kept = KeptNotes(service.settings.data / "cache" / "notes")
                seconds = service.settings.engines.vlm_timeout
                return by_model(vlm, material, checker, focus, titles, seconds, kept)
        except EngineUnavailable as error:
            told = f"The model wrote no summary ({error}) Sentences of the videos stand for it."
    made = extractive(material, words, focus, titles)
    return replace(made, notes=(*made.notes, told)) if told else made
