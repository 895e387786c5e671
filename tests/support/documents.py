"""Documents as an ingest would leave them, without any video: what the index and the catalogue are tested with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reelseek.records import (
    Box,
    Channel,
    DetectedObject,
    EngineRef,
    Frame,
    Segment,
    Shot,
    TextBox,
    TimedText,
    Vector,
    VectorSpace,
    VideoDocument,
    VideoInfo,
    Word,
)

VISUAL = VectorSpace("openclip:small@1", 8)
TEXT = VectorSpace("minilm@1", 6)


def info_of(video_id: str, title: str = "", duration: float = 30.0, size: int = 1000) -> VideoInfo:
    """What probing might tell."""
    return VideoInfo(video_id, title or f"Video {video_id}", duration, 640, 360, 25.0, 0, True, True, 0.0, size, "mp4")


def unit(rows: int, dimension: int, seed: int = 0) -> Vector:
    """Random directions."""
    vectors = np.random.default_rng(seed).standard_normal((rows, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def document_of(
    video_id: str,
    said: Sequence[str] = ("hello there",),
    *,
    title: str = "",
    cars: Sequence[int] | None = None,
    language: str = "en",
    visual: VectorSpace | None = VISUAL,
    text: VectorSpace | None = TEXT,
    seed: int = 0,
) -> VideoDocument:
    """A video of ten-second segments, one for each sentence, each with one keyframe and `cars[i]` cars in it."""
    count, cars = len(said), list(cars or [0] * len(said))
    times = [10.0 * index for index in range(count)]
    box = Box(0.1, 0.1, 0.4, 0.4)
    segments = tuple(
        Segment(i, t, t + 10, speech=said[i], screen_text=f"slide {i}", object_counts={"car": n} if n else {})
        for i, (t, n) in enumerate(zip(times, cars, strict=True))
    )
    frames = tuple(
        Frame(
            i,
            t + 1,
            t + 10,
            i,
            f"{i}.jpg",
            objects=tuple(DetectedObject(t + 1, "car", 0.9, box, track) for track in range(n)),
            screen_text=(TextBox(f"slide {i}", 0.9, box),),
        )
        for i, (t, n) in enumerate(zip(times, cars, strict=True))
    )
    lines = tuple(
        TimedText(
            Channel.SPEECH, t + 2, t + 6, said[i], "whisper:x", language, words=(Word(t + 2, t + 3, said[i][:3]),)
        )
        for i, t in enumerate(times)
    )
    engine = EngineRef("whisper:x", "f")
    return VideoDocument(
        info=info_of(video_id, title, 10.0 * count),
        shots=tuple(Shot(i, t, t + 10) for i, t in enumerate(times)),
        segments=segments,
        frames=frames,
        lines=lines,
        chapters=(),
        visual_space=visual,
        text_space=text,
        frame_vectors=unit(count, visual.dimension, seed) if visual else None,
        segment_visual_vectors=unit(count, visual.dimension, seed) if visual else None,
        segment_text_vectors=unit(count, text.dimension, seed) if text else None,
        line_vectors=unit(count, text.dimension, seed) if text else None,
        channels={Channel.SPEECH: engine, Channel.VISUAL: None},
    )
