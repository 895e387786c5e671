"""Who speaks when: voices of short stretches, grouped over the whole video, smoothed to turns, given to sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import numpy as np
import numpy.typing as npt

from engines.protocols import SpeakerEngine
from engines.speech_guards import Guards
from engines.voice_activity import Region
from ingest.audio import sound, windows
from reelseek.records import Channel, TimedText, Vector, VideoInfo, Word
from reelseek.setting_groups import IngestSettings

WINDOW, STEP = 1.6, 0.4
"""Seconds of a voice that are looked at together, and by which the next stretch begins later."""

_LEAST = 0.5
"""A shorter stretch of speech has no voice of its own."""

_BLOCK = 600
"""Stretches that are grouped at once; memory and time are quadratic in it."""

_SURELY_ALIKE = 0.74
"""Mean cosine from which two groups are one person whatever their size; of one person it is 0.70 to 0.84."""

_ALIKE = ((1, 0.70), (4, 0.74), (8, 0.77), (16, 0.785))
"""Cosine of two groups' mean voices from which they are one person, by the size of the smaller: means get sharper.

On real clips two people reach 0.74, 0.75 and 0.75 with 4, 8 and 16 stretches, one person falls to 0.72, 0.81 and 0.88.
"""

_FEW = 3
"""A group of fewer stretches is no person at first."""

_ROUNDS = 3
"""How often mean voices and turns are made from each other."""

_BRIEF, _BETWEEN = 4.0, 0.62
"""Who speaks shorter (s) and is as near to somebody (cosine) is a mixture of two at their changes, and nobody."""

_SHORTEST = 1.0
"""Who speaks shorter (s) than this in all is nobody."""

_CHANGE = 0.25
"""What a change of speaker costs, in cosines: shorter changes than about a second are none."""

_LONE = 0.35
"""Words of another speaker inside a sentence that last less (s) stay with their neighbours."""

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Voices:
    """What was heard of the voices in a stretch of video.

    Attributes:
        spans: `(n, 2)`, start and end in seconds of the video, in order of their start.
        regions: `(n,)`, which unbroken piece of speech each belongs to.
        vectors: `(n, dimension)`, length one.
    """

    spans: Floats
    regions: Indices
    vectors: Vector

    @staticmethod
    def joined(parts: Sequence[Voices]) -> Voices:
        """Those of consecutive stretches, as of the whole."""
        before, regions = 0, []
        for part in parts:
            regions.append(part.regions + before)
            before += int(part.regions.max(initial=-1)) + 1
        vectors = [part.vectors for part in parts if len(part.vectors)]
        return Voices(
            np.concatenate([np.zeros((0, 2)), *(part.spans for part in parts)]),
            np.concatenate([np.zeros(0, np.int64), *regions]),
            np.concatenate(vectors) if vectors else np.zeros((0, 0), np.float32),
        )

    def packed(self) -> Floats:
        """As one array, `(n, 3 + dimension)`."""
        return np.column_stack([self.spans, self.regions, self.vectors])

    @staticmethod
    def unpacked(packed: Floats) -> Voices:
        """What `packed` made an array of."""
        return Voices(packed[:, :2], packed[:, 2].astype(np.int64), packed[:, 3:].astype(np.float32))


@dataclass(frozen=True, slots=True)
class Turn:
    """A stretch in which one person speaks; 0 is who speaks first in the video."""

    start: float
    end: float
    speaker: int

    @property
    def name(self) -> str:
        """As shown: `Speaker 1`."""
        return f"Speaker {self.speaker + 1}"


def hear_voices(
    path: Path,
    info: VideoInfo,
    settings: IngestSettings,
    *,
    load: Callable[[], SpeakerEngine | None],
    progress: Callable[[float], None],
    start: float = 0.0,
    end: float | None = None,
) -> Voices:
    """The voices in `[start, end)` of a video; without speech no model is loaded.

    Args:
        progress: called with the fraction done; may raise to stop.
    """
    found: list[Voices] = []
    length = max(1e-9, (info.duration if end is None else end) - start)
    for begin, audio in windows(sound(path, info, settings, start, end)):
        progress(min(1.0, begin / length))
        regions = Guards().regions(audio, max_seconds=600.0)
        pieces = [(index, span) for index, region in enumerate(regions) for span in stretches(region)]
        engine = load() if pieces else None
        if engine is None:
            continue
        spans = [span for _, span in pieces]
        found.append(
            Voices(
                np.asarray(spans) + (start + begin),
                np.asarray([index for index, _ in pieces], np.int64),
                engine.embed(audio, spans),
            )
        )
    return Voices.joined(found)


def stretches(region: Region) -> list[tuple[float, float]]:
    """The overlapping stretches of one piece of speech, in seconds."""
    length = region.end - region.start
    if length < _LEAST:
        return []
    if length <= WINDOW:
        return [(region.start, region.end)]
    count = int(np.ceil((length - WINDOW) / STEP)) + 1
    starts = np.linspace(region.start, region.end - WINDOW, count)
    return [(float(start), float(start) + WINDOW) for start in starts]


def speaker_turns(voices: Voices) -> tuple[Turn, ...]:
    """Group the voices, and smooth the groups to turns.

    Agglomerative clustering with average linkage on cosines (Day and Edelsbrunner, J. Classification 1984), in blocks
    first so that hours take seconds, then on mean voices; the number of speakers follows from the limits. After that,
    by turns, the likeliest sequence of speakers in each piece of speech, where a change costs (Viterbi), and the mean
    voices of that sequence.
    """
    if not len(voices.spans):
        return ()
    pieces = np.split(np.arange(len(voices.spans)), np.flatnonzero(np.diff(voices.regions)) + 1)
    centres = _centres(voices.vectors)
    path = _path(voices.vectors, centres, pieces)
    for _ in range(_ROUNDS):
        centres = _recentred(voices.vectors, path, pieces)
        path = _path(voices.vectors, centres, pieces)
    turns = [turn for piece in pieces for turn in _turns(voices.spans[piece], path[piece])]
    order = {speaker: place for place, speaker in enumerate(dict.fromkeys(turn.speaker for turn in turns))}
    return tuple(replace(turn, speaker=order[turn.speaker]) for turn in turns)


def with_speakers(lines: Iterable[TimedText], turns: Sequence[Turn]) -> tuple[TimedText, ...]:
    """Sentences with who says them; one in which the speaker changes is cut at that word.

    Lines that name their speaker keep the name, and so do lines other than speech.
    """
    starts = np.asarray([turn.start for turn in turns])
    named: list[TimedText] = []
    for line in lines:
        if line.channel is not Channel.SPEECH or line.speaker or not len(turns):
            named.append(line)
        elif len(line.words) < 2:
            named.append(replace(line, speaker=_speaker(line.start, line.end, turns, starts)))
        else:
            named.extend(_split(line, turns, starts))
    return tuple(named)


def _centres(vectors: Vector) -> Floats:
    """A first guess at each speaker's mean voice."""
    sums, counts = np.zeros((0, vectors.shape[1])), np.zeros(0)
    for first in range(0, len(vectors), _BLOCK):
        block = vectors[first : first + _BLOCK].astype(np.float64)
        found = _merged(block, np.ones(len(block)), _surely_alike)
        sums, counts = np.concatenate([sums, found[0]]), np.concatenate([counts, found[1]])
    sums, counts = _merged(sums, counts, _alike)
    many = counts >= min(_FEW, counts.max())
    return _unit(sums[many])


