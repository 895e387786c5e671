"""What `reelseek eval` measures on labelled queries, benchmarks, the demo and questions; one function each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cli.evaluation_output import Kept, shown_progress
from cli.evaluation_tables import (
    show_ablation,
    show_benchmark,
    show_format,
    show_judged,
    show_missed,
    show_questions,
)
from cli.indexing import index_with_progress
from cli.output import console, error_console, printable
from reelseek.errors import InvalidRequest
from reelseek.records import JsonObject
from reelseek.settings import Settings

if TYPE_CHECKING:
    from bench.evaluation.benchmark import Task


def run_bench(task: Task, settings: Settings, cache: Path, kept: Kept, *, ablation: bool) -> None:
    """A benchmark of timed texts: its figures, or its ablation table."""
    from bench.evaluation.ablation import ablate_benchmark
    from bench.evaluation.benchmark import run_benchmark
    from bench.evaluation.runs import write_run

    with shown_progress() as told:
        if ablation:
            figures = ablate_benchmark(task, settings, cache, told)
        else:
            figures, run = run_benchmark(task, settings, cache, told)
    if ablation:
        show_ablation(figures)
    else:
        if kept.out:
            write_run(kept.out, run)
        show_benchmark(figures)
    kept.keep(figures)


def run_demo(settings: Settings, kept: Kept, *, ablation: bool) -> None:
    """The demo library against its ground truth."""
    from bench.evaluation.ablation import ablate_judged
    from bench.evaluation.demo import demo_queries, evaluate_demo, index_demo
    from bench.evaluation.judged import STRICT_IOU
    from query.service import open_service

    engines = settings.engines.model_copy(update={"demo_models": True})
    own = settings.model_copy(
        update={"data": settings.data / "evaluation" / "demo", "engines": engines, "artefacts": "", "database": ""}
    )
    with shown_progress() as told:
        if ablation:
            index_demo(own)
            with open_service(own) as service:
                figures = ablate_judged(service, demo_queries(service.catalogue), STRICT_IOU, told)
        else:
            figures = evaluate_demo(own, told)
    _show(figures, ablation=ablation)
    kept.keep(figures)


def run_labelled(path: Path, settings: Settings, kept: Kept, *, videos: Path | None, ablation: bool) -> None:
    """A person's own labelled queries over the library."""
    from bench.evaluation.ablation import ablate_judged
    from bench.evaluation.judged import ask_judged, judged_figures, missed
    from bench.evaluation.labelled import read_labelled
    from query.service import open_service

    if videos is not None:
        index_with_progress(settings, [videos])
    with shown_progress() as told, open_service(settings) as service:
        found = read_labelled(path, service.catalogue.videos())
        if ablation:
            figures = ablate_judged(service, found.queries, told=told)
        else:
            service.warm()
            outcomes = ask_judged(service, found.queries, progress=lambda a, b: told("searching", a, b))
            figures = {**judged_figures(outcomes, settings.query.cutoff), "missed": missed(outcomes)}
    if found.left_out:
        error_console().print(f"{found.left_out} queries are left out: their videos are not indexed.")
    _show(figures, ablation=ablation)
    kept.keep(figures)


def run_format(
    name: str, truth: Path | None, settings: Settings, kept: Kept, *, videos: Path | None, score: Path | None
) -> None:
    """Moment retrieval in the format of another benchmark: predict and score, or score a file alone."""
    from bench.evaluation.formats import FORMATS
    from bench.evaluation.moment_retrieval import predict
    from query.service import open_service

    if name not in FORMATS:
        raise InvalidRequest(f"There is no format {name!r}.", hint=f"Known are {', '.join(FORMATS)}.")
    if truth is None:
        raise InvalidRequest("The queries are missing.", hint="Name the ground truth: --truth FILE.")
    form = FORMATS[name]
    queries = form.read_truth(truth)
    if score is not None:
        predictions = form.read(score, queries)
    else:
        if videos is not None:
            index_with_progress(settings, [videos])
        with shown_progress() as told, open_service(settings) as service:
            predictions = predict(service, queries, form, lambda a, b: told("searching", a, b))
        if kept.out:
            form.write(kept.out, queries, predictions)
    figures = form.figures(queries, predictions) if any(query.windows for query in queries) else {}
    if figures:
        show_format(figures, name)
    else:
        console().print("The ground truth tells no answers: nothing is scored.")
    kept.keep(figures)


def run_questions(path: Path, settings: Settings, kept: Kept, *, videos: Path | None, limit: int, deep: bool) -> None:
    """Multiple-choice questions, asked or gone on with, and their accuracy."""
    from bench.evaluation.predictions import PredictionFile
    from bench.evaluation.question_runs import (
        answer_questions,
        files_of,
        question_figures,
        run_made_with,
        videos_of,
    )
    from bench.evaluation.questions import read_questions
    from bench.evaluation.runs import evenly
    from library.catalogue import open_catalogue
    from query.service import open_service

    file = read_questions(path)
    questions = evenly(file.questions, limit)
    if videos is not None:
        with open_catalogue(settings) as catalogue:
            there = videos_of(questions, catalogue.videos())
        if missing := files_of((item for item in questions if item.question_id not in there), videos):
            index_with_progress(settings, missing)
    out = kept.out or settings.data / "evaluation" / "questions" / f"{path.stem}{'-deep' * deep}.jsonl"
    with open_service(settings) as service:
        there = videos_of(questions, service.catalogue.videos())
        with shown_progress() as told, PredictionFile(out, run_made_with(service, file, deep=deep)) as predictions:
            before = len(predictions.given)
            answer_questions(
                service, questions, there, predictions, deep=deep, progress=lambda a, b: told("asking", a, b)
            )
    if before:
        error_console().print(f"{before} answers are from an earlier run.")
    error_console().print(f"Answers: {printable(str(out))}", markup=False, soft_wrap=True)
    figures = question_figures(file, questions, predictions.given)
    show_questions(figures)
    kept.keep(figures)


def _show(figures: JsonObject, *, ablation: bool) -> None:
    if ablation:
        show_ablation(figures)
    else:
        show_judged(figures)
        show_missed(figures["missed"])
