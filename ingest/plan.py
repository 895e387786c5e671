"""What an ingest would make, under which keys: decided without decoding, so that what is done is known at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from engines.families import Kind
from engines.protocols import ImageTextEngine, ObjectEngine, ScreenTextEngine, SentenceEngine, SpeechEngine
from ingest.speech import SpeechSource, speech_source
from ingest.storage import (
    CHAPTERS,
    FRAMES,
    MEDIA,
    OBJECTS,
    PROBE,
    SCREEN_TEXT,
    SEGMENTS,
    SPEECH,
    TEXT_VECTORS,
    VISUAL,
)
from reelseek.records import EngineRef, VideoInfo
from reelseek.settings import IngestSettings, Settings

VERSIONS: Mapping[str, int] = {
    PROBE: 1, FRAMES: 1, SPEECH: 1, SCREEN_TEXT: 1, OBJECTS: 1, VISUAL: 1, SEGMENTS: 1, TEXT_VECTORS: 1, CHAPTERS: 1,
    MEDIA: 1,
}  # fmt: skip
"""Raised with every change of a stage's code that can change its result; what depends on it is done again too."""

ENGINE_OF: Mapping[str, Kind] = {
    SPEECH: "speech", SCREEN_TEXT: "screen_text", OBJECTS: "objects", VISUAL: "visual", TEXT_VECTORS: "sentence",
}  # fmt: skip
"""Stage to the kind of engine that it uses."""


class EngineSource(Protocol):
    """What an ingest needs of `engines.registry.Engines`."""

    def ref(self, kind: Kind) -> EngineRef | None: ...
    def visual(self) -> ImageTextEngine | None: ...
    def sentence(self) -> SentenceEngine | None: ...
    def speech(self) -> SpeechEngine | None: ...
    def screen_text(self) -> ScreenTextEngine | None: ...
    def objects(self) -> ObjectEngine | None: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """The keys of all stages that will run or are done, and why the others are off.

    Attributes:
        keys: stage to key, in the order of the stages.
        off: stage to the reason why it is off.
        refs: stage to the engine that it will use.
        notes: stage to what a person should know.
    """

    keys: dict[str, str]
    off: dict[str, str]
    refs: dict[str, EngineRef | None]
    source: SpeechSource
    notes: dict[str, str] = field(default_factory=dict)


def probe_key(settings: IngestSettings) -> str:
    """The key of the probe: the limits decide what is accepted."""
    limits = [settings.max_duration, settings.max_pixels, settings.max_bytes, settings.max_streams]
    return stage_key(PROBE, limits)


def stage_key(stage: str, *parts: object) -> str:
    """A stage's key: its code's version and all that its result depends on; 32 hex digits."""
    text = json.dumps([stage, VERSIONS[stage], parts], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def make_plan(
    path: Path, info: VideoInfo, settings: Settings, engines: EngineSource, failed: Mapping[str, str] | None = None
) -> Plan:
    """Decide sources and keys. Reads at most a subtitle file beside the video.

    Args:
        failed: stages whose engine could not be loaded, with the reason; they are off.

    Raises:
        EngineUnavailable: the settings name an engine that cannot run.
    """
    ingest, failed = settings.ingest, failed or {}
    refs: dict[str, EngineRef | None] = {
        stage: None if stage in failed else engines.ref(kind) for stage, kind in ENGINE_OF.items()
    }
    source = speech_source(path, info, ingest, refs[SPEECH])
    plan = Plan({PROBE: probe_key(ingest)}, {}, refs, source)
    keys, off = plan.keys, plan.off
    if info.has_video:
        keys[FRAMES] = stage_key(
            FRAMES, ingest.sample_fps, ingest.keyframe_interval, ingest.change_threshold, ingest.max_side,
            ingest.max_decode_errors, ingest.storyboard_interval,
        )  # fmt: skip
    else:
        off[FRAMES] = "no pictures"
    if source.silent:
        off[SPEECH] = failed.get(SPEECH) or ("no audio" if not info.has_audio else "no engine")
    else:
        keys[SPEECH] = stage_key(SPEECH, source.identity, ingest.language)
    if source.note:
        plan.notes[SPEECH] = source.note
    for stage in (SCREEN_TEXT, OBJECTS, VISUAL):
        ref = refs[stage]
        if not info.has_video:
            off[stage] = "no pictures"
        elif ref is None:
            off[stage] = failed.get(stage) or "no engine"
        else:
            keys[stage] = stage_key(stage, keys[FRAMES], ref.fingerprint, ref.id)
    _derived(plan, info, ingest, failed)
    return plan


def _derived(plan: Plan, info: VideoInfo, ingest: IngestSettings, failed: Mapping[str, str]) -> None:
    keys, off, sentence = plan.keys, plan.off, plan.refs[TEXT_VECTORS]
    heard = [keys.get(stage, "") for stage in (FRAMES, SPEECH, SCREEN_TEXT, OBJECTS)]
    keys[SEGMENTS] = stage_key(SEGMENTS, heard, ingest.segment_min, ingest.segment_max, info.duration)
    if sentence is not None:
        keys[TEXT_VECTORS] = stage_key(TEXT_VECTORS, keys[SEGMENTS], sentence.fingerprint, sentence.id)
    else:
        off[TEXT_VECTORS] = failed.get(TEXT_VECTORS) or "no engine"
    keys[CHAPTERS] = stage_key(CHAPTERS, keys[SEGMENTS], keys.get(TEXT_VECTORS, ""))
    if info.has_video:
        keys[MEDIA] = stage_key(MEDIA, keys[FRAMES], keys[SEGMENTS])
    else:
        off[MEDIA] = "no pictures"
