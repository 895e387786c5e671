"""`python -m bench.answers`: whether extractive answers cite the right places, and stay silent in the wrong library."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from bench.evaluation.benchmark import Task, prepare
from bench.evaluation.corpus import BenchQuery
from bench.evaluation.corpus_library import CorpusLibrary
from bench.evaluation.history import made_with
from bench.evaluation.kept import KeptRows
from bench.evaluation.ranking import is_hit
from bench.evaluation.runs import evenly
from query.service import AskRequest, QueryService, SearchRequest
from reelseek.answers import Answer
from reelseek.records import JsonObject
from reelseek.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class Marked:
    """One answer against the truth.

    Attributes:
        found: whether the first moment of the search alone is a hit, with nothing cut off.
        answered: whether it did not abstain.
        right: for each citation whether it overlaps a relevant range.
        covered: the share of relevant ranges that a citation overlaps.
    """

    found: bool
    answered: bool
    right: tuple[bool, ...]
    covered: float


def measure(
    task: Task, settings: Settings, cache: Path, wrong: Task | None = None, out: Path | None = None
) -> JsonObject:
    """Ask the questions of a benchmark, of its own library and of another one.

    Args:
        task: which questions.
        wrong: another benchmark, whose library (that of its split) answers none of them.
        out: keeps each answer as it comes; a run that was stopped goes on where it was.

    Returns:
        Shares, 0 to 1. `first_right`: answers whose first citation overlaps an annotated span; `precision`: citations
        that do; `recall`: annotated spans that a citation overlaps; each over the questions that were answered, and
        `*_of_all` over all of them.

    Raises:
        Conflict: `out` is of a run with other settings, engines or data.
    """
    ready = prepare(replace(task, limit=0), settings, cache)
    queries = evenly([query for query in ready.queries if query.relevant and query.query], task.limit)
    with ExitStack() as opened:
        service = opened.enter_context(ready.library.open(settings))
        folder = Path(opened.enter_context(TemporaryDirectory()))
        kept = opened.enter_context(KeptRows(out or folder / "answers.jsonl", _made_with(service, task, wrong)))
        for query in queries:
            if f"own {query.query_id}" not in kept.rows:
                marked = _mark(service, ready.library, query)
                kept.keep({"id": f"own {query.query_id}", **asdict(marked)})
        if wrong is not None:
            strangers = opened.enter_context(prepare(wrong, settings, cache).library.open(settings))
            for query in queries:
                if f"wrong {query.query_id}" not in kept.rows:
                    answered = not strangers.ask(AskRequest(query.query)).abstained
                    kept.keep({"id": f"wrong {query.query_id}", "answered": answered})
    figures: JsonObject = {"bench": task.folder.name, "split": task.split, "questions": len(queries)}
    figures |= _figures([_marked(kept.rows[f"own {query.query_id}"]) for query in queries])
    if wrong is not None:
        false = _mean(kept.rows[f"wrong {query.query_id}"]["answered"] for query in queries)
        figures["answered_in_wrong_library"] = round(false, 4)
    return figures


def _made_with(service: QueryService, task: Task, wrong: Task | None) -> JsonObject:
    """What decides the answers, but for the code."""
    engines, settings = made_with(service)
    other = (wrong.folder.name, wrong.split) if wrong is not None else (None, None)
    data = {"bench": task.folder.name, "split": task.split, "wrong": other[0], "wrong split": other[1]}
    return data | {f"engine of {kind}": name for kind, name in engines.items()} | settings


def _marked(row: JsonObject) -> Marked:
    return Marked(row["found"], row["answered"], tuple(row["right"]), row["covered"])


def _mark(service: QueryService, library: CorpusLibrary, query: BenchQuery) -> Marked:
    best = service.search(SearchRequest(query.query, k=1, min_confidence=0.0)).moments
    found = bool(best) and library.names[best[0].video_id] == query.video_id
    answer: Answer = service.ask(AskRequest(query.query))
    cited = [(library.names[item.video_id], item.start, item.end) for item in answer.citations]
    meets = [
        [video == query.video_id and min(end, b) >= max(start, a) for a, b in query.relevant]
        for video, start, end in cited
    ]
    return Marked(
        found and any(is_hit((best[0].start, best[0].end), truth) for truth in query.relevant),
        not answer.abstained,
        tuple(any(row) for row in meets),
        _mean(any(row[at] for row in meets) for at in range(len(query.relevant))),
    )


def _figures(marked: Sequence[Marked]) -> JsonObject:
    answered = [item for item in marked if item.answered]
    figures = {
        "retrieval_R@1": _mean(item.found for item in marked),
        "answered": _mean(item.answered for item in marked),
        "retrieval_R@1_where_answered": _mean(item.found for item in answered),
        "first_right": _mean(bool(item.right) and item.right[0] for item in answered),
        "first_right_of_all": _mean(bool(item.right) and item.right[0] for item in marked),
        "precision": _mean(right for item in answered for right in item.right),
        "recall": _mean(item.covered for item in answered),
        "recall_of_all": _mean(item.covered for item in marked),
    }
    return {name: round(value, 4) for name, value in figures.items()}


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.answers", description=__doc__)
    parser.add_argument("--bench", type=Path, required=True, metavar="DIR")
    parser.add_argument("--split", default="")
    parser.add_argument("--wrong", type=Path, metavar="DIR", help="another benchmark, whose library answers nothing")
    parser.add_argument("--wrong-split", default="", help="of its library only what this split is searched in")
    parser.add_argument("--limit", type=int, default=0, help="most questions, evenly picked; 0 asks all")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="keeps each answer; a stopped run goes on where it was"
    )
    parser.add_argument("--cache", type=Path, required=True, metavar="DIR", help="where indexed corpora are kept")
    parser.add_argument("--json", type=Path, metavar="FILE")
    wanted = parser.parse_args()
    settings = load_settings({"engines": {"vlm": "off"}})
    task = Task(wanted.bench, wanted.split, limit=wanted.limit)
    wrong = Task(wanted.wrong, wanted.wrong_split) if wanted.wrong is not None else None
    figures = measure(task, settings, wanted.cache, wrong, wanted.out)
    table = Table("extractive answers", f"{figures['bench']} {figures['split']}")
    for name, value in figures.items():
        table.add_row(name, str(value))
    Console().print(table)
    if wanted.json:
        wanted.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
