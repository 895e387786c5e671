"""The one door to searching and asking. Thread-safe; engines are loaded when a query first needs them, once."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from typing import Self

from engines.protocols import VlmEngine
from engines.registry import Engines, Resolution
from index.reader import IndexReader, Snapshot
from library.catalogue import Catalogue, open_catalogue
from query.answering.asked import Asked
from query.answering.followups import complete
from query.answering.model import answer_question
from query.answering.neighbours import found_for
from query.answering.unclear import asked_back, names_nothing
from query.digest.notes import NoteTakers, take_here
from query.encoders import Encoders
from query.finding import Finding
from query.found import Found
from query.language.parsing import Filters, parse
from query.named import check_question, checked
from query.pictures.open_vocabulary import Finder
from query.planning.decouple import Decoupler
from query.planning.narrow import chapter_ranges, languages_of, scope_of
from query.planning.only import only_channels
from query.planning.plan import Plan, make_plan
from query.ranking.moments import Describer
from query.ranking.places import Chapters
from query.ranking.rerank import read_again
from query.ranking.saliency import saliency_of
from query.replies import Patient
from query.requests import AskRequest, SearchRequest
from query.search import Searcher
from query.serving import engine_notes, partial_notes, serving_channels
from query.source import Frame, Source, Statistics
from query.texts.passage_store import PassageStore
from query.texts.suggest import Suggestion, read_vocabulary, suggest
from query.texts.vocabulary import Vocabularies, Vocabulary
from query.timing import Stopwatch
from query.transcript import chapters_of, frames_of, lines_of, segments_of, tracks_of
from reelseek.answers import Answer
from reelseek.artefacts import ArtefactStore
from reelseek.errors import EngineUnavailable
from reelseek.records import Channel, Chapter, ObjectTrack, Segment, TimedText, VectorSpace
from reelseek.results import SearchResult
from reelseek.settings import Settings

__all__ = ["AskRequest", "QueryService", "SearchRequest", "open_service"]

_WITHOUT_MODEL = "Rules took the question apart, and an answer is extractive."
NEAR_MISSES = 5
SURE = 0.65
"""Confidence of the best moment from which a question is answered as it was found, and not looked into any further."""
_DECOUPLING = 0.5  # of a model's seconds; the rest is for its answer
_PATIENCE = 2.0


@dataclass(slots=True)
class _View:
    """What is known of one state of the library."""

    revision: int
    statistics: Statistics
    channels: dict[Channel, str | None]


@dataclass(slots=True)
class _Session:
    """One request's pinned state."""

    snapshot: Snapshot
    view: _View
    searcher: Searcher
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reads:
    """One state of the library, for what reads it beside searching.

    Attributes:
        text_space: what lines can be compared by; None where that is off.
    """

    snapshot: Snapshot
    statistics: Statistics
    encoders: Encoders
    text_space: VectorSpace | None


