"""Questions about whole videos, and about all of a library: each video in short (map), then what they say together.

No retrieval of some moments answers "What are these videos about?" or "Which of them mention the budget, and what do
they conclude?". A video in short is its digest, of which the notes are kept from one question to the next.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from engines.protocols import VlmEngine
from library.records import VideoEntry
from query.answering.asked import EXTRACTIVE, TEXTS, strongest_citation
from query.answering.claims import Checker, sentences_of
from query.answering.evidence import Block
from query.answering.followups import own_words
from query.answering.prompts import NOT_FOUND, answer_request
from query.answering.unclear import WHICH_VIDEO, asked_back, names_nothing
from query.answering.verify import verify
from query.deep.agent import OnStep
from query.deep.planner import joined
from query.digest.digests import NO_SUMMARY, DigestRequest, digest
from query.digest.fitting import joined as joined_notes
from query.digest.material import Passage
from query.digest.terms import spellings
from query.digest.writing import room_of
from query.replies import Patient, reply_of
from query.requests import AskRequest, SearchRequest
from query.service import QueryService
from query.texts.words import content_terms
from reelseek.answers import Answer, Citation, Step
from reelseek.errors import EngineUnavailable
from reelseek.records import Channel
from reelseek.results import Evidence, Moment, SearchResult

MOST_VIDEOS = 20
"""Videos that one question reads."""

_TOLD = (*TEXTS, Channel.OBJECTS)
_KINDS = r"(?:videos|films|movies|recordings|lectures|talks|meetings|episodes|clips)"
_KIND = r"(?:video|film|movie|recording|lecture|talk|meeting|episode|clip)"
_WHOLE = re.compile(
    r"\b(?:summari[sz]e|summary|sum\s+up|overview|main\s+(?:points?|topics?|ideas?)|key\s+(?:points?|takeaways?))\b"
    rf"|\bwhat\s+(?:is|are|was|were)\s+(?:this|the|these|all(?:\s+of)?(?:\s+(?:the|these|my|our))?)\s+(?:\w+\s+)?{_KIND}s?"
    r"\s+(?:(?:on|of|with|from|by|called|named)\s+[^?.]{1,60}?\s+)?(?:all\s+)?about\b",
    re.I,
)
_ONE = re.compile(
    r"\b(?:summari[sz]e|sum\s+up|(?:summary|overview|points?|topics?|ideas?|takeaways?)\s+(?:of|in|from)|what\s+(?:is|was))"
    rf"\s+(?:the|this|that|my|our)\s+(?:[\w-]+\s+){{0,2}}(?P<kind>{_KIND})\b",
    re.I,
)
_TELL = re.compile(r"^\s*(?:so\s+)?(?:what(?:['’]s)?|tell|describe|explain)\b", re.I)
_ALL = re.compile(
    rf"\b(?:{_KINDS}|(?:all|each|every)\s+(?:\w+\s+)?{_KIND}s?|library|collection|all\s+of\s+them)\b", re.I
)
_SAY = (
    r"(?:mentions?|discuss(?:es)?|talks?\s+(?:about|of)|speaks?\s+(?:about|of)|covers?|explains?|deals?\s+with|"
    r"(?:is|are)\s+about|refers?\s+to|says?\s+(?:something|anything)\s+about|have\s+to\s+do\s+with)"
)
_WHICH = re.compile(
    rf"\b(?:which|what)\s+(?:{_KINDS}|(?:ones\s+)?of\s+(?:them|all|(?:the|these|my|our|all\s+the)\s+(?:\w+\s+)?{_KINDS}))"
    rf"\s+(?:do\s+|also\s+)?{_SAY}\s+(?P<topic>.+)",
    re.I,
)
_TAIL = re.compile(r",?\s*\b(?:and|or)\s+(?=(?:what|how|why|when|where|who|whether)\b)", re.I)
_FOCUS = re.compile(r"\b(?:about|on|of|regarding|concerning)\s+(?P<focus>.+)", re.I)
_GENERAL = frozenset(content_terms(
    "this that all each every whole entire full complete video film movie recording lecture talk meeting episode clip "
    "library collection main key points topics ideas takeaways short brief long detailed content please give "
    "summarize summarise summary sum overview"
)) | {"video"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Whole:
    """What is asked of whole videos.

    Attributes:
        topic: what a video must deal with to count; empty where all count.
        focus: what matters of each; empty where all of it does.
        several: whether it is asked of more than one video.
    """

    topic: str = ""
    focus: str = ""
    several: bool = False


@dataclass(slots=True)
class _Work:
    """One question, answered video by video."""

    service: QueryService
    request: AskRequest
    on_step: OnStep | None
    begun: float = field(default_factory=time.monotonic)
    notes: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    @property
    def spent(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.begun

    def told(self, tool: str, arguments: Mapping[str, object], text: str, begun: float) -> None:
        """Note a step."""
        self.steps.append(
            Step(len(self.steps) + 1, tool, dict(arguments), "", text[:400], round(time.monotonic() - begun, 3), 0)
        )
        if self.on_step is not None:
            self.on_step(self.steps[-1])


def whole_question(question: str) -> Whole | None:
    """What a question asks of whole videos; None where some moments answer it."""
    if match := _WHICH.search(question):
        topic, *rest = _TAIL.split(match.group("topic").strip(" ?.!"), maxsplit=1)
        return Whole(topic, " ".join((topic, *rest)), several=True)
    if match := _WHOLE.search(question):
        after = _FOCUS.search(question, match.end())
        focus = after.group("focus").strip(" ?.!") if after is not None else ""
        if not set(content_terms(focus)) - _GENERAL:
            focus = ""
        several = _ALL.search(question) is not None
        return Whole(focus if several else "", focus, several)
    return None


def whole_answer(service: QueryService, request: AskRequest, on_step: OnStep | None = None) -> Answer | None:
    """Answer a question about whole videos from digests of them; None where it is another kind of question.

    Args:
        on_step: told of each video that is summed up.

    Raises:
        NotFound: a video or library that is named does not exist.
        Cancelled: `request.stopped` said so.
    """
    asked = _asked(request) if not request.options else None
    if asked is None:
        return None
    work = _Work(service, request, on_step)
    if not asked.several and len(request.video_ids) != 1:
        one = _the_one(work)
        if one is None or isinstance(one, Answer):
            return one
        asked, work.request = Whole(), replace(request, video_ids=(one,))
    found = _search(work, asked.topic) if asked.topic else None
    if found is not None and not found.groups:
        nothing = service.ask(replace(request, question=asked.topic, stream=None))
        return replace(nothing, question=request.question, steps=tuple(work.steps)) if nothing.abstained else None
    entries = _videos(work, found)
    briefs = [_brief(work, entry, asked, found) for entry in entries]
    told = [brief for brief in briefs if not brief.abstained]
    if not told:
        return Answer(request.question, "Nothing in it can be summed up.", True, EXTRACTIVE, (), (), tuple(work.notes))
    return _together(work, asked, told)


def _asked(request: AskRequest) -> Whole | None:
    """What is asked of whole videos; of one that is chosen "what is this?" asks the same."""
    asked = whole_question(request.question)
    if asked is None and len(request.video_ids) == 1 and not request.history and names_nothing(request.question):
        return Whole() if _TELL.search(request.question) else None
    return asked


def _the_one(work: _Work) -> str | Answer | None:
    """The video that a question means which names one video as such ("the lecture on compost"), by its id.

    Where it does not say which, that is asked back. None where it names none, or where none deals with what it names.
    """
    match = _ONE.search(work.request.question)
    if match is None:
        return None
    every = _searchable(work)
    titled = [entry for entry in every if match.group("kind").casefold() in entry.title.casefold()]
    if len(every) == 1:
        return every[0].video_id
    named = [word for word in own_words(work.request.question) if not set(content_terms(word)) <= _GENERAL]
    if not named:
        return titled[0].video_id if len(titled) == 1 else asked_back(work.request.question, WHICH_VIDEO)
    groups = _search(work, " ".join(named)).groups
    if not groups:
        return None
    work.notes.append(f"Taken to be about “{groups[0].title}”.")
    return groups[0].video_id


def _search(work: _Work, topic: str) -> SearchResult:
    """Which videos deal with a topic."""
    begun, request = time.monotonic(), work.request
    wanted = SearchRequest(topic, MOST_VIDEOS, request.video_ids, request.library, level="videos")
    found = work.service.search(wanted)
    work.told("search", {"query": topic, "level": "videos"}, ", ".join(group.title for group in found.groups), begun)
    return found


def _videos(work: _Work, found: SearchResult | None) -> list[VideoEntry]:
    """The videos that are read; what is left out is told."""
    if found is not None:
        work.notes.append(f"A search for it found {len(found.groups)} videos; others may say it in other words.")
        return [work.service.catalogue.video(group.video_id) for group in found.groups]
    entries = _searchable(work)
    if len(entries) > MOST_VIDEOS:
        work.notes.append(f"{MOST_VIDEOS} of {len(entries)} videos, the newest ones, are read for one question.")
    return entries[:MOST_VIDEOS]


def _searchable(work: _Work) -> list[VideoEntry]:
    """The videos that are asked about and can be searched, the newest first."""
    catalogue, request = work.service.catalogue, work.request
    for video_id in request.video_ids:
        catalogue.video(video_id)
    library = catalogue.library(request.library).library_id if request.library is not None else None
    return [item for item in catalogue.videos(library, ids=request.video_ids or None) if item.live_ingest]


def _brief(work: _Work, entry: VideoEntry, asked: Whole, found: SearchResult | None) -> Answer:
    """One video in short, as an answer of its own."""
    begun, settings = time.monotonic(), work.service.settings.query
    left = max(0.0, settings.notes_seconds - work.spent)
    in_time = work.spent < settings.deep_seconds
    made = digest(
        work.service,
        DigestRequest(
            entry.video_id,
            asked.focus,
            "short" if asked.several else "medium",
            by_model=in_time,
            seconds=left if asked.several else None,
            stopped=work.request.stopped,
        ),
    )
    text, citations = made.text, made.citations
    if found is not None and made.engine == EXTRACTIVE:  # what was found in it, not what else it is about
        group = next(group for group in found.groups if group.video_id == entry.video_id)
        strongest = [strongest_citation(moment) for moment in group.moments]
        if quoted := sorted({item for item in strongest if item.quote and item.channel in _TOLD}, key=_place):
            citations = tuple(quoted)
            text = " ".join(f"{item.quote} [{number}]" for number, item in enumerate(quoted, start=1))
    own = asked.several  # a model that fails does so at every video, and is told of once
    work.notes += [f"{entry.title}: {note}" if own and not note.startswith(NO_SUMMARY) else note for note in made.notes]
    if (
        not in_time
        and (late := f"The time for the model was over after {settings.deep_seconds:g} s.") not in work.notes
    ):
        work.notes.append(late)
    work.told("summarize", {"video_id": entry.video_id} | ({"query": asked.focus} if asked.focus else {}), text, begun)
    moments = tuple(
        Moment(entry.video_id, entry.title, entry.path, item.start, item.end, 1.0, 1.0, "", {item.channel: 1.0}, ())
        for item in citations
    )
    return Answer(entry.title, text, not citations, made.engine, citations, moments)


def _place(citation: Citation) -> tuple[float, float]:
    return citation.start, citation.end


def _together(work: _Work, asked: Whole, briefs: Sequence[Answer]) -> Answer:
    """The videos one below the other; before them, where a model is there and more is asked, what they say together."""
    engine = next((brief.engine for brief in briefs if brief.engine != EXTRACTIVE), EXTRACTIVE)
    request = work.request
    if not asked.several:
        return replace(briefs[0], question=request.question, notes=tuple(work.notes), steps=tuple(work.steps))
    if engine != EXTRACTIVE:
        briefs = _one_spelling(briefs)
    parts = [replace(brief, answer=f"{brief.question}: {brief.answer}") for brief in briefs]
    if engine != EXTRACTIVE and len(briefs) > 1 and asked.topic:
        try:
            parts = [*_overall(work, briefs), *parts]
        except EngineUnavailable as error:
            work.notes.append(f"The model did not say what they say together ({error})")
    answer = joined(request.question, parts, work.steps)
    return replace(answer, engine=engine, notes=tuple(dict.fromkeys(work.notes)))


def _one_spelling(briefs: Sequence[Answer]) -> list[Answer]:
    """The briefs with names written in one way over all videos."""
    names = spellings(
        [
            Passage(str(at), Channel.SPEECH, 0.0, 0.0, sentence.text, 0)
            for at, brief in enumerate(briefs)
            for sentence in sentences_of(brief.answer)
        ]
    )
    return [replace(brief, answer=names.apply(brief.answer)) for brief in briefs]


def _overall(work: _Work, briefs: Sequence[Answer]) -> list[Answer]:
    """What a model answers from all the briefs, checked against what they cite."""
    engine, settings = work.service.engines.vlm(), work.service.settings
    left = max(1.0, min(settings.engines.vlm_timeout, settings.query.deep_seconds - work.spent))
    if engine is None:
        return []
    vlm: VlmEngine = Patient(engine, left, work.request.stopped)
    blocks, told = [], []
    for number, brief in enumerate(briefs, start=1):
        items = tuple(Evidence(item.channel, item.start, item.end, item.quote, 1.0) for item in brief.citations)
        start, end = min(item.start for item in items), max(item.end for item in items)
        moment = replace(brief.moments[0], start=start, end=end, evidence=items)
        note = Evidence(Channel.CAPTION, start, end, re.sub(r"\s*\[\d+\]", "", brief.answer), 1.0)
        blocks.append(Block(number, moment, items))
        told.append(Block(number, moment, (note,)))
    written = reply_of(vlm, answer_request(work.request.question, joined_notes(vlm, told, room_of(vlm), left)), left)
    if not written or written.strip(" .*_\"'“”\n").upper().startswith(NOT_FOUND):
        return []
    reads = work.service.reads()
    checker = Checker.over(reads.statistics.words, reads.encoders, meaning=reads.text_space is not None)
    verified = verify(written, blocks, checker)
    if not verified.citations:
        raise EngineUnavailable(f"{vlm.id} wrote what nothing supports.")
    moments = tuple(block.moment for block in blocks)
    return [Answer("", verified.text, False, vlm.id, verified.citations, moments, claims=verified.claims)]
