"""QVHighlights (Lei, Berg and Bansal, 2021): moments and highlights in clips of 150 s: files, metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.evaluation.corpus import rows
from bench.evaluation.formats.common import (
    Format,
    Prediction,
    Predictions,
    TrueMoment,
    Truth,
    broken,
    percent,
    window_list,
    windows_from,
    write_lines,
)
from bench.evaluation.moments import IOUS, average_precisions, highlight_precision
from reelseek.errors import InvalidRequest
from reelseek.records import JsonObject
from reelseek.timecode import temporal_iou

CLIP = 2.0
"""Seconds of a clip, the unit of saliency."""
MOST = 10
"""Windows of a query that count."""
LENGTHS = {"full": (0.0, float("inf")), "long": (30.0, 150.0), "middle": (10.0, 30.0), "short": (0.0, 10.0)}
"""Lengths of true moments (s): above the first, up to the second."""
SALIENCY = {"Fair": 2, "Good": 3, "VeryGood": 4}
"""The least mark of a person (0 to 4) from which a clip counts as a highlight."""


def read_truth(path: Path) -> list[TrueMoment]:
    """The queries of a ground-truth file; those of its hidden test split have no windows.

    Raises:
        NotFound: there is no such file.
        InvalidRequest: a row is broken; the message says which.
    """
    found = []
    for where, row in rows(path):
        with broken(where):
            windows = tuple((float(start), float(end)) for start, end in row.get("relevant_windows") or ())
            duration = float(row["duration"])
            found.append(TrueMoment(str(row["qid"]), str(row["query"]), str(row["vid"]), windows, duration, row))
    return found


def write(path: Path, truth: Truth, predictions: Predictions) -> None:
    """Write predictions as the benchmark's scorer and server read them."""
    write_lines(path, (_row(query, predictions.get(query.query_id, Prediction(query.query_id))) for query in truth))


def read(path: Path, truth: Truth) -> dict[str, Prediction]:
    """Read predictions in the benchmark's format.

    Raises:
        NotFound: there is no such file.
        InvalidRequest: a row is broken, or of a query that the ground truth does not have.
    """
    known = {query.query_id for query in truth}
    found = {}
    for where, row in rows(path):
        with broken(where):
            query_id = str(row["qid"])
            if query_id not in known:
                raise InvalidRequest(f"{where}: the ground truth has no query {query_id}.")
            windows = windows_from(str(row.get("vid", "")), row.get("pred_relevant_windows") or ())
            saliency = tuple(map(float, row.get("pred_saliency_scores") or ()))
            found[query_id] = Prediction(query_id, windows, saliency=saliency)
    return found


def figures(truth: Truth, predictions: Predictions) -> JsonObject:
    """All that the benchmark's scorer tells, in percent: R1 and mAP by IoU and by the moments' length, highlights.

    Raises:
        InvalidRequest: a query has no prediction, as for the scorer.
    """
    if missing := [query.query_id for query in truth if query.query_id not in predictions]:
        raise InvalidRequest(f"{len(missing)} queries have no prediction, the first is {missing[0]}.")
    found: JsonObject = {}
    pairs = [(query, predictions[query.query_id]) for query in truth if query.windows]
    if any(prediction.within for _, prediction in pairs):
        for name, limits in LENGTHS.items():
            found[name] = _moments(pairs, *limits)
    if pairs and all(prediction.saliency for _, prediction in pairs):
        for name, least in SALIENCY.items():
            found[f"HL-min-{name}"] = _highlights(pairs, least)
    return {"brief": _brief(found), **found}


def marks(row: Mapping[str, Any], duration: float) -> npt.NDArray[np.float64]:
    """A row for each clip of 2 s with each person's mark, 0 to 4; 0 outside the moments."""
    given = np.asarray(row["saliency_scores"], dtype=np.float64)
    table = np.zeros((int(duration / CLIP), given.shape[1]))
    inside = [(clip, mark) for clip, mark in zip(row["relevant_clip_ids"], given, strict=True) if clip < len(table)]
    for clip, mark in inside:
        table[clip] = mark
    return table


def _row(query: TrueMoment, prediction: Prediction) -> JsonObject:
    row: JsonObject = {
        "qid": query.row.get("qid", query.query_id),
        "query": query.query,
        "vid": query.video,
        "pred_relevant_windows": window_list(prediction.within[:MOST]),
    }
    return row | ({"pred_saliency_scores": list(prediction.saliency)} if prediction.saliency else {})


def _moments(pairs: Sequence[tuple[TrueMoment, Prediction]], shortest: float, longest: float) -> JsonObject:
    """mAP and R1 against those true moments that are of a length."""
    precisions, first = [], []
    for query, prediction in pairs:
        truths = [window for window in query.windows if shortest < window[1] - window[0] <= longest]
        if not truths:
            continue
        windows = [(item.start, item.end, item.score) for item in prediction.within[:MOST]]
        precisions.append(average_precisions(windows, truths))
        nearest = max((temporal_iou(windows[0][:2], truth) for truth in truths), default=0.0) if windows else 0.0
        first.append([nearest >= iou for iou in IOUS])
    if not precisions:
        return {}
    mean = np.mean(precisions, axis=0)
    by_iou = {f"{iou:g}": percent(value) for iou, value in zip(IOUS, mean, strict=True)}
    hits = {f"{iou:g}": percent(value) for iou, value in zip(IOUS, np.mean(first, axis=0), strict=True)}
    return {"MR-mAP": {**by_iou, "average": percent(float(mean.mean()))}, "MR-R1": hits}


def _highlights(pairs: Sequence[tuple[TrueMoment, Prediction]], least: int) -> JsonObject:
    """How well a curve ranks the clips that each person marked, and whether its peak is one that anybody marked."""
    hits, precisions = [], []
    for query, prediction in pairs:
        marked = marks(query.row, query.duration) >= least
        peak = int(np.argmax(prediction.saliency))
        hits.append(float(peak < len(marked) and marked[peak].any()))
        precisions.append([highlight_precision(prediction.saliency, person) for person in marked.T])
    return {"HL-mAP": percent(float(np.mean(precisions))), "HL-Hit1": percent(float(np.mean(hits)))}


def _brief(found: JsonObject) -> JsonObject:
    brief: JsonObject = {}
    if full := found.get("full"):
        brief |= {f"MR-full-R1@{iou}": full["MR-R1"][iou] for iou in ("0.5", "0.7")}
        brief |= {"MR-full-mAP": full["MR-mAP"]["average"]}
        brief |= {f"MR-full-mAP@{iou}": full["MR-mAP"][iou] for iou in ("0.5", "0.75")}
    for name in ("long", "middle", "short"):
        if found.get(name):
            brief[f"MR-{name}-mAP"] = found[name]["MR-mAP"]["average"]
    for name in (f"HL-min-{level}" for level in SALIENCY):
        if found.get(name):
            brief |= {f"{name}-mAP": found[name]["HL-mAP"], f"{name}-Hit1": found[name]["HL-Hit1"]}
    return brief


FORMAT = Format("qvhighlights", ("video",), MOST, read_truth, write, read, figures, saliency=True)
