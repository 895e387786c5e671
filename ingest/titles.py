"""Titles of found chapters: the heading on the screen, else the phrases that are this chapter's and no other's."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ingest.screen_text import normalised
from ingest.words import COMMON, WORD
from reelseek.records import Channel, Segment, TimedText, Vector

Encode = Callable[[list[str]], Vector]
"""Texts to L2-normalised vectors."""

TITLE_LENGTH = 80
_AT_START = 20.0
"""Seconds into a chapter within which its heading comes on screen."""
_TALLEST_SHARE = 0.75
_PHRASES, _CONSIDERED = 3, 12
_LONGEST_WORD, _LONGEST_PHRASE = 24, 3
_EVERYWHERE = 0.3
"""Words in more than this share of the segments of every chapter name none: among them any language's stop words."""
_ENDINGS = ("ing", "ed", "ly")


@dataclass(slots=True)
class _Phrases:
    """How often each phrase of a chapter is said, by its words in lower case, and how it is written."""

    counts: Counter[tuple[str, ...]] = field(default_factory=Counter)
    written: dict[tuple[str, ...], Counter[str]] = field(default_factory=dict)

    def add(self, words: Sequence[str]) -> None:
        key = tuple(word.casefold() for word in words)
        self.counts[key] += 1
        self.written.setdefault(key, Counter())[" ".join(words)] += 1


def titles(
    segments: Sequence[Segment],
    lines: Sequence[TimedText],
    spans: Sequence[tuple[float, float]],
    encode: Encode | None = None,
) -> list[str]:
    """A title for each span of a video, at most 80 characters, no two alike.

    Args:
        segments: of the whole video.
        lines: speech and screen text of the whole video, in any order.
        spans: chapters, `(start, end)` in seconds, in order.
        encode: with it, of the most telling phrases those nearest in meaning to the chapter are taken.
    """
    common = _everywhere(segments, spans)
    phrases = [_phrases(_inside(lines, start, end), common) for start, end in spans]
    total = sum((Counter(found.counts) for found in phrases), Counter())
    given: list[str] = []
    for number, (start, end) in enumerate(spans):
        candidates = [heading(lines, start, end), _title(phrases[number], total, encode), f"Chapter {number + 1}"]
        known = {normalised(title) for title in given}
        given.append(next((text for text in candidates if text and normalised(text) not in known), candidates[-1]))
    return given


def heading(lines: Sequence[TimedText], start: float, end: float) -> str:
    """The screen text that looks most like the title of what begins at `start`: new, large, high up, shown long."""
    written = [line for line in lines if line.channel == Channel.SCREEN_TEXT]
    before = {normalised(line.text) for line in written if line.start < start - 1.0}
    best, score = "", 0.0
    for line in written:
        if line.box is None or not start - 1.0 <= line.start < min(end, start + _AT_START):
            continue
        letters = sum(sign.isalpha() for sign in line.text)
        if not 3 <= letters <= TITLE_LENGTH or letters < 0.5 * len(line.text.replace(" ", "")):
            continue
        if normalised(line.text) in before:
            continue
        seconds = min(line.end, end) - max(line.start, start)
        height = line.box.bottom - line.box.top
        worth = height * (1.5 - line.box.top) * math.sqrt(min(max(seconds, 0.0), 10.0)) * line.confidence
        if worth > score:
            best, score = line.text, worth
    return " ".join(best.split())[:TITLE_LENGTH]


def heading_times(lines: Sequence[TimedText]) -> list[float]:
    """When a new heading comes on screen: a text at the top, about as tall as the tallest ones, not shown before."""
    texts = [line for line in lines if line.channel == Channel.SCREEN_TEXT and line.box is not None]
    heights = sorted(line.box.bottom - line.box.top for line in texts if line.box is not None)
    if not heights:
        return []
    tall = heights[int(0.9 * (len(heights) - 1))] * _TALLEST_SHARE
    times, known = [], set[str]()
    for line in sorted(texts, key=lambda item: item.start):
        name = normalised(line.text)
        new, box = name not in known, line.box
        known.add(name)
        if new and box is not None and box.top < 0.35 and box.bottom - box.top >= tall and len(name) > 2:
            times.append(line.start)
    return times


