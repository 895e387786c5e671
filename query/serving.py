"""Which engines serve a library, and what a user must know of them and of the videos that were found."""

from __future__ import annotations

from collections.abc import Sequence

from engines.registry import Engines
from library.catalogue import Catalogue
from query.found import Found
from reelseek.records import Channel
from reelseek.results import Moment

SHOWN_CHANNELS = (Channel.VISUAL, Channel.SPEECH, Channel.SCREEN_TEXT, Channel.OBJECTS)
"""Channels whose engines every result names."""


def serving_channels(catalogue: Catalogue, engines: Engines) -> dict[Channel, str | None]:
    """For each channel the engine that filled it in most videos; before there are any, the one that would."""
    counts: dict[Channel, dict[str, int]] = {channel: {} for channel in SHOWN_CHANNELS}
    entries = catalogue.videos()
    for entry in entries:
        for channel in SHOWN_CHANNELS:
            engine = entry.channels.get(channel.value)
            if engine:
                counts[channel][engine] = counts[channel].get(engine, 0) + 1
    if any(entry.live_ingest for entry in entries):
        return {channel: max(found, key=lambda name: found[name], default=None) for channel, found in counts.items()}
    resolutions = engines.resolutions()
    return {
        channel: ref.id if (ref := resolutions[channel.value].ref) is not None else None for channel in SHOWN_CHANNELS
    }


def engine_notes(engines: Engines, found: Found, k: int) -> list[str]:
    """What a user must know of the engines whose results the first `k` are."""
    notes = []
    for channel in (Channel.VISUAL, Channel.OBJECTS):
        if channel in found.searched and any(channel in run.parts for run in found.runs[:k]):
            ref = engines.resolutions()[channel.value].ref
            if ref is not None and ref.note:
                notes.append(f"{ref.id}: {ref.note}")
    return notes


def partial_notes(catalogue: Catalogue, moments: Sequence[Moment]) -> list[str]:
    """Which of the videos that were found may have more to find."""
    shown = list(dict.fromkeys(moment.video_id for moment in moments))
    return [
        f"“{video.title}” is still being indexed: so far only its beginning can be found."
        for video in (catalogue.videos(ids=shown) if shown else [])
        if video.partial
    ]
