"""Where one shot ends and the next begins, by PySceneDetect's detectors on the pictures that are decoded anyway."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ingest.decode import SMALL_FPS, Picture

SHORTEST_SHOT = 0.6
_MICROSECOND = Fraction(1, 1_000_000)


class ShotDetector:
    """Cuts by `AdaptiveDetector` (a change that stands out of the motion around it), fades by `ThresholdDetector`."""

    def __init__(self) -> None:
        from scenedetect.common import FrameTimecode, Timecode
        from scenedetect.detectors import AdaptiveDetector, ThresholdDetector

        self._timecode: Any = lambda seconds: FrameTimecode(
            Timecode(round(seconds * 1_000_000), _MICROSECOND), fps=SMALL_FPS
        )
        self._detectors: tuple[Any, ...] = (
            AdaptiveDetector(min_scene_len=SHORTEST_SHOT),
            ThresholdDetector(min_scene_len=SHORTEST_SHOT),
        )
        self._cuts: list[float] = []
        self._last = 0.0

    def add(self, picture: Picture) -> bool:
        """Take the next picture; whether it shows that a shot began in the last fraction of a second."""
        when = self._timecode(picture.time)
        self._last, before = picture.time, len(self._cuts)
        for detector in self._detectors:
            self._take(detector.process_frame(when, picture.small))
        return len(self._cuts) > before

    def finish(self, duration: float) -> list[float]:
        """The times of all cuts, in order, none nearer than `SHORTEST_SHOT` to another or to either end."""
        when = self._timecode(self._last)
        for detector in self._detectors:
            self._take(detector.post_process(when))
        kept: list[float] = []
        for cut in sorted(self._cuts):
            if cut - (kept[-1] if kept else 0.0) >= SHORTEST_SHOT and duration - cut >= SHORTEST_SHOT / 2:
                kept.append(cut)
        return kept

    def _take(self, found: list[Any]) -> None:
        self._cuts += [round(float(item.seconds), 6) for item in found]
