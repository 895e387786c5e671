"""What an ingest would make, under which keys: decided without decoding, so that what is done is known at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from engines.families import Kind
from engines.protocols import (
    ImageTextEngine,
    ObjectEngine,
    ScreenTextEngine,
    SentenceEngine,
    SoundEngine,
    SpeakerEngine,
    SpeechEngine,
)
from engines.trackers import tracker_ref
from ingest.audio_tracks import choose_audio
from ingest.chunks import Chunk, chunks_of
from ingest.speech import SpeechSource, speech_source
from ingest.storage import (
    CHAPTERS,
    FRAMES,
    MEDIA,
    OBJECTS,
    PROBE,
    SCREEN_TEXT,
    SEGMENTS,
    SOUNDS,
    SPEAKERS,
    SPEECH,
    TEXT_VECTORS,
    VISUAL,
)
from reelseek.records import EngineRef, JsonObject, VideoInfo
from reelseek.setting_groups import IngestSettings
from reelseek.settings import Settings

VERSIONS: Mapping[str, int] = {
    PROBE: 2, FRAMES: 7, SPEECH: 2, SCREEN_TEXT: 3, OBJECTS: 2, VISUAL: 1, SEGMENTS: 3, TEXT_VECTORS: 3, CHAPTERS: 2,
    MEDIA: 1, SPEAKERS: 1, SOUNDS: 1,
}  # fmt: skip
"""Raised with every change of a stage's code that can change its result; what depends on it is done again too."""

ENGINE_OF: Mapping[str, Kind] = {
    SPEECH: "speech", SPEAKERS: "speakers", SOUNDS: "sounds", SCREEN_TEXT: "screen_text", OBJECTS: "objects",
    VISUAL: "visual", TEXT_VECTORS: "sentence",
}  # fmt: skip
"""Stage to the kind of engine that it uses."""

_FRAME_SETTINGS = (
    "sample_fps", "keyframe_interval", "change_threshold", "max_side", "max_decode_errors", "storyboard_interval",
    "chunk_seconds",
)  # fmt: skip


def _unusual(settings: IngestSettings, *names: str) -> dict[str, object]:
    """Of settings that change nothing at their default those that differ: results from before they existed stay."""
    fields = type(settings).model_fields
    return {name: value for name in names if (value := getattr(settings, name)) != fields[name].default}


class EngineSource(Protocol):
    """What an ingest needs of `engines.registry.Engines`."""

    def ref(self, kind: Kind) -> EngineRef | None: ...
    def visual(self) -> ImageTextEngine | None: ...
    def sentence(self) -> SentenceEngine | None: ...
    def speech(self) -> SpeechEngine | None: ...
    def speakers(self) -> SpeakerEngine | None: ...
    def sounds(self) -> SoundEngine | None: ...
    def screen_text(self) -> ScreenTextEngine | None: ...
    def objects(self) -> ObjectEngine | None: ...


