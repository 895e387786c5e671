"""Where a video turns to another topic: the segmentation under found chapters.

The video's segments are cut into runs so that the summed likeness inside the runs is greatest, less a price for each
run. That is kernel change-point detection with the cosine kernel (Harchaoui and Cappé 2007; Arlot, Celisse and
Harchaoui 2019), found exactly by dynamic programming, as Utiyama and Isahara (2001) found the best segmentation of a
text. A place to cut is worth more where the talk before and after it differs (TextTiling, Hearst 1997, on sentence
vectors as Solbiati et al. 2021), where somebody says that something new begins (the cue phrases and the change of
speakers of Galley et al. 2003), and where a new heading comes on screen. The weights were tuned on the training
meetings of QMSum/AMI; `bench/chapters.py` measures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ingest.words import word_vectors
from reelseek.records import Channel, Segment, TimedText, Vector

CUES = (
    "Okay, let's move on to the next topic.",
    "Next on the agenda is the presentation.",
    "So let's start with the first point.",
    "Now we will talk about something else.",
    "Thank you, that was very good. Who is next?",
    "Shall we move on?",
    "Alright, back to the agenda.",
    "Let me begin my presentation.",
    "Any questions before we go on?",
    "To summarise what we have decided",
    "Welcome everybody to the meeting.",
    "Let's go to the next slide.",
)
"""What people say when they come to something new. A sentence near a border is compared with their mean."""

SHORTEST, SHARE = 60.0, 0.1
"""Seconds that a topic lasts at least, and share of the video where that is less."""
LEAST_LENGTH = 120.0
"""A shorter video (s) is not worth parting."""
MOST_BLOCKS = 1200
"""Longer videos are worked on in coarser blocks: time and memory grow with the square of their number."""

_PRICE, _BORDER = 0.065, 0.015
"""What a run costs, and what one standard deviation of border evidence is worth, of the whole scatter of a video."""
_ORDINARY = 2400.0
"""Seconds of a video up to which the price holds; the number of chapters then grows as the root of the length."""
_CUE, _TURN, _WORDS, _SPEAKERS, _HEADING = 1.0, 1.0, 1.0, 0.25, 1.0
_WINDOWS, _WORD_WINDOWS, _SPEAKER_WINDOWS = (2, 4, 8), (6, 12), (4,)
"""Segments on each side that are compared: by meaning, by the words themselves, by who speaks."""
_CUE_REACH = 10.0
_LEAST_SCATTER = 0.02
_LEAST_WORDS = 4
"""Shorter utterances ("Mm-hmm.") belong to no topic."""
_SHARE_WITH_TEXT = 0.3
_TEXTS = (Channel.SPEECH, Channel.SCREEN_TEXT)

Matrix = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a video for finding its topics.

    Attributes:
        lines: speech and screen text.
        line_vectors: a row for each line, or None without a sentence engine; then words are compared.
        cue_vectors: of `CUES`, in the same space.
        visual_vectors: a row for each segment (zero where it has no picture), or None without an image-text engine.
        headings: when a heading comes on screen.
    """

    segments: Sequence[Segment]
    lines: Sequence[TimedText] = ()
    line_vectors: Vector | None = None
    cue_vectors: Vector | None = None
    visual_vectors: Vector | None = None
    headings: Sequence[float] = ()


def topic_starts(evidence: Evidence) -> list[float]:
    """When topics begin, in order, the first of them at the first segment's start; it alone where all is alike."""
    segments = evidence.segments
    starts = np.array([segment.start for segment in segments])
    vectors = segment_vectors(evidence)
    if vectors is None:
        return [segments[0].start]
    ties = _borders(evidence, starts, vectors)
    group = math.ceil(len(segments) / MOST_BLOCKS)
    firsts = np.arange(0, len(segments), group)
    if group > 1:
        # A block begins where the evidence of its segments is strongest, so that no border is lost in a block.
        firsts = np.array([0, *(first + int(np.argmax(ties[first : first + group])) for first in firsts[1:])])
        vectors, ties = np.add.reduceat(vectors, firsts, axis=0), ties[firsts]
    edges = np.append(starts[firsts], segments[-1].end)
    return [float(edges[index]) for index in _best_runs(_unit(vectors), edges, ties)]


def _best_runs(vectors: Matrix, edges: Numbers, ties: Numbers) -> list[int]:
    """Indices of the blocks with which the best runs begin."""
    count, length = len(vectors), float(edges[-1] - edges[0])
    shortest = min(SHORTEST, SHARE * length)
    sums = np.concatenate([np.zeros((1, vectors.shape[1])), np.cumsum(vectors, axis=0, dtype=np.float64)])
    filled = np.concatenate([[0.0], np.cumsum(np.linalg.norm(vectors, axis=1))])
    scatter = filled[-1] - float(sums[-1] @ sums[-1]) / max(filled[-1], 1e-9)
    if scatter < _LEAST_SCATTER * filled[-1]:
        return [0]
    scale = min(1.0, math.sqrt(_ORDINARY / length))
    worth = scale * (_BORDER * ties - _PRICE)
    worth[0] = 0.0
    best, came = np.full(count + 1, -math.inf), np.zeros(count + 1, np.int64)
    best[0] = 0.0
    for end in range(1, count + 1):
        fits = int(np.searchsorted(edges, edges[end] - shortest + 1e-6))
        if not fits:
            continue
        inside = sums[end] - sums[:fits]
        likeness = np.einsum("ij,ij->i", inside, inside) / np.maximum(filled[end] - filled[:fits], 1e-9)
        values = best[:fits] + likeness / scatter + worth[:fits]
        came[end] = int(values.argmax())
        best[end] = values[came[end]]
    runs, place = [], count
    while place:
        place = int(came[place])
        runs.append(place)
    return runs[::-1]


