"""What speaks for each line of a video: its own words and meaning, those around it, and those of the video as a whole.

A line seldom has all that is asked for. A question is answered over several sentences, a topic is talked about for
minutes, and the same words mean more in a video that is about them. So every line is judged at several widths: alone,
with what is said and shown within some seconds of it, and with its video (multi-scale passages as in Kaszkiel and
Zobel, "Effective ranking with arbitrary passages", JASIST 2001; document evidence as in Callan, "Passage-level evidence
in document retrieval", SIGIR 1994). All signals are free of the library's size and of the engine's own scale: words
are shares of what the query's words could give at most, cosines are counted in spreads of the query's own null.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from query.ranking.calibrate import Null, expected_maximum
from query.texts.video_text import PassageText
from reelseek.records import Vector

Numbers = npt.NDArray[np.float64]

WORD_WIDTHS = (10.0, 25.0, 45.0, 120.0, 180.0)
"""Seconds around a line over which words are counted."""

RARE_WIDTH, SPOKEN_WIDTH = 45.0, 45.0
"""Seconds over which words count that few videos have, and over which it counts who speaks most."""

NEAR_WIDTH, BEST_WIDTH, CLOSE_WIDTH = 90.0, 30.0, 20.0
"""Seconds over which the meanings of segments are averaged, and (twice) over which the best of the lines' counts."""

SIGNALS = (
    "surest",
    "covered",
    "line_words",
    *(f"words_{width:.0f}" for width in WORD_WIDTHS),
    "video_words",
    "rare_45",
    "rare_video",
    "speaker",
    "speaker_45",
    "line_meaning",
    "best_meaning",
    "best_20",
    "segment_meaning",
    "near_meaning",
    "video_peak",
)
"""The columns of `signals_of`, in order."""

WORDS_SLOPE, HALF_COVERED, COINCIDENCE, LOWEST = 9.0, 0.6, 0.12, -6.0
_K1, _B = 1.5, 0.5
_FULL_LINE = 4.0
"""Words from which a line's meaning is taken in full: "yes" is near to many things."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for.

    Attributes:
        terms: stems.
        weights: what each is worth, `(len(terms),)`: its inverse document frequency.
        vector: the meaning `(d,)`, or None.
        null: of cosines with that vector.
        size: how many lines the library has: chance reaches higher among many.
    """

    terms: tuple[str, ...]
    weights: Numbers
    vector: Vector | None = None
    null: Null | None = None
    size: int = 1


def signals_of(texts: PassageText, wanted: Wanted, counted: npt.NDArray[np.bool_] | None = None) -> Numbers:
    """The signals of all lines, `(lines, len(SIGNALS))`.

    Lines without vectors, or a query without one, have 0 for all that meaning says.

    Args:
        counted: which lines are looked at at all, `(lines,)`; the others are as if they were not there.
    """
    part = Part(texts, np.ones(len(texts)) if counted is None else counted.astype(np.float64))
    found = _semantic(part, wanted)
    if wanted.terms and float(wanted.weights.sum()) > 0:
        found |= _lexical(part, wanted)
    found["surest"] = _surest(texts, wanted, found)
    nothing = np.zeros(len(texts))
    return np.stack([found.get(name, nothing) for name in SIGNALS], axis=1)


@dataclass(frozen=True, slots=True)
class Part:
    """Those lines of a text that count: `kept` is 1 for them and 0 for the others."""

    texts: PassageText
    kept: Numbers


def _lexical(part: Part, wanted: Wanted) -> dict[str, Numbers]:
    texts, words = part.texts, part.texts.words * part.kept
    counts = texts.counts(wanted.terms) * part.kept[:, None]
    shares = wanted.weights / float(wanted.weights.sum())
    both = np.column_stack([counts, words])
    found = {
        "covered": _covered(counts > 0, texts.titled(wanted.terms), wanted),
        "line_words": _bm25(counts, words, shares),
    }
    for width in WORD_WIDTHS:
        inside = texts.within(both, width)
        found[f"words_{width:.0f}"] = _bm25(inside[:, :-1], inside[:, -1], shares)
    whole = np.add.reduceat(both, texts.firsts)
    found["video_words"] = texts.of_videos(_bm25(whole[:, :-1], whole[:, -1], shares))
    rare = _rare(whole[:, :-1])
    near = texts.within(both, RARE_WIDTH)
    found["rare_45"] = _bm25(near[:, :-1], near[:, -1], rare)
    found["rare_video"] = texts.of_videos(_bm25(whole[:, :-1], whole[:, -1], rare))
    spoken = texts.spoken_by(wanted.terms)
    found["speaker"] = spoken
    said = texts.within(np.column_stack([spoken * words, words]), SPOKEN_WIDTH)
    found["speaker_45"] = said[:, 0] / np.maximum(1.0, said[:, 1])
    return found


