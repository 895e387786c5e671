"""`reelseek eval`: how well search finds what it should, on benchmarks, on the demo and on this library."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cli import evaluation_library, evaluation_modes
from cli.context import global_flags, settings_of
from cli.evaluation_output import Kept
from reelseek.errors import InvalidRequest
from reelseek.records import Channel
from reelseek.settings import Settings, load_settings

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
    settings, kept = settings_of(context), Kept(out, as_json)
    if bench is not None:
        from bench.evaluation.benchmark import Task

        channels = frozenset(channel) if channel else None
        task = Task(bench, split, query_type, within_video, k, limit, channels)
        evaluation_modes.run_bench(
            task, settings, cache or settings.data / "evaluation" / "corpora", kept, ablation=ablation
        )
    elif demo:
        evaluation_modes.run_demo(settings, kept, ablation=ablation)
    elif queries is not None:
        evaluation_modes.run_labelled(queries, settings, kept, videos=videos, ablation=ablation)
    elif format_name is not None:
        evaluation_modes.run_format(format_name, truth, settings, kept, videos=videos, score=score)
    elif qa is not None:
        evaluation_modes.run_questions(qa, settings, kept, videos=videos, limit=limit, deep=deep)
    elif library and ablation:
        evaluation_library.run_library_ablation(settings, kept, per_kind, seed)
    elif library:
        other = _other_settings(context, settings, against or [], against_data)
        evaluation_library.run_library(settings, kept, per_kind=per_kind, seed=seed, note=note, other=other)
    else:
        evaluation_library.run_history(settings, kept, compare)


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
