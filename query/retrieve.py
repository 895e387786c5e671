"""Candidates: for one requirement, what every channel finds, as runs with calibrated confidences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from query.encoders import Encoders
from query.language.parsing import EVENTS, ObjectCount
from query.objects.runs import count_runs, event_runs, relation_runs
from query.objects.scenes import Showing, showings
from query.pictures.likeness import Likeness
from query.pictures.runs import picture_runs
from query.pictures.scale import PictureScale
from query.planning.plan import Requirement, cue_free_terms
from query.ranking.runs import Run
from query.ranking.waterfall import weighted
from query.source import Frame, Source
from query.texts.retriever import LEAST, TextRetriever
from query.texts.words import tokens
from query.timing import Stopwatch
from reelseek.records import Channel, VectorSpace
from reelseek.results import Contribution

PICTURE_VIDEOS = 12
"""Videos whose whole curve of picture scores is looked at."""

NOT_DETECTED, TOO_FEW, TOO_MANY = 0.85, 0.6, 0.85
"""What is left of a picture's strength where the objects that the words name are not there, or in another number."""

WORD_FOR_WORD, _FEWEST = 0.95, 3
"""The confidence that only a text with all the words reaches, and from how many words on that is no coincidence."""

_QUESTION = frozenset({"how", "what", "when", "where", "which", "who", "whose", "whom", "why"})
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
                if requirement.phrase:
                    found += texts.phrase(text, channels)
                else:
                    asked = requirement.text if text in requirement.text else text
                    found += texts.words(text, channels, asked)
            self.used.update(channels)
        if requirement.visual and self.visual_space is not None:
            with self.clock.timed("retrieve.pictures"):
                found += self.pictures(self.encoders.described(requirement.visual), requirement.objects)
        if requirement.objects or requirement.facts:
            with self.clock.timed("retrieve.objects"):
                found += self.objects(requirement) if requirement.objects else []
                found += self.facts(requirement) if requirement.facts else []
        return [weighted(run, _weight(run, requirement)) for run in found if run.confidence > 0]

    def pictures(self, likeness: Likeness, objects: Sequence[ObjectCount] = ()) -> list[Run]:
        """Stretches that look like a description.

        Args:
            objects: what it names. Image-text models count badly; a picture in which the detector counts something
                else loses a little, so that a run ends where the number changes.
        """
        curve = self._curve(likeness, objects)
        runs = picture_runs(
            curve.frames,
            curve.strengths,
            curve.confidences,
            least=LEAST,
            described=_quoted(likeness.described),
            cosines=curve.cosines,
        )
        ranks = {id(run): rank for rank, run in enumerate(sorted(runs, key=lambda run: -run.confidence), start=1)}
        return [replace(run, contributions=(_contribution(run, ranks[id(run)]),)) for run in runs]

    def picture_curve(self, requirement: Requirement) -> tuple[Sequence[Frame], Sequence[float]]:
        """The keyframes of the nearest videos and how surely each shows what is to be seen; empty without pictures."""
        if not requirement.visual or self.visual_space is None:
            return (), ()
        curve = self._curve(self.encoders.described(requirement.visual), requirement.objects)
        return curve.frames, curve.confidences

    def _curve(self, likeness: Likeness, objects: Sequence[ObjectCount]) -> _Curve:
        space = self.visual_space
        if space is None:
            return _Curve()
        videos = self.source.videos_by_pictures(likeness.probes, self.k, PICTURE_VIDEOS, space)
        self.used.add(Channel.VISUAL)
        frames, vectors = self.source.pictures(videos, space) if videos else ([], likeness.probes[:0])
        if not frames:
            return _Curve()
        scale = PictureScale.of(self.encoders.picture_bank(), self.source.statistics.pictures)
        detected = {frame.video_id for frame in frames if frame.objects}
        fits = [fitting(frame, objects) if frame.video_id in detected else 1.0 for frame in frames]
        strengths = likeness.strengths(vectors, scale) * fits
        cosines = (vectors @ likeness.probes.T).max(axis=1)
        return _Curve(frames, strengths.tolist(), [scale.confidence(one) for one in strengths], cosines.tolist())

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
                    found.append((showing, requirement.explained**2 * _object_score(showing, asked)))
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


@dataclass(frozen=True, slots=True)
class _Curve:
    """How much the keyframes of some videos resemble a description, by video and time."""

    frames: Sequence[Frame] = ()
    strengths: Sequence[float] = ()
    confidences: Sequence[float] = ()
    cosines: Sequence[float] = ()


def _weight(run: Run, requirement: Requirement) -> float:
    """What a run counts for. A rule took the words for a picture's: where somebody says just them, it erred."""
    weight = requirement.weight(run.channel)
    if weight < 1.0 and Channel.VISUAL not in requirement.weights and run.confidence >= WORD_FOR_WORD:
        words = set(cue_free_terms(requirement.requests.get(run.channel, "")))
        return 1.0 if len(words) >= _FEWEST else weight
    return weight


def _quoted(description: str) -> str:
    """A description as evidence quotes it. A question describes no picture, so it is not quoted."""
    return "what is asked about" if _QUESTION.issuperset(tokens(description)[:1]) else f"“{description}”"


def _contribution(run: Run, rank: int) -> Contribution:
    return Contribution(Channel.VISUAL, "picture", rank, run.raw, run.confidence, 1.0, run.confidence)


def fitting(frame: Frame, objects: Sequence[ObjectCount]) -> float:
    """What is left of a picture's strength by what the detector counts in it.

    What it does not see at all, it may have missed. Too few speak against a picture more than too many: of five cars,
    two may be the red ones.
    """
    share = 1.0
    for count in objects:
        have = frame.counts[count.label]
        if have == 0 and count.present:
            share *= NOT_DETECTED
        elif not count.holds(have):
            share *= TOO_FEW if have < count.number else TOO_MANY
    return share


def _object_score(showing: Showing, asked: Sequence[ObjectCount]) -> float:
    """How well the counts fit, by the detector's certainty: exact numbers first, more next, fewer last."""
    score = 1.0
    for count in asked:
        have = showing.counts[count.label]
        more = have > count.number and "<" not in count.op
        fits = 1.0 if count.holds(have) else 0.75 if more else 0.4 * min(have, count.number) / max(1, count.number)
        certainty = showing.certainty(count.label) if have else 1.0
        score *= fits * (0.6 + 0.4 * certainty)
    return score