def _inside(lines: Sequence[TimedText], start: float, end: float) -> list[TimedText]:
    texts = (line for line in lines if line.channel in (Channel.SPEECH, Channel.SCREEN_TEXT))
    return [line for line in texts if start <= (line.start + line.end) / 2 < end]


def _everywhere(segments: Sequence[Segment], spans: Sequence[tuple[float, float]]) -> frozenset[str]:
    """Words that are in many segments of every chapter."""
    common: set[str] | None = None
    for start, end in spans:
        texts = [f"{item.speech} {item.screen_text}" for item in segments if start <= (item.start + item.end) / 2 < end]
        spread = Counter(word for text in texts for word in {word.casefold() for word in WORD.findall(text)})
        often = {word for word, number in spread.items() if number > max(1.0, _EVERYWHERE * len(texts))}
        common = often if common is None else common & often
    return frozenset(common or ())


def _phrases(lines: Sequence[TimedText], common: frozenset[str]) -> _Phrases:
    """All phrases of up to three words without a word that carries nothing (RAKE's candidates, Rose et al. 2010)."""
    found = _Phrases()
    for line in lines:
        for run in _runs(line.text, common):
            for length in range(1, _LONGEST_PHRASE + 1):
                for first in range(len(run) - length + 1):
                    found.add(run[first : first + length])
    return found


def _runs(text: str, common: frozenset[str]) -> Iterator[list[str]]:
    """Stretches of words with nothing but white space between them, none of which is a common one."""
    run: list[str] = []
    end = 0
    for match in WORD.finditer(text):
        word = match.group().replace("’", "'").strip("'-").removesuffix("'s")
        name = word.casefold()
        if run and text[end : match.start()].strip():
            yield run
            run = []
        end = match.end()
        if len(word) < 3 or len(word) > _LONGEST_WORD or name in COMMON or name in common or "'" in name:
            if run:
                yield run
            run = []
        else:
            run.append(word)
    if run:
        yield run


def _title(own: _Phrases, total: Counter[tuple[str, ...]], encode: Encode | None) -> str:
    """Up to three phrases that share no word, as a title."""
    chosen: list[str] = []
    used: set[str] = set()
    for key in _ranked(own, total, encode):
        text = own.written[key].most_common(1)[0][0]
        stems = {word[:5] for word in key}
        if stems & used or len(", ".join([*chosen, text])) > TITLE_LENGTH:
            continue
        chosen.append(text)
        used |= stems
        if len(chosen) == _PHRASES:
            break
    joined = ", ".join(chosen)
    return joined[:1].upper() + joined[1:]


def _ranked(own: _Phrases, total: Counter[tuple[str, ...]], encode: Encode | None) -> list[tuple[str, ...]]:
    """Phrases by how much more often they are said here than elsewhere (a signed log-likelihood, Dunning 1993)."""
    here = sum(own.counts.values())
    elsewhere = sum(total.values()) - here
    within: Counter[tuple[str, ...]] = Counter()
    for key, number in own.counts.items():
        for part in {key[:-1], key[1:]} if len(key) > 1 and number > 1 else ():
            within[part] = max(within[part], number)
    scores: dict[tuple[str, ...], float] = {}
    for key, said in own.counts.items():
        # Within a longer phrase a word stands for that ("remote control"), as C-value counts (Frantzi et al. 2000).
        number = said - within[key]
        if number <= 0:
            continue
        expected = here * (total[key] + 0.5) / (here + elsewhere + 1)
        if number <= expected:
            continue
        score = number * math.log(number / expected) * (1 + 0.6 * (len(key) - 1))
        if number == 1:
            score *= 0.4  # a misheard word is said once
        if len(key) == 1 and key[0].endswith(_ENDINGS):
            score *= 0.6  # hardly a noun
        scores[key] = score
    best = sorted(scores, key=lambda key: (-scores[key], key))[:_CONSIDERED]
    if encode is None or len(best) < 2:
        return best
    # Of the phrases that are this chapter's own, those nearest to the mean of them all say best what it is about.
    vectors = encode([" ".join(key) for key in best])
    centre = np.average(vectors, axis=0, weights=[scores[key] for key in best])
    nearness = vectors @ (centre / max(float(np.linalg.norm(centre)), 1e-9))
    order = sorted(range(len(best)), key=lambda index: -scores[best[index]] * (0.3 + max(0.0, float(nearness[index]))))
    return [best[index] for index in order]
