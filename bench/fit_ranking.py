"""`python -m bench.fit_ranking DATA BENCH BENCH`: the weights by which passages are ordered, and how sure they are.

Learnt on train splits alone, with the product's own lines and signals, from two or more benchmarks: each counts for the
same. The order is a listwise logistic regression (Cao et al., ICML 2007, with one relevant set): the lines whose middle
lies in an answer against all lines of the library, each signal by how far it stands out. How sure a passage is, is
learnt from libraries of many shapes: see `bench.fit_confidence`. No weight is below 0.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table
from scipy.optimize import minimize

from bench.evaluation.corpus import TRAIN, BenchQuery, read_corpus, read_queries
from bench.evaluation.corpus_library import corpus_library, video_hash
from bench.fit_confidence import (
    BY_WORDS,
    FEW_FALSE,
    LIKELY,
    RIDGE,
    WITH_MEANING,
    Texts,
    fitted_confidence,
    passing,
    tried,
)
from index.reader import Scope
from query.service import QueryService
from query.source import Source
from query.texts.passage_store import PassageStore
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
        order = fitted_order([part.asked(part.queries) for part in parts])
        texts = [Texts.of(part.name, part.service.reads()) for part in parts]
        asked = [item for at, part in enumerate(parts) for item in tried(texts[at], texts[at - 1], part.queries)]
    sure = {
        name: (fitted_confidence(some, signals), some)
        for name, signals, some in (
            ("with_meaning", WITH_MEANING, [item for item in asked if item.meaning]),
            ("by_words", BY_WORDS, [item for item in asked if not item.meaning]),
        )
    }
    for name, (certainty, some) in sure.items():
        show(name, passing(some, certainty))
    result = {
        "made": "python -m bench.fit_ranking, on train splits alone: see docs/retrieval.md",
        "order": _named(dict(zip(ORDER, order, strict=True))),
        "sure": {
            name: {
                "weights": _named(dict(zip(SIGNALS, certainty.weights, strict=True))),
                "middles": {
                    middle: {"base": round(values.base, 3), "growth": round(values.growth, 3)}
                    for middle, values in zip((LIKELY, FEW_FALSE), certainty.middles, strict=True)
                },
            }
            for name, (certainty, _) in sure.items()
        },
    }
    print(json.dumps(result, indent=2))


def show(name: str, reached: Mapping[tuple[str, str, str, bool], float]) -> None:
    """Print the shares of queries that reach the cut-off."""
    table = Table("library", "query", "benchmark", "answered there", "not answered", title=name)
    for group in dict.fromkeys(key[:3] for key in reached):
        shares = (reached.get((*group, answered)) for answered in (True, False))
        table.add_row(*group, *("" if share is None else f"{share:.3f}" for share in shares))
    Console(stderr=True).print(table)


def _named(weights: Mapping[str, float]) -> dict[str, float]:
    return {name: round(float(value), 3) for name, value in weights.items() if value > 5e-4}


if __name__ == "__main__":
    main()
