"""Digests of videos and of searches, over the query service."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from engines.protocols import VlmEngine
from query.answering.claims import Checker
from query.digest.fitting import cost_of
from query.digest.material import Material, read_ranges, read_video
from query.digest.notes import VideoNotes, notes_of
from query.digest.seen import seen
from query.digest.stretches import stretches
from query.digest.writing import Focus, Read, by_model, extractive, room_of
from query.replies import Patient
from query.requests import SearchRequest
from query.service import QueryService, Reads
from reelseek.answers import Citation
from reelseek.digests import Digest, Length, Point
from reelseek.errors import EngineUnavailable, InvalidRequest, StorageError
from reelseek.timecode import format_time

MOMENTS = 12
"""Moments of a search that are summed up."""

NO_SUMMARY = "The model wrote no summary"
"""How a digest begins to say that its model failed."""


@dataclass(frozen=True, slots=True)
class DigestRequest:
    """What is to be summed up.

    Attributes:
        video_id: a video, all of it; empty sums up what a search finds.
        query: what it is focused on; without a video, what is searched for.
        library: only in this library.
        by_model: whether a model may write it, where there is one.
        seconds: about how long to wait for notes that a long video lacks; None takes the setting.
        stopped: asked while a model works; once it says yes the model is let go, and `Cancelled` raised.
    """

    video_id: str = ""
    query: str = ""
    length: Length = "medium"
    library: int | str | None = None
    by_model: bool = True
    seconds: float | None = None
    stopped: Callable[[], bool] | None = None

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
    entry = service.catalogue.video(request.video_id) if request.video_id else None
    reads = service.reads()
    notes: tuple[str, ...] = ()
    if entry is not None:
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
    if request.video_id and not made.text:
        made = _seen(made, seen(request.video_id, service.tracks(request.video_id), request.length))
    return replace(made, notes=tuple(dict.fromkeys((*notes, *made.notes))))


def _seen(made: Digest, points: list[Point]) -> Digest:
    """An empty digest with the things that are seen instead of words, where any are."""
    if not points:
        return made
    told = (f"{item.text} from {format_time(item.start)} to {format_time(item.end)}" for item in points)
    text = " ".join(f"{line}. [{number}]" for number, line in enumerate(told, start=1))
    citations = tuple(Citation(item.video_id, item.start, item.end, item.channel, item.text) for item in points)
    notes = (*made.notes, "What is seen stands for it.")
    return replace(made, text=text, points=tuple(points), citations=citations, notes=notes)


def video_notes(service: QueryService, video_id: str) -> VideoNotes | None:
    """The notes of a video, taken or not; None where it is not in the index, or no model is there to take them.

    Raises:
        NotFound: there is no such video.
        EngineUnavailable: the settings name a model that cannot run.
    """
    entry, ref = service.catalogue.video(video_id), service.engines.ref("vlm")
    if entry.live_ingest is None or ref is None:
        return None
    return notes_of(service.reads().snapshot, service.store, video_id, entry.live_ingest, ref)


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
            engine = service.engines.vlm()
            if engine is not None:
                vlm: VlmEngine = Patient(engine, math.inf, request.stopped)
                checker = Checker.over(words, reads.encoders, meaning=reads.text_space is not None)
                read = _read(service, reads, vlm, material, titles, request)
                return by_model(vlm, read, checker, focus, service.settings.engines.vlm_timeout)
        except (EngineUnavailable, StorageError) as error:
            told = f"{NO_SUMMARY} ({error}) Sentences of the videos stand for it."
    made = extractive(material, words, focus, titles)
    return replace(made, notes=(*made.notes, told)) if told else made


def _read(
    service: QueryService,
    reads: Reads,
    vlm: VlmEngine,
    material: Material,
    titles: dict[str, str],
    request: DigestRequest,
) -> Read:
    """The material as the model reads it: as it is where that fits; of a longer video its notes, as far as they go."""
    ref = service.engines.ref("vlm")
    parts = stretches(material)
    if not request.video_id or ref is None:
        return Read(material, titles, parts, long=cost_of([item.block(titles) for item in parts], vlm) > room_of(vlm))
    ingest_id = service.catalogue.video(request.video_id).live_ingest or ""
    notes = notes_of(reads.snapshot, service.store, request.video_id, ingest_id, ref, material)
    if cost_of([item.block(titles) for item in notes.stretches], vlm) <= room_of(vlm):
        return Read(material, titles, notes.stretches)
    seconds = service.settings.query.notes_seconds if request.seconds is None else request.seconds
    rest = service.note_takers(service.engines, notes, seconds) if notes.missing() else ""
    coverage = notes.coverage(notes.missing())
    said = () if coverage.whole else (f"{coverage.told} {rest} What has none stands here in extracts.",)
    return Read(material, titles, notes.stretches, True, notes.read(), notes.joined, said, not coverage.whole)
