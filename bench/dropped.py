"""What share of the sampled pictures never reaches embedding or the reader, and which words are lost by it."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.recordings import camera, lecture, screen
from bench.screen_text import CountingReader, same_word, taken_apart, words_of
from bench.shots import SHARED, small_pictures, truth
from engines.registry import Engines
from ingest.decode import Picture
from ingest.keyframes import KeyframeSelector, LookSelector
from ingest.screen_text import readable
from ingest.shots import ShotDetector
from reelseek.artefacts import ArtefactStore
from reelseek.records import Image, TextBox
from reelseek.settings import Settings, load_settings

STATIC_CLIPS = (
    "intel_one_by_one_person.mp4",
    "intel_cars.mp4",
    "intel_bottles.mp4",
    "opencast_scene_change.mov",
    "opencast_segment_0.mp4",
    "opencast_av.mov",
)
"""Clips of slides, and of cameras that do not move."""

READ_CLIPS = ("opencast_scene_change.mov", "opencast_segment_0.mp4", "opencast_test_optimization.mp4")
"""Clips in which every sampled picture is read for comparison."""

RECORDED_SECONDS = 40.0
_SURE = 0.8


@dataclass
class Chosen:
    """What becomes of a video's pictures.

    Attributes:
        keyframes: times of those that OCR and embedding see.
        looks: how many are kept for the tracks of moving things.
        sampled: how many there were to choose from.
        microseconds: CPU time of choosing, for each small picture.
    """

    keyframes: list[float] = field(default_factory=list)
    looks: int = 0
    sampled: int = 0
    microseconds: float = 0.0
    readings: list[tuple[float, bool, tuple[TextBox, ...]]] = field(default_factory=list)

    @property
    def dropped(self) -> float:
        """The share of the sampled pictures that is not kept."""
        return max(0.0, 1 - len(self.keyframes) / max(1, self.sampled))


class _Blank:
    """A reader that finds nothing: what is given to a reader does not depend on what it finds."""

    id, fingerprint, note = "blank", "blank", ""

    def read(self, images: Sequence[Image]) -> list[tuple[TextBox, ...]]:
        return [()] * len(images)


def chosen(seen: Iterator[Picture], settings: Settings, reader: CountingReader | None = None) -> Chosen:
    """Run the selectors over a video; with a reader, read every sampled picture and every keyframe too."""
    detector, keyframes = ShotDetector(), KeyframeSelector(settings.ingest)
    looks = LookSelector(keyframes)
    result, spent, count = Chosen(), 0.0, 0
    for picture in seen:
        cut = detector.add(picture)
        started = time.process_time()
        kept = keyframes.consider(picture, cut=cut) is not None
        looked = not kept and picture.sampled and looks.consider(picture)
        spent, count = spent + time.process_time() - started, count + 1
        result.sampled += picture.sampled
        result.looks += looked
        if kept:
            result.keyframes.append(picture.time)
        if reader is not None and (kept or picture.sampled):
            boxes = reader.read([picture.image(settings.ingest.max_side)])[0]
            result.readings.append((picture.time, kept, boxes))
    result.microseconds = spent / max(1, count) * 1e6
    return result


def lost(readings: Sequence[tuple[float, bool, tuple[TextBox, ...]]]) -> list[str]:
    """Words that are read surely in two sampled pictures one after the other, and on no keyframe."""
    words = [
        (kept, {word for box in readable(boxes) if box.confidence >= _SURE for word in words_of(box.text)})
        for _, kept, boxes in readings
    ]
    known = {word for kept, found in words if kept for word in found}
    twice = {word for (_, one), (_, other) in pairwise(words) for word in one & other}
    return sorted(
        word
        for word in twice
        if not any(same_word(word, other) or (len(word) > 2 and word in other) for other in known)
    )


def measure(settings: Settings, shared: Path = SHARED, cache: Path | None = None) -> dict[str, Any]:
    """Shares for the static clips and three drawn recordings, and the words lost where everything is read.

    Args:
        settings: name the screen-text engine; without one nothing is read.
        shared: the folder of real clips; where it is absent, only the recordings are measured.
        cache: a folder in which readings are kept from run to run.
    """
    rows: list[dict[str, Any]] = []
    with Engines(settings) as engines, tempfile.TemporaryDirectory(prefix="reelseek-bench-") as folder:
        engine = engines.screen_text()
        if cache is not None:
            cache.mkdir(parents=True, exist_ok=True)
        reader = None if engine is None else CountingReader(engine, cache)
        for draw in (lecture, screen, camera):
            recording = draw(RECORDED_SECONDS, 640, 360)
            path = recording.write(Path(folder) / f"{recording.name}.mp4")
            rows.append(_row(f"drawn: {recording.name}", path, settings, reader, static=True))
            kept = rows[-1]["keyframes"]
            rows[-1]["unseen"] = [
                item.text for item in recording.written if not any(item.start <= at < item.end for at in kept)
            ]
        for name in [*truth(), *(name for name in STATIC_CLIPS if name not in truth())] if shared.is_dir() else []:
            reads = reader if name in READ_CLIPS else None
            rows.append(_row(name, shared / "video" / name, settings, reads, static=name in STATIC_CLIPS))
    static = [row for row in rows if row["static"]]
    return {
        "engine": "" if reader is None else reader.id,
        "videos": rows,
        "never_read": 1 - sum(row["read"] for row in rows) / sum(row["sampled"] for row in rows),
        "static_never_read": 1 - sum(row["read"] for row in static) / sum(row["sampled"] for row in static),
        "static_dropped": 1 - sum(len(row["keyframes"]) for row in static) / sum(row["sampled"] for row in static),
        "words_lost": sum(len(row["lost"] or ()) for row in rows),
    }


def _row(name: str, path: Path, settings: Settings, reader: CountingReader | None, *, static: bool) -> dict[str, Any]:
    result = chosen(small_pictures(path), settings, reader)
    with tempfile.TemporaryDirectory(prefix="reelseek-bench-") as folder:
        _, apart = taken_apart(path, settings, ArtefactStore(folder), CountingReader(_Blank()))
    return {
        "video": name,
        "static": static,
        "sampled": result.sampled,
        "keyframes": [round(at, 3) for at in result.keyframes],
        "looks": result.looks,
        "dropped": round(result.dropped, 4),
        "read": apart["read"],
        "microseconds_per_picture": round(result.microseconds, 1),
        "lost": None if reader is None else lost(result.readings),
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures as a table."""
    console = Console()
    columns = ("video", "sampled", "keyframes", "looks", "read", "dropped", "never read", "µs", "words lost")
    table = Table(*columns, title="Dropped pictures")
    for row in figures["videos"]:
        missing = "not read" if row["lost"] is None else " ".join([*row["lost"], *row.get("unseen", ())])
        numbers = map(str, (row["sampled"], len(row["keyframes"]), row["looks"], row["read"]))
        shares = [f"{row['dropped']:.0%}", f"{1 - row['read'] / row['sampled']:.0%}"]
        table.add_row(
            f"{'* ' if row['static'] else ''}{row['video']}",
            *numbers,
            *shares,
            f"{row['microseconds_per_picture']:.0f}",
            missing,
        )
    console.print(table)
    console.print(
        f"* static material: {figures['static_dropped']:.1%} dropped, {figures['static_never_read']:.1%} never read; "
        f"all: {figures['never_read']:.1%} never read; words lost: {figures['words_lost']}"
    )


def main() -> None:
    """Run and print; `--json FILE` keeps the figures, `--cache DIR` the readings."""
    parser = argparse.ArgumentParser(prog="python -m bench.dropped", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep readings here from run to run")
    wanted = parser.parse_args()
    if not SHARED.is_dir():
        print("The real clips (../shared/data) are not on this machine: only the drawn recordings are measured.")
    figures = measure(load_settings({}), cache=wanted.cache)
    show(figures)
    if wanted.json:
        wanted.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
