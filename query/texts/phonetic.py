"""How words sound, roughly: a key in which what a speech recogniser confuses is the same."""

from __future__ import annotations

import re

from query.texts.words import fold

_LETTERS = re.compile(r"[a-z]+")
_REPEATED = re.compile(r"(.)\1+")
_SOFT_C = re.compile(r"c(?=[eiy])")
_DIGRAPHS = (
    ("tion", "sn"),
    ("sch", "s"),
    ("tch", "s"),
    ("ph", "f"),
    ("gh", "g"),
    ("ch", "s"),
    ("sh", "s"),
    ("th", "t"),
    ("ck", "k"),
    ("qu", "kw"),
    ("x", "ks"),
    ("kn", "n"),
    ("wr", "r"),
)
_SOUNDS = str.maketrans(
    {**dict.fromkeys("bp", "p"), **dict.fromkeys("ckgq", "k"), **dict.fromkeys("dt", "t")}
    | {
        **dict.fromkeys("fv", "f"),
        **dict.fromkeys("szj", "s"),
        **dict.fromkeys("mn", "n"),
        **dict.fromkeys("hwyaeiou", ""),
    }
)


def sound_key(text: str) -> str:
    """How a word is heard, roughly: its consonants in classes that a recogniser confuses, vowels left out.

    Soundex's classes (R. C. Russell, US patent 1,261,167, 1918), finer and without its cut after four signs, so that
    two words run together: "kubernetes" and "cooper netties" are both `kprnts`.
    """
    word = "".join(_LETTERS.findall(fold(text)))
    word = _SOFT_C.sub("s", word)
    for letters, sound in _DIGRAPHS:
        word = word.replace(letters, sound)
    first = "a" if word[:1] in set("aeiou") else ""
    return first + _REPEATED.sub(r"\1", word.translate(_SOUNDS))
