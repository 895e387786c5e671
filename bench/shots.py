"""How well shot boundaries are found on the real clips, whose true ones are in `tests/data/shots.json`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ingest.decode import Picture, pictures
from ingest.decoder import DecodeReport
from ingest.keyframes import Kept, KeyframeSelector, place
from ingest.probe import probe
from ingest.shots import ShotDetector
from reelseek.setting_groups import IngestSettings

ROOT = Path(__file__).resolve().parent.parent
TRUTH = ROOT / "tests" / "data" / "shots.json"
SHARED = ROOT.parent / "shared" / "data"
TOLERANCE = 0.25


@dataclass(frozen=True, slots=True)
class Clip:
    """The true boundaries of a clip.

    Attributes:
        half: `tuning` or `reporting`.
        transitions: first and last time of each; the same for a cut.
        optional: stretches in which a boundary counts neither as right nor as wrong.
    """

    half: str
    transitions: tuple[tuple[float, float], ...]
    optional: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Counts for one clip or several."""

    right: int = 0
    missed: int = 0
    wrong: int = 0

    def __add__(self, other: Judgement) -> Judgement:
        return Judgement(self.right + other.right, self.missed + other.missed, self.wrong + other.wrong)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; 1 where there is nothing to find and nothing was found."""
        return 2 * self.right / max(1, 2 * self.right + self.missed + self.wrong) if self != Judgement() else 1.0


def truth() -> dict[str, Clip]:
    """The true boundaries by the file's name."""
    clips: Mapping[str, Any] = json.loads(TRUTH.read_text(encoding="utf-8"))["clips"]
    return {
        name: Clip(
            clip["half"],
            tuple((one.get("time", one.get("start")), one.get("time", one.get("end"))) for one in clip["transitions"]),
            tuple((one["start"], one["end"]) for one in clip.get("optional", ())),
        )
        for name, clip in clips.items()
    }


def judged(found: Sequence[float], clip: Clip) -> Judgement:
    """Hold what was found against the truth, one to one, within 0.25 s."""
    left = list(found)
    right = 0
    for start, end in clip.transitions:
        near = [at for at in left if start - TOLERANCE <= at <= end + TOLERANCE]
        if near:
            left.remove(min(near, key=lambda at: abs(at - (start + end) / 2)))
            right += 1
    wrong = [at for at in left if not any(start - TOLERANCE <= at <= end + TOLERANCE for start, end in clip.optional)]
    return Judgement(right, len(clip.transitions) - right, len(wrong))


def small_pictures(path: Path) -> Iterator[Picture]:
    """The pictures of a file as ingest sees them."""
    settings = IngestSettings()
    return pictures(path, probe(path, settings, "0" * 32), settings, DecodeReport())


def measure(shared: Path = SHARED) -> dict[str, Any]:
    """Per clip and per half: right, missed, wrong, F1; and the detector's CPU time per picture.

    `shots` is the same for what is left as shots in the end: one that gets no keyframe joins the one before it.

    Raises:
        FileNotFoundError: the real clips are not on this machine.
    """
    halves: dict[str, Judgement] = {}
    placed: dict[str, Judgement] = {}
    clips: dict[str, Any] = {}
    spent, count = 0.0, 0
    for name, clip in truth().items():
        seen = list(small_pictures(shared / "video" / name))
        started = time.process_time()
        detector = ShotDetector()
        for picture in seen:
            detector.add(picture)
        found = detector.finish(seen[-1].time + 0.08)
        spent, count = spent + time.process_time() - started, count + len(seen)
        shots, _ = place(_keyframes(seen), found, seen[-1].time + 0.08)
        placed[clip.half] = placed.get(clip.half, Judgement()) + judged([shot.start for shot in shots[1:]], clip)
        result = judged(found, clip)
        halves[clip.half] = halves.get(clip.half, Judgement()) + result
        clips[name] = {"half": clip.half, "found": found, **_plain(result)}
    total = sum(halves.values(), Judgement())
    return {
        "clips": clips,
        "halves": {half: _plain(result) for half, result in sorted(halves.items())},
        "total": _plain(total),
        "shots": {half: _plain(result) for half, result in sorted(placed.items())},
        "microseconds_per_picture": round(spent / count * 1e6, 1),
    }


def _keyframes(seen: Sequence[Picture]) -> list[Kept]:
    detector, selector = ShotDetector(), KeyframeSelector(IngestSettings())
    kept = [selector.consider(picture, cut=detector.add(picture)) for picture in seen]
    return [one for one in kept if one is not None]


def _plain(result: Judgement) -> dict[str, float]:
    return {"right": result.right, "missed": result.missed, "wrong": result.wrong, "f1": round(result.f1, 4)}


def main() -> None:
    """Measure and print."""
    console = Console()
    if not SHARED.is_dir():
        console.print("The real clips (../shared/data) are not on this machine.")
        return
    figures = measure()
    table = Table("clip", "half", "right", "missed", "wrong", "F1", title="Shot boundaries")
    rows = [
        (name, row["half"], row)
        for name, row in figures["clips"].items()
        if row["right"] + row["missed"] + row["wrong"]
    ]
    rows += [("all", half, row) for half, row in figures["halves"].items()]
    rows += [("all", "both", figures["total"])]
    rows += [("all, as shots with keyframes", half, row) for half, row in figures["shots"].items()]
    for name, half, row in rows:
        table.add_row(name, half, *(str(row[key]) for key in ("right", "missed", "wrong")), f"{row['f1']:.3f}")
    console.print(table)
    console.print(f"{figures['microseconds_per_picture']:.0f} µs of CPU per picture")


if __name__ == "__main__":
    main()
