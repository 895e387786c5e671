"""Candidates: for one requirement, what every channel finds, as runs with calibrated confidences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from query.calibrate import Null
from query.encoders import Encoders
from query.language import EVENTS, ObjectCount
from query.objects import count_runs, event_runs, relation_runs
from query.picture_runs import picture_runs
from query.picture_scale import PictureScale, picture_nulls
from query.plan import Requirement
from query.retrieve_text import LEAST, TextRetriever
from query.runs import Run
from query.scenes import Showing, showings
from query.source import Frame, Source
from query.timing import Stopwatch
from query.waterfall import weighted
from reelseek.records import Channel, Vector, VectorSpace

PICTURE_VIDEOS = 12
"""Videos whose whole curve of picture scores is looked at."""

MISCOUNTED = 0.8
"""What is left of a picture's score when the objects that the words name are there in another number."""

_SCENES = 4_000
"""Segments whose objects are looked at."""


@dataclass(slots=True)
class Retriever:
    """Retrieves for one search.

    Attributes:
        text_space, visual_space: what can be searched by meaning; None is lexical search only, or no pictures.
        k: candidates per channel.
        clock: what each kind of search took.
    """

    source: Source
    encoders: Encoders
    text_space: VectorSpace | None
    visual_space: VectorSpace | None
    k: int
    used: set[Channel] = field(default_factory=set)
    clock: Stopwatch = field(default_factory=Stopwatch)

    def runs(self, requirement: Requirement) -> list[Run]:
        """Everything that shows a requirement, by channel, not yet fused. Weights are in `parts` and `confidence`."""
        found: list[Run] = []
        texts = TextRetriever(self.source, self.encoders, self.text_space, self.k)
        by_text: dict[str, list[Channel]] = {}
        for channel in requirement.text_channels:
            by_text.setdefault(requirement.requests[channel], []).append(channel)
        for channel, text in requirement.also:
            by_text.setdefault(text, []).append(channel)
        for text, channels in by_text.items():
            with self.clock.timed("retrieve.text"):
                found += texts.phrase(text, channels) if requirement.phrase else texts.words(text, channels)
            self.used.update(channels)
        if requirement.visual and self.visual_space is not None:
            with self.clock.timed("retrieve.pictures"):
                vector = self.encoders.picture_words(requirement.visual)
                found += self.pictures(vector, f"“{requirement.visual}”", requirement.objects)
        if requirement.objects or requirement.facts:
            with self.clock.timed("retrieve.objects"):
                found += self.objects(requirement) if requirement.objects else []
                found += self.facts(requirement) if requirement.facts else []
        return [weighted(run, requirement.weight(run.channel)) for run in found if run.confidence >= LEAST]

    def pictures(self, vector: Vector, described: str, objects: Sequence[ObjectCount] = ()) -> list[Run]:
        """Stretches that look like a description or an example.

        Args:
            objects: what a description names. Image-text models count badly; a picture in which the detector counts
                something else loses a little, so that a run ends where the number changes.
        """
        if self.visual_space is None:
            return []
        statistics = self.source.statistics
        videos = self.source.videos_by_picture(vector, self.k, PICTURE_VIDEOS, self.visual_space)
        frames, vectors = self.source.pictures(videos, self.visual_space) if videos else ([], vector[None][:0])
        self.used.add(Channel.VISUAL)
        if not frames:
            return []
        sample = statistics.frame_vectors
        if sample is None or not len(sample):
            sample = vectors
        background = Null.of_lower_half(sample @ vector)
        scale = PictureScale(background, statistics.frames)
        cosines = (vectors @ vector).tolist()
        if described:
            nulls = picture_nulls(vectors, self.encoders.picture_bank(), sample)
        else:  # a picture against pictures: what else is in the library is all there is to compare with
            nulls = [background] * len(frames)
        strengths = [
            scale.strength(cosine, null) * (MISCOUNTED if _miscounted(frame, objects) else 1.0)
            for frame, cosine, null in zip(frames, cosines, nulls, strict=True)
        ]
        confidences = [scale.confidence(strength) for strength in strengths]
        return picture_runs(frames, strengths, confidences, least=LEAST, described=described, cosines=cosines)

    def objects(self, requirement: Requirement) -> list[Run]:
        """Stretches in which as many were there as was asked for."""
        asked = requirement.objects
        binding = not requirement.requests
        # in plain words a number is a wish: "two cars" also finds three, but after two
        searched = asked if binding else tuple(ObjectCount(count.label) for count in asked)
        found: list[tuple[Showing, float]] = []
        for scene in self.source.scenes_with(searched, _SCENES):
            for showing in showings(scene, [count.label for count in asked]):
                if all(count.holds(showing.counts[count.label]) for count in searched):
                    found.append((showing, requirement.explained * _object_score(showing, asked)))
        self.used.add(Channel.OBJECTS)
        return count_runs(found, asked, exactly=not binding)

    def facts(self, requirement: Requirement) -> list[Run]:
        """Where things come, go, or stand to one another as was asked for."""
        runs: list[Run] = []
        for fact in requirement.facts:
            scenes = self.source.scenes_where(fact, _SCENES)
            find = event_runs if fact.kind in EVENTS else relation_runs
            runs += find(scenes, fact, requirement.happening)
        self.used.add(Channel.OBJECTS)
        return runs


def _miscounted(frame: Frame, objects: Sequence[ObjectCount]) -> bool:
    """Whether something is seen in another number; what the detector does not see at all, it may have missed."""
    return any(frame.counts[count.label] > 0 and not count.holds(frame.counts[count.label]) for count in objects)


def _object_score(showing: Showing, asked: Sequence[ObjectCount]) -> float:
    """How well the counts fit, by the detector's certainty: exact numbers first, more next, fewer last."""
    score = 1.0
    for count in asked:
        have = showing.counts[count.label]
        fits = 1.0 if count.holds(have) else 0.75 if have > count.number else 0.4 * have / max(1, count.number)
        certainty = showing.certainty(count.label) if have else 1.0
        score *= fits * (0.6 + 0.4 * certainty)
    return score
