"""Names and terms of a text, without a model: what is written with capitals in mid-sentence, what stands on screen.

A transcript without capitals (some recognisers write none) gives no names, and says nothing false.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from query.digest.material import Material, Passage
from query.digest.spellings import Spellings, may_be_one, spelling_key
from query.texts.scale import WordStatistics
from query.texts.words import ASKING_WORDS, STOP_WORDS, fold, stem
from reelseek.digests import Term
from reelseek.records import Channel

MOST = 24
"""Names, and terms, that are told."""

_TIMES = 8
_NAME = re.compile(r"(?:[A-ZÀ-ÖØ-Þ][\w’'-]*|[A-Z]{2,})(?:\s+(?:(?:of|the|de|von|van|der|la)\s+)?[A-ZÀ-ÖØ-Þ][\w’'-]*)*")
_STARTS = re.compile(r"(?:^|[.!?…:]\s+|[\"“„»(]\s*)$")
_WORD = re.compile(r"[^\W\d_][\w’'+#-]*")
_CALENDAR = """
monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september
october november december i okay ok yes yeah well hello mr mrs ms dr
"""
_COMMON = frozenset(_CALENDAR.split()) | STOP_WORDS


@dataclass(slots=True)
class _Found:
    """One name or term as it is gathered. `written`: as it stands on screen, where somebody knew how to write it."""

    forms: dict[str, int] = field(default_factory=dict)
    at: list[Passage] = field(default_factory=list)
    certain: int = 0
    written: str = ""

    def add(self, form: str, passage: Passage, certain: bool) -> None:
        self.forms[form] = self.forms.get(form, 0) + 1
        self.at.append(passage)
        self.certain += certain

    def join(self, other: _Found) -> None:
        """Take over another way to write it."""
        for form, count in other.forms.items():
            self.forms[form] = self.forms.get(form, 0) + count
        self.at += other.at
        self.certain += other.certain


def names(material: Material, words: WordStatistics) -> list[Term]:
    """People, places and things that are named: capitalised in mid-sentence at least once, or of several words."""
    found = _named(material.passages)
    kept = [item for item in found if item.certain]
    return _told(kept, "name", lambda item: len(item.at) * (1 + 0.5 * (" " in _form(item))), material, words)


def spellings(passages: Sequence[Passage]) -> Spellings:
    """How the names in some lines are to be written: as on screen, else in the commonest way."""
    return Spellings.of((_form(item), item.forms) for item in _named(passages))


def _named(passages: Sequence[Passage]) -> list[_Found]:
    """All that is named, each once, however it is written."""
    found: dict[str, _Found] = defaultdict(_Found)
    for passage in passages:
        if passage.channel is Channel.SPEECH and not passage.text.isupper():
            for form, certain in _names_in(passage.text):
                found[fold(form)].add(form, passage, certain)
    _merge_spellings(found, passages)
    _merge_parts(found)
    return list(found.values())


def _merge_spellings(found: dict[str, _Found], passages: Sequence[Passage]) -> None:
    """Join what is one name in several spellings, unless two of them stand in one line: those are two persons."""
    groups: dict[str, list[str]] = defaultdict(list)
    for key in found:
        if may_be_one(key):
            groups[spelling_key(key)].append(key)
    written = {
        spelling_key(form): form.title() if form.isupper() else form
        for passage in passages
        if passage.channel is Channel.SCREEN_TEXT
        for form, _ in _capitalised(passage.text)
    }
    for group, keys in groups.items():
        places = [passage for key in keys for passage in set(found[key].at)]
        if len(places) > len(set(places)):
            continue
        best = max(keys, key=lambda key: len(found[key].at))
        for key in keys:
            if key != best:
                found[best].join(found.pop(key))
        found[best].written = written.get(group, "")


def _names_in(text: str) -> Iterable[tuple[str, bool]]:
    """Capitalised words and whether they are so for certain not only because a sentence begins."""
    if sum(word[:1].isupper() for word in text.split()) > 0.6 * len(text.split()) > 2:
        return  # a heading in capitals tells nothing
    yield from _capitalised(text)


def _capitalised(text: str) -> Iterable[tuple[str, bool]]:
    for match in _NAME.finditer(text):
        form, begins = match.group().rstrip("’'-"), bool(_STARTS.search(text[: match.start()]))
        first, _, rest = form.partition(" ")
        if fold(first).split("'")[0] in _COMMON:
            form, begins = rest, False
        if len(form) > 1 and not {fold(form), fold(form).removesuffix("s")} & _COMMON:
            yield form, not begins or " " in form


def _merge_parts(found: dict[str, _Found]) -> None:
    """ "Maria" is "Maria Lopez" where only one name begins or ends with it."""
    for key in sorted(found, key=len):
        if " " in key:
            continue
        part = spelling_key(key)
        longer = [
            other for other in found if " " in other and found[other].certain and part in spelling_key(other).split()
        ]
        if len(longer) == 1:
            target = found[longer[0]]
            target.at += found[key].at
            del found[key]


def terms(material: Material, words: WordStatistics) -> list[Term]:
    """What stands on screen and is rare elsewhere, or is said as well: a glossary with its places."""
    found: dict[str, _Found] = defaultdict(_Found)
    spoken: dict[str, int] = defaultdict(int)
    for passage in material.passages:
        if passage.channel is Channel.SPEECH:
            for key in {_key(word) for word in _telling(passage.text)}:
                spoken[key] += 1
    for passage in material.passages:
        if passage.channel is not Channel.SCREEN_TEXT:
            continue
        telling = _telling(passage.text)
        for word in telling:
            found[_key(word)].add(word, passage, True)
        for first, second in pairwise(telling):
            if re.search(rf"{re.escape(first)}\s+{re.escape(second)}", passage.text):
                found[f"{_key(first)} {_key(second)}"].add(f"{first} {second}", passage, True)
    for key, item in list(found.items()):
        alone = sum(spoken[part] for part in key.split())
        if " " in key and len(item.at) + alone < 2:
            del found[key]
    for key in [key for key in found if " " not in key]:
        if any(key in other.split() and len(found[other].at) >= len(found[key].at) for other in found if " " in other):
            del found[key]  # the longer term says it

    def worth(item: _Found) -> float:
        key = [_key(word) for word in _form(item).split()]
        return sum(words.weight(part) for part in key) * (1 + min(3, sum(spoken[part] for part in key)))

    return _told(found.values(), "term", worth, material, words)


def _telling(text: str) -> list[str]:
    return [
        word
        for word in _WORD.findall(text)
        if len(word) > 2 and fold(word) not in _COMMON and fold(word) not in ASKING_WORDS
    ]


def _key(word: str) -> str:
    return stem(fold(word))


def _form(item: _Found) -> str:
    """As it stands on screen; else the commonest way to write it, of equals the longest."""
    return item.written or max(item.forms, key=lambda form: (item.forms[form], len(form)))


def _told(
    found: Iterable[_Found], kind: str, worth: Callable[[_Found], float], material: Material, words: WordStatistics
) -> list[Term]:
    best = sorted(found, key=lambda item: (-worth(item), item.at[0].start))[:MOST]
    return [
        Term(
            _form(item),
            "name" if kind == "name" else "term",
            len(item.at),
            tuple(dict.fromkeys((p.start, p.end) for p in sorted(item.at, key=lambda p: p.start)))[:_TIMES],
            _context(item, material, words),
        )
        for item in best
    ]


def _context(item: _Found, material: Material, words: WordStatistics) -> str:
    """The spoken sentence with this name or term that says most; of a term that is never said, nothing."""
    wanted = {_key(word) for word in _form(item).split()}
    said = [
        passage.text
        for passage in material.passages
        if passage.channel is Channel.SPEECH and wanted <= {_key(word) for word in _WORD.findall(passage.text)}
    ]
    return max(said, key=lambda text: _weight(text, words), default="")


def _weight(text: str, words: WordStatistics) -> float:
    telling = _telling(text)
    defines = bool(re.search(r"\b(?:is|are|means|called|refers)\b", text))
    return (sum(words.weight(_key(word)) for word in telling) / (len(telling) + 2)) * (1.5 if defines else 1.0)
