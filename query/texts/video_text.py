"""All that is said and written in one video or in many, as arrays that a query is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from query.source import Line
from query.texts.words import stems
from reelseek.records import Vector

Numbers = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

_APART = 1e7
"""Seconds from one video to the next on the common time axis: longer than any video, so that no window reaches over."""


@dataclass(frozen=True, slots=True)
class VideoText:
    """One video's timed lines in the order of their starts.

    Attributes:
        words: how many words each line has.
        postings: stem to `(lines, 2)`: which lines have it, and how often.
        vectors: `(n, d)`, zero rows where a line was not embedded.
        segment_times: `(m, 2)` of the segments that have a vector, in order.
        speakers: the lines of each.
        title: the stems of the video's title.
    """

    video_id: str
    lines: tuple[Line, ...]
    words: Numbers
    postings: Mapping[str, npt.NDArray[np.uint32]]
    vectors: Vector
    segment_times: Numbers
    segment_vectors: Vector
    speakers: Mapping[str, Indices]
    title: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.lines)

    @classmethod
    def of(
        cls,
        video_id: str,
        lines: Sequence[Line],
        vectors: Vector,
        segment_times: Numbers,
        segment_vectors: Vector,
        title: str = "",
    ) -> VideoText:
        """Put it together.

        Args:
            lines: those with a time, in any order.
            vectors: a row for each of the lines.
        """
        order = sorted(range(len(lines)), key=lambda i: (lines[i].start, lines[i].index))
        ordered = tuple(lines[i] for i in order)
        found: dict[str, dict[int, int]] = {}
        words = np.zeros(len(ordered))
        for row, line in enumerate(ordered):
            own = stems(line.text)
            words[row] = len(own)
            for term in own:
                times = found.setdefault(term, {})
                times[row] = times.get(row, 0) + 1
        rows = np.asarray(vectors, dtype=np.float32)
        return cls(
            video_id,
            ordered,
            words,
            {term: np.array(list(times.items()), dtype=np.uint32) for term, times in found.items()},
            rows[order],
            segment_times,
            np.asarray(segment_vectors, dtype=np.float32),
            {
                name: np.array([row for row, line in enumerate(ordered) if line.speaker == name], dtype=np.intp)
                for name in {line.speaker for line in ordered if line.speaker}
            },
            frozenset(stems(title)),
        )


@dataclass(frozen=True, slots=True)
class PassageText:
    """The lines of several videos on one time axis, each video far from the next.

    Attributes:
        firsts: the row of each video's first line.
        kinds: a line of each channel and language.
        kind_of: the number of each line's kind.
        video_of: the number of each line's video.
        starts, ends: of the lines, in seconds of the common axis, in the order of their starts.
        segment_firsts: the row of each video's first segment.
    """

    videos: tuple[VideoText, ...]
    firsts: Indices
    kinds: tuple[Line, ...]
    kind_of: Indices
    video_of: Indices
    starts: Numbers
    ends: Numbers
    words: Numbers
    segment_times: Numbers
    segment_of: Indices
    _by_end: Indices
    _windows: dict[float, tuple[Indices, Indices]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.starts)

    @classmethod
    def of(cls, videos: Sequence[VideoText]) -> PassageText:
        """Join videos; those without a line are left out."""
        kept = tuple(video for video in videos if len(video))
        video_of = np.repeat(np.arange(len(kept)), [len(video) for video in kept])
        lines = [line for video in kept for line in video.lines]
        offsets = video_of * _APART
        starts = np.array([line.start for line in lines]) + offsets
        ends = np.array([line.end for line in lines]) + offsets
        kinds = {(line.channel, line.language): line for line in lines}
        number = {kind: place for place, kind in enumerate(kinds)}
        segment_of = np.repeat(np.arange(len(kept)), [len(video.segment_times) for video in kept])
        times = np.concatenate([np.zeros((0, 2)), *(video.segment_times for video in kept)])
        return cls(
            kept,
            np.concatenate([[0], np.cumsum([len(video) for video in kept])[:-1]]).astype(np.intp)
            if kept
            else np.zeros(0, np.intp),
            tuple(kinds.values()),
            np.array([number[line.channel, line.language] for line in lines], dtype=np.intp),
            video_of,
            starts,
            ends,
            np.concatenate([np.zeros(0), *(video.words for video in kept)]),
            times + segment_of[:, None] * _APART,
            segment_of,
            np.argsort(ends, kind="stable"),
        )

    @property
    def middles(self) -> Numbers:
        """The middle of each line."""
        middle: Numbers = (self.starts + self.ends) / 2
        return middle

    def line(self, row: int) -> Line:
        """The record of a row."""
        number = int(self.video_of[row])
        return self.videos[number].lines[row - int(self.firsts[number])]

    def counts(self, terms: Sequence[str]) -> Numbers:
        """How often each line has each term, `(n, len(terms))`."""
        found = np.zeros((len(self), len(terms)))
        for first, video in zip(self.firsts, self.videos, strict=True):
            for column, term in enumerate(terms):
                rows = video.postings.get(term)
                if rows is not None:
                    found[first + rows[:, 0].astype(np.intp), column] = rows[:, 1]
        return found

    def titled(self, terms: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Whether the title of each line's video has each term, `(n, len(terms))`."""
        of_videos = np.array([[term in video.title for term in terms] for video in self.videos], dtype=np.bool_)
        titled: npt.NDArray[np.bool_] = of_videos.reshape(len(self.videos), len(terms))[self.video_of]
        return titled

    def spoken_by(self, terms: Sequence[str]) -> Numbers:
        """1 for lines whose speaker's name has one of the terms, else 0."""
        wanted = set(terms)
        found = np.zeros(len(self))
        for first, video in zip(self.firsts, self.videos, strict=True):
            for name, rows in video.speakers.items():
                if wanted & set(stems(name)):
                    found[first + rows] = 1.0
        return found

    def of_videos(self, values: Numbers) -> Numbers:
        """Each line's video's value."""
        own: Numbers = values[self.video_of]
        return own

    def within(self, values: Numbers, width: float) -> Numbers:
        """For each line the sum of the rows of `values` over all lines that reach into `width` s around its middle."""
        begun, over = _summed(values), _summed(values[self._by_end])
        if width not in self._windows:
            middles = self.middles
            first = np.searchsorted(self.ends[self._by_end], middles - width / 2, side="right")
            self._windows[width] = first, np.searchsorted(self.starts, middles + width / 2, side="left")
        first, last = self._windows[width]
        inside: Numbers = begun[last] - over[first]
        return inside

    def best_within(self, values: Numbers, width: float) -> Numbers:
        """For each line the largest of `values` among lines that begin within `width` seconds around its middle."""
        middles = self.middles
        rows = np.arange(len(self))
        first = np.minimum(np.searchsorted(self.starts, middles - width / 2), rows)
        last = np.maximum(np.searchsorted(self.starts, middles + width / 2), rows + 1)
        padded = np.append(values, -np.inf)
        best: Numbers = np.maximum.reduceat(padded, np.column_stack([first, last]).ravel())[::2]
        return best

    def of_segments(self, values: Numbers) -> Numbers:
        """For each line the value of the segment that its middle is in, or of the one before; 0 without one."""
        at = np.searchsorted(self.segment_times[:, 0], self.middles, side="right") - 1
        at = np.clip(at, 0, len(values) - 1)
        own: Numbers = np.where(self.segment_of[at] == self.video_of, values[at], 0.0)
        return own

    def over_segments(self, values: Numbers, width: float) -> Numbers:
        """For each line the mean of `values` over segments within `width` seconds around its middle, by duration."""
        lengths = np.maximum(1e-6, self.segment_times[:, 1] - self.segment_times[:, 0])
        edges = self.segment_times.ravel()
        area = np.repeat(np.concatenate([[0.0], np.cumsum(values * lengths)]), 2)[1:-1]
        time = np.repeat(np.concatenate([[0.0], np.cumsum(lengths)]), 2)[1:-1]
        low, high = self.middles - width / 2, self.middles + width / 2
        spent = np.interp(high, edges, time) - np.interp(low, edges, time)
        whole = np.interp(high, edges, area) - np.interp(low, edges, area)
        mean: Numbers = np.where(spent > 1e-3, whole / np.maximum(spent, 1e-3), self.of_segments(values))
        return mean

    def segment_peaks(self, values: Numbers) -> Numbers:
        """For each video the mean of its three largest `values`; 0 without segments."""
        peaks = np.zeros(len(self.videos))
        last = 0
        for number, video in enumerate(self.videos):
            own = values[last : last + len(video.segment_times)]
            last += len(own)
            if len(own):
                peaks[number] = np.sort(own)[-3:].mean()
        return peaks

    def line_cosines(self, vector: Vector) -> Numbers:
        """The cosine of each line with a vector; 0 for those without one."""
        return _cosines([video.vectors for video in self.videos], vector)

    def segment_cosines(self, vector: Vector) -> Numbers:
        """The cosine of each segment with a vector."""
        return _cosines([video.segment_vectors for video in self.videos], vector)


def _cosines(parts: Sequence[Vector], vector: Vector) -> Numbers:
    found: Numbers = np.concatenate([np.zeros(0), *(part @ vector for part in parts)])
    return found


def _summed(values: Numbers) -> Numbers:
    """Running sums with a zero before them."""
    return np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
