"""Feedback within one session: this yes, that no. The query moves towards what was liked and away from what was not.

Rocchio's method (J. J. Rocchio, "Relevance feedback in information retrieval", in The SMART Retrieval System, 1971):
`q' = q + like × mean(liked) - unlike × mean(not liked)`, on the picture vector and on the sentence vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from index.reader import Scope
from index.scope import OneOf, Overlaps
from query.encoders import Encoders
from query.examples.retriever import stretch_vectors
from query.ranking.runs import Run, suppress
from query.ranking.waterfall import settled
from query.requests import Stretch
from query.source import Source
from reelseek.records import Channel, Vector, VectorSpace
from reelseek.results import Contribution, Evidence

LINES_OF_A_MARK = 2
"""Lines of a marked stretch that are taken for what was meant: those nearest to the query."""

_SURE = 0.999
_TOLD = (Channel.SPEECH, Channel.SCREEN_TEXT, Channel.CAPTION)


@dataclass(frozen=True, slots=True)
class Marks:
    """What was marked, and how much it counts.

    Attributes:
        more, less: Rocchio's weights of what was liked and of what was not, beside 1 for the query.
    """

    like: tuple[Stretch, ...]
    unlike: tuple[Stretch, ...]
    more: float
    less: float

    @property
    def given(self) -> bool:
        """Whether anything was marked."""
        return bool(self.like or self.unlike)

    def refine(
        self, encoders: Encoders, source: Source, text_space: VectorSpace | None, visual_space: VectorSpace | None
    ) -> Encoders:
        """The encoders as the marks move their query vectors."""
        liked = [_lines(source, stretch, text_space) for stretch in self.like]
        unliked = [_lines(source, stretch, text_space) for stretch in self.unlike]
        seen = [_seen(source, stretch, visual_space) for stretch in self.like]
        unseen = [_seen(source, stretch, visual_space) for stretch in self.unlike]

        def sentence(vector: Vector) -> Vector:
            return self._moved(vector, _nearest(liked, vector), _nearest(unliked, vector))

        def visual(vector: Vector) -> Vector:
            return self._moved(vector, _present(seen), _present(unseen))

        return encoders.refined(sentence, visual)

    def _moved(self, vector: Vector, liked: Sequence[Vector], unliked: Sequence[Vector]) -> Vector:
        moved = vector.astype(np.float64)
        if liked:
            moved = moved + self.more * np.mean(liked, axis=0)
        if unliked:
            moved = moved - self.less * np.mean(unliked, axis=0)
        length = float(np.linalg.norm(moved))
        return (moved / length).astype(np.float32) if length > 1e-6 else vector

    def settle(self, runs: Sequence[Run], limit: int) -> list[Run]:
        """The list after the marks: what was not liked goes; what was liked stays, first, for a person said so."""
        kept = list(runs)
        for stretch in self.unlike:
            kept = [left for run in kept if (left := _without(run, stretch)) is not None]
        confirmed: list[Run] = []
        for stretch in self.like:
            same = [run for run in kept if _shows(run, stretch)]
            confirmed.append(_confirmed(max(same, key=lambda run: run.confidence, default=None), stretch))
            kept = [run for run in kept if run not in same]
        return suppress([*confirmed, *kept], limit)


def _lines(source: Source, stretch: Stretch, space: VectorSpace | None) -> Vector | None:
    """The vectors of what is said and written in a stretch."""
    if space is None:
        return None
    where = (OneOf("channel", tuple(str(channel) for channel in _TOLD)), Overlaps(stretch.start, stretch.end))
    scope = Scope(video_ids=frozenset((stretch.video_id,)), where=where)
    _, vectors = source.snapshot.scan_vectors("lines", "text", scope, space=space, columns=("video_id",))
    return vectors if len(vectors) else None


def _nearest(marked: Sequence[Vector | None], query: Vector) -> list[Vector]:
    """Of each marked stretch the mean of the lines nearest to the query: the rest of it was hardly what was judged."""
    means: list[Vector] = []
    for vectors in marked:
        if vectors is not None:
            nearest = np.argsort(-(vectors @ query))[:LINES_OF_A_MARK]
            means.append(vectors[nearest].mean(axis=0))
    return means


def _seen(source: Source, stretch: Stretch, space: VectorSpace | None) -> Vector | None:
    """How the pictures of a stretch differ from those of the library as a whole.

    Pictures and words lie apart in the space of an image-text model (W. Liang et al., "Mind the gap", NeurIPS 2022):
    a picture's vector itself would move a query of words towards all pictures alike.
    """
    if space is None:
        return None
    vectors = stretch_vectors(source, stretch, space)
    if not len(vectors):
        return None
    sample = source.statistics.frame_vectors
    middle = sample.mean(axis=0) if sample is not None and len(sample) else 0.0
    mean: Vector = (vectors.mean(axis=0) - middle).astype(np.float32)
    return mean


def _present(vectors: Sequence[Vector | None]) -> list[Vector]:
    return [vector for vector in vectors if vector is not None]


def _shows(run: Run, stretch: Stretch) -> bool:
    """Whether a run is what was marked: they share half of the shorter one."""
    if run.video_id != stretch.video_id:
        return False
    both = min(run.end, stretch.end) - max(run.start, stretch.start)
    return both > 0 and both >= 0.5 * min(run.length, stretch.end - stretch.start)


def _without(run: Run, stretch: Stretch) -> Run | None:
    """What is left of a run when a stretch is taken away: nothing where that was half of it, else the longer side."""
    if run.video_id != stretch.video_id:
        return run
    both = min(run.end, stretch.end) - max(run.start, stretch.start)
    if both <= 0:
        return run
    if both >= 0.5 * run.length:
        return None
    before, after = stretch.start - run.start, run.end - stretch.end
    return replace(run, end=stretch.start) if before >= after else replace(run, start=stretch.end)


def _confirmed(run: Run | None, stretch: Stretch) -> Run:
    """A stretch that a person says is right, with what was found there; among several the order stays."""
    start, end = stretch.start, stretch.end
    if run is None:  # the moved query does not find it
        evidence = (Evidence(Channel.VISUAL, start, end, "marked as right", 1.0),)
        run = Run(stretch.video_id, start, end, Channel.VISUAL, 0.0, evidence)
    confidence = _SURE + (1.0 - _SURE) * run.confidence
    gain = confidence - run.confidence
    said = Contribution(run.channel, "feedback", 1, 1.0, 1.0, 1.0, gain)
    contributions = (*settled(run), said) if run.confidence > 0 else (said,)
    parts = {**run.parts, run.channel: run.parts.get(run.channel, 0.0) + gain}
    inside = tuple(item for item in run.evidence if item.start <= end and item.end >= start)
    return replace(
        run,
        start=start,
        end=end,
        confidence=confidence,
        parts=parts,
        evidence=inside or run.evidence,
        contributions=contributions,
        stages=(),
    )
