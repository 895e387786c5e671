"""All that the index holds of a video, put together from its artefacts alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ingest.burnt_in import BURNT_IN, with_burnt_in
from ingest.outcome import IngestOutcome
from ingest.segments import overlapping
from ingest.speakers import Turn, with_speakers
from ingest.storage import (
    CAPTION_VECTORS,
    CAPTIONS,
    CHAPTERS,
    FRAMES,
    OBJECTS,
    PROBE,
    SCREEN_TEXT,
    SEGMENTS,
    SOUNDS,
    SPEAKERS,
    SPEECH,
    TEXT_VECTORS,
    VISUAL,
    Results,
    engine_of,
    typed,
)
from reelseek.artefacts import ArtefactStore
from reelseek.errors import NotFound
from reelseek.records import (
    Channel,
    Chapter,
    CountStep,
    DetectedObject,
    EngineRef,
    Frame,
    ObjectTrack,
    Segment,
    Shot,
    TextBox,
    TimedText,
    Vector,
    VectorSpace,
    VideoDocument,
    VideoInfo,
)

CHANNEL_STAGES = {
    Channel.VISUAL: VISUAL, Channel.SPEECH: SPEECH, Channel.SCREEN_TEXT: SCREEN_TEXT, Channel.OBJECTS: OBJECTS,
    Channel.SOUND: SOUNDS,
}  # fmt: skip
"""Which stage fills each channel."""


def load_document(store: ArtefactStore, video: IngestOutcome | str) -> VideoDocument:
    """Put a video's document together.

    Args:
        video: the outcome of its ingest; or its id, for what the last finished ingest left (the title is then the one
            of the file it was first seen as).

    Raises:
        NotFound: it was never ingested wholly, or artefacts of it are lost.
    """
    if isinstance(video, str):
        results = Results(store, video, store.current(video))
        if not results.keys:
            raise NotFound(f"The video {video} has no finished ingest.")
        info = stored_info(results)
    else:
        results, info = Results(store, video.video_id, video.keys), video.info
    told = results.json(CAPTIONS)
    segments = with_captions(load_segments(results), told.get("captions", ()))
    frames, lines = load_frames(results), (*load_lines(results), *caption_lines(results))
    visual, text = results.json(VISUAL), results.json(TEXT_VECTORS)
    frame_vectors = results.array(VISUAL, "vectors.npy")
    return VideoDocument(
        info=info,
        shots=results.records(Shot, FRAMES, "shots"),
        segments=segments,
        frames=frames,
        lines=lines,
        chapters=results.records(Chapter, CHAPTERS, "chapters"),
        visual_space=_space(engine_of(visual), visual.get("dimension", 0)),
        text_space=_space(engine_of(text), text.get("dimension", 0)),
        frame_vectors=None if frame_vectors is None else _unit(frame_vectors),
        segment_visual_vectors=None if frame_vectors is None else pooled(frames, segments, frame_vectors),
        segment_text_vectors=_normalised(results.array(TEXT_VECTORS, "segments.npy")),
        line_vectors=_line_vectors(results, len(lines)),
        tracks=results.records(ObjectTrack, OBJECTS, "tracks"),
        object_counts=load_counts(results),
        channels=load_channels(results, lines),
    )


def vector_space(ref: EngineRef, dimension: int) -> VectorSpace:
    """The space of an engine's vectors: it changes whenever the engine would embed the same input differently."""
    return VectorSpace(f"{ref.id}@{ref.fingerprint}", dimension)


def stored_info(results: Results) -> VideoInfo:
    """What probing told of the file."""
    return typed(VideoInfo, [results.json(PROBE)["info"]])[0]


def load_frames(results: Results) -> tuple[Frame, ...]:
    """Keyframes with what was read and detected on them."""
    frames = results.records(Frame, FRAMES, "frames")
    written = results.json(SCREEN_TEXT).get("frames") or [()] * len(frames)
    present = results.json(OBJECTS).get("frames") or [()] * len(frames)
    return tuple(
        replace(frame, screen_text=typed(TextBox, texts), objects=typed(DetectedObject, objects))
        for frame, texts, objects in zip(frames, written, present, strict=True)
    )


