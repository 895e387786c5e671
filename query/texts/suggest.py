"""Completions of what is being typed: the library's own words, phrases and names, and the fields of the language."""

from __future__ import annotations

import heapq
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from index.reader import Scope, Snapshot
from library.records import VideoEntry
from query.language.terms import quoted
from query.source import primary
from query.texts.spelling import LEAST, SHORTEST, nearest
from query.texts.vocabulary import Kind, Name, Vocabulary, beginning, telling, words_of
from query.texts.words import STOP_WORDS, fold
from reelseek.records import Channel, Chapter

MAX_TEXT = 200
"""Characters of a query that is completed; nobody completes a longer one."""

LINES = 200_000
"""Lines that a vocabulary is read from; of a larger library, any that many."""

_CHAPTERS_OF = 500
_MOST = 50
_COMMON = 2
_FIELD_NAMES: dict[str, tuple[Kind, ...]] = {
    "said": ("word", "phrase"),
    "text": ("word", "phrase"),
    "seen": ("object", "word"),
    "object": ("object",),
    "speaker": ("speaker",),
    "video": ("title",),
    "chapter": ("chapter",),
    "tag": ("tag",),
    "lang": (),
    "sound": ("word",),
    "after": (),
    "before": (),
}
"""The fields that are offered, with what stands behind each."""

