"""The decoding stage: one pass that finds shots, keeps keyframes and fills the storyboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ingest.decode import DecodeReport, pictures
from ingest.keyframes import Kept, KeyframeSelector, place
from ingest.shots import ShotDetector
from ingest.storage import FRAMES, RESULT, jpeg, plain
from ingest.storyboard import Storyboard
from reelseek.artefacts import StageWriter
from reelseek.records import VideoInfo
from reelseek.settings import IngestSettings


def watch(
    path: Path,
    info: VideoInfo,
    settings: IngestSettings,
    writer: StageWriter,
    progress: Callable[[float], None],
) -> str:
    """Decode a video once and write its keyframes, shots and storyboard sheets.

    Returns:
        What a person should know: counts, and what was broken.

    Raises:
        MediaError: too much of it is broken.
    """
    report, detector, selector = DecodeReport(), ShotDetector(), KeyframeSelector(settings)
    storyboard = Storyboard(info.duration, settings.storyboard_interval, writer.bytes)
    kept: list[Kept] = []
    for picture in pictures(path, info, settings, report):
        cut = detector.add(picture)
        chosen = selector.consider(picture, cut=cut)
        if chosen is not None:
            writer.bytes(f"{len(kept)}.jpg", jpeg(picture.image(settings.max_side)))
            kept.append(chosen)
        storyboard.add(picture)
        progress(min(1.0, picture.time / info.duration))
    shots, frames = place(kept, detector.finish(info.duration), info.duration)
    result = {
        "shots": plain(shots),
        "frames": plain(frames),
        "changes": [round(item.change, 5) for item in kept],
        "storyboard": storyboard.finish(),
        "note": report.note,
    }
    writer.json(RESULT[FRAMES], result)
    counted = f"{len(shots)} shots, {len(frames)} keyframes"
    return f"{counted}; {report.note}" if report.note else counted