def segment_vectors(evidence: Evidence) -> Matrix | None:
    """A unit vector for each segment (zero where it has nothing): of its texts, or, where few have any, its picture."""
    segments = evidence.segments
    written = sum(bool(segment.speech or segment.screen_text) for segment in segments)
    if written < _SHARE_WITH_TEXT * len(segments):
        return None if evidence.visual_vectors is None else _unit(evidence.visual_vectors)
    if evidence.line_vectors is None:
        return _unit(word_vectors([_text(segment) for segment in segments]))
    starts, ends = (np.array([getattr(segment, side) for segment in segments]) for side in ("start", "end"))
    vectors = np.zeros((len(segments), evidence.line_vectors.shape[1]), np.float32)
    for line, vector in zip(evidence.lines, evidence.line_vectors, strict=True):
        words = len(line.text.split())
        if line.channel not in _TEXTS or (line.channel == Channel.SPEECH and words < _LEAST_WORDS):
            continue
        first, last = _reach(starts, line.start, line.end)
        shown = np.minimum(ends[first:last], line.end) - np.maximum(starts[first:last], line.start)
        share = np.maximum(shown, 0.05) / max(line.end - line.start, 0.05)
        vectors[first:last] += (math.log1p(words) * share)[:, None].astype(np.float32) * vector
    return _unit(vectors)


def _text(segment: Segment) -> str:
    return f"{segment.speech}\n{segment.screen_text}"


def _borders(evidence: Evidence, starts: Numbers, vectors: Matrix) -> Numbers:
    """What speaks for a border at each segment's start, in standard deviations, 0 on average."""
    ties = _TURN * _unlikeness(vectors, _WINDOWS)
    if evidence.line_vectors is not None:  # else `vectors` are these already
        words = word_vectors([_text(segment) for segment in evidence.segments])
        ties += _WORDS * _unlikeness(_unit(words), _WORD_WINDOWS)
    ties += _CUE * _cues(evidence, starts) + _SPEAKERS * _speaker_changes(evidence, starts)
    if evidence.headings:
        distance = np.abs(starts[:, None] - np.asarray(evidence.headings)[None]).min(axis=1)
        ties += _HEADING * (distance < 2.0)
    result: Numbers = ties - ties.mean()
    return result


def _unlikeness(vectors: Matrix, windows: Sequence[int]) -> Numbers:
    """How little the segments before each one are like it and those after it: mean over windows of their cosines."""
    count = len(vectors)
    sums = np.concatenate([np.zeros((1, vectors.shape[1])), np.cumsum(vectors, axis=0, dtype=np.float64)])
    here, curves = np.arange(count), []
    for window in windows:
        before = _unit(sums[here] - sums[np.maximum(here - window, 0)])
        after = _unit(sums[np.minimum(here + window, count)] - sums[here])
        curve = 1 - np.einsum("ij,ij->i", before, after).astype(np.float64)
        curve[0] = curve[1:].mean() if count > 1 else 0.0
        curves.append(_scaled(curve))
    result: Numbers = np.mean(curves, axis=0)
    return result


def _cues(evidence: Evidence, starts: Numbers) -> Numbers:
    """How much the sentences just before and just after each start sound like coming to something new."""
    none = np.zeros(len(starts))
    if evidence.line_vectors is None or evidence.cue_vectors is None:
        return none
    told = [
        (line.start, likeness)
        for line, likeness in zip(
            evidence.lines, (evidence.line_vectors @ evidence.cue_vectors.T).mean(axis=1), strict=True
        )
        if line.channel == Channel.SPEECH and len(line.text.split()) >= _LEAST_WORDS
    ]
    if not told:
        return none
    told.sort()
    times, likenesses = np.array([time for time, _ in told]), np.array([float(value) for _, value in told])
    sides = []
    for low, high in ((-2.0, _CUE_REACH), (-2 * _CUE_REACH, 0.0)):
        first, last = np.searchsorted(times, starts + low), np.searchsorted(times, starts + high)
        highest = [likenesses[a:b].max() if b > a else likenesses.min() for a, b in zip(first, last, strict=True)]
        sides.append(_scaled(np.array(highest)))
    result: Numbers = np.mean(sides, axis=0)
    return result


def _speaker_changes(evidence: Evidence, starts: Numbers) -> Numbers:
    """How much those who speak before each start differ from those who speak after it."""
    names = sorted({line.speaker for line in evidence.lines if line.speaker})
    if len(names) < 2:
        return np.zeros(len(starts))
    seconds = np.zeros((len(starts), len(names)), np.float32)
    ends = np.array([segment.end for segment in evidence.segments])
    for line in evidence.lines:
        if line.speaker:
            first, last = _reach(starts, line.start, line.end)
            shown = np.minimum(ends[first:last], line.end) - np.maximum(starts[first:last], line.start)
            seconds[first:last, names.index(line.speaker)] += np.maximum(shown, 0.05)
    return _unlikeness(_unit(seconds), _SPEAKER_WINDOWS)


def _reach(starts: Numbers, start: float, end: float) -> tuple[int, int]:
    """The segments that a line lies in, as a range of indices."""
    first = max(0, int(np.searchsorted(starts, start, "right")) - 1)
    return first, max(first, int(np.searchsorted(starts, end, "right")) - 1) + 1


def _scaled(values: Numbers) -> Numbers:
    """At mean 0 and standard deviation 1; all 0 where nothing varies."""
    spread = float(values.std())
    return (values - values.mean()) / spread if spread > 1e-4 else np.zeros(len(values))


def _unit(vectors: npt.NDArray[np.floating]) -> Matrix:
    """Each row at length 1; a zero row stays zero."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(norms > 1e-9, norms, 1), dtype=np.float32)