def _rare(counts: Numbers) -> Numbers:
    """The share of each term, by how few videos have it: which video is meant is told by what others do not say.

    Args:
        counts: `(videos, terms)`.
    """
    videos, having = len(counts), (counts > 0).sum(axis=0)
    weights = np.log(1.0 + (videos - having + 0.5) / (having + 0.5))
    shares: Numbers = weights / max(1e-9, float(weights.sum()))
    return shares


def _covered(present: npt.NDArray[np.bool_], titled: npt.NDArray[np.bool_], wanted: Wanted) -> Numbers:
    """The share of the terms' worth that each line has, and more where they would hardly meet in it by chance.

    What the title of its video says a line need not repeat, if it has something else that is looked for.

    Args:
        present, titled: `(lines, terms)`.
    """
    adds = (present & ~titled).any(axis=1, keepdims=True)
    known = present | (titled & adds)
    information = present @ wanted.weights
    surprise = information - math.log(1.0 + max(50, wanted.size))
    bonus = np.where(present.sum(axis=1) > 1, COINCIDENCE * np.clip(surprise / 6.0, 0.0, 1.0), 0.0)
    covered: Numbers = known @ wanted.weights / float(wanted.weights.sum()) + bonus
    return covered


def _surest(texts: PassageText, wanted: Wanted, found: dict[str, Numbers]) -> Numbers:
    """The better of what a line's own words and its own meaning say, as log odds."""
    lowest = np.full(len(texts), LOWEST)
    words = WORDS_SLOPE * (found.get("covered", np.zeros(len(texts))) - HALF_COVERED)
    middle = 1.2 * expected_maximum(wanted.size) + 3.0
    meaning = 0.85 * (found["line_meaning"] - middle) if "line_meaning" in found else lowest
    surest: Numbers = np.maximum(np.maximum(words, meaning), lowest)
    return surest


def _bm25(counts: Numbers, lengths: Numbers, shares: Numbers) -> Numbers:
    """BM25 (Robertson and Zaragoza 2009) of each row as a share of the most that the terms could give."""
    usual = max(1.0, float(lengths.mean()))
    saturation = _K1 * (1 - _B + _B * lengths / usual)
    gains: Numbers = counts / (counts + saturation[:, None] + 1e-9)
    result: Numbers = gains @ shares
    return result


def _semantic(part: Part, wanted: Wanted) -> dict[str, Numbers]:
    if wanted.vector is None or wanted.null is None:
        return {}
    texts, vector, null = part.texts, wanted.vector, wanted.null

    def likeness(cosines: Numbers) -> Numbers:
        """In spreads above the null; 0 for a row without a direction."""
        spreads: Numbers = np.where(cosines == 0, 0.0, (cosines - null.centre) / null.spread)
        return spreads

    lines = likeness(texts.line_cosines(vector)) * np.minimum(1.0, texts.words / _FULL_LINE) * part.kept
    best = texts.best_within(lines, BEST_WIDTH)
    found = {"line_meaning": lines, "best_meaning": best, "best_20": texts.best_within(lines, CLOSE_WIDTH)}
    segments = likeness(texts.segment_cosines(vector))
    whole = part.kept.all()
    if len(segments) and whole:
        found["segment_meaning"] = texts.of_segments(segments)
        found["near_meaning"] = texts.over_segments(segments, NEAR_WIDTH)
        found["video_peak"] = texts.of_videos(texts.segment_peaks(segments))
    else:  # a segment's vector is of all that is said and shown in it: for a part of that its lines must do
        found["segment_meaning"] = found["near_meaning"] = best
        found["video_peak"] = texts.of_videos(np.maximum.reduceat(lines, texts.firsts)) if len(texts) else lines
    return found


def standing_out(signals: Numbers, counted: npt.NDArray[np.bool_]) -> Numbers:
    """Each signal as how far it stands out in this library for this query: spreads above its mean, -2 to 8.

    A word that every meeting says says little in all of them; what is rare here decides.
    """
    own = signals[counted]
    spread = own.std(axis=0) + 1e-4
    stands: Numbers = np.clip((signals - own.mean(axis=0)) / spread, -2.0, 8.0)
    return stands
