"""The question files of long-video benchmarks: multiple choice, each question about one video.

LongVideoBench (Wu et al., 2024), Video-MME (Fu et al., 2024), MLVU (Zhou et al., 2024) and LVBench (Wang et al., 2024),
as their authors publish them. The form is told from the first row.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.evaluation.corpus import rows
from bench.evaluation.formats.common import broken, read_json
from query.answering.choosing import option_named
from query.answering.prompts import letter
from reelseek.errors import InvalidRequest, NotFound

_CLOCK = re.compile(r"\d+(?::\d+(?:\.\d+)?)+")
_LETTERED = re.compile(r"(?<!\S)\(([A-Z])\)\s*")
_LENGTHS = ((120.0, "up to 2 min"), (900.0, "2 to 15 min"), (3600.0, "15 to 60 min"))

_Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """A multiple-choice question about one video.

    Attributes:
        question_id: no two of a file have the same.
        names: what the file of its video may be called, with an ending or without; the likeliest first.
        options: without their letters; at least two.
        correct: the right option, from 0; None where the file does not tell it.
        groups: what its score is told by: `{"duration": ("short",), "type": ("Counting Problem",)}`.
        reference: the stretch of the video (s) that answers it; None where the file does not tell it.
    """

    question_id: str
    names: tuple[str, ...]
    question: str
    options: tuple[str, ...]
    correct: int | None
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reference: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class QuestionFile:
    """A benchmark's questions, in the order of its file."""

    form: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class _Form:
    """How a benchmark writes its questions.

    Attributes:
        keys: those of a row by which it is known.
        read: takes a row and its number, from 0.
    """

    name: str
    keys: tuple[str, ...]
    read: Callable[[_Row, int], Iterator[Question]]


def read_questions(path: Path) -> QuestionFile:
    """Read a question file: JSON, JSON lines or Parquet.

    Raises:
        NotFound: there is no such file.
        InvalidRequest: its form is not known, or a row is broken; the message says what was seen, and where.
    """
    try:
        found = _rows(path)
    except InvalidRequest as error:
        raise InvalidRequest(error.message, hint=_known()) from error
    form = _form_of(path, found)
    questions: list[Question] = []
    for number, (where, row) in enumerate(found):
        with broken(where):
            for question in form.read(row, number):
                if len(question.options) < 2:
                    raise ValueError(f"question {question.question_id} has fewer than two options")
                questions.append(question)
    again = [name for name, count in Counter(question.question_id for question in questions).items() if count > 1]
    if again:
        raise InvalidRequest(f"{path.name} has {len(again)} ids more than once, for example {again[0]!r}.")
    return QuestionFile(form.name, tuple(questions))


def _rows(path: Path) -> list[tuple[str, _Row]]:
    if path.suffix.lower() == ".parquet":
        content: Any = _parquet(path)
    else:
        try:
            content = read_json(path)
        except InvalidRequest:
            if path.read_bytes().lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
                raise
            return list(rows(path))
    listed = content if isinstance(content, list) else [content]
    return [(f"{path.name}, row {number}", row) for number, row in enumerate(listed, start=1)]


def _parquet(path: Path) -> list[_Row]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        found: list[_Row] = parquet.read_table(path).to_pylist()
    except FileNotFoundError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror or error}.") from error
    except (OSError, pa.ArrowException) as error:
        raise InvalidRequest(f"{path} is no Parquet file: {error}.") from error
    return found


def _form_of(path: Path, found: Sequence[tuple[str, _Row]]) -> _Form:
    hint = _known()
    if not found:
        raise InvalidRequest(f"{path.name} holds no questions.", hint=hint)
    first = found[0][1]
    if not isinstance(first, dict):
        raise InvalidRequest(f"The first row of {path.name} is no JSON object but {str(first)[:60]!r}.", hint=hint)
    for form in _FORMS:
        if set(form.keys) <= set(first):
            return form
    seen = ", ".join(list(first)[:12]) or "nothing"
    raise InvalidRequest(f"{path.name} is in no form that is known: its first row holds {seen}.", hint=hint)


def _known() -> str:
    forms = "; ".join(f"{form.name} ({', '.join(form.keys)})" for form in _FORMS)
    return f"Known are JSON, JSON lines and Parquet whose rows hold: {forms}."


def _longvideobench(row: _Row, _: int) -> Iterator[Question]:
    options = tuple(map(str, row["candidates"]))
    correct = row.get("correct_choice")
    at = None if correct is None or int(correct) < 0 else int(correct)
    if at is not None and at >= len(options):
        raise ValueError(f"its right answer is option {at} of {len(options)}, counted from 0")
    groups = {
        "duration": _group(f"up to {row['duration_group']} s" if row.get("duration_group") else None),
        "type": _group(row.get("question_category")),
    }
    names = _names(row, "video_path", "video_id")
    yield Question(str(row["id"]), names, str(row["question"]), options, at, groups)


