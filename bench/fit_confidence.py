"""How sure a passage is: the questions and libraries from which `bench.fit_ranking` learns that.

A question has an answer in its own library and none in another benchmark's. Words out of one sentence of a library are
said there; of words out of two sentences of different videos only some are. Both are asked of libraries of several
shapes, from all videos down to a minute of one, with and without vectors: a person's library may be any of these.
"""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from bench.evaluation.corpus import BenchQuery
from bench.evaluation.corpus_library import video_hash
from index.reader import Scope
from query.service import Reads
from query.source import Source
from query.texts.learnt import Certainty, Middle
from query.texts.passage_store import PassageStore
from query.texts.retriever import TextRetriever
from query.texts.scale import WordStatistics
from query.texts.signals import SIGNALS, signals_of
from query.texts.video_text import Numbers, PassageText, VideoText
from query.texts.words import STOP_WORDS, tokens
from reelseek.records import Channel

BY_WORDS = (
    "surest", "covered", "line_words", "words_10", "words_25", "words_120", "video_words", "speaker",
)  # fmt: skip
WITH_MEANING = (
    *BY_WORDS, "line_meaning", "best_meaning", "segment_meaning", "near_meaning", "video_peak",
)  # fmt: skip
"""The signals that tell how sure."""

SHAPES = ("whole", "four videos", "one video", "a stretch", "stretches")
QUESTION, WORDS = "question", "words"
SHARES = {QUESTION: 1.0, WORDS: 0.5}
"""What each kind of query counts for."""

RIDGE = 0.003
FALSE_ANSWERS = 0.05
"""The share of questions to the wrong library whose best passage may reach the cut-off."""

LIKELY, FEW_FALSE = "likely", "few_false"
"""The two middles: as likely right as not; at most `FALSE_ANSWERS` of the questions to the wrong library."""

_ROUNDS, _BEST_BY_EACH = 6, 25
_STRETCH, _STRETCHES = (40.0, 180.0), 9
_FEWEST_WORDS = 6


@dataclass(frozen=True, slots=True)
class Tried:
    """One query to one library.

    Attributes:
        group: shape of the library, kind of query, benchmark: each group counts alike.
        lines: of the library.
        signals: of the lines that are best by any one signal, `(n, len(SIGNALS))`.
    """

    group: tuple[str, str, str]
    meaning: bool
    answered: bool
    lines: int
    signals: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Texts:
    """The videos of a benchmark, as they are read for a search."""

    name: str
    reads: Reads
    videos: dict[str, VideoText]

    @classmethod
    def of(cls, name: str, reads: Reads) -> Texts:
        """All of a library."""
        store = PassageStore()
        found = store.texts(reads.snapshot, list(store.sizes(reads.snapshot)), reads.text_space)
        return cls(name, reads, {video.video_id: video for video in found.videos})

    def shaped(
        self, shape: str, chance: random.Random, own: str | None = None, about: tuple[float, float] | None = None
    ) -> PassageText:
        """A library of a shape out of these videos.

        Args:
            own: a video that it has to have.
            about: seconds of that video which it has to have.
        """
        others = [video_id for video_id in self.videos if video_id != own]
        first = own or others.pop(chance.randrange(len(others)))
        if shape == "whole":
            return PassageText.of(list(self.videos.values()))
        if shape == "four videos":
            return PassageText.of([self.videos[name] for name in (first, *chance.sample(others, min(3, len(others))))])
        if shape == "one video":
            return PassageText.of([self.videos[first]])
        kept = [_stretch(self.videos[first], chance, about)]
        if shape == "stretches":
            kept += [
                _stretch(self.videos[name], chance) for name in chance.sample(others, min(_STRETCHES, len(others)))
            ]
        return PassageText.of(kept)

    def ask(self, library: PassageText, query: str, group: tuple[str, str, str], answered: bool) -> Iterator[Tried]:
        """A query to a library, with meaning and by words alone."""
        words = WordStatistics.of(line.text for video in library.videos for line in video.lines)
        statistics = replace(self.reads.statistics, words=words, lines=len(library))
        source = Source(self.reads.snapshot, Scope(), statistics)
        for meaning in (True, False):
            retriever = TextRetriever(source, self.reads.encoders, self.reads.text_space if meaning else None, 1)
            signals = signals_of(library, retriever.wanted(query, (Channel.SPEECH,)))
            rows = np.unique(np.argsort(-signals, axis=0)[:_BEST_BY_EACH])
            yield Tried(group, meaning, answered, len(library), signals[rows].astype(np.float32))


def _stretch(video: VideoText, chance: random.Random, about: tuple[float, float] | None = None) -> VideoText:
    """The lines of some seconds of a video as a video."""
    length = chance.uniform(*_STRETCH)
    if about is None:
        begin = chance.uniform(0.0, max(1.0, video.lines[-1].end - length))
        end = begin + length
    else:
        begin, end = about[0] - length / 2, min(about[1], about[0] + length) + length / 2
    rows = [row for row, line in enumerate(video.lines) if begin <= line.start <= end] or [0]
    segments = np.flatnonzero((video.segment_times[:, 1] > begin) & (video.segment_times[:, 0] < end))
    return VideoText.of(
        video.video_id,
        [video.lines[row] for row in rows],
        video.vectors[rows],
        video.segment_times[segments],
        video.segment_vectors[segments],
    )


