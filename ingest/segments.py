"""The units of retrieval: 5 to 30 s, cut at shots, at sentence ends and where the screen changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ingest.cuts import Evidence, best_cuts
from ingest.objects import counts
from ingest.screen_text import normalised
from reelseek.records import Channel, CountStep, Frame, Segment, Shot, TimedText
from reelseek.settings import IngestSettings
from reelseek.tracks import counts_within

_MOMENT = 0.5
_KEYFRAME, _NEW_TEXT = 0.3, 0.5
"""What a new keyframe is worth as a place to cut, of 1, though nothing known changed in it; and a new text."""


@dataclass(frozen=True, slots=True)
class _Spoken:
    """A word or, without word times, a part of a sentence by its characters."""

    start: float
    end: float
    text: str
    speaker: str


def segments(
    duration: float,
    shots: Sequence[Shot],
    frames: Sequence[Frame],
    lines: Sequence[TimedText],
    settings: IngestSettings,
    object_counts: Mapping[str, Sequence[CountStep]] | None = None,
) -> tuple[Segment, ...]:
    """Cut a video into segments and give each its texts.

    They cover `[0, duration]` in order without gap or overlap. Each is at most `segment_max` long and, where the video
    is, at least `segment_min`; none begins inside a word.

    Args:
        duration: of the video, in seconds.
        frames: keyframes with their objects.
        lines: speech and screen text.
        object_counts: label to the steps at which the number at once changes.
    """
    speech = [line for line in lines if line.channel == Channel.SPEECH]
    spoken = sorted((word for line in speech for word in _words(line)), key=lambda word: (word.start, word.end))
    evidence = Evidence(
        words=[(word.start, word.end) for word in spoken],
        sentences=[(line.start, line.end) for line in speech],
        shots=[shot.start for shot in shots[1:]],
        changes=_changes(frames, lines),
    )
    starts = best_cuts(duration, settings.segment_min, settings.segment_max, evidence)
    ends = [*starts[1:], duration]
    said = _shared_out(spoken, starts)
    present = [counts_within(object_counts or {}, start, end) for start, end in zip(starts, ends, strict=True)]
    return tuple(
        Segment(
            index,
            start,
            end,
            speech=" ".join(word.text for word in words),
            screen_text="\n".join(_texts(lines, start, end)),
            object_counts=present[index][0],
            speakers=tuple(dict.fromkeys(word.speaker for word in words if word.speaker)),
            typical_counts=present[index][1],
        )
        for index, (start, end, words) in enumerate(zip(starts, ends, said, strict=True))
    )


def overlapping(frames: Sequence[Frame], start: float, end: float) -> list[Frame]:
    """The keyframes whose picture stood in `[start, end)`; the one before it when there is none.

    One that only reaches in by a moment, because a cut is not placed to the millisecond, is left out.
    """
    found = [frame for frame in frames if _stands(frame.time, frame.end, start, end)]
    if found or not frames:
        return found
    before = [frame for frame in frames if frame.time <= (start + end) / 2]
    return [before[-1] if before else frames[0]]


def _stands(first: float, last: float, start: float, end: float) -> bool:
    """Whether what was shown from `first` to `last` belongs to a range: there for 0.5 s, or for half of its showing."""
    if last <= first:
        return start <= first < end
    return min(last, end) - max(first, start) >= min(_MOMENT, (last - first) / 2, (end - start) / 2)


def _words(line: TimedText) -> Iterator[_Spoken]:
    if line.words:
        for word in line.words:
            if word.text.strip():
                yield _Spoken(word.start, max(word.start, word.end), word.text.strip(), line.speaker)
        return
    parts = line.text.split()
    total, done = sum(len(part) for part in parts), 0
    for part in parts:
        start = line.start + (line.end - line.start) * done / total
        done += len(part)
        yield _Spoken(start, line.start + (line.end - line.start) * done / total, part, line.speaker)


def _shared_out(spoken: Sequence[_Spoken], starts: Sequence[float]) -> list[list[_Spoken]]:
    """Each word to the segment that holds its middle."""
    shares: list[list[_Spoken]] = [[] for _ in starts]
    position = 0
    for word in sorted(spoken, key=lambda item: item.start + item.end):
        while position + 1 < len(starts) and (word.start + word.end) / 2 >= starts[position + 1]:
            position += 1
        shares[position].append(word)
    return [sorted(share, key=lambda item: item.start) for share in shares]


def _changes(frames: Sequence[Frame], lines: Sequence[TimedText]) -> list[tuple[float, float]]:
    """When what is on the screen changes, and by how much: 0 to 1. A static camera has no other places to cut at."""
    changes = []
    for before, frame in pairwise(frames):
        # A keyframe stands where the picture changed. What models see in it says how much that means.
        seen = max(_read_anew(before, frame), _counted_anew(counts(before.objects), counts(frame.objects)))
        changes.append((frame.time, _KEYFRAME + (1 - _KEYFRAME) * seen))
    written = [line for line in lines if line.channel == Channel.SCREEN_TEXT]
    changes += [(line.start, _NEW_TEXT) for line in written if line.start > 0]
    return changes


def _read_anew(before: Frame, after: Frame) -> float:
    """The share of the texts on two pictures that are not on both."""
    first, second = ({normalised(item.text) for item in frame.screen_text} for frame in (before, after))
    union = first | second
    return 1 - len(first & second) / len(union) if union else 0.0


def _counted_anew(before: Mapping[str, int], after: Mapping[str, int]) -> float:
    """The largest relative change of a label: a fifth car beside four is little, two people where nobody was all.

    A single object that comes or goes counts half: detectors lose one now and then.
    """
    numbers = [(before.get(name, 0), after.get(name, 0)) for name in before.keys() | after.keys()]
    return max((abs(a - b) / max(a, b, 2) for a, b in numbers), default=0.0)


def _texts(lines: Iterable[TimedText], start: float, end: float) -> list[str]:
    """The texts on screen in a range, each once, in order of appearance."""
    found: dict[str, str] = {}
    for line in lines:
        if line.channel == Channel.SCREEN_TEXT and _stands(line.start, line.end, start, end):
            found.setdefault(normalised(line.text), line.text)
    return list(found.values())
