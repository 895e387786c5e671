"""The decoding stage: one pass that finds cuts, keeps keyframes and looks, and fills the storyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.chunks import CONTEXT, Chunk
from ingest.decode import Picture, pictures
from ingest.decoder import DecodeReport
from ingest.keyframes import Kept, KeyframeSelector, LookSelector, place
from ingest.shots import ShotDetector
from ingest.storage import plain
from ingest.storyboard import Layout, Storyboard, joined, sheet_name
from reelseek.artefacts import StageWriter
from reelseek.records import Look, VideoInfo
from reelseek.setting_groups import IngestSettings

LOOK_SIDE = 640
_KEYFRAME_QUALITY, _LOOK_QUALITY = 2, 4
"""FFmpeg's quantiser scale: about what JPEG libraries call 90 and 80."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What watching a chunk has found; its pictures are files: `<n>.jpg`, `looks/<n>.jpg`, `storyboard[-<n>].jpg`.

    Attributes:
        cuts: times at which shots begin.
        looks: times of pictures kept between keyframes while things moved.
        sampled: pictures that were candidates for keyframes and looks.
        note: what was broken.
    """

    kept: tuple[Kept, ...]
    cuts: tuple[float, ...]
    looks: tuple[float, ...]
    storyboard: Layout
    sampled: int
    note: str


def watch(
    path: Path,
    info: VideoInfo,
    settings: IngestSettings,
    chunk: Chunk,
    writer: StageWriter,
    progress: Callable[[float], None],
) -> Watched:
    """Decode a chunk once and write its keyframes, looks and storyboard sheets.

    Shots are found with the pictures of a little more than the chunk. A chunk's first picture is a keyframe always, so
    that it can be understood by itself.

    Raises:
        MediaError: too much of it is broken.
    """
    report, detector = DecodeReport(), ShotDetector()
    keyframes = KeyframeSelector(settings)
    looks = LookSelector(keyframes)
    storyboard = Storyboard(info.duration, settings.storyboard_interval, writer.bytes)
    kept: list[Kept] = []
    looked: list[float] = []
    sampled = 0
    for picture in _around(chunk, path, info, settings, report):
        cut = detector.add(picture)
        if not chunk.start <= picture.time < _end(chunk, info):
            continue
        sampled += picture.sampled
        chosen = keyframes.consider(picture, cut=cut)
        if chosen is not None:
            writer.bytes(f"{len(kept)}.jpg", picture.jpeg(settings.max_side, _KEYFRAME_QUALITY))
            kept.append(chosen)
        elif picture.sampled and looks.consider(picture):
            writer.bytes(look_name(len(looked)), picture.jpeg(LOOK_SIDE, _LOOK_QUALITY))
            looked.append(picture.time)
        storyboard.add(picture)
        progress(min(1.0, (picture.time - chunk.start) / max(chunk.end - chunk.start, 1e-3)))
    cuts = tuple(cut for cut in detector.finish(info.duration) if chunk.start <= cut < _end(chunk, info))
    return Watched(tuple(kept), cuts, tuple(looked), storyboard.finish(), sampled, report.note)


def _around(
    chunk: Chunk, path: Path, info: VideoInfo, settings: IngestSettings, report: DecodeReport
) -> Iterator[Picture]:
    start = max(0.0, chunk.start - CONTEXT)
    return pictures(path, info, settings, report, start, _end(chunk, info) + CONTEXT)


def _end(chunk: Chunk, info: VideoInfo) -> float:
    """Where a chunk ends; the last one takes what comes after the stated duration as well."""
    return chunk.end if chunk.end < info.duration else float("inf")


def look_name(index: int) -> str:
    """The file of a look."""
    return f"looks/{index}.jpg"


def shown(parts: Sequence[Watched], duration: float) -> dict[str, Any]:
    """The decoding stage's result: shots, keyframes and looks of the whole from what its chunks gave.

    A chunk may be without pictures: where sound goes on after them, or a clock jumps.
    """
    kept = [item for part in parts for item in part.kept]
    cuts = [cut for part in parts for cut in part.cuts]
    shots, frames = place(kept, cuts, duration)
    times = [time for part in parts for time in part.looks]
    return {
        "shots": plain(shots),
        "frames": plain(frames),
        "looks": plain([Look(time, look_name(index)) for index, time in enumerate(times)]),
        "changes": [round(item.change, 5) for item in kept],
        "storyboard": joined([part.storyboard for part in parts]),
        "sampled": sum(part.sampled for part in parts),
        "note": "; ".join(dict.fromkeys(part.note for part in parts if part.note)),
    }


def renamed(parts: Sequence[Watched]) -> Iterator[tuple[int, str, str]]:
    """The files of all parts: `(part, its name there, its name in the whole)`."""
    frames = looks = sheets = 0
    for number, part in enumerate(parts):
        for index in range(len(part.kept)):
            yield number, f"{index}.jpg", f"{frames + index}.jpg"
        for index in range(len(part.looks)):
            yield number, look_name(index), look_name(looks + index)
        for index in range(len(part.storyboard["cells"])):
            yield number, sheet_name(index), sheet_name(sheets + index)
        frames, looks = frames + len(part.kept), looks + len(part.looks)
        sheets += len(part.storyboard["cells"])


def summary(result: dict[str, Any]) -> str:
    """The stage's result in a few words."""
    frames, looks, sampled = len(result["frames"]), len(result["looks"]), max(1, result["sampled"])
    dropped = max(0.0, 1 - frames / sampled)
    counted = f"{len(result['shots'])} shots, {frames} keyframes of {sampled} pictures ({dropped:.0%} dropped)"
    return "; ".join(filter(None, (f"{counted}, {looks} looks", result["note"])))
