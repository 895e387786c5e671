"""Words with times into sentences with times."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from statistics import fmean

from reelseek.records import Channel, TimedText, Word

MAX_PAUSE = 0.8
"""Seconds of silence between two words that end a sentence."""

MAX_SECONDS = 15.0
"""A longer sentence is cut at its best place: a comma or the longest pause."""

MAX_WORDS = 40

_END = re.compile(r"[.?!…。？！]+[\"'”’»)\]]*$")
_COMMA = re.compile(r"[,;:，、；：—–-][\"'”’»)\]]*$")
_ABBREVIATION = re.compile(
    r"^[\"'“‘«(\[]*(?:(?:mr|mrs|ms|dr|prof|st|sr|jr|vs|etc|no|fig|approx|dept|inc|ltd)|\w|(?:\w\.)+\w)\.$",
    re.IGNORECASE,
)


def sentences_of(words: Iterable[Word], *, source: str, language: str) -> tuple[TimedText, ...]:
    """Join words into sentences.

    A sentence ends at its full stop, at a pause of `MAX_PAUSE`, or where it gets longer than `MAX_SECONDS` or
    `MAX_WORDS`.

    Args:
        words: in order, seconds; a text begins with a space where a space stands before the word, as Whisper writes it.
        source: id of the engine.
        language: BCP 47.

    Returns:
        Sentences in order, none empty, with words whose texts are stripped and whose times do not run backwards.
    """
    found: list[TimedText] = []
    for run in _runs(_ordered(words)):
        for part in _split_long(run):
            text = " ".join("".join(word.text for word in part).split())
            clean = tuple(Word(word.start, word.end, word.text.strip(), word.confidence) for word in part)
            found.append(
                TimedText(
                    channel=Channel.SPEECH,
                    start=part[0].start,
                    end=part[-1].end,
                    text=text,
                    source=source,
                    language=language,
                    confidence=fmean(word.confidence for word in part),
                    words=clean,
                )
            )
    return tuple(found)


def _ordered(words: Iterable[Word]) -> Iterable[Word]:
    """Drop empty words, and let no time run backwards."""
    last = 0.0
    for word in words:
        if not word.text.strip():
            continue
        start = max(last, word.start)
        end = max(start, word.end)
        last = end
        yield Word(start, end, word.text, min(1.0, max(0.0, word.confidence)))


def _runs(words: Iterable[Word]) -> Iterable[list[Word]]:
    run: list[Word] = []
    for word in words:
        if run and word.start - run[-1].end > MAX_PAUSE:
            yield run
            run = []
        run.append(word)
        if _ends_sentence(word.text.strip()):
            yield run
            run = []
    if run:
        yield run


def _ends_sentence(text: str) -> bool:
    return bool(_END.search(text)) and not _ABBREVIATION.match(text)


def _split_long(run: list[Word]) -> Iterable[list[Word]]:
    if len(run) < 2 or (run[-1].end - run[0].start <= MAX_SECONDS and len(run) <= MAX_WORDS):
        yield run
        return
    cut = max(range(1, len(run)), key=lambda index: _cut_quality(run, index))
    yield from _split_long(run[:cut])
    yield from _split_long(run[cut:])


def _cut_quality(run: Sequence[Word], index: int) -> float:
    """How good a place the gap before `index` is: pause and comma count, and closeness to the middle."""
    pause = run[index].start - run[index - 1].end
    comma = 0.5 if _COMMA.search(run[index - 1].text.strip()) else 0.0
    middle = 1 - abs(2 * index / len(run) - 1)
    return pause + comma + 0.5 * middle