CHUNKED = (FRAMES, SPEECH, SPEAKERS, SOUNDS, SCREEN_TEXT, OBJECTS, VISUAL)
"""Stages that are done chunk by chunk, in this order, and then joined."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The keys of all stages that will run or are done, and why the others are off.

    Attributes:
        keys: stage to key, in the order of the stages.
        off: stage to the reason why it is off.
        refs: stage to the engine that it will use.
        notes: stage to what a person should know.
        inputs: stage to what its key is made of, and its result remembers (`stage_inputs`).
        chunks: what is covered: all of the video's chunks, or the first ones.
        whole: whether `chunks` are all.
        parts: stage to what the keys of its parts begin with; the same for all of a video and for its first chunks.
        held: stage to the key of a result that is used as it is, whatever it was made from; empty: it stays off.
    """

    keys: dict[str, str]
    off: dict[str, str]
    refs: dict[str, EngineRef | None]
    source: SpeechSource
    chunks: tuple[Chunk, ...]
    whole: bool = True
    parts: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, JsonObject] = field(default_factory=dict)
    held: Mapping[str, str] = field(default_factory=dict)
    editions: Mapping[str, int] = field(default_factory=dict)

    @property
    def covered(self) -> float:
        """Seconds of the video from its start that the plan is for."""
        return self.chunks[-1].end

    def add(self, stage: str, *, engine: EngineRef | None = None, of: Sequence[str] = (), **settings: object) -> None:
        """Give a stage its key: from its code's version, its engine, the stages it builds on, and settings."""
        if self.held.get(stage) == "":
            self.off[stage] = "its file is not there"
            return
        made_of = {name: self.keys.get(name, "") for name in of}
        edition = self.editions.get(stage, 0)
        self.inputs[stage] = stage_inputs(stage, engine=engine, of=made_of, edition=edition, **settings)
        self.keys[stage] = self.held.get(stage) or stage_key(stage, self.inputs[stage])

    def narrow(self, stage: str) -> None:
        """Make a stage's key that of the part of the video that the plan covers."""
        self.inputs[stage] = self.inputs[stage] | {"covered": self.covered}
        self.keys[stage] = stage_key(stage, self.inputs[stage])


def probe_key(settings: IngestSettings) -> str:
    """The key of the probe: the limits decide what is accepted."""
    return stage_key(PROBE, _probe_inputs(settings))


def stage_inputs(
    stage: str,
    *,
    engine: EngineRef | None = None,
    of: Mapping[str, str] | None = None,
    edition: int = 0,
    **settings: object,
) -> JsonObject:
    """All that a stage's result depends on, by name: `version`, `engine`, `of` (stage to key), `settings`.

    What was asked to be done again has an `edition` too, so that it lies beside the result that is there until it is
    complete.
    """
    used = None if engine is None else {"id": engine.id, "fingerprint": engine.fingerprint}
    inputs = {"version": VERSIONS[stage], "engine": used, "of": dict(of or {}), "settings": settings}
    return inputs | {"edition": edition} if edition else inputs