Likeness = Callable[[Floats, Floats, int], Floats]
"""From sums and counts of all groups and the number of one: by how much each is more alike to it than it must be."""


def _surely_alike(sums: Floats, counts: Floats, one: int) -> Floats:
    return np.asarray(sums @ sums[one] / (counts * counts[one]) - _SURELY_ALIKE)


def _alike(sums: Floats, counts: Floats, one: int) -> Floats:
    sizes, limits = zip(*_ALIKE, strict=True)
    needed = np.interp(np.log2(np.minimum(counts, counts[one])), np.log2(sizes), limits)
    return np.asarray(_unit(sums) @ _unit(sums[one]) - needed)


def _merged(sums: Floats, counts: Floats, likeness: Likeness) -> tuple[Floats, Floats]:
    """Join the two groups that are most alike until none are alike enough."""
    sums, counts = sums.copy(), counts.copy()
    alike = np.stack([likeness(sums, counts, one) for one in range(len(sums))])
    np.fill_diagonal(alike, -np.inf)
    alive = np.ones(len(sums), bool)
    while True:
        kept, gone = np.unravel_index(int(alike.argmax()), alike.shape)
        if alike[kept, gone] < 0 or kept == gone:
            return sums[alive], counts[alive]
        sums[kept] += sums[gone]
        counts[kept] += counts[gone]
        alive[gone] = False
        row = np.where(alive, likeness(sums, counts, int(kept)), -np.inf)
        row[kept] = -np.inf
        alike[kept], alike[:, kept] = row, row
        alike[gone], alike[:, gone] = -np.inf, -np.inf