def _video_mme_videos(row: _Row, number: int) -> Iterator[Question]:
    for question in row["questions"]:
        yield from _video_mme({**row, **question}, number)


def _video_mme(row: _Row, _: int) -> Iterator[Question]:
    """A row of the published table, or a question of the JSON that its scorer takes, which names some things anew."""
    options = _without_letters(row.get("options") or row["choices"])
    groups = {
        "duration": _group(row.get("duration") or row.get("duration_category")),
        "type": _group(row.get("task_type")),
        "domain": _group(row.get("domain") or row.get("video_category")),
    }
    names = _names(row, "videoID", "video_id")
    correct = _by_letter(row.get("answer"), options)
    yield Question(str(row["question_id"]), names, str(row["question"]), options, correct, groups)


def _mlvu(row: _Row, number: int) -> Iterator[Question]:
    """Its dev set has no ids: there the place in the file is one."""
    options = tuple(map(str, row["candidates"]))
    groups = {"duration": _length(row.get("duration")), "type": _group(row.get("question_type"))}
    question_id = str(row.get("question_id", number))
    correct = _by_text(row.get("answer"), options)
    yield Question(question_id, _names(row, "video"), str(row["question"]), options, correct, groups)


def _lvbench(row: _Row, _: int) -> Iterator[Question]:
    minutes = (row.get("video_info") or {}).get("duration_minutes")
    for item in row["qa"]:
        question, options = _taken_apart(str(item["question"]))
        groups = {
            "duration": _length(None if minutes is None else 60 * float(minutes)),
            "type": _group(item.get("question_type")),
            "genre": _group(row.get("type")),
        }
        correct = _by_letter(item.get("answer"), options)
        reference = _reference(item.get("time_reference"))
        yield Question(str(item["uid"]), _names(row, "key"), question, options, correct, groups, reference)


_FORMS = (
    _Form("LongVideoBench", ("video_path", "candidates"), _longvideobench),
    _Form("Video-MME", ("video_id", "questions"), _video_mme_videos),
    _Form("Video-MME", ("videoID", "options"), _video_mme),
    _Form("MLVU", ("video", "candidates"), _mlvu),
    _Form("LVBench", ("key", "qa"), _lvbench),
)


def _names(row: _Row, *keys: str) -> tuple[str, ...]:
    names = tuple(str(row[key]) for key in keys if row.get(key))
    if not names:
        raise KeyError(keys[0])
    return names


def _group(value: Any) -> tuple[str, ...]:
    """The names of what a question belongs to; LVBench gives some questions several types."""
    return tuple(map(str, value if isinstance(value, list) else [value])) if value else ()


def _length(seconds: Any) -> tuple[str, ...]:
    if seconds is None:
        return ()
    return (next((name for most, name in _LENGTHS if float(seconds) <= most), "over 60 min"),)


def _without_letters(options: Iterable[Any]) -> tuple[str, ...]:
    """`["A. One.", "B. Two."]` as `("One.", "Two.")`; options that are not all lettered stay as they are."""
    texts = [str(option).strip() for option in options]
    marks = [re.match(rf"\(?{letter(at)}[.):]\s*", text) for at, text in enumerate(texts)]
    return tuple(text[mark.end() :] if mark and all(marks) else text for text, mark in zip(texts, marks, strict=True))


def _taken_apart(text: str) -> tuple[str, tuple[str, ...]]:
    """A question with its options behind it, `What? (A) One (B) Two`, as both."""
    marks: list[re.Match[str]] = []
    for mark in _LETTERED.finditer(text):
        if mark.group(1) == letter(len(marks)):
            marks.append(mark)
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    options = tuple(text[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=False))
    return text[: marks[0].start() if marks else None].strip(), options


def _by_letter(answer: Any, options: Sequence[str]) -> int | None:
    if not answer:
        return None
    at = option_named(str(answer), len(options))
    if at is None:
        raise ValueError(f"its right answer is {answer!r}, and it has {len(options)} options")
    return at


def _by_text(answer: Any, options: Sequence[str]) -> int | None:
    if answer in (None, ""):
        return None
    texts = [" ".join(option.split()) for option in options]
    told = " ".join(str(answer).split())
    if told not in texts:
        raise ValueError(f"its right answer, {told!r}, is none of its options")
    return texts.index(told)


def _reference(text: Any) -> tuple[float, float] | None:
    """`01:15-01:20`, or one time, as seconds; None where no time can be read from it."""
    times = [
        sum(float(part) * 60**place for place, part in enumerate(reversed(time.split(":"))))
        for time in _CLOCK.findall(str(text or ""))
    ]
    return (min(times), max(times)) if times else None
