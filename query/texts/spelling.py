"""Near matches of words that the library does not have: typing mistakes, and names that a recogniser misheard."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from query.language.terms import Field, Query, quoted
from query.texts.phonetic import sound_key
from query.texts.vocabulary import Vocabulary, words_of
from query.texts.words import STOP_WORDS, fold, squash

SHORTEST = 4
"""Letters of a word that is worth a guess."""

LEAST = 0.76
"""Similarity from which a near match is taken."""

_LETTERS_LEAST = 0.7
_SOUND_LEAST = 75.0
_SOUND_SIGNS = 4
_PAIR_LETTERS = 0.5
_PART = 3
_SLIP = 6
_GUESSES = 200


@dataclass(frozen=True, slots=True)
class Correction:
    """A word that the library does not have, and what it has instead: one word or two.

    Attributes:
        similarity: 0 to 1, how near they are in letters and sound.
    """

    word: str
    instead: str
    similarity: float

    @property
    def sure(self) -> bool:
        """Whether it may be searched for unasked: one slip in a word that begins alike, or the very same sound.

        What is merely similar is too often another word: of the words of one benchmark that the library of another
        lacks, two in five have a neighbour of that kind.
        """
        from rapidfuzz.distance import OSA

        one, two = squash(self.word), squash(self.instead)
        if " " not in self.instead:
            slip = max(len(one), len(two)) >= _SLIP and one[:1] == two[:1] and OSA.distance(one, two) == 1
            return slip or (_sound_same(one, two) and OSA.normalized_similarity(one, two) >= _LETTERS_LEAST)
        parts = words_of(self.instead)
        said = not any(part.replace("’", "'").partition("'")[0] in STOP_WORDS or len(part) < _PART for part in parts)
        return said and _sound_same(one, two) and OSA.normalized_similarity(one, two) >= _PAIR_LETTERS


def corrections(words: Iterable[str], vocabulary: Vocabulary) -> tuple[Correction, ...]:
    """The nearest thing in the library for each word that it does not have; words without one are left out."""
    found = []
    for word in dict.fromkeys(words):
        if len(word) < SHORTEST or word.isdigit() or word in STOP_WORDS or vocabulary.knows(word):
            continue
        best = nearest(word, vocabulary, 1)
        found += [item for item in best if item.similarity >= LEAST]
    return tuple(found)


def nearest(word: str, vocabulary: Vocabulary, limit: int) -> list[Correction]:
    """The library's words and pairs nearest to a word, nearest first; of equally near ones the commonest."""
    from rapidfuzz import fuzz, process
    from rapidfuzz.distance import OSA

    key = squash(word)
    candidates: set[str] = set()
    by_letters = process.extract(
        key,
        vocabulary.words.keys(),
        scorer=OSA.normalized_similarity,
        score_cutoff=_LETTERS_LEAST,
        limit=_GUESSES,
    )
    candidates.update(text for text, _, _ in by_letters if len(text) >= SHORTEST)
    heard = sound_key(word)
    if len(heard) >= _SOUND_SIGNS:
        near = process.extract(
            heard, vocabulary.sounds.keys(), scorer=fuzz.ratio, score_cutoff=_SOUND_LEAST, limit=_GUESSES
        )
        for sound, _, _ in near:
            candidates.update(vocabulary.sounds[sound])
    rated = [Correction(word, vocabulary.written(text), similarity(key, text)) for text in candidates]
    rated.sort(key=lambda item: (-round(item.similarity, 3), -_count(item.instead, vocabulary), item.instead))
    return rated[:limit]


def similarity(word: str, other: str) -> float:
    """0 to 1: how alike two texts are in letters, without their spaces; where they are long enough to tell, the mean of
    that and of how alike they sound."""
    from rapidfuzz.distance import OSA

    one, two = squash(word), squash(other)
    letters = float(OSA.normalized_similarity(one, two))
    heard, spoken = sound_key(one), sound_key(two)
    if min(len(heard), len(spoken)) < _SOUND_SIGNS:
        return letters
    return (letters + float(OSA.normalized_similarity(heard, spoken))) / 2


def _sound_same(one: str, two: str) -> bool:
    heard = sound_key(one)
    return len(heard) >= _SOUND_SIGNS and heard == sound_key(two)


def _count(text: str, vocabulary: Vocabulary) -> int:
    key = fold(text)
    return vocabulary.words.get(key, 0) or vocabulary.pairs.get(key, 0)


def searched_words(query: Query) -> list[str]:
    """The words of a query that stand for themselves in texts: neither excluded nor asked of pictures alone."""
    return [
        word
        for stage in query.stages
        for item in stage.words
        if not item.negated and item.field is not Field.SEEN
        for word in words_of(item.text)
    ]


def corrected(text: str, found: Iterable[Correction]) -> str:
    """A query with words put in the place of others, everything else as it was."""
    for item in found:
        pattern = re.compile(rf"(?P<field>:)?(?<!\w){re.escape(item.word)}(?!\w)", re.IGNORECASE)

        def put(match: re.Match[str], instead: str = item.instead) -> str:
            return f":{quoted(instead)}" if match["field"] else instead

        text = pattern.sub(put, text)
    return text
