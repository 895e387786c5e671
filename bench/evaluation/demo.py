"""The retrieval evaluation on the demo library: the queries of its ground truth, and queries that nothing answers."""

from __future__ import annotations

from pathlib import Path

from bench.evaluation.benchmark import Told, nobody
from bench.evaluation.judged import ABSENT, STRICT_IOU, Judged, RightPlace, ask_judged, judged_figures, missed
from bench.truth import demo_folder, demo_truth
from library.catalogue import Catalogue
from query.service import QueryService, open_service
from reelseek.records import JsonObject
from reelseek.settings import Settings
from workers.indexing import Workspace, index_paths

NOT_THERE = (
    "a giraffe at the window", "how to fold a paper crane", "the stock exchange closed early", "said:submarine",
    "text:\"quarterly dividends\"", "three elephants in a row", "the violin concerto begins", "a snow storm at night",
    "object:giraffe", "said:parliament then text:election", "an underwater cave with divers", "text:unsubscribe",
    "said:\"happy birthday grandmother\"", "the rocket leaves the launch pad", "a chess tournament final",
    "how vaccines are tested", "text:Wednesday then said:goalkeeper", "ice hockey penalty", "said:chocolate",
    "the mayor cuts a ribbon",
)  # fmt: skip
"""What is neither seen, said nor written anywhere in the demo library."""


def index_demo(settings: Settings) -> list[str]:
    """Index the demo library; what is indexed already is not indexed again. The files that failed."""
    with Workspace.open(settings) as workspace:
        reports = index_paths(workspace, [demo_folder()])
    return [str(report.path) for report in reports if report.state == "failed"]


def demo_queries(catalogue: Catalogue) -> list[Judged]:
    """The demo's queries with their places, and those that have none."""
    ids = {Path(place.path).name: entry.video_id for entry in catalogue.videos() for place in entry.locations}
    queries = [
        Judged(
            true.kind,
            true.query,
            tuple(RightPlace(ids[item.video], item.start, item.end) for item in true.places if item.video in ids),
        )
        for true in demo_truth()
    ]
    return [*queries, *(Judged(ABSENT, text, ()) for text in NOT_THERE)]


def evaluate_demo(settings: Settings, told: Told = nobody) -> JsonObject:
    """Index the demo library, search for every query, and score what is found at a temporal IoU of 0.5."""
    failed = index_demo(settings)
    with open_service(settings) as service:
        service.warm()
        return {"failed": failed, **score_demo(service, told)}


def score_demo(service: QueryService, told: Told = nobody) -> JsonObject:
    """The figures over a demo library that is indexed, and the queries whose first moment is not right."""
    queries = demo_queries(service.catalogue)
    outcomes = ask_judged(service, queries, iou=STRICT_IOU, progress=lambda a, b: told("searching", a, b))
    return {**judged_figures(outcomes, service.settings.query.cutoff), "missed": missed(outcomes)}
