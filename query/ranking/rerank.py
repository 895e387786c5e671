"""The best moments read again by a model that sees the query and their text together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from engines.protocols import RerankEngine
from engines.registry import Engines
from query.found import Found
from query.planning.plan import Plan
from query.ranking.calibrate import logistic
from query.ranking.runs import Run
from query.ranking.waterfall import settled, shared
from query.texts.reference import SENTENCES
from reelseek.errors import EngineUnavailable
from reelseek.records import Channel
from reelseek.results import Contribution
from reelseek.setting_groups import QuerySettings

SHARE = 0.5
"""How much the model's judgement counts; the rest is the confidence that the moment had before."""

_UNRELATED = SENTENCES[:24]
_STEEP = 6.0
_BATCH = 8
_TEXT = 1_200
_WRITTEN = (Channel.SPEECH, Channel.SCREEN_TEXT, Channel.CAPTION, Channel.SOUND, Channel.TITLE)


class TooSlow(Exception):
    """The model did not finish in time."""


def read_again(engines: Engines, settings: QuerySettings, plan: Plan, found: Found) -> None:
    """Re-rank what was found, where an engine for it is asked for. Where it fails or is slow the order stays."""
    query = asked_text(plan)
    if not query or not found.runs:
        return
    try:
        with found.timed("rerank"):
            engine = engines.reranker()
            if engine is not None:
                found.runs = Judge(engine, settings.rerank, settings.rerank_seconds).rerank(found.runs, query)
    except TooSlow:
        found.notes.append(
            f"The moments were not read again: {settings.rerank_seconds:g} s were not enough (query.rerank_seconds)."
        )
    except EngineUnavailable as error:
        found.notes.append(f"The moments were not read again: {error}")


@dataclass(frozen=True, slots=True)
class Judge:
    """A re-ranking model with a time limit.

    Attributes:
        limit: how many of the best moments it reads.
        seconds: after which the search goes on without it.
    """

    engine: RerankEngine
    limit: int
    seconds: float

    def rerank(self, runs: Sequence[Run], query: str) -> list[Run]:
        """Read the best runs again and sort all by what is then known, best first.

        What has no text of its own (a picture, a count) keeps its confidence.

        Raises:
            TooSlow: the time is over; nothing was changed.
            EngineUnavailable: the model failed.
        """
        texts = {at: text for at, run in enumerate(runs[: self.limit]) if (text := evidence_text(run))}
        if not texts:
            return list(runs)
        until = time.monotonic() + self.seconds
        low = max(self._scores(query, _UNRELATED, until))
        high = self._scores(query, [query], until)[0]
        scores = self._scores(query, list(texts.values()), until)
        order = sorted(range(len(scores)), key=lambda i: -scores[i])
        ranks = {i: rank for rank, i in enumerate(order, start=1)}
        judged = list(runs)
        for i, at in enumerate(texts):
            judged[at] = _judged(runs[at], scores[i], calibrated(scores[i], low, high), ranks[i])
        return sorted(judged, key=lambda run: (-run.confidence, run.video_id, run.start, run.length))

    def _scores(self, query: str, texts: Sequence[str], until: float) -> list[float]:
        found: list[float] = []
        for at in range(0, len(texts), _BATCH):
            if time.monotonic() > until:
                raise TooSlow
            found += self.engine.scores(query, texts[at : at + _BATCH])
        return found


def asked_text(plan: Plan) -> str:
    """The words that a moment's text is judged by; none where the query is a sequence, of which a text has a part."""
    if len(plan.stages) != 1:
        return ""
    return " ".join(item.text for item in plan.stages[0].requirements if item.text_channels)


def evidence_text(run: Run) -> str:
    """What is said and written in a run, in order; empty where nothing is."""
    if run.channel not in _WRITTEN:
        return ""
    said = dict.fromkeys(item.text for item in run.evidence if item.channel in _WRITTEN and item.text)
    return " ".join(said)[:_TEXT]


def calibrated(score: float, low: float, high: float) -> float:
    """0 to 1: where a score stands between the best of unrelated sentences and the query's own words.

    Models differ in the scale and the offset of their scores; these two anchors take both away.
    """
    place = (score - low) / (high - low) if high > low else float(score > low)
    return logistic(_STEEP * (place - 0.5))


def _judged(run: Run, score: float, worth: float, rank: int) -> Run:
    before = shared(settled(run), (1.0 - SHARE) * run.confidence)
    judgement = Contribution(run.channel, "rerank", rank, score, worth, SHARE, SHARE * worth)
    contributions = (*before, judgement)
    confidence = sum(item.gain for item in contributions)
    parts = {channel: (1.0 - SHARE) * value for channel, value in run.parts.items()}
    parts[run.channel] = parts.get(run.channel, 0.0) + judgement.gain
    return replace(run, confidence=confidence, parts=parts, contributions=contributions)
