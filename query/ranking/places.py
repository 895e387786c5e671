"""Where a moment sits: video, chapter, segment, and the steps inside it (video → moment → steps, as HiREST has it).

The three levels follow Zala et al., "Hierarchical Video-Moment Retrieval and Step-Captioning", CVPR 2023.
"""

from __future__ import annotations

import textwrap
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import TypeAlias

from library.records import VideoEntry
from query.ranking.runs import Run
from query.source import Source
from query.transcript import chapters_of
from reelseek.artefacts import ArtefactStore
from reelseek.errors import ReelseekError
from reelseek.records import Channel, Chapter
from reelseek.results import Place, Step

LONG = 20.0
"""Seconds from which a moment is shown in steps."""

STEPS = 12
"""Most steps of a moment."""

_LEAST_STEP = 1.0
_TEXT = 90
_KEPT = 4_096
_FRESH = 300.0
_PAUSE = 60.0

Ranges: TypeAlias = Sequence[tuple[int, float, float]]
"""Index, start and end of a video's segments, in order."""


class Chapters:
    """Chapters of videos, read from the artefact store once and kept. Thread-safe.

    A store that does not answer breaks no search: there are no chapters then, and for a minute nobody asks again.
    """

    def __init__(self, store: ArtefactStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str | None], tuple[float, tuple[Chapter, ...]]] = OrderedDict()
        self._silent_until = 0.0

    @property
    def reachable(self) -> bool:
        """Whether the store answered when it was last asked."""
        return time.monotonic() >= self._silent_until

    def of(self, entry: VideoEntry) -> tuple[Chapter, ...]:
        """A video's chapters, in order; none where it has none or they cannot be read."""
        key = (entry.video_id, entry.live_ingest)
        with self._lock:
            read_at, known = self._known.get(key, (0.0, ()))
        if (read_at and time.monotonic() - read_at < _FRESH) or not self.reachable:
            return known
        try:
            found = chapters_of(self._store, entry.video_id)
        except (OSError, ReelseekError):
            self._silent_until = time.monotonic() + _PAUSE
            return known
        with self._lock:
            self._known[key] = (time.monotonic(), found)
            self._known.move_to_end(key)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return found


def place_of(
    run: Run, end: float, duration: float, chapters: Sequence[Chapter], segments: Ranges, steps: tuple[Step, ...] = ()
) -> Place:
    """Where a run sits.

    Args:
        end: of the moment; a run may reach beyond the video.
    """
    chapter = holding(run.start, end, chapters)
    shared = [_shared(run.start, end, start, stop) for _, start, stop in segments]
    return Place(
        duration=duration,
        share=min(1.0, max(0.0, end - run.start) / duration) if duration > 0 else 0.0,
        chapter=chapter,
        chapters=len(chapters),
        segment=shared.index(max(shared)) + 1 if shared else 0,
        segments=len(segments),
        steps=steps,
    )


def holding(start: float, end: float, chapters: Sequence[Chapter]) -> Chapter | None:
    """The chapter that most of a stretch lies in; None where it touches none."""
    best = max(chapters, key=lambda chapter: _shared(start, end, chapter.start, chapter.end), default=None)
    if best is None or min(end, best.end) < max(start, best.start):
        return None
    return best


def steps_of(run: Run, end: float, chapters: Sequence[Chapter], source: Source) -> tuple[Step, ...]:
    """The parts of a long moment: the chapters it spans, else its segments, else its sentences."""
    if end - run.start <= LONG:
        return ()
    steps = [
        Step(max(run.start, chapter.start), min(end, chapter.end), chapter.title)
        for chapter in chapters
        if _shared(run.start, end, chapter.start, chapter.end) > _LEAST_STEP
    ]
    if len(steps) < 2:
        steps = [
            Step(max(run.start, block.start), min(end, block.end), _text(run, block.start, block.end, block.texts))
            for block in source.blocks_between(run.video_id, run.start, end)
            if _shared(run.start, end, block.start, block.end) > _LEAST_STEP
        ]
    if len(steps) < 2:
        steps = [
            Step(max(run.start, line.start), min(end, line.end), _short(line.text))
            for line in source.lines_between(run.video_id, run.start, end, (Channel.SPEECH,))
        ]
    return tuple(steps[:STEPS]) if len(steps) > 1 else ()


def _text(run: Run, start: float, end: float, texts: dict[Channel, str]) -> str:
    """What a segment is shown by: the best evidence in it, else what is said, else what stands there."""
    inside = [item for item in run.evidence if item.text and start <= item.start < end]
    if inside:
        return _short(max(inside, key=lambda item: item.score).text)
    order = (Channel.SPEECH, Channel.CAPTION, Channel.SCREEN_TEXT)
    return _short(next((texts[channel] for channel in order if texts.get(channel)), ""))


def _short(text: str) -> str:
    return textwrap.shorten(text, _TEXT, placeholder="…")


def _shared(start: float, end: float, first: float, last: float) -> float:
    """Seconds that two stretches share; an instant inside counts a little."""
    return max(0.0, min(end, last) - max(start, first)) + (1e-3 if first <= start < last else 0.0)
