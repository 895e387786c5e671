"""`reelseek eval`: how well search finds what it should, on benchmarks, on the demo and on this library."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from cli.context import global_flags, settings_of
from cli.evaluation_tables import (
    show_ablation,
    show_benchmark,
    show_compared,
    show_format,
    show_history,
    show_judged,
    show_missed,
    show_questions,
)
from cli.output import console, error_console, printable
from reelseek.durable import replace_file
from reelseek.errors import InvalidRequest
from reelseek.records import Channel, JsonObject
from reelseek.settings import Settings, load_settings

Told = Callable[[str, int, int], None]

Bench = Annotated[
    Path | None,
    typer.Option(
        help="A folder with corpus.jsonl and queries.jsonl: its texts are indexed, its queries asked.",
        file_okay=False, exists=True,
    ),
]  # fmt: skip
Queries = Annotated[
    Path | None,
    typer.Option(help="Your own labelled queries over this library, JSON lines.", exists=True, dir_okay=False),
]
FormatName = Annotated[
    str | None,
    typer.Option("--format", help="Moment retrieval for qvhighlights, tvr, charades, momentseeker or hirest."),
]
Truth = Annotated[Path | None, typer.Option(help="--format: the ground-truth file.", exists=True, dir_okay=False)]
Qa = Annotated[
    Path | None,
    typer.Option(
        "--qa", metavar="FILE", help="A question file of LongVideoBench, Video-MME, MLVU or LVBench.", exists=True,
        dir_okay=False,
    ),
]  # fmt: skip
Videos = Annotated[
    Path | None,
    typer.Option(help="--format, --queries, --qa: index the videos of this folder first.", exists=True),
]
Limit = Annotated[int, typer.Option(min=0, help="--bench, --qa: only so many queries, evenly spread; 0 takes all.")]
Deep = Annotated[bool, typer.Option("--deep", help="--qa: let an agent work on each question, step by step.")]
Ablation = Annotated[
    bool, typer.Option("--ablation", help="Fusion against each of its parts alone: --bench, --demo, --library.")
]
Only = Annotated[list[Channel] | None, typer.Option("--channel", help="--bench: search only this channel; repeatable.")]
Mined = Annotated[bool, typer.Option("--library", help="Queries mined out of this library, kept in a history.")]
Score = Annotated[
    Path | None, typer.Option(help="--format: score this prediction file alone.", exists=True, dir_okay=False)
]
Out = Annotated[
    Path | None,
    typer.Option(help="Write what each query found to this file; --qa goes on with one that is there.", dir_okay=False),
]
Cache = Annotated[Path | None, typer.Option(help="Where indexed corpora are kept; else in the data folder.")]
Figures = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures to this file.")]
Against = Annotated[
    list[str] | None,
    typer.Option(
        "--against", metavar="GROUP.NAME=VALUE", help="--library: and once more with this setting; repeatable."
    ),
]
AgainstData = Annotated[
    Path | None,
    typer.Option(
        help="--library: and once more over another data folder, of the same videos.", file_okay=False, exists=True
    ),
]
Compare = Annotated[
    tuple[str, str] | None,
    typer.Option(metavar="A B", help="Compare two runs of --library that were kept, by number or `last`."),
]


_MODES = "--bench DIR, --demo, --library, --queries FILE, --format NAME, --qa FILE, --compare A B, --history"


@dataclass(frozen=True, slots=True)
class _Kept:
    """Where the results of a call go."""

    out: Path | None
    figures: Path | None

    def keep(self, figures: JsonObject) -> None:
        if self.figures is not None:
            replace_file(self.figures, (json.dumps(figures, indent=2) + "\n").encode())


def evaluate(
    context: typer.Context,
    bench: Bench = None,
    demo: Annotated[bool, typer.Option("--demo", help="The demo library and its ground truth.")] = False,
    library: Mined = False,
    queries: Queries = None,
    format_name: FormatName = None,
    qa: Qa = None,
    compare: Compare = None,
    history: Annotated[bool, typer.Option("--history", help="List the runs of --library that were kept.")] = False,
    split: Annotated[str, typer.Option(help="--bench: only queries of this split.")] = "",
    query_type: Annotated[str, typer.Option("--type", help="--bench: only queries of this type.")] = "",
    within_video: Annotated[bool, typer.Option("--within-video", help="--bench: each query in its own video.")] = False,
    channel: Only = None,
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="--bench: how many moments a query asks for.")] = 10,
    limit: Limit = 0,
    ablation: Ablation = False,
    truth: Truth = None,
    videos: Videos = None,
    score: Score = None,
    deep: Deep = False,
    per_kind: Annotated[int, typer.Option(min=1, max=5000, help="--library: queries of each kind.")] = 50,
    seed: Annotated[int, typer.Option(help="--library: draws other queries.")] = 1,
    note: Annotated[str, typer.Option(help="--library: a remark that is kept with the run.")] = "",
    against: Against = None,
    against_data: AgainstData = None,
    cache: Cache = None,
    out: Out = None,
    as_json: Figures = None,
) -> None:
    """Measure how well search finds what it should, and how well questions are answered.

    One of --bench, --demo, --library, --queries, --format, --qa, --compare and --history says what is measured.
    """
    if sum(map(bool, (bench, demo, library, queries, format_name, qa, compare, history))) != 1:
        raise InvalidRequest(f"Give one of {_MODES}.")
    settings, kept = settings_of(context), _Kept(out, as_json)
    if bench is not None:
        from bench.evaluation.benchmark import Task

        channels = frozenset(channel) if channel else None
        task = Task(bench, split, query_type, within_video, k, limit, channels)
        _bench(task, settings, cache or settings.data / "evaluation" / "corpora", kept, ablation=ablation)
    elif demo:
        _demo(settings, kept, ablation=ablation)
    elif queries is not None:
        _labelled(queries, settings, kept, videos=videos, ablation=ablation)
    elif format_name is not None:
        _format(format_name, truth, settings, kept, videos=videos, score=score)
    elif qa is not None:
        _questions(qa, settings, kept, videos=videos, limit=limit, deep=deep)
    elif library and ablation:
        _library_ablation(settings, kept, per_kind, seed)
    elif library:
        other = _other_settings(context, settings, against or [], against_data)
        _library(settings, kept, per_kind=per_kind, seed=seed, note=note, other=other)
    else:
        _history(settings, kept, compare)


def _bench(task: Any, settings: Settings, cache: Path, kept: _Kept, *, ablation: bool) -> None:
    from bench.evaluation.ablation import ablate_benchmark
    from bench.evaluation.benchmark import run_benchmark
    from bench.evaluation.runs import write_run

    with _progress() as told:
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


def _demo(settings: Settings, kept: _Kept, *, ablation: bool) -> None:
    from bench.evaluation.ablation import ablate_judged
    from bench.evaluation.demo import demo_queries, evaluate_demo, index_demo
    from bench.evaluation.judged import STRICT_IOU
    from query.service import open_service

    engines = settings.engines.model_copy(update={"demo_models": True})
    own = settings.model_copy(
        update={"data": settings.data / "evaluation" / "demo", "engines": engines, "artefacts": "", "database": ""}
    )
    with _progress() as told:
        if ablation:
            index_demo(own)
            with open_service(own) as service:
                figures = ablate_judged(service, demo_queries(service.catalogue), STRICT_IOU, told)
        else:
            figures = evaluate_demo(own, told)
    if ablation:
        show_ablation(figures)
    else:
        show_judged(figures)
        show_missed(figures["missed"])
    kept.keep(figures)


def _labelled(path: Path, settings: Settings, kept: _Kept, *, videos: Path | None, ablation: bool) -> None:
    from bench.evaluation.ablation import ablate_judged
    from bench.evaluation.judged import ask_judged, judged_figures, missed
    from bench.evaluation.labelled import read_labelled
    from query.service import open_service

    if videos is not None:
        from cli.indexing import index_with_progress

        index_with_progress(settings, [videos])
    with _progress() as told, open_service(settings) as service:
        found = read_labelled(path, service.catalogue.videos())
        if ablation:
            figures = ablate_judged(service, found.queries, told=told)
        else:
            service.warm()
            outcomes = ask_judged(service, found.queries, progress=lambda a, b: told("searching", a, b))
            figures = {**judged_figures(outcomes, settings.query.cutoff), "missed": missed(outcomes)}
    if found.left_out:
        error_console().print(f"{found.left_out} queries are left out: their videos are not indexed.")
    if ablation:
        show_ablation(figures)
    else:
        show_judged(figures)
        show_missed(figures["missed"])
    kept.keep(figures)


def _format(
    name: str, truth: Path | None, settings: Settings, kept: _Kept, *, videos: Path | None, score: Path | None
) -> None:
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
            from cli.indexing import index_with_progress

            index_with_progress(settings, [videos])
        with _progress() as told, open_service(settings) as service:
            predictions = predict(service, queries, form, lambda a, b: told("searching", a, b))
        if kept.out:
            form.write(kept.out, queries, predictions)
    figures = form.figures(queries, predictions) if any(query.windows for query in queries) else {}
    if figures:
        show_format(figures, name)
    else:
        console().print("The ground truth tells no answers: nothing is scored.")
    kept.keep(figures)


def _questions(path: Path, settings: Settings, kept: _Kept, *, videos: Path | None, limit: int, deep: bool) -> None:
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
        from cli.indexing import index_with_progress

        with open_catalogue(settings) as catalogue:
            there = videos_of(questions, catalogue.videos())
        if missing := files_of((item for item in questions if item.question_id not in there), videos):
            index_with_progress(settings, missing)
    out = kept.out or settings.data / "evaluation" / "questions" / f"{path.stem}{'-deep' * deep}.jsonl"
    with open_service(settings) as service:
        there = videos_of(questions, service.catalogue.videos())
        with _progress() as told, PredictionFile(out, run_made_with(service, file, deep=deep)) as predictions:
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


def _library(
    settings: Settings, kept: _Kept, *, per_kind: int, seed: int, note: str, other: tuple[Settings, str] | None
) -> None:
    from bench.evaluation.history import add_run, compared, read_history
    from bench.evaluation.own_library import library_queries, run_library
    from query.service import open_service

    runs = read_history(settings.data)
    number = runs[-1].number + 1 if runs else 1
    with _progress() as told:
        with open_service(settings) as service:
            queries = library_queries(service, per_kind, seed)
            run = run_library(service, queries, number=number, note=note, told=told)
        if other is not None:
            with open_service(other[0]) as service:
                second = run_library(service, queries, number=number + 1, note=other[1], told=told)
    add_run(settings.data, run)
    show_judged(run.figures)
    show_missed(run.figures["missed"])
    cutoff = settings.query.cutoff
    if other is not None:
        add_run(settings.data, second)
        show_judged(second.figures)
        show_compared(compared(run, second, cutoff), ("these settings", other[1]))
    elif runs:
        show_compared(compared(runs[-1], run, cutoff), (f"run {runs[-1].number}", f"run {run.number}"))
    kept.keep(asdict(run) if other is None else {"first": asdict(run), "second": asdict(second)})


def _library_ablation(settings: Settings, kept: _Kept, per_kind: int, seed: int) -> None:
    from bench.evaluation.ablation import ablate_judged
    from bench.evaluation.own_library import library_queries
    from query.service import open_service

    with _progress() as told, open_service(settings) as service:
        figures = ablate_judged(service, library_queries(service, per_kind, seed), told=told)
    show_ablation(figures)
    kept.keep(figures)


def _history(settings: Settings, kept: _Kept, compare: tuple[str, str] | None) -> None:
    from bench.evaluation.history import compared, find_run, read_history

    runs = read_history(settings.data)
    if compare is None:
        show_history(runs)
        kept.keep({"runs": [asdict(run) for run in runs]})
        return
    first, second = (find_run(runs, name) for name in compare)
    found = compared(first, second, settings.query.cutoff)
    show_compared(found, (f"run {first.number}", f"run {second.number}"))
    kept.keep(asdict(found))


def _other_settings(
    context: typer.Context, settings: Settings, against: list[str], data: Path | None
) -> tuple[Settings, str] | None:
    """The second side of a comparison, and what it is called."""
    if not against and data is None:
        return None
    flags: dict[str, Any] = dict(context.find_root().obj or {})
    for group, values in global_flags(data or settings.data, against).items():
        flags[group] = {**flags.get(group, {}), **values} if isinstance(values, dict) else values
    return load_settings(flags), ", ".join([*against, *([str(data)] if data else [])])


@contextmanager
def _progress() -> Iterator[Told]:
    """A progress bar on standard error, and what moves it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=error_console(), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def told(doing: str, done: int, total: int) -> None:
            if doing not in tasks:
                tasks[doing] = bars.add_task(doing, total=total)
            bars.update(tasks[doing], completed=done, total=total)

        yield told
