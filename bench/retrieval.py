"""The retrieval evaluation on the demo library: recall at k by kind of query, and what each search costs."""

from __future__ import annotations

import statistics
from collections import defaultdict
from typing import Any

from bench.truth import demo_folder, demo_truth, recall_at
from query.service import SearchRequest, open_service
from reelseek.settings import Settings
from workers.indexing import Workspace, index_paths


def evaluate_demo(settings: Settings) -> dict[str, Any]:
    """Index the demo library (what is indexed already is not indexed again) and search for every query of its truth."""
    with Workspace.open(settings) as workspace:
        reports = index_paths(workspace, [demo_folder()])
    failed = [str(report.path) for report in reports if report.state == "failed"]
    ranks: dict[str, list[int | None]] = defaultdict(list)
    took: list[float] = []
    missed = []
    with open_service(settings) as service:
        service.warm()
        for true in demo_truth():
            result = service.search(SearchRequest(query=true.query))
            took.append(result.took_ms)
            rank = true.rank(result.moments)
            ranks[true.kind].append(rank)
            if rank != 1:
                first = result.moments[0] if result.moments else None
                place = f"{first.title} {first.start:.1f}-{first.end:.1f}" if first else "nothing"
                missed.append({"query": true.query, "kind": true.kind, "rank": rank, "first": place})
    return {
        "failed": failed,
        "kinds": {
            kind: {"queries": len(found), "R@1": recall_at(found, 1), "R@5": recall_at(found, 5)}
            for kind, found in sorted(ranks.items())
        },
        "missed": missed,
        "search_ms": {
            "p50": statistics.median(took),
            "p95": statistics.quantiles(took, n=20)[-1] if len(took) > 1 else took[0],
        },
    }
