"""Multiple-choice questions asked of the product, each in its own video, and how many of them it answers rightly."""

from __future__ import annotations

import hashlib
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from bench.evaluation.history import made_with
from bench.evaluation.moment_retrieval import id_of, ids_by_name
from bench.evaluation.predictions import Given, PredictionFile
from bench.evaluation.questions import Question, QuestionFile
from bench.evaluation.runs import percentile
from bench.evaluation.statistics import Interval, bootstrap
from library.records import VideoEntry
from query.answering.asked import EXTRACTIVE
from query.deep.answering import deep_answer
from query.service import AskRequest, QueryService
from reelseek.errors import InvalidRequest, NotFound
from reelseek.records import JsonObject
from workers.files import find_videos

_NOTES = 3


def videos_of(questions: Iterable[Question], entries: Iterable[VideoEntry]) -> dict[str, str]:
    """The product's id of each question's video, by the question's id; a question whose video is not indexed has none.

    Videos are found by file name, with or without its ending.
    """
    ids = ids_by_name(entries)
    found = {}
    for question in questions:
        if video_id := next(filter(None, (id_of(name, ids) for name in question.names)), None):
            found[question.question_id] = video_id
    return found


def files_of(questions: Iterable[Question], folder: Path) -> list[Path]:
    """The files in a folder and below that questions ask about, found as `videos_of` finds videos."""
    paths: dict[str, str] = {}
    for path in find_videos([folder]):
        for name in (path.name, path.stem):
            paths.setdefault(name, str(path))
    named = (next(filter(None, (id_of(name, paths) for name in question.names)), None) for question in questions)
    return [Path(path) for path in dict.fromkeys(filter(None, named))]


def run_made_with(service: QueryService, file: QuestionFile, *, deep: bool) -> JsonObject:
    """What decides how questions are answered: the questions themselves, the mode, the engines and the settings."""
    asked = hashlib.blake2b(digest_size=8)
    for question in file.questions:
        asked.update(repr((question.question_id, question.question, question.options)).encode("utf-8", "surrogatepass"))
    engines, settings = made_with(service)
    named = {f"engine of {kind}": name for kind, name in engines.items()}
    return {"form": file.form, "questions": asked.hexdigest(), "deep": deep, **named, **settings}


def answer_questions(
    service: QueryService,
    questions: Sequence[Question],
    videos: Mapping[str, str],
    predictions: PredictionFile,
    *,
    deep: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005
) -> None:
    """Ask what is not answered yet, with its options, in its own video.

    Args:
        videos: as of `videos_of`; questions without a video are passed over.
        predictions: open; it takes every answer as soon as it is there.
        deep: by the agent.
        progress: called with how many questions are done, and of how many.

    Raises:
        NotFound: there is no video for any of them.
    """
    if questions and not videos:
        raise NotFound(
            f"None of the videos is indexed, for example {questions[0].names[0]!r}.",
            hint="Index them (--videos DIR); they are found by their file names.",
        )
    left = [item for item in questions if item.question_id in videos and item.question_id not in predictions.given]
    if left:
        service.warm()
    for number, question in enumerate(left):
        progress(number, len(left))
        predictions.add(_ask(service, question, videos[question.question_id], deep=deep))
    progress(len(left), len(left))


def _ask(service: QueryService, question: Question, video_id: str, *, deep: bool) -> Given:
    request = AskRequest(question.question, video_ids=(video_id,), options=question.options)
    begun = time.perf_counter()
    try:
        answer = deep_answer(service, request) if deep else service.ask(request)
    except (InvalidRequest, NotFound) as error:  # this question cannot be asked; others can
        return Given(question.question_id, None, "", notes=(str(error),))
    took = round(time.perf_counter() - begun, 3)
    cited = tuple((round(item.start, 3), round(item.end, 3)) for item in answer.citations)
    return Given(question.question_id, answer.choice, answer.engine, cited, took, answer.notes)


def question_figures(file: QuestionFile, questions: Sequence[Question], given: Mapping[str, Given]) -> JsonObject:
    """How many answers are right, over all questions that were asked and by group; one without an answer is wrong.

    `floor` is what a random choice among the options gives on average. `cited`: of the answers to questions whose
    place in the video is known, the share whose first citation overlaps it. Each share with its 95 % interval.
    `n` are the questions that were asked and whose right answer is known.
    """
    asked = [question for question in questions if question.question_id in given]
    answers = [given[question.question_id] for question in asked]
    engines = Counter(answer.engine for answer in answers if answer.choice is not None)
    notes = Counter(note for answer in answers for note in answer.notes)
    groups: dict[str, dict[str, list[Question]]] = {}
    for question in asked:
        for kind, names in question.groups.items():
            for name in names:
                groups.setdefault(kind, {}).setdefault(name, []).append(question)
    times = [answer.seconds for answer in answers if answer.engine]
    return {
        "form": file.form,
        "questions": len(questions),
        "asked": len(asked),
        "without_video": len(questions) - len(asked),
        "answered": sum(engines.values()),
        "by_words": engines.pop(EXTRACTIVE, 0),
        "by_model": sum(engines.values()),
        "all": _scored(asked, given),
        "groups": {
            kind: {name: _scored(found, given) for name, found in sorted(by_name.items())}
            for kind, by_name in groups.items()
        },
        "cited": _cited(asked, given),
        "seconds": {"p50": statistics.median(times), "p95": round(percentile(times, 95), 3)} if times else {},
        "notes": dict(notes.most_common(_NOTES)),
    }


def _scored(questions: Iterable[Question], given: Mapping[str, Given]) -> JsonObject:
    known = [question for question in questions if question.correct is not None]
    right = bootstrap([float(given[question.question_id].choice == question.correct) for question in known])
    floor = sum(1 / len(question.options) for question in known) / max(1, len(known))
    return {"n": len(known), "accuracy": round(right.mean, 4), "interval": _ends(right), "floor": round(floor, 4)}


def _cited(questions: Iterable[Question], given: Mapping[str, Given]) -> JsonObject:
    met = []
    for question in questions:
        answer = given[question.question_id]
        if question.reference is not None and answer.choice is not None:
            start, end = question.reference
            met.append(float(any(first <= end and last >= start for first, last in answer.citations[:1])))
    share = bootstrap(met)
    return {"n": len(met), "share": round(share.mean, 4), "interval": _ends(share)}


def _ends(interval: Interval) -> list[float]:
    return [round(interval.low, 4), round(interval.high, 4)]