_TYPED = re.compile(
    rf"(?:^|(?<=[\s(\-|]))(?:(?P<field>{'|'.join(_FIELD_NAMES)}):)(?P<value>\"[^\"]*|\([^)]*|[^\s\"():]*)$",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*$")
_BEFORE = re.compile(r"([^\W_]+(?:['’][^\W_]+)*)\s+$")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One completion.

    Attributes:
        text: the whole query with it.
        shown: the part that is new or was completed.
        count: in how many lines or videos it occurs.
    """

    text: str
    shown: str
    kind: Kind
    count: int


def read_vocabulary(
    snapshot: Snapshot,
    entries: Iterable[VideoEntry],
    chapters: Callable[[VideoEntry], tuple[Chapter, ...]],
    video_ids: frozenset[str] | None,
) -> Vocabulary:
    """The vocabulary of what a snapshot shows; of some videos only where they are named."""
    scope = Scope(video_ids=video_ids)
    names: Counter[tuple[str, Kind]] = Counter()
    languages: Counter[str] = Counter()
    texts: list[str] = []
    for row in snapshot.rows("lines", scope, ("channel", "text", "speaker", "language"), LINES):
        if row["channel"] != Channel.TITLE:
            texts.append(row["text"])
        if row["speaker"]:
            names[row["speaker"], "speaker"] += 1
        if row["language"]:
            languages[primary(row["language"])] += 1
    for row in snapshot.rows("segments", scope, ("object_counts",), LINES):
        for label in json.loads(row["object_counts"] or "{}"):
            names[label, "object"] += 1
    for number, entry in enumerate(entries):
        names[entry.title, "title"] += 1
        for tag in entry.tags:
            names[tag, "tag"] += 1
        for chapter in chapters(entry) if number < _CHAPTERS_OF else ():
            names[chapter.title, "chapter"] += 1
    named = [Name(text, kind, count) for (text, kind), count in names.items()]
    titles = [name.text for name in named if name.kind in ("title", "chapter")]
    return Vocabulary.of((*texts, *titles), named, [language for language, _ in languages.most_common()])


def suggest(text: str, vocabulary: Vocabulary, limit: int) -> list[Suggestion]:
    """Completions of the last word or phrase of a query, the likeliest first; none for an empty or very long one."""
    if not text.strip() or len(text) > MAX_TEXT:
        return []
    typed = _TYPED.search(text)
    found = _in_field(text, typed, vocabulary) if typed else _plain(text, vocabulary)
    distinct: dict[str, Suggestion] = {}
    for item in found:
        if item.text != text.strip():
            distinct.setdefault(fold(item.text), item)
        if len(distinct) >= max(1, min(limit, _MOST)):
            break
    return list(distinct.values())


def _in_field(text: str, typed: re.Match[str], vocabulary: Vocabulary) -> Iterator[Suggestion]:
    """What can stand behind a field."""
    name, value = typed.group("field").lower(), typed.group("value")
    before, prefix = text[: typed.start("value")], fold(value.lstrip('"(')).strip()
    if name == "lang":
        for language in vocabulary.languages:
            if language.startswith(prefix):
                yield Suggestion(before + language, language, "tag", 1)
        return
    kinds = _FIELD_NAMES[name]
    for item in _names(prefix, vocabulary, kinds):
        yield Suggestion(before + quoted(item.text), item.text, item.kind, item.count)
    if "word" in kinds and prefix:
        for key, count in _words(prefix, vocabulary) if " " not in prefix else _pairs(prefix, vocabulary):
            written = vocabulary.written(key)
            yield Suggestion(before + quoted(written), written, "phrase" if " " in key else "word", count)


def _plain(text: str, vocabulary: Vocabulary) -> Iterator[Suggestion]:
    """Completions of plain words: what is commonest among words, phrases and names."""
    match = _PLAIN.search(text)
    if match is None:  # behind a space: what usually follows the last word
        last = _BEFORE.search(text)
        if last is not None:
            for key, count in _pairs(f"{fold(last.group(1))} ", vocabulary):
                following = vocabulary.written(key.partition(" ")[2])
                yield Suggestion(text + following, following, "phrase", count)
        return
    before, prefix = text[: match.start()], fold(match.group())
    last = _BEFORE.search(before)
    if last is not None:
        for key, count in _pairs(f"{fold(last.group(1))} {prefix}", vocabulary):
            following = vocabulary.written(key.partition(" ")[2])
            yield Suggestion(before + following, following, "phrase", count)
    ranked: list[tuple[int, str, Kind]] = [
        *((count, vocabulary.written(key), "word") for key, count in _words(prefix, vocabulary)),
        *((count, vocabulary.written(key), "phrase") for key, count in _pairs(prefix, vocabulary) if count >= _COMMON),
        *((item.count, item.text, item.kind) for item in _names(fold(text).strip(), vocabulary, _WHOLE)),
        *((item.count, item.text, item.kind) for item in _names(prefix, vocabulary, _PART)),
    ]
    ranked.sort(key=lambda item: (-item[0], len(item[1]), item[1]))
    for count, written, kind in ranked:
        whole = kind in _WHOLE
        yield Suggestion(written if whole else before + written, written, kind, count)
    for name in _FIELD_NAMES:
        if name.startswith(prefix):
            yield Suggestion(f"{before}{name}:", f"{name}:", "field", 0)
    if not ranked and len(prefix) >= SHORTEST and not vocabulary.knows(prefix):
        for near in nearest(prefix, vocabulary, 3):
            if near.similarity >= LEAST:
                yield Suggestion(before + near.instead, near.instead, "spelling", 1)


_WHOLE: tuple[Kind, ...] = ("title", "chapter", "tag")
_PART: tuple[Kind, ...] = ("object", "speaker")
"""Names that are a query of their own, and such as are a word of one."""


def _words(prefix: str, vocabulary: Vocabulary) -> list[tuple[str, int]]:
    found = ((key, vocabulary.words[key]) for key in beginning(vocabulary.sorted_words, prefix))
    telling_words = ((key, count) for key, count in found if key not in STOP_WORDS)
    return heapq.nlargest(_MOST, telling_words, key=lambda item: (item[1], -len(item[0])))


def _pairs(prefix: str, vocabulary: Vocabulary) -> list[tuple[str, int]]:
    found = ((key, vocabulary.pairs[key]) for key in beginning(vocabulary.sorted_pairs, prefix))
    return heapq.nlargest(_MOST, ((k, n) for k, n in found if telling(k)), key=lambda item: (item[1], -len(item[0])))


def _names(prefix: str, vocabulary: Vocabulary, kinds: tuple[Kind, ...]) -> list[Name]:
    """Names that begin with a prefix, or one of whose words does."""
    found = []
    for name in vocabulary.names:
        if name.kind not in kinds:
            continue
        folded = fold(name.text)
        if folded.startswith(prefix) or any(word.startswith(prefix) for word in words_of(name.text)):
            found.append(name)
            if len(found) >= _MOST:
                break
    return found
