"""Which lines answer a text query best, judged with what stands around them: the learnt ranking of passages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from query.source import Line, Source
from query.texts.learnt import learnt
from query.texts.passage_store import PassageStore
from query.texts.signals import SIGNALS, Wanted, signals_of, standing_out
from query.texts.video_text import Numbers, PassageText
from reelseek.records import Channel, VectorSpace

SCANNED_LINES = 80_000
"""Lines that are judged for one query: all of a small library, else those of the likeliest videos."""

FEWEST_VIDEOS = 12
"""Videos that are looked at in any case."""

_SHARE, _LEAST_APART, _MOST_APART = 16.0, 12.0, 120.0
"""Places in a video are this share of its length apart, within these seconds."""

_REACH, _LEAST_REACH, _MOST_REACH = 4.0, 8.0, 20.0
"""A passage reaches this share of that distance to both sides of its line's middle, within these seconds."""

_TAKEN = 400


@dataclass(frozen=True, slots=True)
class Passage:
    """A line that was found, and the seconds around it in which another would be the same find.

    Attributes:
        score: the weighed sum of its signals.
        words, meaning: what each of the two kinds of signals gave of that.
        start, end: the sentences around it, as long a stretch as is usual for an answer in a video of this length.
        apart: seconds from its middle within which nothing else is another find.
    """

    line: Line
    start: float
    end: float
    score: float
    confidence: float
    words: float
    meaning: float
    apart: float


def passages(
    source: Source, wanted: Wanted, channels: Sequence[Channel], space: VectorSpace | None, likely: Sequence[str]
) -> list[Passage]:
    """The lines that answer best, best first, of one place only the best.

    Args:
        channels: whose lines count.
        likely: videos that have something of what is wanted, the likeliest first.
    """
    store = source.passages
    if store is None or (not wanted.terms and wanted.vector is None):
        return []
    sizes = _allowed(source, store)
    scanned = _scanned(sizes, likely)
    texts = store.texts(source.snapshot, scanned, space)
    if not len(texts):
        return []
    counted = _counted(source, texts, channels)
    if not counted.any():
        return []
    signals = signals_of(texts, wanted, None if counted.all() else counted)
    certainty = learnt().by_words if wanted.vector is None else learnt().with_meaning
    # the lines of videos that were left out because something in others is likelier were compared as well
    lines = round(int(counted.sum()) * sum(sizes.values()) / max(1, sum(sizes[video] for video in scanned)))
    by_signal = signals * certainty.weights
    scores = np.where(counted, by_signal.sum(axis=1), -np.inf)
    order = np.where(counted, standing_out(signals, counted) @ learnt().order, -np.inf)
    places = _places(texts, order)
    # what stands out is first; how sure any of it is must not depend on what else is there
    sure = sorted((float(scores[row]) for row, _ in places), reverse=True)
    meant = np.array(["meaning" in name or name == "video_peak" for name in SIGNALS])
    spoken = np.array([kind.channel is Channel.SPEECH for kind in texts.kinds])[texts.kind_of]
    found = []
    for (row, apart), score in zip(places, sure, strict=True):
        own = by_signal[row]
        found.append(
            Passage(
                texts.line(row),
                *_stretch(texts, spoken, row, apart),
                score,
                certainty.confidence(score, lines),
                float(own[~meant].sum()),
                float(own[meant].sum()),
                apart,
            )
        )
    return found


def _allowed(source: Source, store: PassageStore) -> dict[str, int]:
    """How many lines each of the videos has that may answer."""
    sizes = store.sizes(source.snapshot)
    allowed = source.scope.video_ids
    return sizes if allowed is None else {video_id: size for video_id, size in sizes.items() if video_id in allowed}


def _scanned(sizes: Mapping[str, int], likely: Sequence[str]) -> list[str]:
    """The videos whose lines are judged."""
    if sum(sizes.values()) <= SCANNED_LINES:
        return list(sizes)
    chosen: list[str] = []
    lines = 0
    for video_id in likely:
        if len(chosen) >= FEWEST_VIDEOS and lines >= SCANNED_LINES:
            break
        if video_id in sizes:
            chosen.append(video_id)
            lines += sizes[video_id]
    return chosen


def _counted(source: Source, texts: PassageText, channels: Sequence[Channel]) -> npt.NDArray[np.bool_]:
    """Which lines are of the channels, the languages and the times that count."""
    wanted = frozenset(channels)
    kinds = np.array([line.channel in wanted and source.understood(line) for line in texts.kinds])
    counted: npt.NDArray[np.bool_] = kinds[texts.kind_of]
    if source.scope.where:
        videos = {video.video_id for video in texts.videos}
        rows = source.within(videos).line_keys()
        counted &= np.array([line.key in rows for video in texts.videos for line in video.lines])
    return counted


def _stretch(texts: PassageText, spoken: npt.NDArray[np.bool_], row: int, apart: float) -> tuple[float, float]:
    """From the first to the last sentence whose middle is within reach of the line's, in seconds of its video."""
    line = texts.line(row)
    if line.channel is not Channel.SPEECH:
        return line.start, line.end
    reach = min(_MOST_REACH, max(_LEAST_REACH, apart / _REACH))
    number = int(texts.video_of[row])
    first, count = int(texts.firsts[number]), len(texts.videos[number])
    own = slice(first, first + count)
    middles = (texts.starts[own] + texts.ends[own]) / 2
    near = np.flatnonzero(spoken[own] & (np.abs(middles - middles[row - first]) <= reach))
    inside = [texts.line(first + int(other)) for other in near]
    start, end = min(other.start for other in inside), max(other.end for other in inside)
    middle = (line.start + line.end) / 2
    return max(start, min(line.start, middle - 1.5 * reach)), min(end, max(line.end, middle + 1.5 * reach))


def _places(texts: PassageText, scores: Numbers) -> list[tuple[int, float]]:
    """The best rows, and how far from them another is another place: in a long video places are further apart.

    Temporal non-maximum suppression by distance.
    """
    lengths = np.array([video.lines[-1].end for video in texts.videos])
    apart = np.clip(lengths / _SHARE, _LEAST_APART, _MOST_APART)
    middles = texts.middles
    left = scores.copy()
    lasts = np.append(texts.firsts[1:], len(texts))
    found: list[tuple[int, float]] = []
    while len(found) < _TAKEN and np.isfinite(left[row := int(left.argmax())]):
        video = int(texts.video_of[row])
        own = slice(int(texts.firsts[video]), int(lasts[video]))
        left[own][np.abs(middles[own] - middles[row]) <= apart[video]] = -np.inf
        found.append((row, float(apart[video])))
    return found
