"""Yardsticks for chapters: equal lengths, TextTiling as published, and TW-FINCH."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ingest.words import content_words

Numbers = npt.NDArray[np.float64]
TOKENS, BLOCK, SMOOTHING = 20, 10, 2
"""TextTiling's own defaults: 20 words a pseudo-sentence, blocks of 10 of them, smoothing over 2 on each side."""


def equal_lengths(duration: float, number: int) -> list[float]:
    """Borders that cut a video into `number` pieces of the same length."""
    return [duration * index / number for index in range(1, number)]


def text_tiling(texts: Sequence[str], starts: Sequence[float], number: int | None = None) -> list[float]:
    """TextTiling (Hearst 1997): lexical cohesion of blocks of words, borders in its valleys.

    Args:
        texts: utterances in order; a border stands at the start of one, as at a paragraph in the paper.
        starts: when each begins, s.
        number: of segments; None takes what the paper's cut-off gives (mean depth less half a standard deviation).
    """
    words = [(word, index) for index, text in enumerate(texts) for word in content_words(text)]
    sequences = [words[first : first + TOKENS] for first in range(0, len(words) - TOKENS + 1, TOKENS)]
    if len(sequences) < 3:
        return []
    counts = [Counter(word for word, _ in sequence) for sequence in sequences]
    likeness = np.array([_cohesion(counts, gap) for gap in range(1, len(counts))])
    width = 2 * SMOOTHING + 1
    padded = np.pad(likeness, SMOOTHING, mode="edge")
    smooth = np.convolve(padded, np.ones(width) / width, mode="valid")
    depths = np.array([_depth(smooth, gap) for gap in range(len(smooth))])
    cutoff = depths.mean() - depths.std() / 2
    chosen: list[int] = []
    for gap in np.argsort(-depths, kind="stable").tolist():
        enough = depths[gap] <= cutoff if number is None else len(chosen) >= number - 1
        if enough or depths[gap] <= 0:
            break
        if all(abs(gap - other) >= 4 for other in chosen):  # at least three pseudo-sentences lie between two borders
            chosen.append(gap)
    return sorted({starts[sequences[gap + 1][0][1]] for gap in chosen})


def _cohesion(counts: Sequence[Counter[str]], gap: int) -> float:
    before = sum(counts[max(0, gap - BLOCK) : gap], Counter())
    after = sum(counts[gap : gap + BLOCK], Counter())
    product = sum(number * after[word] for word, number in before.items())
    scale = sum(n * n for n in before.values()) * sum(n * n for n in after.values())
    return float(product / scale**0.5) if scale else 0.0


def _depth(values: Numbers, gap: int) -> float:
    left = right = gap
    while left > 0 and values[left - 1] >= values[left]:
        left -= 1
    while right + 1 < len(values) and values[right + 1] >= values[right]:
        right += 1
    return float(values[left] + values[right] - 2 * values[gap])


def vector_tiling(vectors: npt.NDArray[np.float32], starts: Sequence[float], window: int = 4) -> list[float]:
    """TextTiling over sentence vectors (Solbiati et al. 2021): valleys of the likeness of windows of segments.

    Args:
        vectors: a row for each segment.
        starts: when each segment begins, s.
    """
    count = len(vectors)
    if count < 3:
        return []
    rows = np.concatenate([np.zeros((1, vectors.shape[1])), np.cumsum(vectors, axis=0, dtype=np.float64)])
    likeness = np.array(
        [_cosine(rows[gap] - rows[max(0, gap - window)], rows[min(count, gap + window)] - rows[gap])
         for gap in range(1, count)]
    )  # fmt: skip
    depths = np.array([_depth(likeness, gap) for gap in range(len(likeness))])
    cutoff = depths.mean() + depths.std()
    return [starts[gap + 1] for gap in range(len(depths)) if depths[gap] > cutoff]


def tw_finch(vectors: npt.NDArray[np.float32], times: Sequence[float], number: int | None = None) -> list[int]:
    """TW-FINCH (Sarfraz et al. 2021): first neighbours by likeness and nearness in time, joined again and again.

    Args:
        vectors: a row for each segment.
        times: the middle of each, s.
        number: of clusters; None takes the coarsest partition with more than one.

    Returns:
        Each segment's cluster.
    """
    rows = _unit(vectors.astype(np.float64))
    when = np.asarray(times, np.float64) / max(times[-1], 1e-9)
    partitions = [_first_neighbours(rows, when)]
    while True:
        means, middles = _centres(rows, when, partitions[-1])
        if len(means) <= 2:
            break
        merged = _first_neighbours(means, middles)[partitions[-1]]
        if merged.max() == 0 or merged.max() == partitions[-1].max():
            break
        partitions.append(merged)
    if number is None:
        return [int(label) for label in partitions[-1]]
    finer = [labels for labels in partitions if labels.max() + 1 >= number]
    labels = finer[-1] if finer else np.arange(len(rows))
    while labels.max() + 1 > number:
        means, middles = _centres(rows, when, labels)
        distance = _distances(means, middles)
        first, second = np.unravel_index(int(distance.argmin()), distance.shape)
        labels = np.where(labels == second, first, labels)
        labels = np.unique(labels, return_inverse=True)[1]
    return [int(label) for label in labels]


def _distances(rows: Numbers, when: Numbers) -> Numbers:
    distance: Numbers = (1 - _unit(rows) @ _unit(rows).T) * np.abs(when[:, None] - when[None])
    np.fill_diagonal(distance, np.inf)
    return distance


def _first_neighbours(rows: Numbers, when: Numbers) -> npt.NDArray[np.int64]:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    nearest = _distances(rows, when).argmin(axis=1)
    count = len(rows)
    links = coo_matrix((np.ones(count), (np.arange(count), nearest)), shape=(count, count))
    return np.asarray(connected_components(links, directed=False)[1], np.int64)


def _centres(rows: Numbers, when: Numbers, labels: npt.NDArray[np.int64]) -> tuple[Numbers, Numbers]:
    sizes = np.bincount(labels).astype(np.float64)
    means = np.zeros((len(sizes), rows.shape[1]))
    np.add.at(means, labels, rows)
    return means / sizes[:, None], np.bincount(labels, when) / sizes


def _unit(rows: Numbers) -> Numbers:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Numbers = rows / np.where(norms > 1e-12, norms, 1)
    return unit


def _cosine(first: Numbers, second: Numbers) -> float:
    scale = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / scale if scale else 0.0
