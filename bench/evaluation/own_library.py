"""`reelseek eval --library`: a library's own queries asked, kept, and compared with what they gave before."""

from __future__ import annotations

from collections.abc import Sequence

from bench.evaluation.benchmark import Told, nobody
from bench.evaluation.history import Kept, kept_run
from bench.evaluation.judged import Judged, ask_judged, judged_figures, missed
from bench.evaluation.mining import mine
from query.service import QueryService
from reelseek.errors import NotFound


def library_queries(service: QueryService, per_kind: int, seed: int) -> list[Judged]:
    """Queries mined out of a library.

    Raises:
        NotFound: it holds nothing from which a query could be made.
    """
    queries = mine(service, per_kind, seed)
    if not queries:
        raise NotFound(
            "The library holds nothing that a query could be made of: no speech, no text, no titles.",
            hint="Index videos first: reelseek index FOLDER",
        )
    return queries


def run_library(
    service: QueryService, queries: Sequence[Judged], *, number: int = 0, note: str = "", told: Told = nobody
) -> Kept:
    """Ask a library's own queries, and put what came of them together with what they were asked with."""
    service.warm()
    outcomes = ask_judged(service, queries, progress=lambda a, b: told("searching", a, b))
    figures = judged_figures(outcomes, service.settings.query.cutoff)
    return kept_run(service, outcomes, {**figures, "missed": missed(outcomes)}, number=number, note=note)
