"""TVR (Lei, Yu, Berg and Bansal, 2020): moments in a corpus of television clips or in one of them, and the clips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.evaluation.corpus import rows
from bench.evaluation.formats.common import (
    Format,
    Prediction,
    Predictions,
    TrueMoment,
    Truth,
    Window,
    broken,
    percent,
    read_json,
    write_json,
)
from bench.evaluation.moments import RECALL_RANKS, recalls
from reelseek.errors import InvalidRequest
from reelseek.records import JsonObject

MOST = 100
IOUS = (0.3, 0.5, 0.7)


def read_truth(path: Path) -> list[TrueMoment]:
    """The queries of a ground-truth file; those of its hidden test split have no times.

    Raises:
        NotFound: there is no such file.
        InvalidRequest: a row is broken; the message says which.
    """
    found = []
    for where, row in rows(path):
        with broken(where):
            times = row.get("ts")
            windows = ((float(times[0]), float(times[1])),) if times else ()
            video, duration = str(row.get("vid_name", "")), float(row.get("duration") or 0.0)
            found.append(TrueMoment(str(row["desc_id"]), str(row["desc"]), video, windows, duration, row))
    return found


def write(path: Path, truth: Truth, predictions: Predictions) -> None:
    """Write a submission: `VCMR` (moments in the corpus), `SVMR` (in the query's own clip) and `VR` (clips)."""
    made = [predictions.get(query.query_id, Prediction(query.query_id)) for query in truth]
    names = {item.video for found in made for item in (*found.within, *found.anywhere)}
    numbers = {name: number for number, name in enumerate(sorted(names))}

    def listed(query: TrueMoment, windows: Sequence[Window]) -> JsonObject:
        rows_of = [
            [numbers[item.video], round(item.start, 3), round(item.end, 3), round(item.score, 4)]
            for item in windows[:MOST]
        ]
        return {"desc_id": query.row.get("desc_id", query.query_id), "desc": query.query, "predictions": rows_of}

    pairs = list(zip(truth, made, strict=True))
    write_json(
        path,
        {
            "video2idx": numbers,
            "VCMR": [listed(query, found.anywhere) for query, found in pairs],
            "SVMR": [listed(query, found.within) for query, found in pairs],
            "VR": [listed(query, _clips(found.anywhere)) for query, found in pairs],
        },
    )


def read(path: Path, truth: Truth) -> dict[str, Prediction]:
    """Read a submission; the tasks that it lacks are empty.

    Raises:
        NotFound: there is no such file.
        InvalidRequest: it is not in the format, or of a query that the ground truth does not have.
    """
    known = {query.query_id for query in truth}
    content = read_json(path)
    tasks: dict[str, dict[str, tuple[Window, ...]]] = {}
    with broken(path.name):
        videos = {int(number): str(name) for name, number in content["video2idx"].items()}
        for task in ("VCMR", "SVMR"):
            tasks[task] = {
                str(row["desc_id"]): tuple(
                    Window(videos[int(item[0])], float(item[1]), float(item[2]), float(item[3]))
                    for item in row["predictions"]
                )
                for row in content.get(task, ())
            }
    unknown = (tasks["VCMR"].keys() | tasks["SVMR"].keys()) - known
    if unknown:
        raise InvalidRequest(f"{path.name}: the ground truth has no query {min(unknown)}.")
    return {name: Prediction(name, tasks["SVMR"].get(name, ()), tasks["VCMR"].get(name, ())) for name in known}


def figures(truth: Truth, predictions: Predictions) -> JsonObject:
    """R@k of moments at each IoU in the corpus and in the query's own clip, and of clips, in percent."""
    tasks: dict[str, list[dict[str, float]]] = {"VCMR": [], "SVMR": [], "VR": []}
    for query in truth:
        if not query.windows:
            continue
        found = predictions.get(query.query_id, Prediction(query.query_id))
        clips = [item.video == query.video for item in _clips(found.anywhere)]
        tasks["VR"].append({f"R@{k}": float(any(clips[:k])) for k in RECALL_RANKS})
        tasks["SVMR"].append(recalls([(item.start, item.end) for item in found.within], query.windows, ious=IOUS))
        # a moment of another clip overlaps nothing: it keeps its place, at a time that no clip has
        places = [(item.start, item.end) if item.video == query.video else (-2.0, -1.0) for item in found.anywhere]
        tasks["VCMR"].append(recalls(places, query.windows, ious=IOUS))
    return {
        task: {name: percent(float(np.mean([row[name] for row in found]))) for name in (found[0] if found else ())}
        for task, found in tasks.items()
    }


def _clips(windows: Sequence[Window]) -> list[Window]:
    """The first window of each video."""
    first: dict[str, Window] = {}
    for item in windows:
        first.setdefault(item.video, item)
    return list(first.values())


FORMAT = Format("tvr", ("video", "library"), MOST, read_truth, write, read, figures)
