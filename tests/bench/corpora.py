"""Small benchmark folders, written by the tests."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SAID = {
    "garden": (
        "Today we plant tomatoes in the small greenhouse.",
        "Water them every morning before the sun is high.",
        "Snails do not like crushed egg shells around the stems.",
    ),
    "violin": (
        "Hold the bow loosely between thumb and middle finger.",
        "Rosin makes the hair of the bow grip the string.",
        "Tune the A string first, then the others in fifths.",
    ),
    "taxes": (
        "Keep every receipt for at least six years.",
        "The deadline for the tax return is the end of July.",
        "Travel to work can be deducted by the kilometre.",
    ),
}


def lines_of(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """Write JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def small_bench(folder: Path) -> Path:
    """Three videos of three sentences, 20 s apart; a query for each sentence, the third of each held out."""
    corpus, queries = [], []
    for video, said in SAID.items():
        for number, text in enumerate(said):
            start = 20.0 * number
            corpus.append(
                {"video_id": video, "segment_id": f"{video}:{number}", "start": start, "end": start + 5, "text": text}
            )
            queries.append(
                {
                    "query_id": f"{video}-{number}",
                    "query": text.rstrip(".").lower(),
                    "video_id": video,
                    "relevant": [[start, start + 5]],
                    "split": "dev" if number == 2 else "train",
                    "query_type": "exact",
                }
            )
    lines_of(folder / "corpus.jsonl", corpus)
    lines_of(folder / "queries.jsonl", queries)
    return folder
