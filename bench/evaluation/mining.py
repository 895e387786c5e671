"""Labelled queries out of a person's own library: what is said, written, named and counted there, asked for in part.

Everything is drawn by a seed from what the index holds, so that the same library gives the same queries. Every query
knows all places that answer it: a place counts when it holds all words of the query, not only where it was made from.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from bench.evaluation.judged import ABSENT, Judged, RightPlace
from query.service import QueryService
from query.texts.words import STOP_WORDS, stem, tokens
from reelseek.records import Channel, Segment, TimedText

PER_KIND = 50
SEED = 1
SEQUENCE_GAP = 30.0
_FEWEST, _MOST = 3, 5
"""Telling words of a sentence from which it makes a query, and how many of them the query keeps."""
_OFTEN = 0.02
"""Words in more than this share of all lines (and in more than five) tell nothing."""
_RIGHT = 12
"""A query that more places than this answer asks for nothing in particular."""
_NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


@dataclass(frozen=True, slots=True)
class _Line:
    """A line with its telling stems, and the words they stand for, in order."""

    video_id: str
    line: TimedText
    stems: frozenset[str]
    words: tuple[tuple[str, str], ...]

    @property
    def place(self) -> RightPlace:
        return RightPlace(self.video_id, self.line.start, self.line.end)


@dataclass(slots=True)
class _Texts:
    """The lines of one channel over the whole library, and where each stem stands."""

    lines: list[_Line] = field(default_factory=list)
    by_stem: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def holding(self, stems: Iterable[str]) -> list[_Line]:
        """All lines that have every one of the stems."""
        sets = [self.by_stem.get(name, set()) for name in stems]
        return [self.lines[number] for number in sorted(set.intersection(*sets))] if sets else []

    def rarest(self, line: _Line, count: int) -> list[str]:
        """Words of a line, the rarest in the library, in the order in which they stand."""
        ranked = sorted(dict(line.words), key=lambda name: (len(self.by_stem[name]), -len(name), name))[:count]
        return [word for name, word in line.words if name in ranked]


def mine(service: QueryService, per_kind: int = PER_KIND, seed: int = SEED) -> list[Judged]:
    """Queries over a library, up to `per_kind` of each kind that it can give.

    Kinds: `said` (telling words of a sentence), `said in part` (a sentence with every second telling word left out),
    `written`, `title`, `chapter`, `count`, `sequence` (two sentences that follow one another), and `absent` (telling
    words of sentences from different videos, which stand together nowhere).
    """
    entries = sorted(
        (entry for entry in service.catalogue.videos() if entry.live_ingest), key=lambda item: item.video_id
    )
    spoken = _texts((entry.video_id, service.lines(entry.video_id, Channel.SPEECH)) for entry in entries)
    written = _texts((entry.video_id, service.lines(entry.video_id, Channel.SCREEN_TEXT)) for entry in entries)
    titles = [(entry.title, RightPlace(entry.video_id, 0.0, entry.duration)) for entry in entries]
    chapters = [
        (chapter.title, RightPlace(entry.video_id, chapter.start, chapter.end))
        for entry in entries
        for chapter in service.chapters(entry.video_id)
    ]
    made = {
        "said": _by_words("said", spoken, _MOST),
        "said in part": _in_part(spoken),
        "written": _by_words("written", written, _MOST),
        "title": _named("title", titles),
        "chapter": _named("chapter", chapters),
        "count": _counts((entry.video_id, service.segments(entry.video_id)) for entry in entries),
        "sequence": _sequences(spoken),
        ABSENT: _absent(spoken if len(spoken.lines) >= len(written.lines) else written, random.Random(seed), per_kind),
    }
    return [judged for kind, found in made.items() for judged in _drawn(kind, found, per_kind, seed)]


def _drawn(kind: str, found: Iterable[Judged], count: int, seed: int) -> list[Judged]:
    """Some of a kind's queries, no two with the same words."""
    unique = list({item.query: item for item in found}.values())
    if len(unique) <= count:
        return unique
    return random.Random(f"{seed} {kind}").sample(unique, count)