def _recentred(vectors: Vector, path: Indices, pieces: Sequence[Indices]) -> Floats:
    """Mean voices of the speakers on a path, without those who are nobody; stretches at changes do not count."""
    settled = np.ones(len(path), bool)
    for piece in pieces:
        for change in np.flatnonzero(np.diff(path[piece])):
            settled[piece[max(0, change - 1) : change + 3]] = False
    found = np.unique(path)
    masks = [path == speaker for speaker in found]
    clear = [mask & settled if (mask & settled).any() else mask for mask in masks]
    sums = np.stack([vectors[mask].sum(axis=0).astype(np.float64) for mask in clear])
    counts, means = np.asarray([float(mask.sum()) for mask in clear]), _unit(sums)
    times = np.asarray([mask.sum() for mask in masks]) * STEP
    kept = list(range(len(found)))
    for speaker in np.argsort(times):
        others = [other for other in kept if other != speaker]
        nearest = float((means[others] @ means[speaker]).max()) if others else -1.0
        if others and (times[speaker] < _SHORTEST or (times[speaker] < _BRIEF and nearest > _BETWEEN)):
            kept = others
    return _unit(_merged(sums[kept], counts[kept], _alike)[0])


def _path(vectors: Vector, centres: Floats, pieces: Sequence[Indices]) -> Indices:
    scores = vectors @ centres.T
    return np.concatenate([_likeliest(scores[piece]) for piece in pieces])


def _unit(sums: Floats) -> Floats:
    return np.asarray(sums / np.maximum(1e-9, np.linalg.norm(sums, axis=-1, keepdims=True)))


def _likeliest(scores: Floats) -> Indices:
    """The sequence of speakers with the highest sum of cosines, less what its changes cost."""
    total = scores[0].astype(np.float64)
    came: list[Indices] = []
    for row in scores[1:]:
        best = int(total.argmax())
        stay = total >= total[best] - _CHANGE
        came.append(np.where(stay, np.arange(len(total)), best))
        total = np.where(stay, total, total[best] - _CHANGE) + row
    path = [int(total.argmax())]
    for back in reversed(came):
        path.append(int(back[path[-1]]))
    return np.asarray(path[::-1])


def _turns(spans: Floats, speakers: Indices) -> list[Turn]:
    """One piece of speech as turns; between two stretches a turn ends in the middle of their middles."""
    middles = spans.mean(axis=1)
    changes = np.flatnonzero(np.diff(speakers)) + 1
    edges = [float(spans[0, 0]), *((middles[changes - 1] + middles[changes]) / 2), float(spans[-1, 1])]
    firsts = [0, *changes]
    return [Turn(float(edges[i]), float(edges[i + 1]), int(speakers[first])) for i, first in enumerate(firsts)]


def _speaker(start: float, end: float, turns: Sequence[Turn], starts: Floats) -> str:
    """Who speaks most of the time between two times, or is nearest to it."""
    first = max(0, int(np.searchsorted(starts, start)) - 1)
    last = int(np.searchsorted(starts, end)) + 1
    shares: dict[str, float] = {}
    for turn in turns[first:last]:
        overlap = min(end, turn.end) - max(start, turn.start)  # negative: how far away it is
        shares[turn.name] = max(shares.get(turn.name, -np.inf), 0.0 if overlap > 0 else overlap) + max(0.0, overlap)
    return max(shares, key=lambda name: shares[name])


def _split(line: TimedText, turns: Sequence[Turn], starts: Floats) -> list[TimedText]:
    runs: list[tuple[str, list[Word]]] = []
    for word in line.words:
        middle = (word.start + word.end) / 2
        who = _speaker(middle, middle + 1e-3, turns, starts)
        if runs and runs[-1][0] == who:
            runs[-1][1].append(word)
        else:
            runs.append((who, [word]))
    runs = _without_lone(runs)
    if len(runs) == 1:
        return [replace(line, speaker=runs[0][0])]
    glue = " " if " " in line.text else ""
    return [
        replace(
            line,
            start=said[0].start,
            end=said[-1].end,
            text=glue.join(word.text for word in said),
            confidence=fmean(word.confidence for word in said),
            speaker=who,
            words=tuple(said),
        )
        for who, said in runs
    ]


def _without_lone(runs: list[tuple[str, list[Word]]]) -> list[tuple[str, list[Word]]]:
    """Runs without those too short to be trusted: they join the longer neighbour."""
    while len(runs) > 1:
        lengths = [said[-1].end - said[0].start for _, said in runs]
        place = int(np.argmin(lengths))
        if lengths[place] >= _LONE:
            return runs
        near = [other for other in (place - 1, place + 1) if 0 <= other < len(runs)]
        into = max(near, key=lambda other: lengths[other])
        first, second = min(place, into), max(place, into)
        runs[first : second + 1] = [(runs[into][0], runs[first][1] + runs[second][1])]
        runs = _joined(runs)
    return runs


def _joined(runs: list[tuple[str, list[Word]]]) -> list[tuple[str, list[Word]]]:
    joined: list[tuple[str, list[Word]]] = []
    for who, said in runs:
        if joined and joined[-1][0] == who:
            joined[-1] = (who, joined[-1][1] + said)
        else:
            joined.append((who, said))
    return joined