def tried(here: Texts, elsewhere: Texts, queries: Sequence[BenchQuery], seed: int = 1) -> list[Tried]:
    """Every question of its own library and of another, and as many queries of words, in all shapes in turn."""
    chance = random.Random(seed)
    found: list[Tried] = []
    for number, query in enumerate(queries):
        own = video_hash(query.video_id)
        for shape in ("whole", *(SHAPES[1:] if number % 2 == 0 else ())):
            group = (shape, QUESTION, here.name)
            library = here.shaped(shape, chance, own, query.relevant[0])
            found += here.ask(library, query.query, group, answered=True)
            found += elsewhere.ask(elsewhere.shaped(shape, chance), query.query, group, answered=False)
        shape = SHAPES[number % len(SHAPES)]
        found += _words(here, elsewhere, here.shaped(shape, chance), (shape, WORDS, here.name), chance)
    return found


def _words(
    here: Texts, elsewhere: Texts, library: PassageText, group: tuple[str, str, str], chance: random.Random
) -> Iterator[Tried]:
    """Every second telling word of a sentence, and two of them with two of a sentence of another video."""
    said = _sentence(library, chance)
    other = _sentence(PassageText.of([chance.choice(list(chance.choice([here, elsewhere]).videos.values()))]), chance)
    if not said or not other:
        return
    asks = "where is it said that "
    yield from here.ask(library, asks + " ".join(said[::2][:5]), group, answered=True)
    mixed = [said[0], other[0], said[2], other[2]]
    lines = (_telling(line.text) for video in library.videos for line in video.lines)
    if all(len(set(mixed) & set(line)) < 3 for line in lines):
        yield from here.ask(library, asks + " ".join(mixed), group, answered=False)


def _sentence(library: PassageText, chance: random.Random) -> list[str]:
    """The telling words of some sentence that has enough of them."""
    told = [
        words for video in library.videos for line in video.lines if len(words := _telling(line.text)) >= _FEWEST_WORDS
    ]
    return chance.choice(told) if told else []


def _telling(text: str) -> list[str]:
    words = (word for word in tokens(text) if word not in STOP_WORDS and len(word) > 3 and word.isalpha())
    return list(dict.fromkeys(words))


def fitted_confidence(asked: Sequence[Tried], names: Sequence[str]) -> Certainty:
    """Logistic regression of each query's best line; which line that is is taken anew with each round's weights.

    Every group counts alike, and answered queries as much as the others.
    """
    columns = [SIGNALS.index(name) for name in names]
    signals = [_with_size(item, columns) for item in asked]
    truth = np.array([float(item.answered) for item in asked])
    share = _shares(asked)
    weights, base = np.full(len(columns) + 1, 0.3), 2.0
    for _ in range(_ROUNDS):
        best = np.stack([rows[int((rows @ weights).argmax())] for rows in signals])

        def loss(values: Numbers, best: Numbers = best) -> tuple[float, Numbers]:
            margin = best @ values[:-1] - values[-1]
            likely = 1.0 / (1.0 + np.exp(-margin))
            total = float((share * np.logaddexp(0.0, np.where(truth > 0, -margin, margin))).sum())
            off = share * (likely - truth)
            slope = np.append(off @ best + 2 * RIDGE * values[:-1], -off.sum())
            return total + RIDGE * float(values[:-1] @ values[:-1]), slope

        bounds = [*[(0.0, None)] * len(weights), (None, None)]
        done = minimize(loss, np.append(weights, base), jac=True, method="L-BFGS-B", bounds=bounds)
        weights, base = np.asarray(done.x[:-1]), float(done.x[-1])
    full = np.zeros(len(SIGNALS))
    full[columns] = weights[:-1]
    return Certainty(full, (Middle(base, float(weights[-1])), few_false(asked, full)))


def few_false(asked: Sequence[Tried], weights: Numbers) -> Middle:
    """The line over the logarithm of a library's size below which questions to the wrong library stay.

    Of each shape, the benchmark whose questions find most where nothing answers them.
    """
    wrong: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for item in asked:
        shape, kind, benchmark = item.group
        if not item.answered and kind == QUESTION:
            best = float((item.signals @ weights).max())
            wrong[shape][benchmark].append((math.log(max(2, item.lines)), best))
    reached = []
    for benchmarks in wrong.values():
        ends = [np.quantile([best for _, best in some], 1.0 - FALSE_ANSWERS) for some in benchmarks.values()]
        sizes = [np.mean([size for size, _ in some]) for some in benchmarks.values()]
        worst = int(np.argmax(ends))
        reached.append((float(sizes[worst]), float(ends[worst])))
    sizes, ends = np.array(reached).T
    growth = float(np.polyfit(sizes, ends, 1)[0]) if len(set(sizes)) > 1 else 0.0
    growth = max(0.0, growth)
    return Middle(float((ends - growth * sizes).mean()), growth)


def _with_size(item: Tried, columns: Sequence[int]) -> Numbers:
    size = np.full(len(item.signals), -math.log(max(2, item.lines)))
    return np.column_stack([item.signals[:, columns].astype(np.float64), size])


def _shares(asked: Sequence[Tried]) -> Numbers:
    """What each query counts for; all with an answer together are 1/2, as are all without."""
    sizes = Counter((item.group, item.answered) for item in asked)
    share = np.array([SHARES[item.group[1]] / sizes[item.group, item.answered] for item in asked])
    truth = np.array([item.answered for item in asked])
    for side in (truth, ~truth):
        share[side] /= 2.0 * share[side].sum()
    return share


def passing(asked: Sequence[Tried], certainty: Certainty) -> dict[tuple[str, str, str, bool], float]:
    """The share of each group's queries that reach the cut-off, by whether they have an answer."""
    reached: dict[tuple[str, str, str, bool], list[bool]] = defaultdict(list)
    for item in asked:
        score = float((item.signals @ certainty.weights).max())
        reached[*item.group, item.answered].append(certainty.confidence(score, item.lines) >= 0.5)
    return {group: sum(each) / len(each) for group, each in reached.items()}
