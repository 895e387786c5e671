"""Chapters: the container's own, else found where the talk or the screen turns to something else."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ingest.screen_text import normalised
from reelseek.records import Channel, Chapter, Segment, TimedText, VideoInfo

CONTAINER, FOUND = "container", "text-tiling"
_SHORTEST = 30.0
"""Seconds that a found chapter lasts at least; a longer video has longer ones."""
_PER_VIDEO = 24
_WINDOW = 2
_TITLE_LENGTH = 80
_WORD = re.compile(r"[^\W\d_][\w'’-]{2,}")
_COMMON_WORDS = """
    the and that this with have for you are was not but from they will what there their can all one about
    which when out just like into your some them then than now our has had were been would could also very
    more here get going know see how these because other two way let really want okay right well yes thing
    things its it's that's we're we'll i'm you're don't who where much many make use used using only over such
    even most may
"""
_COMMON = frozenset(_COMMON_WORDS.split())


def chapters(
    info: VideoInfo, segments: Sequence[Segment], lines: Sequence[TimedText], vectors: npt.NDArray[np.float32] | None
) -> tuple[Chapter, ...]:
    """Chapters of a video, in order: the container's, or found ones, which cover it wholly; none where it is one piece.

    Found ones follow TextTiling (Hearst 1997): between each two segments, the likeness of the texts before and after;
    a boundary where it has a valley deeper than the mean of all valleys by half their deviation.

    Args:
        lines: speech and screen text, for titles.
        vectors: of the segments' texts, or None without a sentence engine; then words are compared.
    """
    if info.chapters:
        return info.chapters
    if not any(segment.speech or segment.screen_text for segment in segments):
        return ()
    features = _word_vectors(segments) if vectors is None else vectors
    starts = [segments[index].start for index in _boundaries(segments, features, info.duration)]
    if len(starts) < 2:
        return ()
    ends = [*starts[1:], info.duration]
    texts = [_text(segments, start, end) for start, end in zip(starts, ends, strict=True)]
    return tuple(
        Chapter(index, start, end, _title(lines, start, end, texts, index), FOUND)
        for index, (start, end) in enumerate(zip(starts, ends, strict=True))
    )


def _boundaries(segments: Sequence[Segment], features: npt.NDArray[np.float32], duration: float) -> list[int]:
    """Indices of the segments with which chapters begin; the first is 0."""
    count = len(segments)
    if count < 2:
        return [0]
    likeness = np.array(
        [
            _cosine(features[max(0, gap - _WINDOW) : gap].sum(axis=0), features[gap : gap + _WINDOW].sum(axis=0))
            for gap in range(1, count)
        ]
    )
    depths = np.array([_depth(likeness, gap) for gap in range(len(likeness))])
    least, shortest = depths.mean() + depths.std() / 2, max(_SHORTEST, duration / _PER_VIDEO)
    chosen = [0]
    for gap in np.argsort(-depths, kind="stable"):
        start = segments[int(gap) + 1].start
        apart = all(abs(start - segments[other].start) >= shortest for other in chosen)
        if depths[gap] >= max(least, 0.05) and apart and duration - start >= shortest:
            chosen.append(int(gap) + 1)
    return sorted(chosen)


def _depth(likeness: npt.NDArray[np.float64], gap: int) -> float:
    """How deep the valley at `gap` is, against the hills on both sides."""
    left = right = gap
    while left > 0 and likeness[left - 1] >= likeness[left]:
        left -= 1
    while right + 1 < len(likeness) and likeness[right + 1] >= likeness[right]:
        right += 1
    return float(likeness[left] + likeness[right] - 2 * likeness[gap])


def _cosine(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> float:
    scale = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / scale if scale > 0 else 0.0


def _word_vectors(segments: Sequence[Segment]) -> npt.NDArray[np.float32]:
    """Segments as tf-idf vectors over their own words."""
    counts = [_words(f"{segment.speech} {segment.screen_text}") for segment in segments]
    known = {word: index for index, word in enumerate(sorted(set().union(*counts)))}
    vectors = np.zeros((len(segments), max(1, len(known))), np.float32)
    for row, found in enumerate(counts):
        for word, number in found.items():
            rarity = math.log((1 + len(counts)) / (1 + sum(word in other for other in counts))) + 1
            vectors[row, known[word]] = (1 + math.log(number)) * rarity
    return vectors


def _words(text: str) -> Counter[str]:
    words = (word.casefold() for word in _WORD.findall(text))
    return Counter(word for word in words if word not in _COMMON)


def _text(segments: Sequence[Segment], start: float, end: float) -> str:
    inside = [segment for segment in segments if start <= segment.start < end]
    return " ".join(f"{segment.speech} {segment.screen_text}" for segment in inside)


def _title(lines: Sequence[TimedText], start: float, end: float, texts: Sequence[str], index: int) -> str:
    return _headline(lines, start, end) or _phrase(texts, index) or f"Chapter {index + 1}"


def _headline(lines: Sequence[TimedText], start: float, end: float) -> str:
    """The screen text that looks most like a title: large, high up, shown long, not there before this chapter."""
    best, score = "", 0.0
    everywhere = Counter(normalised(line.text) for line in lines if line.start < start - 1.0)
    for line in lines:
        shown = min(line.end, end) - max(line.start, start)
        if line.channel != Channel.SCREEN_TEXT or line.box is None or shown <= 0 or line.start < start - 1.0:
            continue
        letters = sum(sign.isalpha() for sign in line.text)
        if not 3 <= letters <= _TITLE_LENGTH or everywhere[normalised(line.text)]:
            continue
        height = line.box.bottom - line.box.top
        worth = height * (1.5 - line.box.top) * math.sqrt(min(shown, 10.0)) * line.confidence
        if worth > score:
            best, score = line.text, worth
    return best


def _phrase(texts: Sequence[str], index: int) -> str:
    """Up to three words that this chapter says often and the others do not, in the order it says them."""
    own = _words(texts[index])
    rest = [_words(text) for position, text in enumerate(texts) if position != index]
    ranked = sorted(own, key=lambda word: (-own[word] / (1 + sum(word in other for other in rest)), word))[:3]
    text = texts[index].casefold()
    return ", ".join(sorted(ranked, key=text.find)).capitalize()