def stage_key(stage: str, inputs: JsonObject) -> str:
    """A stage's key: a hash of all that its result depends on; 32 hex digits."""
    text = json.dumps([stage, inputs], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _probe_inputs(settings: IngestSettings) -> JsonObject:
    names = ("max_duration", "max_pixels", "max_bytes", "max_streams")
    return stage_inputs(PROBE, **{name: getattr(settings, name) for name in names})


def make_plan(
    path: Path,
    info: VideoInfo,
    settings: Settings,
    engines: EngineSource,
    failed: Mapping[str, str] | None = None,
    *,
    first: int | None = None,
    held: Mapping[str, str] | None = None,
    editions: Mapping[str, int] | None = None,
) -> Plan:
    """Decide sources and keys. Reads at most a subtitle file beside the video.

    Args:
        failed: stages whose engine could not be loaded, with the reason; they are off.
        first: plan for so many chunks from the start alone; None for the whole video.
        held: stage to the key of a result that is used as it is, of a video whose file is gone; empty: it stays off.
        editions: how often a stage was asked to be done again (`ArtefactStore.editions`).

    Raises:
        EngineUnavailable: the settings name an engine that cannot run.
    """
    ingest, failed, held = settings.ingest, failed or {}, held or {}
    refs: dict[str, EngineRef | None] = {
        stage: None if stage in failed else engines.ref(kind) for stage, kind in ENGINE_OF.items()
    }
    source = speech_source(path, info, ingest, refs[SPEECH], refs[SCREEN_TEXT])
    chunks = chunks_of(info, ingest)
    whole = first is None or first >= len(chunks)
    plan = Plan(
        {PROBE: held.get(PROBE) or probe_key(ingest)}, {}, refs, source, chunks if whole else chunks[:first], whole,
        inputs={PROBE: _probe_inputs(ingest)}, held=held, editions=editions or {},
    )  # fmt: skip
    if info.has_video:
        named: dict[str, Any] = {name: getattr(ingest, name) for name in _FRAME_SETTINGS}
        plan.add(FRAMES, **named | _unusual(ingest, "keyframes"))
    else:
        plan.off[FRAMES] = "no pictures"
    _spoken(plan, info, ingest, failed)
    _heard(plan, info, ingest, failed)
    _seen(plan, info, settings, failed)
    chunked = [stage for stage in CHUNKED if stage in plan.keys]
    plan.parts.update({stage: plan.keys[stage] for stage in chunked if stage != SPEECH or source.only_engine})
    if not whole:
        for stage in chunked:
            plan.narrow(stage)
    _derived(plan, info, ingest, failed)
    return plan


def _spoken(plan: Plan, info: VideoInfo, ingest: IngestSettings, failed: Mapping[str, str]) -> None:
    """Words, from subtitles or from the sound."""
    source = plan.source
    if source.silent and SPEECH not in plan.held:
        plan.off[SPEECH] = failed.get(SPEECH) or ("no audio" if not info.has_audio else "no engine")
    else:
        plan.add(
            SPEECH,
            engine=None if source.sidecar else source.engine,
            language=ingest.language,
            source=list(source.identity),
            chunk_seconds=ingest.chunk_seconds,
        )
    if source.note:
        plan.notes[SPEECH] = source.note


def _seen(plan: Plan, info: VideoInfo, settings: Settings, failed: Mapping[str, str]) -> None:
    """What models see in the pictures."""
    for stage in (SCREEN_TEXT, OBJECTS, VISUAL):
        ref = plan.refs[stage]
        if not info.has_video:
            plan.off[stage] = "no pictures"
        elif ref is None:
            plan.off[stage] = failed.get(stage) or "no engine"
        else:
            more: dict[str, object] = {}
            if stage == OBJECTS:
                tracker = tracker_ref(settings.engines).fingerprint
                more = {"tracker": tracker, **_unusual(settings.ingest, "object_looks_per_hour")}
            elif stage == SCREEN_TEXT:
                more = {"text_looks_per_hour": settings.ingest.text_looks_per_hour}
            plan.add(stage, engine=ref, of=[FRAMES], **more)


def _heard(plan: Plan, info: VideoInfo, ingest: IngestSettings, failed: Mapping[str, str]) -> None:
    """What is heard besides words. Speakers are told apart where there are words to give to them."""
    for stage in (SPEAKERS, SOUNDS):
        ref = plan.refs[stage]
        if not info.has_audio:
            plan.off[stage] = "no audio"
        elif stage == SPEAKERS and SPEECH not in plan.keys:
            plan.off[stage] = "no words"
        elif ref is None:
            plan.off[stage] = failed.get(stage) or "no engine"
        else:
            track = choose_audio(info, ingest)
            plan.add(stage, engine=ref, sound=track["index"] if track else "", chunk_seconds=ingest.chunk_seconds)


def _derived(plan: Plan, info: VideoInfo, ingest: IngestSettings, failed: Mapping[str, str]) -> None:
    sentence = plan.refs[TEXT_VECTORS]
    heard = (FRAMES, SPEECH, SPEAKERS, SCREEN_TEXT, OBJECTS)
    plan.add(SEGMENTS, of=heard, duration=plan.covered, segment_min=ingest.segment_min, segment_max=ingest.segment_max)
    if sentence is not None:
        plan.add(TEXT_VECTORS, engine=sentence, of=[SEGMENTS, SOUNDS])
    else:
        plan.off[TEXT_VECTORS] = failed.get(TEXT_VECTORS) or "no engine"
    plan.add(CHAPTERS, of=[SEGMENTS, TEXT_VECTORS, VISUAL])
    if info.has_video:
        plan.add(MEDIA, of=[FRAMES, SEGMENTS])
    else:
        plan.off[MEDIA] = "no pictures"
