"""MomentSeeker (2025): moments in long videos, each with one or more answering intervals.

Its queries are one JSON list (`t2v.json`); its results are given as R@1 and mAP@5. It fixes no file of predictions:
here it is the same list with `predictions`, `[[start, end, score], …]`, in each row.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.evaluation.formats.common import (
    Format,
    Prediction,
    Predictions,
    TrueMoment,
    Truth,
    broken,
    percent,
    read_json,
    window_list,
    windows_from,
    write_json,
)
from bench.evaluation.moments import average_precisions, recall
from reelseek.records import JsonObject

MOST = 5
IOU = 0.3
"""Overlap from which a moment counts."""


def read_truth(path: Path) -> list[TrueMoment]:
    """The queries of a task's file, numbered from 0 in its order.

    Raises:
        NotFound: there is no such file.
        InvalidRequest: it is not in the format; the message says where.
    """
    found = []
    with broken(path.name):
        for number, row in enumerate(read_json(path)):
            with broken(f"{path.name}, query {number}"):
                windows = tuple((float(start), float(end)) for start, end in row["answering_time_interval"])
                video = str(row["src_video_path"])
                found.append(TrueMoment(str(number), str(row["qry_text"]), video, windows, row=row))
    return found


def write(path: Path, truth: Truth, predictions: Predictions) -> None:
    """Write the queries with what was found for each."""
    made = [predictions.get(query.query_id, Prediction(query.query_id)) for query in truth]
    rows = zip(truth, made, strict=True)
    write_json(path, [{**query.row, "predictions": window_list(found.within[:MOST])} for query, found in rows])


def read(path: Path, truth: Truth) -> dict[str, Prediction]:
    """Read what `write` wrote.

    Raises:
        NotFound: there is no such file.
        InvalidRequest: it is not in the format, or not of as many queries.
    """
    content = read_json(path)
    with broken(path.name):
        return {
            query.query_id: Prediction(query.query_id, windows_from(query.video, row["predictions"]))
            for query, row in zip(truth, content, strict=True)
        }


def figures(truth: Truth, predictions: Predictions) -> JsonObject:
    """R@1 and mAP@5 at IoU 0.3, over all queries and by task, in percent."""
    rows: dict[str, list[tuple[float, float]]] = {"all": []}
    for query in truth:
        found = predictions.get(query.query_id, Prediction(query.query_id)).within[:MOST]
        first = recall([(item.start, item.end) for item in found], query.windows, 1, IOU)
        precision = 0.0
        if query.windows:
            scored = [(item.start, item.end, item.score) for item in found]
            precision = float(average_precisions(scored, query.windows, (IOU,))[0])
        for name in ("all", str(query.row.get("task", "") or "")):
            rows.setdefault(name, []).append((first, precision))
    return {
        name: {
            "R@1": percent(float(np.mean([a for a, _ in found]))),
            "mAP@5": percent(float(np.mean([b for _, b in found]))),
        }
        for name, found in rows.items()
        if name and found
    }


FORMAT = Format("momentseeker", ("video",), MOST, read_truth, write, read, figures)
