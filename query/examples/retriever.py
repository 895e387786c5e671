"""Queries by example: pictures, clips and moments of indexed videos, found again in what is seen and what is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from index.reader import Scope
from index.scope import Overlaps
from query.found import POOL
from query.pictures.runs import picture_runs
from query.planning.plan import Requirement
from query.ranking.calibrate import Null, expected_maximum, logistic
from query.ranking.fuse import fuse
from query.ranking.runs import GAP, Run
from query.requests import By, Stretch
from query.retrieve import PICTURE_VIDEOS, Retriever
from query.source import Frame, Line, Source
from query.texts.retriever import LEAST
from query.texts.scale import WordStatistics
from query.texts.words import content_terms
from reelseek.records import Channel, Image, Vector, VectorSpace

SAME = 0.97
"""Cosine from which two pictures of an example show the same, so that one of them is enough."""

MOST_PICTURES = 8
"""Distinct pictures of an example that are looked for."""

MOST_LINES = 3
"""Sentences of an example that are looked for."""

_LOOSE = 1.0
_GLIMPSE = 0.25
_TOLD = (Channel.SPEECH, Channel.SCREEN_TEXT, Channel.CAPTION)


@dataclass(frozen=True, slots=True, eq=False)
class ExampleSet:
    """What is to be found again.

    Attributes:
        images: pictures; of a clip that is not in the library, a handful.
        stretches: parts of indexed videos; they are left out of what is found.
        by: in what it is to be found again; what is `said` is known of stretches only.
        loose: words tell what is to be different ("this, but at night"): a fair likeness is enough then.
    """

    images: tuple[Image, ...] = ()
    stretches: tuple[Stretch, ...] = ()
    by: By = "all"
    loose: bool = False

    @property
    def given(self) -> bool:
        """Whether there is any example."""
        return bool(self.images or self.stretches)


NONE = ExampleSet()
"""No example."""


@dataclass(frozen=True, slots=True)
class ExampleScale:
    """Turns the cosine of two pictures into a confidence that they show the same.

    Two things are asked: that so high a cosine is more than chance among the pictures of this library, and that it has
    come most of the way from there to 1, which only the same picture has. The middle (confidence 0.5) is the higher
    of both, but never so high that a picture would not find itself. Measured with the demo's model on its 61 keyframes:
    pictures of one shot have gone 0.98 of that way and more, 99 % of those of other videos 0.61 or less.

    Where words tell what is to be different, likeness and words are asked apart and the weaker decides, so that a
    likeness above the common one must be enough. Measured on 48 drawn scenes, "this, but blue", "but a star", "but
    three": so 0.98, 0.67 and 0.56 of the scenes meant come first; when the words shift the example's vector, at best
    0.92, 0.46 and 0.56.
    """

    null: Null
    size: int
    loose: bool = False

    @property
    def middle(self) -> float:
        """The cosine that has confidence 0.5."""
        way = 1.0 - self.null.centre
        if self.loose:
            return min(self.null.centre + _LOOSE * self.null.spread, self.null.centre + 0.5 * way)
        chance = self.null.centre + self.null.spread * (1.8 + 0.35 * expected_maximum(self.size))
        return min(max(chance, self.null.centre + 0.55 * way), self.null.centre + 0.85 * way)

    def confidence(self, cosine: float) -> float:
        """0 to 1: 0.99 for the same picture."""
        middle = self.middle
        return logistic(5.0 * (cosine - middle) / max(1e-6, 1.0 - middle))


def distinct(vectors: Vector, most: int = MOST_PICTURES) -> Vector:
    """Of `(n, d)` vectors those that are no near-copy of an earlier one, spread evenly where there are too many."""
    kept: list[int] = []
    for at in range(len(vectors)):
        if not kept or float(np.max(vectors[kept] @ vectors[at])) < SAME:
            kept.append(at)
    if len(kept) > most:
        kept = [kept[round(i * (len(kept) - 1) / (most - 1))] for i in range(most)]
    return vectors[kept]


def stretch_vectors(source: Source, stretch: Stretch, space: VectorSpace) -> Vector:
    """The distinct keyframes of a stretch, `(n, d)`; none where its video has no pictures in this space."""
    scope = Scope(video_ids=frozenset((stretch.video_id,)), where=(Overlaps(stretch.start, stretch.end),))
    rows, vectors = source.snapshot.scan_vectors("frames", "visual", scope, space=space, columns=("start", "end"))
    if not len(vectors):
        return vectors
    shown = [min(row["end"], stretch.end) - max(row["start"], stretch.start) for row in rows]
    least = min(_GLIMPSE, max(shown))
    return distinct(vectors[[at for at, seconds in enumerate(shown) if seconds >= least]])


@dataclass(frozen=True, slots=True)
class ExampleRetriever:
    """Finds examples again, through a search's own retriever."""

    retriever: Retriever

    def runs(self, examples: ExampleSet, asked: str = "") -> list[Run]:
        """Places that are like the examples, fused, best first; the examples' own places are left out.

        Args:
            asked: what the explanation calls them; empty where they are the whole query.
        """
        found: list[Run] = []
        if examples.by != "said":
            found += self.pictures(self._vectors(examples), loose=examples.loose)
        if examples.by != "seen":
            for stretch in examples.stretches:
                found += self.told(stretch)
        elsewhere = [run for run in found if not any(_is_at(run, stretch) for stretch in examples.stretches)]
        return fuse(elsewhere, POOL, asked)

    def _vectors(self, examples: ExampleSet) -> Vector:
        """The pictures of all examples, `(n, d)`."""
        space = self.retriever.visual_space
        if space is None:
            return np.zeros((0, 0), dtype=np.float32)
        parts = [self.retriever.encoders.picture(image)[None] for image in examples.images]
        parts += [stretch_vectors(self.retriever.source, stretch, space) for stretch in examples.stretches]
        return distinct(np.concatenate(parts)) if parts else np.zeros((0, space.dimension), dtype=np.float32)

    def pictures(self, vectors: Vector, *, loose: bool = False) -> list[Run]:
        """Stretches that look like one of some pictures, `(n, d)`.

        Each is judged against the library's pictures by itself; a keyframe is as like as to the one that it is most
        like. Of several pictures a stretch that has many of them is the more like: it gets a fifth of its distance
        to 1 for having all.
        """
        source, space = self.retriever.source, self.retriever.visual_space
        if space is None or not len(vectors):
            return []
        near = [source.videos_by_picture(vector, self.retriever.k, PICTURE_VIDEOS, space) for vector in vectors]
        frames, found = source.pictures(dict.fromkeys(video for videos in near for video in videos), space)
        self.retriever.used.add(Channel.VISUAL)
        if not frames:
            return []
        sample = source.statistics.frame_vectors
        sample = found if sample is None or not len(sample) else sample
        cosines = found @ vectors.T
        scales = [ExampleScale(Null.of_lower_half(sample @ one), source.statistics.frames, loose) for one in vectors]
        each = np.array(
            [[scale.confidence(float(cosine)) for cosine in row] for row, scale in zip(cosines.T, scales, strict=True)]
        )
        best = each.argmax(axis=0)
        confidences = each.max(axis=0)
        strengths = [float(np.log(value / (1.0 - value)) + 6.0) for value in np.clip(confidences, 1e-9, 1 - 1e-9)]
        runs = picture_runs(
            frames,
            [max(0.0, strength) for strength in strengths],
            confidences.tolist(),
            least=LEAST,
            described="",
            cosines=[float(row[at]) for row, at in zip(cosines, best, strict=True)],
        )
        return [_with_all(run, frames, each) for run in runs] if len(vectors) > 1 else runs

    def told(self, stretch: Stretch) -> list[Run]:
        """Places where the same is said or written as in a stretch: all of it, or a telling sentence."""
        source = self.retriever.source
        lines = source.lines_between(stretch.video_id, stretch.start, stretch.end, _TOLD)
        texts = [line.text for line in telling_lines(lines, source.statistics.words, MOST_LINES)]
        if len(texts) > 1:
            texts.append(" ".join(texts))
        runs: list[Run] = []
        for text in texts:
            runs += self.retriever.runs(Requirement(text, dict.fromkeys(_TOLD, text)))
        return runs


def telling_lines(lines: Sequence[Line], words: WordStatistics, most: int) -> list[Line]:
    """The lines that say most, in their order: those whose words are rare in this library; small talk is left out."""
    worth = {line.key: sum(words.weight(term) for term in content_terms(line.text)) for line in lines}
    chosen = sorted((line for line in lines if len(content_terms(line.text)) > 1), key=lambda line: -worth[line.key])[
        :most
    ]
    return sorted(chosen, key=lambda line: (line.start, line.index))


def _with_all(run: Run, frames: Sequence[Frame], each: npt.NDArray[np.float64]) -> Run:
    """A run that has several of the example's pictures, a little surer."""
    inside = [
        at for at, frame in enumerate(frames) if frame.video_id == run.video_id and run.start <= frame.start < run.end
    ]
    if not inside:
        return run
    have = float((each[:, inside].max(axis=1) >= 0.5).mean())
    return replace(run, confidence=1.0 - (1.0 - run.confidence) * (1.0 - 0.2 * have))


def _is_at(run: Run, stretch: Stretch) -> bool:
    """Whether a run shows the example itself, or what goes on right before or after it."""
    return run.video_id == stretch.video_id and run.start - stretch.end < GAP and stretch.start - run.end < GAP
