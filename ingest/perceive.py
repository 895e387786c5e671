"""Stages that are done chunk by chunk: how a part is made, kept and loaded, and how parts become the stage's result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np

from engines.trackers import tracker_ref
from ingest.audio import quiet_border
from ingest.chunks import Chunk, evenly
from ingest.objects import Sighting, detect_frames, link
from ingest.screen_text import LookReading, read_frames, read_looks, tracks
from ingest.sounds import hear_sounds, sound_lines
from ingest.speakers import Voices, hear_voices, speaker_turns
from ingest.speech import joined_speech, spoken_lines, transcribe
from ingest.storage import (
    FRAMES,
    OBJECTS,
    RESULT,
    SCREEN_TEXT,
    SOUNDS,
    SPEAKERS,
    SPEECH,
    VISUAL,
    engine_json,
    plain,
    typed,
)
from ingest.watching import Watched, renamed, shown, summary, watch
from ingest.work import PART, PART_ARRAY, Fraction, Part, Work, present
from reelseek.artefacts import StageWriter
from reelseek.errors import MediaError
from reelseek.records import Shot, SoundEvent, TextBox, TimedText, Vector

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Perception(Generic[_T]):
    """One such stage.

    Attributes:
        make: does a chunk; pictures go to the writer.
        keep: writes what `make` returned as a part.
        load: reads it again.
        join: writes the stage's result, and says in a few words what came out.
    """

    make: Callable[[Work, Chunk, StageWriter, Fraction], _T]
    keep: Callable[[_T, StageWriter], None]
    load: Callable[[Part], _T]
    join: Callable[[Work, Sequence[_T], StageWriter], str]

    def part(self, work: Work, chunk: Chunk, writer: StageWriter, progress: Fraction) -> None:
        """Do a chunk and keep it."""
        self.keep(self.make(work, chunk, writer, progress), writer)

    def whole(self, stage: str, work: Work, writer: StageWriter, progress: Fraction) -> str:
        """Do the stage: at once where the video is one chunk, else out of the parts, which are there."""
        if work.single:
            return self.join(work, [self.make(work, work.plan.chunks[0], writer, progress)], writer)
        parts = [work.part(stage, chunk) for chunk in work.plan.chunks]
        writer.remember(seconds=sum(part.seconds for part in parts))
        return self.join(work, [self.load(part) for part in parts], writer)


def _keep_json(value: object, writer: StageWriter) -> None:
    writer.json(PART, plain(value))


def _watch(work: Work, chunk: Chunk, writer: StageWriter, progress: Fraction) -> Watched:
    return watch(work.path, work.info, work.settings.ingest, chunk, writer, progress)


def _join_watched(work: Work, parts: Sequence[Watched], writer: StageWriter) -> str:
    result = shown(parts, work.plan.covered)
    if not result["frames"]:
        raise MediaError("None of its pictures can be decoded.")
    if not work.single:
        for number, name, as_name in renamed(parts):
            part = work.part(FRAMES, work.plan.chunks[number])
            writer.adopt(part.video_id, part.stage, part.key, name, as_name)
    writer.json(RESULT[FRAMES], result)
    return summary(result)


def _quiet_borders(work: Work, chunk: Chunk) -> tuple[float, float]:
    path, info, ingest = work.path, work.info, work.settings.ingest
    return quiet_border(path, info, ingest, chunk.start), quiet_border(path, info, ingest, chunk.end)


def _listen(work: Work, chunk: Chunk, _writer: StageWriter, progress: Fraction) -> tuple[TimedText, ...]:
    path, info, ingest, (start, end) = work.path, work.info, work.settings.ingest, _quiet_borders(work, chunk)
    return transcribe(path, info, ingest, load=work.engines.speech, progress=progress, start=start, end=end)


def _join_speech(work: Work, parts: Sequence[Sequence[TimedText]], writer: StageWriter) -> str:
    lines = joined_speech(parts)
    writer.json(RESULT[SPEECH], {"engine": engine_json(work.ref(SPEECH)), "lines": plain(lines)})
    return f"{len(lines)} sentences by {work.ref(SPEECH).id}"


def _hear_voices(work: Work, chunk: Chunk, _writer: StageWriter, progress: Fraction) -> Voices:
    path, info, ingest, (start, end) = work.path, work.info, work.settings.ingest, _quiet_borders(work, chunk)
    return hear_voices(path, info, ingest, load=work.engines.speakers, progress=progress, start=start, end=end)


def _join_voices(work: Work, parts: Sequence[Voices], writer: StageWriter) -> str:
    turns, ref = speaker_turns(Voices.joined(parts)), work.ref(SPEAKERS)
    writer.json(RESULT[SPEAKERS], {"engine": engine_json(ref), "turns": plain(turns)})
    return f"{len({turn.speaker for turn in turns})} speakers in {len(turns)} turns by {ref.id}"


def _hear_sounds(work: Work, chunk: Chunk, _writer: StageWriter, progress: Fraction) -> tuple[SoundEvent, ...]:
    engine = present(work.engines.sounds(), SOUNDS)
    path, info, ingest, (start, end) = work.path, work.info, work.settings.ingest, _quiet_borders(work, chunk)
    return hear_sounds(path, info, ingest, engine, progress=progress, start=start, end=end)


def _join_sounds(work: Work, parts: Sequence[Sequence[SoundEvent]], writer: StageWriter) -> str:
    ref = work.ref(SOUNDS)
    lines = sound_lines([event for part in parts for event in part], ref.id)
    writer.json(RESULT[SOUNDS], {"engine": engine_json(ref), "lines": plain(lines)})
    return f"{len(lines)} sounds by {ref.id}"


def take_subtitles(work: Work, writer: StageWriter, progress: Fraction) -> str:
    """The speech stage of a video with subtitles: they are read at once, whole."""
    ref, lines = spoken_lines(
        work.path,
        work.info,
        work.settings.ingest,
        work.plan.source,
        load=work.engines.speech,
        progress=progress,
        read=work.engines.screen_text,
    )
    writer.json(RESULT[SPEECH], {"engine": engine_json(ref), "lines": plain(lines)})
    return f"{len(lines)} sentences by {ref.id}" if ref else "the embedded subtitles are empty"


@dataclass(frozen=True, slots=True)
class Readings:
    """What was read in a chunk: on each keyframe, and on some looks between them."""

    frames: tuple[tuple[TextBox, ...], ...]
    looks: tuple[LookReading, ...]


def _read(work: Work, chunk: Chunk, _writer: StageWriter, progress: Fraction) -> Readings:
    engine, seen = present(work.engines.screen_text(), SCREEN_TEXT), work.seen(chunk)
    size, ingest = work.settings.engines.batch_size, work.settings.ingest
    boxes = read_frames(engine, seen.frames, seen.pictures, progress, size, every=ingest.keyframes == "all")
    most = chunk.share(ingest.text_looks_per_hour, ingest)
    return Readings(tuple(boxes), tuple(read_looks(engine, seen.frames, seen.looks, seen.pictures, size, most)))


def _join_readings(work: Work, parts: Sequence[Readings], writer: StageWriter) -> str:
    boxes, ref = [frame for part in parts for frame in part.frames], work.ref(SCREEN_TEXT)
    lines = tracks(
        work.keyframes(),
        boxes,
        ref.id,
        looks=work.looks(),
        looks_read=[look for part in parts for look in part.looks],
        pictures=work.results.pictures,
    )
    writer.json(RESULT[SCREEN_TEXT], {"engine": engine_json(ref), "lines": plain(lines), "frames": plain(boxes)})
    return f"{len(lines)} lines by {ref.id}"


def _embed(work: Work, chunk: Chunk, _writer: StageWriter, progress: Fraction) -> Vector:
    engine, seen = present(work.engines.visual(), VISUAL), work.seen(chunk)
    size, frames = work.settings.engines.batch_size, seen.frames
    vectors: list[Vector] = [np.zeros((0, engine.dimension), np.float32)]
    for first in range(0, len(frames), size):
        progress(first / len(frames))
        vectors.append(engine.encode_images(seen.pictures([frame.image for frame in frames[first : first + size]])))
    return np.concatenate(vectors)


def _keep_vectors(vectors: Vector, writer: StageWriter) -> None:
    writer.array(PART_ARRAY, vectors.astype(np.float16))  # half precision costs no ranking


def _join_vectors(work: Work, parts: Sequence[Vector], writer: StageWriter) -> str:
    joined, ref = np.concatenate([part.astype(np.float16) for part in parts]), work.ref(VISUAL)
    writer.array("vectors.npy", joined)
    writer.json(RESULT[VISUAL], {"engine": engine_json(ref), "dimension": joined.shape[1]})
    return f"{len(joined)} vectors by {ref.id}"


def _detect(work: Work, chunk: Chunk, _writer: StageWriter, progress: Fraction) -> list[Sighting]:
    engine, seen = present(work.engines.objects(), OBJECTS), work.seen(chunk)
    size, ingest = work.settings.engines.batch_size, work.settings.ingest
    looks = evenly(seen.looks, chunk.share(ingest.object_looks_per_hour, ingest))
    return detect_frames(engine, seen.frames, looks, seen.pictures, size, progress)


def _load_sightings(part: Part) -> list[Sighting]:
    return list(typed(Sighting, part.json()))


def _join_sightings(work: Work, parts: Sequence[Sequence[Sighting]], writer: StageWriter) -> str:
    found: list[Sighting] = []
    keyframes = 0
    for part in parts:  # each counts its own keyframes
        found += [replace(item, frame=item.frame + keyframes) if item.frame >= 0 else item for item in part]
        keyframes += sum(item.frame >= 0 for item in part)
    ref, shots = work.ref(OBJECTS), work.results.records(Shot, FRAMES, "shots")
    tracker = tracker_ref(work.settings.engines)
    followed = link(found, work.keyframes(), shots, tracker)
    writer.json(RESULT[OBJECTS], {"engine": engine_json(ref), "tracker": tracker.id, **plain(followed)})
    return f"{len(followed.tracks)} objects by {ref.id}, followed by {tracker.id}"


PERCEPTIONS: Mapping[str, Perception[Any]] = {
    FRAMES: Perception(_watch, _keep_json, lambda part: part.record(Watched), _join_watched),
    SPEECH: Perception(_listen, _keep_json, lambda part: typed(TimedText, part.json()), _join_speech),
    SPEAKERS: Perception(
        _hear_voices,
        lambda voices, writer: writer.array(PART_ARRAY, voices.packed()),
        lambda part: Voices.unpacked(part.array()),
        _join_voices,
    ),
    SOUNDS: Perception(_hear_sounds, _keep_json, lambda part: typed(SoundEvent, part.json()), _join_sounds),
    SCREEN_TEXT: Perception(_read, _keep_json, lambda part: part.record(Readings), _join_readings),
    OBJECTS: Perception(_detect, _keep_json, _load_sightings, _join_sightings),
    VISUAL: Perception(_embed, _keep_vectors, lambda part: part.array(), _join_vectors),
}
"""Stage to how it is done, in the order in which a chunk goes through them."""
