"""Words as the lexical channels compare them: folded, lightly stemmed, without the words that carry nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from query.texts.languages import function_words, language_of

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
_SOLID = re.compile(r"[^\W_]+")
_DIGITS = "zero one two three four five six seven eight nine ten eleven twelve"
_NUMBERS = {word: str(value) for value, word in enumerate(_DIGITS.split())}

_STOP = """
a about above after again all also am an and any are as at be because been before being below between both but by can
could did do does doing done down during each few for from further get gets got had has have having he her here hers him
his how i if in into is it its itself just let many me more most much my no nor not now of off on once only or other our
ours out over own please same she should so some such than that the their theirs them then there these they this those
through to too under until up us very was we were what when where which while who whom why will with would you
your yours
"""
_ASKING = """
appear appears visible seen clip clips find footage moment moments part parts scene scenes show showing shown shows
video videos look see watch hear tell picture pictures image images
"""

STOP_WORDS = frozenset(_STOP.split())
"""English words that say nothing of what is looked for."""

ASKING_WORDS = frozenset(_ASKING.split())
"""Words of a request that speak of the search, not of its object; dropped only when others remain."""


def fold(text: str) -> str:
    """Compatibility-normalise, casefold, and drop accents."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def tokens(text: str) -> list[str]:
    """The words of `text`, folded, in order. Scripts written without spaces give one token per character."""
    found: list[str] = []
    for match in _TOKEN.finditer(fold(text)):
        word = match.group().replace("’", "'").removesuffix("'s").replace("'", "")
        if not word.isascii() and _UNSPACED.search(word):
            found.extend(_split_unspaced(word))
        elif word:
            found.append(_NUMBERS.get(word, word))
    return found


def _split_unspaced(word: str) -> list[str]:
    parts: list[str] = []
    latin = ""
    for char in word:
        if _UNSPACED.match(char):
            if latin:
                parts.append(latin)
                latin = ""
            parts.append(char)
        else:
            latin += char
    return [*parts, latin] if latin else parts


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """Take off the commonest English endings, so that `driving`, `drives` and `drive` meet. Others stay as they are."""
    if len(word) <= 3 or not word.isascii() or not word.isalpha():
        return word
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif re.search(r"(?:ss|x|ch|sh|z)es$", word):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        base = word.removesuffix(ending)
        if base != word and len(base) >= 3 and re.search(r"[aeiouy]", base):
            word = base[:-1] if base[-1] == base[-2] and base[-1] not in "lsz" else base
            break
    if word.endswith("e") and len(word) > 3:
        word = word[:-1]
    return word[:-1] + "i" if word.endswith("y") and len(word) > 3 else word


def stems(text: str) -> list[str]:
    """The stems of all words of `text`, in order, stop words included."""
    return [stem(word) for word in tokens(text)]


def content_terms(text: str, *, drop: Iterable[str] = ASKING_WORDS) -> tuple[str, ...]:
    """The distinct stems that say what is looked for, in order.

    Words of `drop` go unless nothing else remains; so do stop words, so that "to be or not to be" is still a query.
    """
    words = tokens(text)
    dropped = frozenset(drop)
    stop = STOP_WORDS | function_words(language_of(text, words, STOP_WORDS))
    for excluded in (stop | dropped, stop, frozenset[str]()):
        kept = dict.fromkeys(stem(word) for word in words if word not in excluded)
        if kept:
            return tuple(kept)
    return ()


def squash(text: str) -> str:
    """Letters and digits alone: screen text is often read without its spaces."""
    return "".join(_SOLID.findall(fold(text)))


def contains_phrase(text: str, phrase: str) -> bool:
    """Whether the words of `phrase` stand in `text` one after another (unstemmed)."""
    wanted = tokens(phrase)
    have = tokens(text)
    if not wanted:
        return False
    return any(have[i : i + len(wanted)] == wanted for i in range(len(have) - len(wanted) + 1))
