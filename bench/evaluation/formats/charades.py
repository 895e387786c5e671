"""Charades-STA (Gao, Sun, Yang and Nevatia, 2017): one sentence, one range of a known video.

Its annotations are lines `VIDEO START END##sentence.`; it has no format of predictions of its own, and later work
writes them as QVHighlights does. So does this.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from bench.evaluation.formats import qvhighlights
from bench.evaluation.formats.common import Format, Prediction, Predictions, TrueMoment, Truth, percent
from bench.evaluation.moments import IOUS, average_precisions, recalls
from reelseek.errors import InvalidRequest, NotFound
from reelseek.records import JsonObject
from reelseek.timecode import temporal_iou

MOST = 10
_LINE = re.compile(r"^(\S+)\s+(-?[\d.]+)\s+(-?[\d.]+)\s*##\s*(.+)$")


def read_truth(path: Path) -> list[TrueMoment]:
    """The sentences of an annotation file, numbered from 0 in its order.

    Raises:
        NotFound: there is no such file.
        InvalidRequest: a line is not in the format; the message says which.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror or error}.") from error
    found: list[TrueMoment] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        match = _LINE.match(line.strip())
        if match is None:
            raise InvalidRequest(f"{path.name}, line {number}: it is not “VIDEO START END##sentence”.")
        video, start, end, query = match.groups()
        row = {"qid": len(found)}
        found.append(TrueMoment(str(len(found)), query, video, ((float(start), float(end)),), row=row))
    return found


def figures(truth: Truth, predictions: Predictions) -> JsonObject:
    """R@1 and R@5 at each IoU, mAP over 0.5 to 0.95 and the mean IoU of the first window, in percent."""
    rows, precisions, overlaps = [], [], []
    for query in truth:
        found = predictions.get(query.query_id, Prediction(query.query_id)).within[:MOST]
        windows = [(item.start, item.end) for item in found]
        rows.append(recalls(windows, query.windows, ranks=(1, 5)))
        precisions.append(average_precisions([(item.start, item.end, item.score) for item in found], query.windows))
        overlaps.append(
            max((temporal_iou(windows[0], window) for window in query.windows), default=0.0) if found else 0.0
        )
    if not rows:
        return {}
    means = {name: percent(float(np.mean([row[name] for row in rows]))) for name in rows[0]}
    mean = np.mean(precisions, axis=0)
    at = {f"mAP@{iou:g}": percent(value) for iou, value in zip(IOUS, mean, strict=True) if iou in (0.5, 0.75)}
    return {**means, **at, "mAP": percent(float(mean.mean())), "mIoU": percent(float(np.mean(overlaps)))}


FORMAT = Format("charades", ("video",), MOST, read_truth, qvhighlights.write, qvhighlights.read, figures)
