"""Whether what an answer claims is what its evidence says.

A claim is a sentence. It is supported when its words stand in the evidence (quote overlap) or a sentence of it means
the same (the sentence engine), and when its numbers are there and no "not" was added or lost on the way. Sentence
vectors alone take "it is safe" and "it is not safe" for the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from query.encoders import Encoders
from query.texts.numbers import is_number, numbers_in
from query.texts.scale import SentenceScale, WordStatistics
from query.texts.words import content_terms, fold, stems, tokens
from reelseek.records import Vector

CITED = re.compile(r"\s*\[(\d{1,4}(?:\s*[,;]\s*\d{1,4})*)\]")
"""A citation with the space before it."""

_END = re.compile(r"(?<=[.!?…])[\"”’)]*(?:\s*\[[\d\s,;]+\])*\s+(?=\S)|\n+")
_NO = """
not no never none nobody nothing neither nor without cannot cant dont doesnt didnt isnt arent wasnt wont
"""
_NEGATIONS = frozenset(_NO.split())
_QUOTED = 0.65
_SHARED = 0.35  # nearness alone takes a dragon that eats bread for bread that is eaten
_AMONG = 200
_CONTEXT = 2
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+")
_NUMBERED = re.compile(r"(?:^|\n)\s*\d{1,2}[.)]\s+$")
_TIME = re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?\b")


class Support(StrEnum):
    """What a claim rests on."""

    QUOTED = "quoted"
    SIMILAR = "similar"
    JUDGED = "judged"
    SEEN = "seen"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an answer.

    Attributes:
        text: without citations and bullet.
        written: as it stands in the answer, without citations.
        cited: the numbers that it cites.
        gap: the white space behind it.
    """

    text: str
    written: str
    cited: tuple[int, ...]
    gap: str = ""

    @property
    def claims(self) -> bool:
        """Whether it says anything that could be wrong: a heading, "Here is what was found:", does not."""
        return not self.text.endswith(":") and len(content_terms(self.text)) > 1


def sentences_of(answer: str) -> list[Sentence]:
    """An answer's sentences, in order; citations behind a full stop belong to the sentence before it."""
    found: list[Sentence] = []
    start = 0
    ends = [match.end() for match in _END.finditer(answer) if not _NUMBERED.search(answer[: match.end()])]
    for end in [*ends, len(answer)]:
        piece = answer[start:end]
        start = end
        body = piece.rstrip()
        numbers = [int(number) for group in CITED.findall(body) for number in re.findall(r"\d+", group)]
        written = CITED.sub("", body).strip(" ")
        text = _BULLET.sub("", written).strip()
        if text:
            found.append(Sentence(text, written, tuple(dict.fromkeys(numbers)), piece[len(body) :]))
        elif found:
            last = found[-1]
            found[-1] = replace(last, cited=tuple(dict.fromkeys((*last.cited, *numbers))), gap=piece[len(body) :])
    return found


@dataclass(frozen=True, slots=True)
class Checker:
    """Checks claims against lines of evidence.

    Attributes:
        words: which words are rare in this library.
        encode: the sentence engine, texts to `(n, d)`; None checks words alone.
        bank: its reference vectors, by which its cosines are judged.
    """

    words: WordStatistics
    encode: Callable[[Sequence[str]], Vector] | None = None
    bank: Vector | None = None

    @classmethod
    def over(cls, words: WordStatistics, encoders: Encoders, *, meaning: bool) -> Checker:
        """A checker with the library's words and, where lines are indexed by meaning, its sentence engine."""
        return cls(words, encoders.sentences, encoders.sentence_bank()) if meaning else cls(words)

    def support(self, claim: str, lines: Sequence[str]) -> Support | None:
        """How `lines`, which stand in order of time, support a claim; None where they do not."""
        if not lines or not numbers_in(_TIME.sub(" ", claim)) <= numbers_in(" ".join(lines)):
            return None
        terms = _terms(claim)
        stretches = [" ".join(lines[max(0, at - _CONTEXT + 1) : at + 1]) for at in range(len(lines))]
        best = max(stretches, key=lambda text: self._overlap(terms, text))
        if self._overlap(terms, best) >= _QUOTED and _same_polarity(claim, best):
            return Support.QUOTED
        if self.encode is not None and self.bank is not None:
            vectors = self.encode([claim, *lines])
            scale = SentenceScale.of(vectors[0], self.bank, max(_AMONG, len(lines)))
            cosines = (vectors[1:] @ vectors[0]).tolist()
            at = max(range(len(lines)), key=lambda number: cosines[number])
            shared = self._overlap(terms, " ".join(lines[max(0, at - 1) : at + 2]))
            if shared >= _SHARED and scale.confidence(cosines[at]) >= 0.5 and _same_polarity(claim, lines[at]):
                return Support.SIMILAR
        return None

    def best(self, claim: str, lines: Sequence[str]) -> int:
        """Which of the lines, of which there is at least one, says most of what is claimed."""
        terms = _terms(claim)
        return max(range(len(lines)), key=lambda at: self._overlap(terms, lines[at]))

    def _overlap(self, terms: Sequence[str], text: str) -> float:
        """The share of the claim's weight that stands in a text, 0 to 1."""
        return self.words.coverage(terms, set(stems(text)))


def _terms(claim: str) -> list[str]:
    """The words that must stand in the evidence; numbers are compared apart, as they are written in many ways."""
    words = tokens(" ".join(word for word in re.findall(r"[^\W_]+", fold(claim)) if not is_number(word)))
    return list(content_terms(" ".join(words))) or list(content_terms(claim))


def _same_polarity(claim: str, evidence: str) -> bool:
    """Whether both or neither negate."""
    denied = bool(_NEGATIONS & set(tokens(claim)))
    if not denied:  # evidence of several sentences may well hold a "not" that is none of the claim's
        short = len(tokens(evidence)) <= 2 * len(tokens(claim)) + 4
        return not (short and _NEGATIONS & set(tokens(evidence)))
    return bool(_NEGATIONS & set(tokens(evidence)))
