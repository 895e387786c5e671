"""`python -m bench.fit_ranking DATA BENCH BENCH`: the weights by which passages are ordered, and how sure they are.

Learnt on train splits alone, with the product's own lines and signals, from two or more benchmarks: each counts for the
same. The order is a listwise logistic regression (Cao et al., ICML 2007, with one relevant set): the lines whose middle
lies in an answer against all lines of the library, each signal by how far it stands out. How sure a passage is, is a
logistic regression of the best line's own signals: questions asked of their own library against the same questions
asked of another benchmark's library, where nothing answers them. No weight is below 0.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from scipy.optimize import minimize

from bench.evaluation.corpus import TRAIN, BenchQuery, read_corpus, read_queries
from bench.evaluation.corpus_library import corpus_library, video_hash
from index.reader import Scope
from query.service import QueryService
from query.source import Source
from query.texts.passage_store import PassageStore
from query.texts.passages import learnt
from query.texts.retriever import TextRetriever
from query.texts.signals import SIGNALS, signals_of, standing_out
from query.texts.video_text import Numbers, PassageText
from reelseek.records import Channel
from reelseek.settings import Settings, load_settings

ORDER = (
    "surest", "covered", "line_words", "words_180", "rare_45", "rare_video", "speaker_45", "line_meaning",
    "best_meaning", "best_20", "segment_meaning", "near_meaning", "video_peak",
)  # fmt: skip
"""The signals that order."""

SURE = (
    "surest", "covered", "line_words", "words_10", "words_25", "words_120", "video_words", "line_meaning",
    "best_meaning", "segment_meaning", "near_meaning", "video_peak",
)  # fmt: skip
"""The signals that tell how sure."""

RIDGE = 0.003
FALSE_ANSWERS = 0.05
"""The share of questions to the wrong library whose best passage may reach the cut-off."""

_ROUNDS = 6
_CUTOFF = 0.5


@dataclass(frozen=True, slots=True)
class Asked:
    """The signals of all lines for one question `(lines, signals)`, and which lines answer it `(lines,)`."""

    signals: npt.NDArray[np.float32]
    right: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Library:
    """A part of a benchmark, ready to be asked."""

    name: str
    queries: list[BenchQuery]
    service: QueryService

    def asked(self, queries: Sequence[BenchQuery]) -> list[Asked]:
        """These questions, asked here."""
        now = self.service.reads()
        store = PassageStore()
        source = Source(now.snapshot, Scope(), now.statistics, passages=store)
        texts = store.texts(now.snapshot, list(store.sizes(now.snapshot)), now.text_space)
        retriever = TextRetriever(source, now.encoders, now.text_space, 1)
        found = []
        for query in queries:
            signals = signals_of(texts, retriever.wanted(query.query, (Channel.SPEECH,)))
            found.append(Asked(signals.astype(np.float32), _right(texts, query)))
        return found


def _right(texts: PassageText, query: BenchQuery) -> npt.NDArray[np.bool_]:
    own = np.array([video.video_id == video_hash(query.video_id) for video in texts.videos])[texts.video_of]
    inside = np.zeros(len(own), dtype=bool)
    middles = np.array([(line.start + line.end) / 2 for video in texts.videos for line in video.lines])
    for start, end in query.relevant:
        inside |= (middles >= start) & (middles <= end)
    right: npt.NDArray[np.bool_] = own & inside
    return right


def fitted_order(parts: Sequence[Sequence[Asked]]) -> Numbers:
    """The weights `(len(ORDER),)` under which right lines are likeliest, each part of the questions counting alike."""
    columns = [SIGNALS.index(name) for name in ORDER]
    everything = [[(_standing(item, columns), item.right) for item in part if item.right.any()] for part in parts]

    def loss(weights: Numbers) -> tuple[float, Numbers]:
        total, slope = RIDGE * float(weights @ weights), 2 * RIDGE * weights
        for part in everything:
            for signals, right in part:
                scores = (signals @ weights.astype(np.float32)).astype(np.float64)
                likely = np.exp(scores - scores.max())
                correct = float(likely[right].sum())
                total -= math.log(correct / float(likely.sum())) / len(part)
                pull = likely / likely.sum() - np.where(right, likely, 0.0) / correct
                slope = slope + (pull.astype(np.float32) @ signals) / len(part)
        return total, slope

    done = minimize(loss, np.full(len(ORDER), 0.2), jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * len(ORDER))
    return np.asarray(done.x)


def _standing(item: Asked, columns: Sequence[int]) -> npt.NDArray[np.float32]:
    every = np.ones(len(item.right), dtype=bool)
    return standing_out(item.signals.astype(np.float64), every)[:, columns].astype(np.float32)


def fitted_confidence(here: Sequence[Asked], elsewhere: Sequence[Asked]) -> tuple[Numbers, float]:
    """The weights `(len(SURE),)` and the middle that tell questions that are answered here from others.

    The best line is the latent choice: it is taken anew with each round's weights.
    """
    columns = [SIGNALS.index(name) for name in SURE]
    weights, middle = learnt().weights[columns] * learnt().slope, learnt().middle * learnt().slope
    truth = np.concatenate([np.ones(len(here)), np.zeros(len(elsewhere))])
    share = np.where(truth > 0, 0.5 / len(here), 0.5 / len(elsewhere))
    asked = [item.signals[:, columns].astype(np.float64) for item in (*here, *elsewhere)]
    for _ in range(_ROUNDS):
        best = np.stack([signals[int((signals @ weights).argmax())] for signals in asked])

        def loss(values: Numbers, best: Numbers = best) -> tuple[float, Numbers]:
            margin = best @ values[:-1] - values[-1]
            chance = 1.0 / (1.0 + np.exp(-margin))
            total = float((share * np.logaddexp(0.0, np.where(truth > 0, -margin, margin))).sum())
            off = share * (chance - truth)
            slope = np.append(off @ best + 2 * RIDGE * values[:-1], -off.sum())
            return total + RIDGE * float(values[:-1] @ values[:-1]), slope

        bounds = [*[(0.0, None)] * len(columns), (None, None)]
        done = minimize(loss, np.append(weights, middle), jac=True, method="L-BFGS-B", bounds=bounds)
        weights, middle = np.asarray(done.x[:-1]), float(done.x[-1])
    wrong = [float((signals @ weights).max()) for signals in asked[len(here) :]]
    return weights, max(middle, float(np.quantile(wrong, 1.0 - FALSE_ANSWERS)))


def passing(asked: Sequence[Asked], weights: Numbers, middle: float) -> float:
    """The share of questions whose best line reaches the cut-off."""
    columns = [SIGNALS.index(name) for name in SURE]
    return float(np.mean([float((item.signals[:, columns] @ weights).max()) >= middle for item in asked]))


def library(folder: Path, settings: Settings, cache: Path, videos: int, queries: int) -> Library:
    """The train questions about some of a benchmark's train videos, evenly taken."""
    every = read_queries(folder, TRAIN, "")
    names = sorted({query.video_id for query in every})
    kept = {names[number * len(names) // videos] for number in range(min(videos, len(names)))}
    about = [query for query in every if query.video_id in kept and query.query and query.relevant]
    some = min(queries, len(about))
    corpus = [video for video in read_corpus(folder) if video.video_id in kept]
    service = corpus_library(corpus, settings, cache).open(settings)
    return Library(folder.name, [about[number * len(about) // some] for number in range(some)], service)


def main() -> None:
    """Fit and print, as `query/texts/ranking.json` holds it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder for the indexed corpora")
    parser.add_argument("bench", type=Path, nargs="+", help="benchmark folders with a train split; two or more")
    parser.add_argument("--videos", type=int, default=24, help="of each, at most")
    parser.add_argument("--queries", type=int, default=200, help="of each, at most")
    given = parser.parse_args()
    if len(given.bench) < 2:
        parser.error("two benchmarks are needed: each is the wrong library for the other's questions")
    settings = load_settings({"data": given.data})
    with ExitStack() as opened:
        cache = given.data / "corpora"
        parts = [library(path, settings, cache, given.videos, given.queries) for path in given.bench]
        for part in parts:
            opened.enter_context(part.service)
        own = [part.asked(part.queries) for part in parts]
        other = [item for at, part in enumerate(parts) for item in part.asked(parts[at - 1].queries)]
    order = fitted_order(own)
    here = [item for part in own for item in part]
    weights, middle = fitted_confidence(here, other)
    result = {
        "made": "python -m bench.fit_ranking, on train splits alone: see docs/retrieval.md",
        "weights": {name: round(float(value), 3) for name, value in zip(SURE, weights, strict=True) if value > 5e-4},
        "middle": round(middle, 3),
        "slope": 1.0,
        "order": {name: round(float(value), 3) for name, value in zip(ORDER, order, strict=True)},
    }
    console = Console(stderr=True)
    for part, asked in zip(parts, own, strict=True):
        console.print(f"{part.name}: {len(asked)} questions, {passing(asked, weights, middle):.1%} reach {_CUTOFF}")
    console.print(f"of the wrong library: {passing(other, weights, middle):.1%}")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
