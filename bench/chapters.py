"""Found chapters against the topics of real meetings (QMSum's topic ranges on AMI): Pk and WindowDiff.

The reference: a topic begins and ends where its annotators' range does; borders within 30 s of an earlier one, and of
the ends of the meeting, are one with it. So a range that ends where the next begins gives one border, and talk that
belongs to no topic is a segment of its own.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.segmentation import flags, pk, window_diff
from bench.topic_baselines import equal_lengths, text_tiling, tw_finch, vector_tiling
from engines.registry import Engines
from ingest.chapters import chapters
from ingest.segments import segments
from ingest.topics import Evidence, segment_vectors
from reelseek.records import Channel, Segment, TimedText, Vector, VideoInfo
from reelseek.settings import Settings, load_settings

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "bench" / "qmsum_ami"
ONE = 30.0
"""Borders nearer than this (s) are one."""
EVERY = 300.0
"""What equal cuts take without knowing the number: a border every five minutes."""

Encode = Callable[[list[str]], Vector]


@dataclass(frozen=True, slots=True)
class Meeting:
    """One meeting: what is said, cut as an ingest would, and its true borders (s)."""

    name: str
    duration: float
    lines: tuple[TimedText, ...]
    segments: tuple[Segment, ...]
    borders: tuple[float, ...]


def meetings(split: str, settings: Settings, folder: Path = DATA, limit: int | None = None) -> list[Meeting]:
    """The meetings of a split that have topics."""
    ranges: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in _rows(folder / "queries.jsonl"):
        if row["split"] == split and row["query_type"] == "topic":
            ranges[row["video_id"]] += [(start, end) for start, end in row["relevant"]]
    said: dict[str, list[TimedText]] = defaultdict(list)
    for row in _rows(folder / "corpus.jsonl"):
        if row["video_id"] in ranges:
            end = max(row["end"], row["start"] + 0.01)
            line = TimedText(Channel.SPEECH, row["start"], end, row["text"], speaker=row["speaker"])
            said[row["video_id"]].append(line)
    found = []
    for name in sorted(said)[:limit]:
        lines = tuple(sorted(said[name], key=lambda line: (line.start, line.end)))
        duration = max(line.end for line in lines)
        cut = segments(duration, (), (), lines, settings.ingest)
        found.append(Meeting(name, duration, lines, cut, tuple(true_borders(ranges[name], duration))))
    return found


def true_borders(ranges: list[tuple[float, float]], duration: float) -> list[float]:
    """The borders of topic ranges; starts come before ends where two are near."""
    borders: list[float] = []
    for time in [*sorted({start for start, _ in ranges}), *sorted({end for _, end in ranges})]:
        if ONE < time < duration - ONE and all(abs(time - other) > ONE for other in borders):
            borders.append(time)
    return sorted(borders)


def measure(
    settings: Settings, split: str = "val", *, encode: Encode | None = None, folder: Path = DATA,
    limit: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Pk, WindowDiff and the number of chapters of each method, averaged over meetings.

    Args:
        encode: texts to vectors; the settings' sentence engine without.
        limit: of meetings, for a quick look.
    """
    if encode is None:
        with Engines(settings) as engines:
            engine = engines.sentence()
            if engine is None:
                raise RuntimeError("chapters are measured with a sentence engine")
            return measure(settings, split, encode=engine.encode, folder=folder, limit=limit)
    rows: dict[str, list[tuple[float, float, int]]] = defaultdict(list)
    tested = meetings(split, settings, folder, limit)
    for meeting in tested:
        truth = flags(meeting.borders, meeting.duration)
        for method, borders in _borders(meeting, encode).items():
            guess = flags(borders, meeting.duration)
            rows[method].append((pk(truth, guess), window_diff(truth, guess), 1 + int(guess.sum())))
    true_number = float(np.mean([len(meeting.borders) + 1 for meeting in tested]))
    figures = {method: [float(value) for value in np.mean(values, axis=0)] for method, values in rows.items()}
    return {
        "split": split,
        "meetings": len(tested),
        "true_segments": true_number,
        "methods": {
            method: {"Pk": first, "WindowDiff": second, "segments": number}
            for method, (first, second, number) in figures.items()
        },
    }


def _borders(meeting: Meeting, encode: Encode) -> Mapping[str, list[float]]:
    """Each method's borders."""
    lines, cut, length = meeting.lines, meeting.segments, meeting.duration
    vectors = encode([line.text for line in lines])
    info = VideoInfo("", meeting.name, length, 0, 0, 0.0, 0, False, True, 0.0, 0, "")
    rows = segment_vectors(Evidence(cut, lines, vectors))
    assert rows is not None
    texts, starts, firsts = [x.text for x in lines], [x.start for x in lines], [x.start for x in cut]
    middles = [(segment.start + segment.end) / 2 for segment in cut]
    number = len(meeting.borders) + 1

    def turns(labels: list[int]) -> list[float]:
        return [firsts[i] for i in range(1, len(labels)) if labels[i] != labels[i - 1]]

    return {
        "reelseek": [item.start for item in chapters(info, cut, lines, vectors, encode=encode)][1:],
        "reelseek, words only": [item.start for item in chapters(info, cut, lines)][1:],
        "TextTiling": text_tiling(texts, starts),
        "TextTiling, true number": text_tiling(texts, starts, number),
        "TextTiling on sentence vectors": vector_tiling(rows, firsts),
        "TW-FINCH": turns(tw_finch(rows, middles)),
        "TW-FINCH, true number": turns(tw_finch(rows, middles, number)),
        "equal lengths, true number": equal_lengths(length, number),
        "equal lengths, every 5 min": equal_lengths(length, max(1, round(length / EVERY))),
        "no cuts": [],
    }


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def show(figures: dict[str, Any]) -> None:
    """Print the figures as a table."""
    title = f"Chapters: {figures['meetings']} meetings ({figures['split']}), {figures['true_segments']:.1f} topics each"
    table = Table("method", "Pk", "WindowDiff", "chapters", title=title)
    for method, row in figures["methods"].items():
        table.add_row(method, f"{row['Pk']:.3f}", f"{row['WindowDiff']:.3f}", f"{row['segments']:.1f}")
    Console().print(table)


def main() -> None:
    """Measure and print; `--split train` for tuning."""
    parser = argparse.ArgumentParser(prog="python -m bench.chapters", description=__doc__)
    parser.add_argument("--split", default="val", choices=["train", "val"], help="which meetings")
    parser.add_argument("--limit", type=int, help="only so many meetings")
    wanted = parser.parse_args()
    if not DATA.is_dir():
        parser.exit(message=f"The meetings are not here ({DATA.name}); nothing was measured.\n")
    show(measure(load_settings(), wanted.split, limit=wanted.limit))


if __name__ == "__main__":
    main()
