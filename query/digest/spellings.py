"""One name written in several ways: a recogniser hears "Catherine Jonson" where the slide has "Katherine Johnson".

Only ways to write the same sound are taken for the same: every vowel that is heard stays, so Maria is not Mario, Simon
not Simone, Miller not Muller. Names that stand in one line side by side are of two persons, however alike they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from query.texts.words import fold

SHORT = 6
"""Letters under which a single word ("Jon", "John") may well be another person's name."""

_C_SOFT = re.compile(r"c(?=[eiy])")
_C_HARD = re.compile(r"ch(?=[lr])|ck|c(?!h)|q(?!u)")
_SILENT_H = re.compile(r"(?<!^)(?<![cs])h")
_ALIKE = (("sch", "sh"), ("ph", "f"), ("th", "t"), ("dt", "t"), ("qu", "kw"), ("x", "ks"), ("tz", "z"))
_VOWELS = (("ey", "ai"), ("ei", "ai"), ("ay", "ai"), ("ie", "i"), ("y", "i"))
_ONE = str.maketrans("zv", "sf")


def spelling_key(name: str) -> str:
    """What all usual ways to write a name have in common: "Meyer" and "Maier", "Sophia" and "Sofia"."""
    return " ".join(_word_key(word) for word in re.findall(r"[^\W_]+", fold(name)))


def _word_key(word: str) -> str:
    for written, alike in _ALIKE:
        word = word.replace(written, alike)
    word = _SILENT_H.sub("", _C_HARD.sub("k", _C_SOFT.sub("s", word)))
    for written, alike in _VOWELS:
        word = word.replace(written, alike)
    return re.sub(r"(.)\1+", r"\1", word.translate(_ONE))


def may_be_one(name: str) -> bool:
    """Whether a name says enough that another way to write it is the same name."""
    return " " in name or len(name) >= SHORT


@dataclass(frozen=True, slots=True)
class Spellings:
    """Names as they are to be written.

    Attributes:
        standard: other ways to write a name, to the one that counts; the longest first.
    """

    standard: Mapping[str, str]

    @classmethod
    def of(cls, names: Iterable[tuple[str, Iterable[str]]]) -> Spellings:
        """From names with all ways in which each was found."""
        found = {form: name for name, forms in names for form in forms if fold(form) != fold(name)}
        return cls(dict(sorted(found.items(), key=lambda item: -len(item[0]))))

    def apply(self, text: str) -> str:
        """A text with every name written in the one way."""
        for form, name in self.standard.items():
            if form in text:
                text = re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", lambda _, name=name: name, text)  # type: ignore[misc]
        return text