def load_lines(results: Results) -> tuple[TimedText, ...]:
    """Speech, screen text, sounds, each in order of time: the order of `line_vectors`.

    Speech has the sentences of burnt-in subtitles too, where nothing else says the same at that time.
    """
    speech = results.records(TimedText, SPEECH, "lines")
    spoken = with_speakers(speech, results.records(Turn, SPEAKERS, "turns"))
    seen = with_burnt_in(spoken, results.records(TimedText, SCREEN_TEXT, "lines"))
    return *seen, *results.records(TimedText, SOUNDS, "lines")


def load_channels(results: Results, lines: Sequence[TimedText]) -> dict[Channel, EngineRef | None]:
    """Which engine filled each channel; speech that is only written into the picture is the reader's."""
    channels = {channel: engine_of(results.json(stage)) for channel, stage in CHANNEL_STAGES.items()}
    reader = channels[Channel.SCREEN_TEXT]
    if channels[Channel.SPEECH] is None and reader and any(line.channel == Channel.SPEECH for line in lines):
        channels[Channel.SPEECH] = EngineRef(BURNT_IN, reader.fingerprint, f"read by {reader.id}")
    return channels


def load_counts(results: Results) -> dict[str, tuple[CountStep, ...]]:
    """How many of each label there are at once, over time."""
    return {label: typed(CountStep, steps) for label, steps in results.json(OBJECTS).get("counts", {}).items()}


def load_segments(results: Results) -> tuple[Segment, ...]:
    """Segments in order."""
    return results.records(Segment, SEGMENTS, "segments")


def with_captions(segments: Sequence[Segment], captions: Sequence[str]) -> tuple[Segment, ...]:
    """Segments with their captions; there is one for each, or none at all."""
    if not captions:
        return tuple(segments)
    return tuple(replace(item, caption=text) for item, text in zip(segments, captions, strict=True))


def caption_lines(results: Results) -> tuple[TimedText, ...]:
    """Captions as lines, the last ones of `line_vectors`; segments in a row with the same one are one line."""
    told = results.json(CAPTIONS)
    if not told:
        return ()
    source = str(told["engine"]["id"])
    lines: list[TimedText] = []
    for segment, text in zip(load_segments(results), told["captions"], strict=True):
        if lines and lines[-1].text == text and lines[-1].end == segment.start:
            lines[-1] = replace(lines[-1], end=segment.end)
        elif text:
            lines.append(TimedText(Channel.CAPTION, segment.start, segment.end, text, source))
    return tuple(lines)


def pooled(frames: tuple[Frame, ...], segments: tuple[Segment, ...], vectors: Vector) -> Vector:
    """Each segment's visual vector: the mean over its keyframes, by how long each stood, normalised."""
    rows = np.zeros((len(segments), vectors.shape[1]), np.float32)
    for row, segment in enumerate(segments):
        for frame in overlapping(frames, segment.start, segment.end):
            shown = min(frame.end, segment.end) - max(frame.time, segment.start)
            rows[row] += vectors[frame.index] * max(shown, 1e-3)
    return _unit(rows)


def _line_vectors(results: Results, count: int) -> Vector | None:
    """A row for each line; zero rows for captions that are not embedded."""
    parts = [results.array(stage, "lines.npy") for stage in (TEXT_VECTORS, CAPTION_VECTORS)]
    if parts[0] is None:
        return None
    joined = np.concatenate([part for part in parts if part is not None])
    missing = np.zeros((count - len(joined), joined.shape[1]), np.float32)
    return _unit(np.concatenate([joined, missing]))


def _space(ref: EngineRef | None, dimension: int) -> VectorSpace | None:
    return None if ref is None else vector_space(ref, dimension)


def _normalised(vectors: Vector | None) -> Vector | None:
    return None if vectors is None else _unit(vectors)


def _unit(vectors: Vector) -> Vector:
    """Normalise rows; zero rows stay zero."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(norms > 0, norms, 1), dtype=np.float32)
