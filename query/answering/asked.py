"""A question with what was found for it, and the parts that all answers are made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from query.planning.plan import Plan
from query.search import Searcher
from query.source import Source
from reelseek.answers import Answer, Citation
from reelseek.artefacts import ArtefactStore
from reelseek.records import Channel
from reelseek.results import Evidence, Moment, SearchResult
from reelseek.settings import Settings
from reelseek.timecode import format_time

EXTRACTIVE = "extractive"
"""What `Answer.engine` says when no model wrote the answer."""

NOTHING, NOTHING_HERE = "Nothing in the library answers this.", "Nothing in this video answers this."
"""How an answer says that there is none, of many videos and of one."""

TEXTS = (Channel.SPEECH, Channel.SCREEN_TEXT, Channel.CAPTION)
"""The channels that can be quoted."""

_MISSES = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what was found for it, and with what found it.

    Attributes:
        question: as it stands for itself; a follow-up is completed before.
        options: of a multiple-choice question, the answers to choose from.
        bare: it names a place and nothing else ("and after that?"): all evidence of the moments answers it.
    """

    question: str
    plan: Plan
    result: SearchResult
    searcher: Searcher
    store: ArtefactStore
    settings: Settings
    options: tuple[str, ...] = ()
    bare: bool = False

    @property
    def source(self) -> Source:
        """The reads of this question."""
        return self.searcher.source

    @property
    def moments(self) -> tuple[Moment, ...]:
        """What passed the cut-off."""
        return self.result.moments


@dataclass(slots=True)
class Draft:
    """An answer being written: sentences and the citations they number."""

    sentences: list[str] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)

    def cite(self, citation: Citation) -> int:
        """The number of a citation, the same one for the same place."""
        if citation not in self.citations:
            self.citations.append(citation)
        return self.citations.index(citation) + 1


def abstention(asked: Asked, engine: str, notes: tuple[str, ...] = ()) -> Answer:
    """Say that nothing here answers the question, and what came nearest."""
    nearest = (*asked.moments, *asked.result.near_misses)[:_MISSES]
    videos = asked.source.scope.video_ids
    text = NOTHING_HERE if videos is not None and len(videos) == 1 else NOTHING
    if nearest:
        text += " Nearest, but not sure enough: " + "; ".join(_told(moment) for moment in nearest) + "."
    return Answer(asked.question, text, True, engine, (), (), notes, nearest)


def _told(moment: Moment) -> str:
    strongest = max(moment.evidence, key=lambda item: item.score, default=None)
    what = f" ({_short(strongest.text)})" if strongest is not None and strongest.channel in TEXTS else ""
    return f"“{moment.title}” at {format_time(moment.start)}{what}"


def citation_of(moment: Moment, item: Evidence) -> Citation | None:
    """A citation of a piece of evidence, cut to its moment; None where the two do not meet."""
    start, end = max(item.start, moment.start), min(item.end, moment.end)
    if start > end:
        return None
    return Citation(moment.video_id, start, end, item.channel, flat(item.text))


def strongest_citation(moment: Moment) -> Citation:
    """What speaks most for a moment, or the moment itself where that lies outside it."""
    strongest = max(moment.evidence, key=lambda item: item.score, default=None)
    whole = Citation(moment.video_id, moment.start, moment.end, Channel.VISUAL, "")
    return (citation_of(moment, strongest) if strongest is not None else None) or whole


def flat(text: str) -> str:
    """The text on one line."""
    return " ".join(text.split())


def _short(text: str, limit: int = 80) -> str:
    line = flat(text)
    return f"“{line}”" if len(line) <= limit else f"“{line[:limit].rstrip()}…”"
