"""Subtitles that are part of the picture: told from other text by where, how long and how evenly they come."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ingest.sentences import sentences
from ingest.subtitles import Cue
from ingest.text_tracks import Track, normalised
from reelseek.records import Channel, TimedText

BURNT_IN = "subtitles:burnt-in"
_TOP, _BOTTOM = 0.22, 0.68
"""Subtitles stand above the first or below the second height of the picture."""
_CENTRED = 0.07
_HEIGHTS = (0.018, 0.13)
_SAME_HEIGHT = 0.3
_LONGEST = 9.0
_USUAL = (0.6, 7.5)
"""Seconds that a subtitle is on, at the median."""
_LEAST = 4
_DENSE = 8.0
"""Seconds without one that still belong to one stretch of talk."""
_IN_STRETCHES = 0.6
_STRETCH = 3
_OVERLAP = 0.4
_ALONE = 0.85
_WORDS = 2.5
_LETTERS = 0.6
_MOST_LINES = 3
_TOGETHER = 0.6
_WITH_PICTURE = 0.6
_ABOVE_CHANCE = 0.3
_NEAR = 0.45
_SAID = 0.6
_SLACK = 2.0


@dataclass(frozen=True, slots=True)
class _Subtitle:
    """One subtitle: lines that come and go together."""

    start: float
    end: float
    lines: tuple[Track, ...]

    @property
    def text(self) -> str:
        return "\n".join(track.text for track in self.lines)


def burnt_in(tracks: Sequence[Track], cuts: Sequence[float]) -> tuple[tuple[TimedText, ...], list[Track]]:
    """Take burnt-in subtitles out of a video's texts.

    They stand centred in a band at the bottom (or the top), in one size, one after another, each for some seconds, and
    read like sentences. Titles of slides do, too, but come with another picture and other text; captions with names,
    code and tables stand elsewhere or come seldom.

    Args:
        tracks: all texts of the video.
        cuts: times (s) at which the picture changes wholly.

    Returns:
        Their sentences, as speech; and the texts that are none.
    """
    taken: list[Track] = []
    lines: list[TimedText] = []
    for low in (True, False):
        band = [track for track in tracks if _may_be(track, low=low)]
        band = _of_one_size(band)
        shown = _grouped(band)
        others = [track.start for track in tracks if all(track is not item for item in band)]
        if not _are_subtitles(shown) or _come_with_pictures(shown, cuts, others):
            continue
        taken += band
        spoken = sentences([Cue(item.start, item.end, item.text) for item in shown], BURNT_IN, "")
        lines += [replace(line, confidence=_confidence(line, band)) for line in spoken]
    rest = [track for track in tracks if all(track is not item for item in taken)]
    return tuple(sorted(lines, key=lambda line: line.start)), rest


def with_burnt_in(speech: Sequence[TimedText], written: Sequence[TimedText]) -> tuple[TimedText, ...]:
    """Speech, then screen text, each in order of time; burnt-in subtitles are speech where nothing else says the same.

    Args:
        speech: from subtitles or an engine.
        written: from the screen: texts, and sentences of burnt-in subtitles.
    """
    new = [line for line in written if line.channel == Channel.SPEECH and not _said(line, speech)]
    spoken = sorted([*speech, *new], key=lambda line: line.start) if new else speech
    return (*spoken, *(line for line in written if line.channel != Channel.SPEECH))


def _said(line: TimedText, speech: Sequence[TimedText]) -> bool:
    words = [normalised(word) for word in line.text.split()]
    near = [item for item in speech if item.start < line.end + _SLACK and item.end > line.start - _SLACK]
    heard = {normalised(word) for item in near for word in item.text.split()}
    return bool(words) and sum(word in heard for word in words) >= _SAID * len(words)


def _may_be(track: Track, *, low: bool) -> bool:
    box = track.typical_box
    x, y = box.centre
    height = box.bottom - box.top
    whole = track.box
    return (
        abs(x - 0.5) <= _CENTRED
        and (y > _BOTTOM if low else y < _TOP)
        and _HEIGHTS[0] <= height <= _HEIGHTS[1]
        and whole.bottom - whole.top < 2 * height
        and track.end - track.start <= _LONGEST
        and _is_talk(track.text)
    )


def _is_talk(text: str) -> bool:
    letters = sum(sign.isalpha() for sign in text)
    return letters >= _LETTERS * len(text.replace(" ", "")) and letters >= 2


def _of_one_size(tracks: Sequence[Track]) -> list[Track]:
    if not tracks:
        return []
    heights = [track.typical_box.bottom - track.typical_box.top for track in tracks]
    usual = statistics.median(heights)
    return [track for track, height in zip(tracks, heights, strict=True) if abs(height - usual) <= _SAME_HEIGHT * usual]


def _grouped(tracks: Sequence[Track]) -> list[_Subtitle]:
    """Lines that are on at the same time, one under another, are one subtitle."""
    groups: list[list[Track]] = []
    for track in sorted(tracks, key=lambda item: (item.start, item.typical_box.top)):
        group = next((group for group in reversed(groups[-_MOST_LINES:]) if _belongs(track, group)), None)
        if group is None:
            groups.append([track])
        else:
            group.append(track)
    found = []
    for group in groups:
        lines = tuple(sorted(group, key=lambda item: item.typical_box.top))
        found.append(_Subtitle(min(item.start for item in lines), max(item.end for item in lines), lines))
    return found


def _belongs(track: Track, group: Sequence[Track]) -> bool:
    if len(group) >= _MOST_LINES:
        return False
    first = group[0]
    shared = min(first.end, track.end) - max(first.start, track.start)
    length = max(1e-6, min(first.end - first.start, track.end - track.start))
    a, b = group[-1].typical_box, track.typical_box
    apart = abs(a.centre[1] - b.centre[1]) / max(1e-6, a.bottom - a.top)
    return shared >= _TOGETHER * length and 0.6 < apart < 2.2


def _are_subtitles(shown: Sequence[_Subtitle]) -> bool:
    if len({normalised(item.text) for item in shown}) < _LEAST:
        return False
    usual = statistics.median(item.end - item.start for item in shown)
    words = statistics.mean(len(re.findall(r"\w+", item.text)) for item in shown)
    alone = sum(b.start >= a.end - _OVERLAP for a, b in pairwise(shown))
    return (
        _USUAL[0] <= usual <= _USUAL[1]
        and words >= _WORDS
        and alone >= _ALONE * (len(shown) - 1)
        and _in_stretches(shown) >= _IN_STRETCHES * len(shown)
    )


def _in_stretches(shown: Sequence[_Subtitle]) -> int:
    """How many stand in stretches of several that follow closely."""
    lengths = [1]
    for a, b in pairwise(shown):
        if b.start - a.end <= _DENSE:
            lengths[-1] += 1
        else:
            lengths.append(1)
    return sum(length for length in lengths if length >= _STRETCH)


def _come_with_pictures(shown: Sequence[_Subtitle], cuts: Sequence[float], others: Sequence[float]) -> bool:
    """Whether they change when the picture or the other text does, more often than by chance: titles of slides."""
    length = max(1.0, shown[-1].end - shown[0].start)
    within = {round(time, 1) for time in (*cuts, *others) if shown[0].start - 1 <= time <= shown[-1].end + 1}
    chance = min(1.0, len(within) * 2 * _NEAR / length)
    together = sum(any(abs(item.start - time) <= _NEAR for time in within) for item in shown[1:])
    share = together / max(1, len(shown) - 1)
    return share >= _WITH_PICTURE and share >= chance + _ABOVE_CHANCE


def _confidence(line: TimedText, tracks: Sequence[Track]) -> float:
    sure = [track.confidence for track in tracks if track.start < line.end and track.end > line.start]
    return statistics.mean(sure) if sure else 1.0
