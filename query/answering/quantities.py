"""Numbers and times that are asked for: "how many tests passed?" is answered where a number stands beside such words.

A search looks for what a question says. The line that answers "How often does the bus to the station come?" also has
something that no question says: a number, a unit, a weekday. Where one line of the library has that beside the
question's words, and what was found does not, it is the answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from query.answering.asked import TEXTS
from query.planning.plan import Plan
from query.ranking.runs import Run
from query.source import Line, Source
from query.texts.numbers import is_number
from query.texts.words import content_terms, fold, stems, tokens
from reelseek.records import Channel
from reelseek.results import Contribution, Evidence

LEAST = 0.65
"""Share of a question's words, by their weight, that a line with its neighbours and its video's title must have."""

_SAID = 0.3
_CANDIDATES, _TITLES, _READ = 40, 10, 6
_ONE = frozenset(("one", "1"))
_AROUND = 8.0
_COMPOUND = 4
_NEAR = 2


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TIME_UNITS = _words(
    "second seconds minute minutes hour hours day days night nights week weeks month months year years"
)
_MONEY = _words("dollar dollars euro euros pound pounds cent cents yen francs")
_LENGTHS = _words(
    "millimetre millimetres centimetre centimetres metre metres meter meters kilometre kilometres kilometer kilometers "
    "mile miles foot feet inch inches mm cm km"
)
_DEGREES = _words("degree degrees celsius fahrenheit")
_OFTEN = re.compile(r"\b(?:every|each|once|twice|hourly|daily|weekly|monthly|yearly|annually)\b|\btimes\b")
_DATED = re.compile(
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|spring|summer|autumn|winter|holidays?|weekends?|tomorrow|yesterday"
    r"|morning|noon|midday|afternoon|evening|midnight|o'?clock|(?:next|last|this)\s+(?:week|month|year))\b"
    r"|\b\d{1,2}:\d{2}\b|\b(?:1[5-9]|20)\d{2}\b|\b\d{1,2}\s*(?:am|pm)\b"
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of quantity: how it is asked for, which of the question's words mean it, and which lines have one."""

    asked: re.Pattern[str]
    means: frozenset[str]
    has: Callable[[str, Sequence[str]], bool]


def _numbered(units: frozenset[str]) -> Callable[[str, Sequence[str]], bool]:
    """A number with one of these units behind it."""

    def has(text: str, _: Sequence[str]) -> bool:
        words = tokens(text)
        return any(is_number(word) and units & set(words[at + 1 : at + 1 + _NEAR]) for at, word in enumerate(words))

    return has


def _counted(text: str, terms: Sequence[str]) -> bool:
    """A number beside one of the question's words: "14 passed", "forklifts = 3"."""
    words = stems(text)
    wanted = set(terms)
    return any(
        is_number(word) and word not in _ONE and wanted & set(words[max(0, at - _NEAR) : at + 1 + _NEAR])
        for at, word in enumerate(words)
    )


def _kind(asked: str, means: str, has: Callable[[str, Sequence[str]], bool]) -> _Kind:
    return _Kind(re.compile(rf"\b(?:{asked})\b", re.I), frozenset(stems(means)), has)


_KINDS = (
    _kind(r"how\s+often|how\s+frequently", "often frequently", lambda text, _: bool(_OFTEN.search(fold(text)))),
    _kind(r"how\s+(?:long|old)|what\s+age", "long old age take takes last", _numbered(_TIME_UNITS)),
    _kind(r"how\s+(?:hot|cold|warm)|what\s+temperature", "hot cold warm temperature", _numbered(_DEGREES)),
    _kind(r"how\s+(?:far|high|tall|wide|deep)", "far high tall wide deep", _numbered(_LENGTHS)),
    _kind(r"how\s+much\s+(?:money|does\s.*\bcost)|what\s.*\bprice", "money cost costs price", _numbered(_MONEY)),
    _kind(r"how\s+(?:many|much)", "", _counted),
    _kind(
        r"^\s*(?:when|what\s+(?:day|month|year|time)|which\s+(?:day|month|year))\s+(?:is|are|was|were|do|does|did|will|can)",
        "day month year time",
        lambda text, _: bool(_DATED.search(fold(text))),
    ),
)


def quantity_run(question: str, plan: Plan, best: Run | None, source: Source) -> Run | None:
    """The place of the number or the time that a question asks for; None where what was found may have it.

    Args:
        best: the best place that was found, if any is sure enough.
    """
    kind = next((kind for kind in _KINDS if kind.asked.search(question)), None)
    if kind is None or (kind.has is _counted and _seen(plan)):
        return None
    terms = [term for term in content_terms(question) if term not in kind.means]
    if not terms:
        return None
    titles = _titles(source, terms)
    if best is not None:
        found = source.lines_between(best.video_id, best.start, best.end, TEXTS)
        if any(kind.has(line.text, terms) and _support(line, terms, titles, source) >= LEAST for line in found):
            return None
    lines = source.lines_by_words(" ".join(terms), TEXTS, _CANDIDATES)
    typed = [line for line in lines if kind.has(line.text, terms)]
    typed.sort(key=lambda line: -_own(line, terms, titles, source))
    told = [(line, _support(line, terms, titles, source)) for line in typed[:_READ]]
    line, support = max(told, key=lambda item: item[1], default=(None, 0.0))
    if line is None or support < LEAST:
        return None
    shown = Evidence(line.channel, line.start, line.end, line.text, support)
    why = Contribution(line.channel, "words", 1, support, support, 1.0, support)
    return Run(
        line.video_id,
        line.start,
        line.end,
        line.channel,
        support,
        (shown,),
        {line.channel: support},
        support,
        contributions=(why,),
    )


def _seen(plan: Plan) -> bool:
    """Whether detected things are asked for, which are counted from their tracks."""
    return any(need.objects or need.facts for stage in plan.stages for need in stage.requirements)


def _titles(source: Source, terms: Sequence[str]) -> dict[str, frozenset[str]]:
    """Of videos in whose titles some of the words stand, these words."""
    lines = source.lines_by_words(" ".join(terms), (Channel.TITLE,), _TITLES)
    return {line.video_id: _matched(line.text, terms) for line in lines}


def _own(line: Line, terms: Sequence[str], titles: dict[str, frozenset[str]], source: Source) -> float:
    """How much of a question a line says with its video's title; nothing where the line itself says hardly any."""
    own, words = _matched(line.text, terms), source.statistics.words
    known = own | titles.get(line.video_id, frozenset())
    return words.coverage(terms, known) if words.coverage(terms, own) >= _SAID else 0.0


def _support(line: Line, terms: Sequence[str], titles: dict[str, frozenset[str]], source: Source) -> float:
    """How much of a question a line says, 0 to 1: with its video's title, and with what stands around it."""
    own = _own(line, terms, titles, source)
    if not own:
        return 0.0
    around = source.lines_between(line.video_id, line.start - _AROUND, line.end + _AROUND, TEXTS)
    known = titles.get(line.video_id, frozenset()).union(*(_matched(other.text, terms) for other in around))
    return 0.7 * source.statistics.words.coverage(terms, known) + 0.3 * own


def _matched(text: str, terms: Sequence[str]) -> frozenset[str]:
    """Which of the words stand in a text, also within longer ones: "pytest" has the tests of "how many tests"."""
    words = set(stems(text))
    return frozenset(
        term for term in terms if term in words or (len(term) >= _COMPOUND and any(term in word for word in words))
    )
