"""Long recordings for Whisper: cut into blocks at pauses, so that memory stays flat, each with its language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from engines.voice_activity import SAMPLE_RATE, Region
from reelseek.records import Audio

BLOCK_SECONDS = 300.0
"""A block is at most this long, unless one region of speech is."""

SKIP_SECONDS = 30.0
"""Silence this long is no part of any block."""

NO_SPEECH = 0.6
"""Whisper's own limit: a window as likely to be no speech, and not read with confidence, has no words."""

LEAST_SURE = 0.2
"""Mean probability of a sentence's words under which Whisper guessed."""

SURE = 0.8
"""A block is taken to be in another language than the one before it when the model is at least this sure of it."""


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of audio, in seconds, and what is spoken in it (in seconds from its own start)."""

    start: float
    end: float
    speech: tuple[Region, ...]

    def speech_of(self, audio: Audio) -> Audio:
        """The block's samples, silent wherever nobody speaks."""
        first, last = round(self.start * SAMPLE_RATE), round(self.end * SAMPLE_RATE)
        kept = np.zeros(last - first, np.float32)
        for region in self.speech:
            part = slice(round(region.start * SAMPLE_RATE), round(region.end * SAMPLE_RATE))
            kept[part] = audio[first:last][part]
        return kept


def blocks_of(regions: Sequence[Region]) -> Iterator[Block]:
    """Group regions of speech, in order and without overlap, into blocks."""
    group: list[Region] = []
    for region in regions:
        if group and (region.end - group[0].start > BLOCK_SECONDS or region.start - group[-1].end > SKIP_SECONDS):
            yield _block(group)
            group = []
        group.append(region)
    if group:
        yield _block(group)


def _block(group: Sequence[Region]) -> Block:
    start = group[0].start
    return Block(start, group[-1].end, tuple(Region(item.start - start, item.end - start) for item in group))


def language_of_block(before: str, found: str, probability: float) -> str:
    """The language a block is transcribed in: short or noisy blocks do not change it."""
    return found if not before or probability >= SURE else before


def whisper_language(language: str) -> str:
    """Whisper's code of a BCP 47 tag: the primary language, with the few that it names otherwise."""
    primary = language.split("-", maxsplit=1)[0].lower()
    return {"fil": "tl", "iw": "he", "in": "id", "cmn": "zh", "nb": "no", "jv": "jw"}.get(primary, primary)
