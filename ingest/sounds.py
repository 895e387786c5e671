"""Sounds that are no words, by name and time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from engines.protocols import SoundEngine
from ingest.audio import RATE, sound, windows
from reelseek.records import Channel, SoundEvent, TimedText, VideoInfo
from reelseek.setting_groups import IngestSettings

_APART = 1.0
"""Seconds between two of the same sound up to which they are one."""


def hear_sounds(
    path: Path,
    info: VideoInfo,
    settings: IngestSettings,
    engine: SoundEngine,
    *,
    progress: Callable[[float], None],
    start: float = 0.0,
    end: float | None = None,
) -> tuple[SoundEvent, ...]:
    """What sounds in `[start, end)` of a video, in seconds of the video.

    Args:
        progress: called with the fraction done; may raise to stop.
    """
    found: list[SoundEvent] = []
    length = max(1e-9, (info.duration if end is None else end) - start)
    for begin, audio in windows(sound(path, info, settings, start, end)):
        before, share = begin / length, len(audio) / RATE / length

        def inside(fraction: float, before: float = before, share: float = share) -> None:
            progress(min(1.0, before + fraction * share))

        for event in engine.classify(audio, progress=inside):
            at = start + begin
            found.append(replace(event, start=at + event.start, end=min(info.duration, at + event.end)))
    return tuple(found)


def sound_lines(events: Iterable[SoundEvent], source: str) -> tuple[TimedText, ...]:
    """Lines for the index: the same sound before and after a chunk's border is one.

    Args:
        source: the engine's id.
    """
    open_ones: dict[str, SoundEvent] = {}
    whole: list[SoundEvent] = []
    for event in sorted(events, key=lambda item: (item.start, item.label)):
        before = open_ones.get(event.label)
        if before is not None and event.start - before.end <= _APART:
            longer = max(before.end, event.end)
            open_ones[event.label] = replace(before, end=longer, confidence=max(before.confidence, event.confidence))
            continue
        if before is not None:
            whole.append(before)
        open_ones[event.label] = event
    whole += open_ones.values()
    return tuple(
        TimedText(Channel.SOUND, event.start, event.end, event.label, source, confidence=event.confidence)
        for event in sorted(whole, key=lambda item: (item.start, item.label))
    )