class QueryService:
    """Searches and answers.

    Args:
        store: where frames for a VLM come from.

    Attributes:
        note_takers: who takes the notes that a summary of a long video lacks.
    """

    def __init__(
        self,
        settings: Settings,
        catalogue: Catalogue,
        reader: IndexReader,
        engines: Engines,
        store: ArtefactStore,
    ) -> None:
        self.settings = settings
        self.catalogue = catalogue
        self.reader = reader
        self.engines = engines
        self.store = store
        self.note_takers: NoteTakers = take_here
        self._chapters = Chapters(store)
        self._decoupler = Decoupler(settings.data / "cache" / "decoupled")
        self._encoders = Encoders(engines, settings.data / "cache")
        self._lock = threading.Lock()
        self._view: _View | None = None
        self._vocabularies = Vocabularies()
        self._passages = PassageStore()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the index, the engines and the catalogue."""
        self.reader.close()
        self.engines.close()
        self.catalogue.close()

    def warm(self) -> None:
        """Load what a first search would load."""
        session = self._open(SearchRequest("x"), Filters())
        if session.searcher.text_space is not None:
            self._encoders.sentence_bank(self._encoders.sentence("warm"))
        if session.searcher.visual_space is not None:
            self._encoders.picture_words("warm")
            self._encoders.picture_bank()
        self._vocabulary(session.snapshot, None, 0.0)

    def reads(self) -> Reads:
        """The library as it is now."""
        session = self._open(SearchRequest("x"), Filters())
        return Reads(session.snapshot, session.view.statistics, self._encoders, session.searcher.text_space)

    def status(self) -> dict[str, Resolution]:
        """What serves each channel."""
        return dict(self.engines.resolutions())

    def lines(self, video_id: str, channel: Channel = Channel.SPEECH) -> tuple[TimedText, ...]:
        """What is said (or written) in a video, in order of time."""
        return lines_of(self._snapshot(), video_id, channel)

    def segments(self, video_id: str) -> tuple[Segment, ...]:
        """A video's segments, in order."""
        return segments_of(self._snapshot(), video_id)

    def tracks(self, video_id: str) -> tuple[ObjectTrack, ...]:
        """A video's objects as they were followed, in order of their first showing."""
        return tracks_of(self._snapshot(), video_id)

    def frames(self, video_id: str, start: float, end: float) -> tuple[Frame, ...]:
        """The keyframes that stand in a stretch of a video, in order, with their objects."""
        return frames_of(self._snapshot(), video_id, start, end)

    def chapters(self, video_id: str) -> tuple[Chapter, ...]:
        """A video's chapters, in order; empty where it has none."""
        return chapters_of(self.store, video_id)

    def search(self, request: SearchRequest) -> SearchResult:
        """Find moments.

        Raises:
            InvalidRequest: there is nothing to look for, or a number is out of range.
            NotFound: a video or library that is named does not exist.
            EngineUnavailable: an image was given and no image-text engine can run.
        """
        begun = time.perf_counter()
        query = checked(request, self.catalogue)
        session = self._open(request, query.filters)
        plan = make_plan(query, session.view.statistics.labels)
        if self.settings.query.decouple == "model":
            vlm, reason = self._model()
            session.notes += [reason] if reason else []
            _, plan = self._decoupled(session, plan, vlm)
        plan = only_channels(plan, request.channels)
        return self._result(request, session, plan, self._find(request, session, plan, begun), begun)

    def saliency(self, video_id: str, query: str) -> tuple[float, ...]:
        """How much each two seconds of a video have to do with a query, 0 to 1, fused from all channels.

        Raises:
            InvalidRequest: the query is empty.
            NotFound: there is no such video.
        """
        asked = checked(request := SearchRequest(query, video_ids=(video_id,)), self.catalogue)
        session = self._open(request, asked.filters)
        plan = make_plan(asked, session.view.statistics.labels)
        return saliency_of(plan, session.searcher.retriever(), self.catalogue.video(video_id).duration)

    def suggest(self, text: str, limit: int = 8, video_ids: frozenset[str] | None = None) -> list[Suggestion]:
        """Completions of a query that is being typed, from the library's own words and names, the likeliest first.

        Args:
            video_ids: only from these videos; None is the whole library.
        """
        vocabulary = self._vocabulary(self._snapshot(), video_ids, _PATIENCE)
        return suggest(text, vocabulary, limit) if vocabulary is not None else []

    def ask(self, request: AskRequest) -> Answer:
        """Answer a question with what is found, cited; or say that nothing here answers it, or ask what is meant.

        Raises:
            InvalidRequest: the question is empty.
            NotFound: a video or library that is named does not exist.
            Cancelled: `request.stopped` said so.
        """
        begun = time.perf_counter()
        check_question(request, self.catalogue)
        engine, reason = self._model()
        vlm: VlmEngine | None = engine and Patient(engine, self.settings.engines.vlm_timeout, request.stopped)
        follow = complete(request.question, request.history, vlm)
        if not (follow.about or request.options) and names_nothing(follow.question):
            return asked_back(request.question)
        search = replace(request.as_search, query=follow.question)
        query = parse(follow.question)
        if follow.about:
            search = replace(search, video_ids=tuple({cited.video_id for cited in follow.about}))
            query = replace(query, filters=replace(query.filters, after=follow.limits[0], before=follow.limits[1]))
        session = self._open(search, query.filters)
        session.notes += [reason] if reason else []
        plan = make_plan(query, session.view.statistics.labels)
        found = Found([])
        if not follow.bare:
            vlm, plan, found = self._asked(search, session, plan, vlm, begun)
        found = found_for(follow, plan, found, session.searcher.source, self.settings.query.cutoff)
        result = self._result(search, session, plan, found, begun)
        given = (session.searcher, self.store, self.settings, request.options)
        question = request.question if follow.beside else follow.question
        asked = Asked(question, plan, result, *given, bare=follow.bare or follow.beside)
        answer = answer_question(asked, vlm, request.stream)
        return replace(answer, question=request.question, understood=question if question != request.question else "")

    def _snapshot(self) -> Snapshot:
        return self.reader.snapshot(self.catalogue.visibility)

    def _open(self, request: SearchRequest, filters: Filters) -> _Session:
        """Pin the index, find out what can be searched, and narrow it to what the request allows."""
        revision = self.catalogue.visibility().revision
        snapshot = self._snapshot()
        notes: list[str] = []
        text_space, reason = self._encoders.space("sentence", snapshot)
        notes += [reason] if reason else []
        visual_space, reason = self._encoders.space("visual", snapshot)
        if request.images and visual_space is None:
            hint = reason or "Nothing is indexed by its pictures."
            raise EngineUnavailable("An image cannot be searched for here.", hint=hint)
        notes += [reason] if reason else []
        view = self._library_view(revision, snapshot, visual_space)
        scope = scope_of(request, filters, self.catalogue, snapshot)
        ranges = chapter_ranges(filters, self.catalogue, self._chapters.of)
        if ranges is not None:
            chaptered = frozenset(ranges)
            scope = replace(scope, video_ids=chaptered if scope.video_ids is None else scope.video_ids & chaptered)
        searches = request.searches or {"words", "meaning"}
        text_space = text_space if "meaning" in searches else None
        source = Source(
            snapshot,
            scope,
            view.statistics,
            languages_of(filters),
            by_words="words" in searches,
            passages=self._passages,
        )
        finder = Finder(self.engines, self._encoders, self.store) if self.settings.engines.open_vocabulary else None
        k = self.settings.query.candidates
        searcher = Searcher(source, self._encoders, text_space, visual_space, k, finder, ranges)
        return _Session(snapshot, view, searcher, notes)

    def _library_view(self, revision: int, snapshot: Snapshot, visual_space: VectorSpace | None) -> _View:
        """The library's statistics, made again only when something was published or removed."""
        with self._lock:
            view = self._view
            if view is None or view.revision != revision or view.statistics.visual_space != visual_space:
                view = _View(
                    revision, Statistics.of(snapshot, visual_space), serving_channels(self.catalogue, self.engines)
                )
                self._view = view
            return view

    def _model(self) -> tuple[VlmEngine | None, str]:
        """The model that answers; without one None, and why if one is asked for."""
        try:
            return self.engines.vlm(), ""
        except EngineUnavailable as error:
            return None, f"The model did not answer: {error} {_WITHOUT_MODEL}"

    def _decoupled(self, session: _Session, plan: Plan, vlm: VlmEngine | None) -> tuple[VlmEngine | None, Plan]:
        """The plan as the model takes the question apart; a model that fails is not asked again."""
        if vlm is None:
            return None, plan
        try:
            seconds = _DECOUPLING * self.settings.engines.vlm_timeout
            return vlm, self._decoupler.plan(vlm, plan, session.view.statistics.labels, seconds)
        except EngineUnavailable as error:
            session.notes.append(f"The model did not answer: {error} {_WITHOUT_MODEL}")
            return None, plan

    def _asked(
        self, request: SearchRequest, session: _Session, plan: Plan, vlm: VlmEngine | None, begun: float
    ) -> tuple[VlmEngine | None, Plan, Found]:
        """What is found; the model takes a question apart only where rules find nothing sure: answers wait for it."""
        who = self.settings.query.decouple
        if who == "model":
            vlm, plan = self._decoupled(session, plan, vlm)
        found = self._find(request, session, plan, begun)
        if who == "auto" and all(run.confidence < SURE for run in found.runs):
            before = plan.stages
            vlm, plan = self._decoupled(session, plan, vlm)
            found = found if plan.stages == before else self._find(request, session, plan, begun)
        return vlm, plan, found

    def _find(self, request: SearchRequest, session: _Session, plan: Plan, begun: float) -> Found:
        planned = {"plan": (time.perf_counter() - begun) * 1000}
        finding = Finding(request, plan, session.searcher, self.catalogue, self.settings.query)
        if finding.empty:
            session.notes.append("Say what to look for: filters and exclusions alone find nothing.")
            return Found([], clock=Stopwatch(planned))
        found = finding.find()
        if self.settings.query.near_words == "auto" and request.query:
            with found.timed("near_words"):
                vocabulary = self._vocabulary(session.snapshot, None, _PATIENCE)
                finding.find_near(found, vocabulary)
        if self.settings.engines.rerank != "off":
            read_again(self.engines, self.settings.query, plan, found)
        found.clock.ms = planned | found.clock.ms
        return found

    def _vocabulary(self, snapshot: Snapshot, video_ids: frozenset[str] | None, wait: float) -> Vocabulary | None:
        """The library's words, or those of some videos; None while they are read for the first time."""

        def read() -> Vocabulary:
            entries = [entry for entry in self.catalogue.videos(ids=video_ids) if entry.live_ingest]
            return read_vocabulary(snapshot, entries, self._chapters.of, video_ids)

        return self._vocabularies.get(video_ids, snapshot.version, read, wait)

    def _result(
        self, request: SearchRequest, session: _Session, plan: Plan, found: Found, begun: float
    ) -> SearchResult:
        k = request.k or self.settings.query.k
        cutoff = self.settings.query.cutoff if request.min_confidence is None else request.min_confidence
        describer = Describer(self.catalogue, session.searcher.source, self._chapters, cutoff)
        passed = [run for run in found.runs if run.confidence >= cutoff]
        missed = [run for run in found.runs if run.confidence < cutoff][:NEAR_MISSES]
        with found.timed("describe"):
            if request.level == "moments":
                groups, moments = [], describer.moments(passed[:k])
            else:
                groups = describer.groups(passed, request.level, k)
                moments = [moment for group in groups for moment in group.moments]
            near_misses = describer.moments(missed)
        channels = dict(session.view.channels)
        if session.searcher.visual_space is None:
            channels[Channel.VISUAL] = None
        notes = [*plan.notes, *session.notes, *found.notes, *engine_notes(self.engines, found, self.settings.query.k)]
        notes += partial_notes(self.catalogue, [*moments, *near_misses])
        if not self._chapters.reachable:
            notes.append("Chapters are not shown just now: the artefact store does not answer.")
        return SearchResult(
            query=request.query,
            took_ms=(time.perf_counter() - begun) * 1000,
            channels=channels,
            moments=tuple(moments),
            near_misses=tuple(near_misses),
            notes=tuple(dict.fromkeys(notes)),
            timings_ms=found.clock.ms,
            level=request.level,
            groups=tuple(groups),
            suggestions=found.suggestions,
        )


def open_service(settings: Settings) -> QueryService:
    """A service over the settings' data folder. Nothing is loaded before the first query."""
    return QueryService(
        settings,
        open_catalogue(settings),
        IndexReader(settings),
        Engines(settings),
        ArtefactStore(settings.artefacts_url),
    )