def _texts(lines: Iterable[tuple[str, Sequence[TimedText]]]) -> _Texts:
    found = [(video_id, line) for video_id, several in lines for line in several]
    stemmed = [[(stem(word), word) for word in tokens(line.text)] for _, line in found]
    spread = Counter(name for words in stemmed for name in {name for name, _ in words})
    most = max(5.0, _OFTEN * len(found))
    texts = _Texts()
    for (video_id, line), words in zip(found, stemmed, strict=True):
        telling = tuple(
            dict.fromkeys(
                (name, word)
                for name, word in words
                if word not in STOP_WORDS and len(word) > 3 and word.isalpha() and spread[name] <= most
            )
        )
        number = len(texts.lines)
        # every word counts for where a query is right, a telling one or not
        texts.lines.append(_Line(video_id, line, frozenset(name for name, _ in words), telling))
        for name in texts.lines[-1].stems:
            texts.by_stem[name].add(number)
    return texts


def _judged(kind: str, words: Sequence[str], right: Sequence[_Line]) -> Iterator[Judged]:
    if 0 < len(right) <= _RIGHT:
        yield Judged(kind, " ".join(words), tuple(line.place for line in right))


def _by_words(kind: str, texts: _Texts, most: int) -> Iterator[Judged]:
    for line in texts.lines:
        if len(line.words) >= (_FEWEST if kind == "said" else 2):
            words = texts.rarest(line, most)
            yield from _judged(kind, words, texts.holding(stem(word) for word in words))


def _in_part(texts: _Texts) -> Iterator[Judged]:
    for line in texts.lines:
        if len(line.words) >= 2 * _FEWEST:
            words = [word for _, word in line.words][::2][:_MOST]
            yield from _judged("said in part", words, texts.holding(stem(word) for word in words))


def _named(kind: str, named: Sequence[tuple[str, RightPlace]]) -> Iterator[Judged]:
    """Titles, by their words, each with all that are named the same."""
    places: dict[str, list[RightPlace]] = defaultdict(list)
    for name, place in named:
        words = [word for word in tokens(name) if word not in STOP_WORDS and not word.isdigit()]
        if len(words) >= 2 and place.end > place.start:
            places[" ".join(words[:8])].append(place)
    return (Judged(kind, text, tuple(right)) for text, right in places.items() if len(right) <= _RIGHT)


def _counts(segments: Iterable[tuple[str, Sequence[Segment]]]) -> Iterator[Judged]:
    """So many of a thing at once: the segments that have as many or more, where those are few."""
    having: dict[str, list[tuple[int, RightPlace]]] = defaultdict(list)
    for video_id, several in segments:
        for segment in several:
            for label, count in segment.object_counts.items():
                having[label].append((count, RightPlace(video_id, segment.start, segment.end)))
    for label, counted in sorted(having.items()):
        for number in _NUMBERS:
            right = tuple(place for count, place in counted if count >= number)
            if 0 < len(right) <= _RIGHT:
                yield Judged("count", f'object:"{label}">={number}', right)


def _sequences(texts: _Texts) -> Iterator[Judged]:
    """Two sentences that follow one another, where nowhere else the one follows the other."""
    for first, second in zip(texts.lines, texts.lines[1:], strict=False):
        gap = second.line.start - first.line.end
        if first.video_id != second.video_id or not 0.0 <= gap <= SEQUENCE_GAP or not (first.words and second.words):
            continue
        halves = [texts.rarest(line, 2) for line in (first, second)]
        before, after = (texts.holding(stem(word) for word in words) for words in halves)
        pairs = [
            RightPlace(a.video_id, a.line.start, b.line.end)
            for a in before
            for b in after
            if a.video_id == b.video_id and 0.0 <= b.line.start - a.line.end <= SEQUENCE_GAP
        ]
        if len(pairs) == 1 and not set(halves[0]) & set(halves[1]):
            yield Judged("sequence", " then ".join(f"said:({' '.join(words)})" for words in halves), tuple(pairs))


def _absent(texts: _Texts, chance: random.Random, count: int) -> Iterator[Judged]:
    """Telling words of two sentences of different videos, of which no line has more than one sentence's share."""
    told = [line for line in texts.lines if len(line.words) >= _FEWEST]
    if len({line.video_id for line in told}) < 2:
        return
    for _ in range(4 * count):
        first, second = chance.choice(told), chance.choice(told)
        halves = [texts.rarest(line, 2) for line in (first, second)]
        stems = [{stem(word) for word in words} for words in halves]
        if first.video_id == second.video_id or len(stems[0] | stems[1]) < 4:
            continue
        if not any(texts.holding([one, other]) for one in stems[0] for other in stems[1]):
            yield Judged(ABSENT, " ".join([halves[0][0], halves[1][0], *halves[0][1:], *halves[1][1:]]), ())
