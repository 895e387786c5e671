"""Against words that nobody said: what every speech engine hears is chosen here, and what it says is checked here.

Recognisers fill music, noise and silence with words, and fall into loops. None of the checks looks at which words they
are: a voice must have been there (two detectors that fail differently), the engine must have been halfway sure, and
nobody speaks faster than people can, or says the same thing over and over.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import fmean

from engines.voice_activity import SAMPLE_RATE, Region, confirmed, speech_regions
from reelseek.records import Audio, TimedText, Word

COMPRESSION_LIMIT = 2.4
"""A text that zlib makes smaller than 1/2.4 is a loop; the limit that Whisper's own decoding uses."""

_LOOP_MIN_BYTES = 60
"""Shorter texts compress to anything; loops in them are counted instead."""

_LOOP_TIMES = 5
"""The same one to six words this often in a row are a loop."""

_SAME_SENTENCES = 3
"""One, two or three sentences that come this often in a row are kept once."""

_LONGEST_CYCLE = 3
_INSIDE = 0.5
"""A word of which less lies in speech is dropped."""

_FASTEST = 45.0
"""Characters a second that nobody speaks: fast speech has 25."""

_FAST_MIN_CHARACTERS = 20


class Guards:
    """What a recogniser may hear, and what is kept of what it says."""

    def regions(self, audio: Audio, max_seconds: float = 30.0) -> tuple[Region, ...]:
        """Where somebody speaks; nothing else is given to the recogniser."""
        return confirmed(audio, speech_regions(audio, max_seconds=max_seconds))

    def kept(
        self, sentences: Iterable[TimedText], regions: Sequence[Region], least: float = 0.0
    ) -> tuple[TimedText, ...]:
        """The sentences, without words outside speech, and without sentences that cannot be.

        Args:
            sentences: in order, with words.
            regions: from `regions`, in seconds of the same audio.
            least: mean probability of a sentence's words under which the engine guessed.
        """
        inside = (kept for sentence in sentences if (kept := _inside(sentence, regions)) is not None)
        likely = [item for item in inside if item.confidence >= least and not _too_fast(item)]
        return tuple(without_loops(likely))


class NoGuards(Guards):
    """All of the sound, and all that is said: for measuring what the guards do."""

    def regions(self, audio: Audio, max_seconds: float = 30.0) -> tuple[Region, ...]:
        """The whole sound, in pieces."""
        length = audio.size / SAMPLE_RATE
        edges = [*(index * max_seconds for index in range(int(length / max_seconds) + 1)), length]
        return tuple(Region(start, end) for start, end in pairwise(edges) if end > start)

    def kept(
        self,
        sentences: Iterable[TimedText],
        regions: Sequence[Region],  # noqa: ARG002
        least: float = 0.0,  # noqa: ARG002
    ) -> tuple[TimedText, ...]:
        """Everything."""
        return tuple(sentences)


def without_loops(sentences: Iterable[TimedText]) -> list[TimedText]:
    """Drop sentences that are one phrase over and over, and keep once what is said three times or more in a row.

    What is repeated may be up to three sentences long. Repeats of two or less stay, whoever says them.
    """
    said = [sentence for sentence in sentences if not is_loop(sentence.text)]
    plain = [_plain(sentence.text) for sentence in said]
    kept: list[TimedText] = []
    place = 0
    while place < len(said):
        cycle, times = max(((size, _times(plain, place, size)) for size in range(1, _LONGEST_CYCLE + 1)), key=_reach)
        kept.extend(said[place : place + cycle])
        place += cycle * times if times >= _SAME_SENTENCES else cycle
    return kept


def is_loop(text: str) -> bool:
    """Whether a text says the same thing over and over."""
    raw = text.encode()
    if len(raw) >= _LOOP_MIN_BYTES and len(raw) / len(zlib.compress(raw)) > COMPRESSION_LIMIT:
        return True
    words = _plain(text).split()
    return any(_repeats(words, size) for size in range(1, 7))


def _inside(sentence: TimedText, regions: Sequence[Region]) -> TimedText | None:
    """The sentence with the words that lie in speech; None where none do."""
    words = tuple(word for word in sentence.words if _spoken(word, regions))
    if len(words) == len(sentence.words):
        return sentence
    if not words:
        return None
    glue = " " if " " in sentence.text else ""
    return replace(
        sentence,
        start=words[0].start,
        end=words[-1].end,
        text=glue.join(word.text for word in words),
        confidence=fmean(word.confidence for word in words),
        words=words,
    )


def _spoken(word: Word, regions: Sequence[Region]) -> bool:
    length = word.end - word.start
    if length <= 0:
        return any(region.start <= word.start <= region.end for region in regions)
    inside = sum(max(0.0, min(word.end, region.end) - max(word.start, region.start)) for region in regions)
    return inside >= _INSIDE * length


def _too_fast(sentence: TimedText) -> bool:
    count = len(sentence.text)
    return count >= _FAST_MIN_CHARACTERS and count > _FASTEST * max(1e-3, sentence.end - sentence.start)


def _times(plain: Sequence[str], place: int, size: int) -> int:
    """How often the `size` sentences at `place` stand in a row."""
    pattern, times = plain[place : place + size], 1
    while len(pattern) == size and plain[place + times * size : place + (times + 1) * size] == pattern:
        times += 1
    return times


def _reach(found: tuple[int, int]) -> tuple[int, int]:
    """Loops that cover the most sentences first, of these the shortest; no loop counts as one sentence."""
    size, times = found
    return (size * times if times >= _SAME_SENTENCES else 1), -size


def _repeats(words: Sequence[str], size: int) -> bool:
    """Whether `size` words stand `_LOOP_TIMES` times in a row and make up most of the text."""
    same = longest = 0
    for index in range(size, len(words)):
        same = same + 1 if words[index] == words[index - size] else 0
        longest = max(longest, same)
    repeated = longest + size
    return repeated >= _LOOP_TIMES * size and repeated > 0.6 * len(words)


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
