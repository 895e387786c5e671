"""The units of retrieval: 5 to 30 s, cut at shots, at sentence ends and where the screen changes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter

from ingest.cuts import Evidence, best_cuts
from ingest.screen_text import normalised
from reelseek.records import Channel, CountStep, Frame, Segment, Shot, TimedText
from reelseek.setting_groups import IngestSettings
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
        frames: keyframes with what is read on them.
        lines: speech and screen text.
        object_counts: label to the steps at which the number at once changes.
    """
    speech = [line for line in lines if line.channel == Channel.SPEECH]
    spoken = sorted((word for line in speech for word in _words(line)), key=lambda word: (word.start, word.end))
    evidence = Evidence(
        words=[(word.start, word.end) for word in spoken],
        sentences=[(line.start, line.end) for line in speech],
        shots=[shot.start for shot in shots[1:]],
        changes=_changes(frames, lines, object_counts or {}),
    )
    starts = best_cuts(duration, settings.segment_min, settings.segment_max, evidence)
    ends = [*starts[1:], duration]
    said, texts = _shared_out(spoken, starts), _written(lines, list(zip(starts, ends, strict=True)))
    present = [counts_within(object_counts or {}, start, end) for start, end in zip(starts, ends, strict=True)]
    return tuple(
        Segment(
            index,
            start,
            end,
            speech=" ".join(word.text for word in words),
            screen_text=written,
            object_counts=present[index][0],
            speakers=tuple(dict.fromkeys(word.speaker for word in words if word.speaker)),
            typical_counts=present[index][1],
        )
        for index, (start, end, words, written) in enumerate(zip(starts, ends, said, texts, strict=True))
    )


def overlapping(frames: Sequence[Frame], start: float, end: float) -> list[Frame]:
    """The keyframes whose picture stood in `[start, end)`; the one before it when there is none.

    One that only reaches in by a moment, because a cut is not placed to the millisecond, is left out.
    """
    first = bisect_left(frames, start, key=attrgetter("end"))
    last = bisect_left(frames, end, key=attrgetter("time"))
    found = [frame for frame in frames[first:last] if _stands(frame.time, frame.end, start, end)]
    if found or not frames:
        return found
    return [frames[max(0, bisect_right(frames, (start + end) / 2, key=attrgetter("time")) - 1)]]


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


def _changes(
    frames: Sequence[Frame], lines: Sequence[TimedText], object_counts: Mapping[str, Sequence[CountStep]]
) -> list[tuple[float, float]]:
    """When what is on the screen changes, and by how much: 0 to 1. A static camera has no other places to cut at."""
    # A keyframe stands where the picture changed. What is read on it says how much that means.
    changes = [
        (frame.time, _KEYFRAME * frame.change + (1 - _KEYFRAME) * _read_anew(before, frame))
        for before, frame in pairwise(frames)
    ]
    written = [line for line in lines if line.channel == Channel.SCREEN_TEXT]
    changes += [(line.start, _NEW_TEXT) for line in written if line.start > 0]
    for steps in object_counts.values():
        changes += [
            (after.time, _KEYFRAME + (1 - _KEYFRAME) * _counted_anew(before.count, after.count))
            for before, after in pairwise((CountStep(0.0, 0), *steps))
            if after.time > 0
        ]
    return changes


def _read_anew(before: Frame, after: Frame) -> float:
    """The share of the texts on two pictures that are not on both."""
    first, second = ({normalised(item.text) for item in frame.screen_text} for frame in (before, after))
    union = first | second
    return 1 - len(first & second) / len(union) if union else 0.0


def _counted_anew(before: int, after: int) -> float:
    """A number's relative change: a fifth car beside four is little, two people where nobody was are all.

    A single object that comes or goes counts half: detectors lose one now and then.
    """
    return abs(before - after) / max(before, after, 2)


def _written(lines: Iterable[TimedText], spans: Sequence[tuple[float, float]]) -> Iterator[str]:
    """For each span in order, the texts on screen in it, each once, in order of appearance."""
    waiting = deque(
        sorted((line for line in lines if line.channel == Channel.SCREEN_TEXT), key=lambda line: line.start)
    )
    showing: list[TimedText] = []
    for start, end in spans:
        while waiting and waiting[0].start < end:
            showing.append(waiting.popleft())
        showing = [line for line in showing if max(line.end, line.start) >= start]
        found: dict[str, str] = {}
        for line in showing:
            if _stands(line.start, line.end, start, end):
                found.setdefault(normalised(line.text), line.text)
        yield "\n".join(found.values())
