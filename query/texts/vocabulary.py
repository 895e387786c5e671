"""The library's own words: what completions, spelling and near matches are made from."""

from __future__ import annotations

import re
import threading
import time
from bisect import bisect_left
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Literal

from query.texts.phonetic import sound_key
from query.texts.words import STOP_WORDS, fold, squash, stem

Kind = Literal["word", "phrase", "title", "chapter", "object", "speaker", "tag", "field", "spelling"]

MAX_WORDS = 100_000
MAX_PAIRS = 200_000
"""Entries that are kept, the commonest; so memory is bounded whatever the library holds."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_LONGEST = 40
_NAME = 120
_SOUNDING, _SOUNDS = 4, 3
_KEPT = 4
_PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Name:
    """A name that can be completed: a title, label, speaker, tag or chapter, and how often it occurs."""

    text: str
    kind: Kind
    count: int = 1


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The words of one state of the library, or of a part of it. All keys are folded (`query.texts.words.fold`).

    Attributes:
        words: word to the number of lines that have it.
        pairs: two words that stand side by side, `"gradient descent"`, likewise.
        spellings: how a word is commonly written, where that is not its key.
        names: titles, labels, speakers, tags and chapters.
        languages: primary language tags of the lines.
    """

    words: Mapping[str, int] = field(default_factory=dict)
    pairs: Mapping[str, int] = field(default_factory=dict)
    spellings: Mapping[str, str] = field(default_factory=dict)
    names: tuple[Name, ...] = ()
    languages: tuple[str, ...] = ()

    @classmethod
    def of(cls, texts: Iterable[str], names: Iterable[Name] = (), languages: Iterable[str] = ()) -> Vocabulary:
        """Count the words and pairs of the library's lines."""
        words: Counter[str] = Counter()
        pairs: Counter[str] = Counter()
        written: dict[str, Counter[str]] = {}
        for text in texts:
            found = [match.group() for match in _WORD.finditer(text) if len(match.group()) <= _LONGEST]
            keys = [fold(word) for word in found]
            words.update(set(keys))
            pairs.update({f"{first} {second}" for first, second in pairwise(keys)})
            for key, word in zip(keys, found, strict=True):
                if key != word:
                    written.setdefault(key, Counter())[word] += 1
            if len(pairs) > 2 * MAX_PAIRS:
                pairs = Counter(dict(pairs.most_common(MAX_PAIRS)))
        kept = dict(words.most_common(MAX_WORDS))
        spellings = {
            key: forms.most_common(1)[0][0]
            for key, forms in written.items()
            if key in kept and 2 * forms.total() > kept[key]
        }
        return cls(
            kept, dict(pairs.most_common(MAX_PAIRS)), spellings, tuple(_merged(names)), tuple(dict.fromkeys(languages))
        )

    @cached_property
    def sorted_words(self) -> list[str]:
        """All words, for looking up beginnings."""
        return sorted(self.words)

    @cached_property
    def sorted_pairs(self) -> list[str]:
        """All pairs, likewise."""
        return sorted(self.pairs)

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of all words, of names as well."""
        named = (word for name in self.names for word in words_of(name.text))
        return frozenset(stem(word) for word in (*self.words, *named))

    @cached_property
    def solid(self) -> str:
        """All long words in one text: what is read from a screen often lacks its spaces."""
        return " ".join(word for word in self.words if len(word) >= 8)

    @cached_property
    def sounds(self) -> Mapping[str, Sequence[str]]:
        """The words and pairs by how they sound (`query.texts.phonetic.sound_key`)."""
        found: dict[str, list[str]] = {}
        pairs = (pair for pair in self.pairs if any(word not in STOP_WORDS for word in pair.split(" ")))
        for text in (*(word for word in self.words if len(word) >= _SOUNDING), *pairs):
            key = sound_key(text)
            if len(key) >= _SOUNDS:
                found.setdefault(key, []).append(text)
        return found

    def knows(self, word: str) -> bool:
        """Whether the library has a word in any form, or written together with its neighbours."""
        key = fold(word).replace("’", "'").removesuffix("'s")
        return key in self.words or stem(key) in self.stems or (len(key) >= 5 and squash(key) in self.solid)

    def written(self, key: str) -> str:
        """A word or pair as the library writes it."""
        return " ".join(self.spellings.get(word, word) for word in key.split(" "))


def words_of(text: str) -> list[str]:
    """The words of a text, folded."""
    return [fold(match.group()) for match in _WORD.finditer(text)]


def beginning(ordered: Sequence[str], prefix: str) -> Sequence[str]:
    """The entries of a sorted list that begin with `prefix`."""
    return ordered[bisect_left(ordered, prefix) : bisect_left(ordered, prefix + "\U0010ffff")]


def telling(pair: str) -> bool:
    """Whether a pair says something: neither word is one of those that carry nothing."""
    first, _, second = pair.partition(" ")
    return first not in STOP_WORDS and second not in STOP_WORDS


def plain(text: str) -> str:
    """A name on one line, without control characters and quotation marks, cut where it is long."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    shown = " ".join(re.sub(r"[\"“”„«»]", " ", shown).split())
    return shown if len(shown) <= _NAME else shown[:_NAME].rsplit(" ", 1)[0]


def _merged(names: Iterable[Name]) -> Iterable[Name]:
    """Names without repetitions, commonest first; the counts of the same one add up."""
    counts: Counter[tuple[str, Kind]] = Counter()
    for name in names:
        if text := plain(name.text):
            counts[text, name.kind] += name.count
    for (text, kind), count in counts.most_common(MAX_WORDS):
        yield Name(text, kind, count)


@dataclass(slots=True)
class _Kept:
    version: object
    vocabulary: Vocabulary
    built_at: float
    seconds: float


class Vocabularies:
    """The vocabularies of the newest states of the library, built in the background. Thread-safe.

    While a newer state is read the one before it serves; a library that changes all the time is read again only when
    `20 ×` the time that reading takes has gone by.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[object, _Kept] = OrderedDict()
        self._building: dict[object, threading.Thread] = {}

    def get(self, scope: object, version: object, read: Callable[[], Vocabulary], wait: float) -> Vocabulary | None:
        """The vocabulary of a part of the library, or None when there is none after `wait` seconds.

        Args:
            scope: which part; hashable.
            version: the state of the library; another one makes the vocabulary old.
            read: builds it; called in a thread of its own.
        """
        with self._lock:
            kept = self._kept.get(scope)
            if kept is not None:
                self._kept.move_to_end(scope)
                rested = time.monotonic() - kept.built_at >= _PATIENCE * kept.seconds
                if kept.version == version or not rested:
                    return kept.vocabulary
            thread = self._building.get(scope)
            if thread is None:
                thread = threading.Thread(
                    target=self._build, args=(scope, version, read), name="vocabulary", daemon=True
                )
                self._building[scope] = thread
                thread.start()
        thread.join(wait)
        with self._lock:
            kept = self._kept.get(scope)
            return kept.vocabulary if kept is not None else None

    def _build(self, scope: object, version: object, read: Callable[[], Vocabulary]) -> None:
        begun = time.monotonic()
        try:
            made = read()
            now = time.monotonic()
            with self._lock:
                self._kept[scope] = _Kept(version, made, now, now - begun)
                self._kept.move_to_end(scope)
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        finally:
            with self._lock:
                self._building.pop(scope, None)
