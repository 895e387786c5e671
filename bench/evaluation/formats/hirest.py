"""HiREST (Zala et al., 2023): from a prompt to a video, to the moment in it, to the steps of that moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

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
from bench.evaluation.moments import recall
from reelseek.records import JsonObject

MOST = 10
IOUS = (0.5, 0.7)
RANKS = (1, 5, 10)
_SEPARATOR = "\t"


def read_truth(path: Path) -> list[TrueMoment]:
    """The pairs of prompt and video that belong together; a video that is relevant as a whole has no window.

    Raises:
        NotFound: there is no such file.
        InvalidRequest: it is not in the format; the message says where.
    """
    found = []
    with broken(path.name):
        for prompt, videos in read_json(path).items():
            for video, row in videos.items():
                with broken(f"{path.name}, {prompt!r}, {video}"):
                    if row.get("relevant"):
                        found.append(_pair(prompt, video, row))
    return found


def write(path: Path, truth: Truth, predictions: Predictions) -> None:
    """Write the moment of each pair as its scorer reads them, and for each prompt the videos with their scores."""
    content: JsonObject = {}
    for query in truth:
        found = predictions.get(query.query_id, Prediction(query.query_id))
        entry = content.setdefault(query.query, {})
        if found.within:
            first = found.within[0]
            entry[query.video] = {
                "bounds": [round(first.start, 3), round(first.end, 3)],
                "score": round(first.score, 4),
            }
        ranked = _videos(found)
        entry["videos"], entry["scores"] = [item.video for item in ranked], [round(item.score, 4) for item in ranked]
    write_json(path, content)


def read(path: Path, truth: Truth) -> dict[str, Prediction]:
    """Read what `write` wrote.

    Raises:
        NotFound: there is no such file.
        InvalidRequest: it is not in the format.
    """
    content = read_json(path)
    found = {}
    with broken(path.name):
        for query in truth:
            entry = content.get(query.query, {})
            within: tuple[Window, ...] = ()
            if moment := entry.get(query.video):
                start, end = map(float, moment["bounds"])
                within = (Window(query.video, start, end, float(moment.get("score", 1.0))),)
            ranked = zip(entry.get("videos", ()), entry.get("scores", ()), strict=True)
            anywhere = tuple(Window(str(video), 0.0, 0.0, float(score)) for video, score in ranked)
            found[query.query_id] = Prediction(query.query_id, within, anywhere)
    return found


def figures(truth: Truth, predictions: Predictions) -> JsonObject:
    """R@k of videos for a prompt, and R@1 of moments at each IoU, in percent."""
    videos: dict[str, set[str]] = {}
    ranked: dict[str, list[str]] = {}
    moments: list[list[float]] = []
    for query in truth:
        found = predictions.get(query.query_id, Prediction(query.query_id))
        videos.setdefault(query.query, set()).add(query.video)
        ranked[query.query] = [item.video for item in _videos(found)]
        if query.windows:
            windows = [(item.start, item.end) for item in found.within]
            moments.append([recall(windows, query.windows, 1, iou) for iou in IOUS])
    told: JsonObject = {}
    if ranked:
        shares = {k: [bool(videos[name] & set(found[:k])) for name, found in ranked.items()] for k in RANKS}
        told["video retrieval"] = {f"R@{k}": percent(float(np.mean(hits))) for k, hits in shares.items()}
    if moments:
        mean = np.mean(moments, axis=0)
        told["moment retrieval"] = {f"R@1 IoU={iou:g}": percent(value) for iou, value in zip(IOUS, mean, strict=True)}
    return told


def _pair(prompt: str, video: str, row: dict[str, Any]) -> TrueMoment:
    bounds = row.get("bounds") if row.get("clip") else None
    windows = ((float(bounds[0]), float(bounds[1])),) if bounds else ()
    name = f"{prompt}{_SEPARATOR}{video}"
    return TrueMoment(name, prompt, video, windows, float(row.get("v_duration") or 0.0), row)


def _videos(found: Prediction) -> list[Window]:
    first: dict[str, Window] = {}
    for item in found.anywhere:
        first.setdefault(item.video, item)
    return list(first.values())[:MOST]


FORMAT = Format("hirest", ("video", "library"), MOST, read_truth, write, read, figures)
