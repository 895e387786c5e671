"""Making and indexing a world, piece by piece: what is there already is not made again."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from bench.world.clips import Shot, clips_of, filmed, hum
from demo.studio import speak
from reelseek.settings import Settings, load_settings
from workers.indexing import Workspace, index_file
from workers.upkeep import maintain_if_due


class OutOfTimeError(RuntimeError):
    """The time that was given for making and indexing has passed; what is done is kept."""


def world_settings(data: Path) -> Settings:
    """The settings of a world: the product's defaults with the demo's models, and an index of its own.

    Who speaks is asked by no query; that channel is off.
    """
    return load_settings({"data": data / "index", "engines": {"demo_models": True, "speakers": "off"}})


def make_world(data: Path, count: int, seed: int, *, seconds: float | None = None) -> list[Shot]:
    """Film `count` clips into `data/clips` and index them; the truth of every shot.

    Speech comes from espeak-ng where it is installed, else a low tone stands for it. Either way the subtitles beside
    each clip tell what is said, as in the demo: what a recogniser mishears is not measured here.

    Raises:
        OutOfTimeError: `seconds` passed before all was done.
    """
    begun = time.monotonic()

    def tell(_: int) -> None:
        if seconds is not None and time.monotonic() - begun > seconds:
            raise OutOfTimeError

    folder = data / "clips"
    shots = filmed(clips_of(count, seed), folder, speak if shutil.which("espeak-ng") else hum, tell)
    index_world(data, [folder / name for name in dict.fromkeys(shot.clip for shot in shots)], tell)
    return shots


def index_world(data: Path, files: list[Path], tell: Callable[[int], None] = lambda _: None) -> None:
    """Index clips that are not indexed yet.

    Raises:
        RuntimeError: a clip could not be indexed.
    """
    with Workspace.open(world_settings(data)) as workspace:
        try:
            for done, path in enumerate(files, start=1):
                report = index_file(workspace, path)
                if report.state == "failed":
                    raise RuntimeError(f"{path.name}: {report.reason}")
                tell(done)
        finally:
            maintain_if_due(workspace)
