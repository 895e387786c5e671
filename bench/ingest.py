"""`python -m bench.ingest`: what taking videos apart costs, against ffmpeg, by one worker and two, short and long."""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.ratios import ROUNDS
from bench.videos import ffmpeg, footage, looped
from ingest.chunks import chunks_of
from ingest.probe import probe
from ingest.watching import watch
from library.ledger import Ledger
from library.records import JobState
from reelseek.artefacts import ArtefactStore
from reelseek.setting_groups import IngestSettings
from reelseek.settings import Settings, load_settings
from workers.enqueue import enqueue_index
from workers.workspace import Workspace

OFF = dict.fromkeys(("visual", "sentence", "speech", "screen_text", "objects", "vlm"), "off")
_PARTS = ("decoding", "workers", "memory")
_ROOT = Path(__file__).resolve().parents[1]
_WORKER = """
import sys, threading, time
from pathlib import Path
from reelseek.settings import Settings
from workers.runner import run_next
from workers.workspace import Workspace
with Workspace.open(Settings.model_validate_json(sys.argv[1])) as workspace:
    Path(sys.argv[2]).touch()
    while not Path(sys.argv[3]).exists():
        if run_next(workspace, threading.Event()) is None:
            time.sleep(0.05)
"""


@dataclass(frozen=True, slots=True)
class Pass:
    """The decoding pass over one video, CPU seconds, the median of the rounds.

    Attributes:
        ffmpeg: `ffmpeg -f null` as it runs by itself, with as many threads as it likes.
        ffmpeg_one_thread: the same with one thread.
        ratios: ours over `ffmpeg` in each round, the least first; below 1 ours costs less than decoding every picture
            and throwing it away.
    """

    name: str
    sample_fps: float
    ours: float
    ffmpeg: float
    ffmpeg_one_thread: float
    ratios: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The rounds' median."""
        return median(self.ratios)


def passes(folder: Path, rounds: int = ROUNDS) -> list[Pass]:
    """One decoding pass with everything it feeds, against `ffmpeg -f null` on the same file, alternately."""
    film = footage(folder / "footage.mp4")
    plain = folder / "no-b-frames.mp4"
    ffmpeg("-i", film, "-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-t", "30", plain)
    return [_pass(film, 1.0, rounds), _pass(film, 2.0, rounds), _pass(plain, 2.0, rounds)]


def _pass(path: Path, sample_fps: float, rounds: int) -> Pass:
    settings = IngestSettings(sample_fps=sample_fps)
    info = probe(path, settings, "0" * 32)
    ours: list[float] = []
    floor: list[float] = []
    single: list[float] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="reelseek-bench-") as scratch:
            store = ArtefactStore(scratch)
            started = time.process_time()
            with store.write(info.video_id, "frames", "k") as writer:
                for chunk in chunks_of(info, settings)[:1]:
                    watch(path, info, settings, chunk, writer, lambda _: None)
            ours.append(time.process_time() - started)
        floor.append(_decoding(path))
        single.append(_decoding(path, "-threads", "1"))
    ratios = tuple(sorted(one / other for one, other in zip(ours, floor, strict=True)))
    return Pass(path.name, sample_fps, median(ours), median(floor), median(single), ratios)


def _decoding(path: Path, *options: str) -> float:
    """CPU seconds of `ffmpeg -f null`."""
    before = _children()
    ffmpeg(*options, "-i", path, "-f", "null", "-")
    return _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def sharing(folder: Path, minutes: float = 20.0) -> dict[str, float]:
    """Wall seconds for one long 1080p video by one worker and by two, from the queue to the index."""
    film = footage(folder / "footage.mp4") if not (folder / "footage.mp4").exists() else folder / "footage.mp4"
    path = looped(film, folder / "long.mp4", minutes)
    taken = {}
    for workers in (1, 2):
        settings = load_settings({"data": folder / f"workers-{workers}", "engines": OFF})
        taken[f"{workers} workers"] = _by_workers(settings, path, workers, folder)
    return taken | {"times as fast": taken["1 workers"] / taken["2 workers"], "minutes": minutes}


def _by_workers(settings: Settings, path: Path, count: int, folder: Path) -> float:
    end, started = folder / f"end-{count}", []
    for number in range(count):
        ready = folder / f"ready-{count}-{number}"
        command = [sys.executable, "-c", _WORKER, settings.model_dump_json(), str(ready), str(end)]
        started.append(subprocess.Popen(command, cwd=_ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}))
        while not ready.exists():
            time.sleep(0.05)
    with Workspace.open(settings) as workspace:
        ledger = Ledger(workspace.catalogue, settings.workers)
        begun = time.monotonic()
        job = enqueue_index(workspace.catalogue, settings, path)
        while (state := ledger.job(job.job_id).state) in (JobState.QUEUED, JobState.RUNNING):
            time.sleep(0.05)
        took = time.monotonic() - begun
        assert state is JobState.DONE, ledger.job(job.job_id).error
    end.touch()
    for process in started:
        process.wait()
    return took


def memory(folder: Path) -> dict[str, float]:
    """Peak memory (MiB) of indexing 10 minutes and 2 hours, without models."""
    small = footage(folder / "small.mp4", height=180)
    found = {}
    for minutes in (10, 120):
        path = looped(small, folder / f"{minutes}.mp4", minutes)
        settings = load_settings({"data": folder / f"memory-{minutes}", "engines": OFF})
        code = (
            "import json, resource, sys\nfrom pathlib import Path\nfrom reelseek.settings import Settings\n"
            "from workers.indexing import index_file\nfrom workers.workspace import Workspace\n"
            "with Workspace.open(Settings.model_validate_json(sys.argv[1])) as workspace:\n"
            "    assert index_file(workspace, Path(sys.argv[2])).state == 'indexed'\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)\n"
        )
        command = [sys.executable, "-c", code, settings.model_dump_json(), str(path)]
        done = subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, text=True)
        found[f"{minutes} minutes"] = float(done.stdout.splitlines()[-1])
    return found | {"ratio": found["120 minutes"] / found["10 minutes"]}


def show_passes(found: list[Pass]) -> None:
    """Print them as a table."""
    columns = ("video", "samples/s", "ours (CPU s)", "ffmpeg -f null", "with one thread", "ratio (least, most)")
    table = Table(*columns, title="One decoding pass")
    for item in found:
        figures = (item.sample_fps, item.ours, item.ffmpeg, item.ffmpeg_one_thread)
        spread = f"{item.ratio:.2f} ({item.ratios[0]:.2f}, {item.ratios[-1]:.2f})"
        table.add_row(item.name, *(f"{figure:.4g}" for figure in figures), spread)
    Console().print(table)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.ingest", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"{', '.join(_PARTS)} (default: all, over ten minutes)"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of the decoding pass (default: %(default)s)")
    wanted = parser.parse_args()
    unknown = sorted(set(wanted.parts) - set(_PARTS))
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")
    parts = wanted.parts or _PARTS
    with tempfile.TemporaryDirectory(prefix="reelseek-bench-") as scratch:
        folder = Path(scratch)
        if "decoding" in parts:
            show_passes(passes(folder, max(1, wanted.rounds)))
        if "workers" in parts:
            Console().print_json(json.dumps({"20 minutes of 1080p": sharing(folder)}))
        if "memory" in parts:
            Console().print_json(json.dumps({"peak memory, MiB": memory(folder)}))


if __name__ == "__main__":
    main()
