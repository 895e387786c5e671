"""Deep mode without a model: a question taken into its parts, each asked in several ways."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace

from query.answering.asked import EXTRACTIVE
from query.deep.agent import OnStep
from query.requests import AskRequest
from query.service import QueryService
from query.texts.words import ASKING_WORDS, STOP_WORDS, content_terms, fold
from reelseek.answers import Answer, Citation, Step

_BETWEEN = re.compile(r"\bbetween\s+(?P<one>.+?)\s+and\s+(?P<other>.+?)[?.!]*$", re.I)
_JOINTS = (
    r";\s*",
    r",?\s*\band\s+(?=(?:what|when|where|who|why|how|which)\b)",
    r"\bversus\b",
    r"\bvs\.?\s",
    r"\bcompared\s+(?:to|with)\b",
)
_PARTS = re.compile(rf"\s*(?:{'|'.join(_JOINTS)})\s*", re.I)
_MOST = 4


def run_planner(service: QueryService, request: AskRequest, steps: int, on_step: OnStep | None = None) -> Answer:
    """Answer as far as parts of the question have answers; abstain where none has."""
    if request.options:  # they are of the whole question, not of its parts
        return service.ask(replace(request, stream=None))
    taken: list[Step] = []
    answers: list[Answer] = []
    abstained: Answer | None = None
    for part in parts_of(request.question):
        for words in phrasings(part):
            if len(taken) >= steps:
                break
            begun = time.monotonic()
            answer = service.ask(replace(request, question=words, stream=None))
            told = answer.answer[:400]
            spent = round(time.monotonic() - begun, 3)
            taken.append(Step(len(taken) + 1, "ask", {"question": words}, "", told, spent, 0))
            if on_step is not None:
                on_step(taken[-1])
            if not answer.abstained:
                answers.append(answer)
                break
            abstained = abstained or answer
    if not answers and abstained is not None:
        return replace(abstained, question=request.question, steps=tuple(taken))
    return joined(request.question, answers, taken)


def parts_of(question: str) -> list[str]:
    """A question of several parts as several: "What is A, and when is B?", "the difference between A and B"."""
    if match := _BETWEEN.search(question):
        return [match.group("one"), match.group("other")]
    parts = [part.strip(" ?.!") for part in _PARTS.split(question)]
    return [part for part in parts if content_terms(part)][:_MOST] or [question]


def phrasings(part: str) -> list[str]:
    """A part as it is, then its content words alone: a recogniser spells the small words in many ways."""
    words = [word for word in re.findall(r"[^\W_]+", fold(part)) if word not in STOP_WORDS | ASKING_WORDS]
    return list(dict.fromkeys(filter(None, (part, " ".join(words)))))


def joined(question: str, answers: Sequence[Answer], steps: Sequence[Step]) -> Answer:
    """The answers to the parts, one below the other, their citations numbered anew."""
    citations: list[Citation] = []
    texts: list[str] = []
    for answer in answers:
        numbers: dict[int, int] = {}
        for number, citation in enumerate(answer.citations, start=1):
            if citation not in citations:
                citations.append(citation)
            numbers[number] = citations.index(citation) + 1
        texts += [line for line in _renumbered(answer.answer, numbers).splitlines() if line not in texts]
    moments = tuple(dict.fromkeys((item.video_id, item.start, item.end) for each in answers for item in each.moments))
    by_place = {(item.video_id, item.start, item.end): item for each in answers for item in each.moments}
    notes = tuple(dict.fromkeys(note for answer in answers for note in answer.notes))
    return Answer(
        question,
        "\n".join(texts),
        False,
        EXTRACTIVE,
        tuple(citations),
        tuple(by_place[place] for place in moments),
        notes,
        steps=tuple(steps),
    )


def _renumbered(text: str, numbers: dict[int, int]) -> str:
    return re.sub(r"\[(\d+)\]", lambda match: f"[{numbers[int(match.group(1))]}]", text)
