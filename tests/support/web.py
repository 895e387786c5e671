"""A small real library for the web's tests: real files, a real index, made without any recognition."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import av
import numpy as np
from PIL import Image

from engines.registry import Engines
from index.writer import IndexWriter
from library.catalogue import open_catalogue
from library.records import Counts
from reelseek.artefacts import ArtefactStore
from reelseek.records import (
    Box,
    Channel,
    Chapter,
    EngineRef,
    ObjectTrack,
    PathPoint,
    Segment,
    TimedText,
    VectorSpace,
    VideoDocument,
    VideoInfo,
)
from reelseek.settings import Settings
from reelseek.tracks import counts_over_time
from web.app import create_app
from web.server import on_loopback

LECTURE = "a" * 31 + "1"
TRAFFIC = "b" * 31 + "2"
SCRIPT = "<script>window.hacked=1</script>"
HOSTILE_TITLE = f'Traffic {SCRIPT} & "co"'
HOSTILE_LINE = f"Two lorries {SCRIPT} wait <img src=x onerror=window.hacked=1> at the crossing."


@dataclass(frozen=True)
class SmallLibrary:
    """Where it is, and its two videos."""

    settings: Settings
    lecture: Path
    traffic: Path


def make_clip(path: Path, seconds: int = 24) -> Path:
    """A video that browsers play: a grey that grows lighter, 10 pictures a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        for number in range(seconds * 10):
            picture = np.full((90, 160, 3), 20 + number * 200 // (seconds * 10), np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def wav(level: int = 1) -> bytes:
    """A short sound file, another one for each level."""
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        file.writeframes(level.to_bytes(2, "little") * 4_000)
    return made.getvalue()


def jpeg(colour: tuple[int, int, int] = (200, 30, 30)) -> bytes:
    """A small picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (160, 90), colour).save(buffer, "JPEG")
    return buffer.getvalue()


def build_library(settings: Settings, folder: Path) -> SmallLibrary:
    """Index two videos: a lecture of which all is said, traffic with objects and hostile texts."""
    folder.mkdir(parents=True, exist_ok=True)
    lecture, traffic = make_clip(folder / "lecture.mp4"), make_clip(folder / "traffic.mp4")
    said = [
        "Welcome to this lecture about sorting.",
        "Quicksort picks a pivot and splits the list.",
        "Merge sort needs additional memory.",
        "Thank you for listening, see you next week.",
    ]
    _index(
        settings,
        lecture,
        _info(LECTURE, "A lecture about sorting", lecture),
        [
            TimedText(Channel.SPEECH, 6.0 * i, 6.0 * i + 5.5, text, "subtitles:sidecar", "en")
            for i, text in enumerate(said)
        ]
        + [TimedText(Channel.SCREEN_TEXT, 6.0, 12.0, "O(n log n)", "rapidocr:test")],
        counts=[{}, {}, {}, {}],
        chapters=(
            Chapter(0, 0.0, 12.0, "Opening", "container"),
            Chapter(1, 12.0, 24.0, "Memory --> cost", "container"),
        ),
    )
    _index(
        settings,
        traffic,
        _info(TRAFFIC, HOSTILE_TITLE, traffic),
        [TimedText(Channel.SCREEN_TEXT, 6.0, 11.0, HOSTILE_LINE, "rapidocr:test")],
        counts=[{"car": 1}, {"car": 3, "lorry": 2}, {}, {"person": 1}],
        chapters=(),
    )
    return SmallLibrary(settings, lecture, traffic)


def _info(video_id: str, title: str, path: Path) -> VideoInfo:
    size = path.stat().st_size
    return VideoInfo(video_id, title, 24.0, 160, 90, 10.0, 0, True, False, 0.0, size, "mp4", "h264")


def _index(
    settings: Settings,
    path: Path,
    info: VideoInfo,
    lines: list[TimedText],
    *,
    counts: list[dict[str, int]],
    chapters: tuple[Chapter, ...],
) -> None:
    engines = Engines(settings)
    sentence = engines.sentence()
    assert sentence is not None
    segments = []
    for number, found in enumerate(counts):
        start, end = 6.0 * number, 6.0 * number + 6.0
        inside = [line for line in lines if line.start < end and line.end > start]
        text = {channel: " ".join(line.text for line in inside if line.channel is channel) for channel in Channel}
        segments.append(Segment(number, start, end, text[Channel.SPEECH], text[Channel.SCREEN_TEXT], "", found))
    tracks = tuple(_tracks(counts))
    texts = [f"{segment.speech} {segment.screen_text}".strip() for segment in segments]
    document = VideoDocument(
        info=info,
        shots=(),
        segments=tuple(segments),
        frames=(),
        lines=tuple(lines),
        chapters=chapters,
        visual_space=None,
        text_space=VectorSpace(f"{sentence.id}@{sentence.fingerprint}", sentence.dimension),
        frame_vectors=None,
        segment_visual_vectors=None,
        segment_text_vectors=sentence.encode(texts),
        line_vectors=sentence.encode([line.text for line in lines]),
        channels={
            Channel.VISUAL: None,
            Channel.SPEECH: EngineRef("subtitles", "test"),
            Channel.SCREEN_TEXT: EngineRef("rapidocr:test", "test"),
            Channel.OBJECTS: EngineRef("onnx:test", "test"),
        },
        tracks=tracks,
        object_counts=counts_over_time(tracks),
    )
    store = ArtefactStore(settings.artefacts_url)
    _media(store, info, len(segments), chapters)
    with open_catalogue(settings) as catalogue:
        catalogue.record_video(info, path)
        ingest_id = catalogue.begin_ingest(info.video_id, "test")
        IndexWriter(settings).publish(document, ingest_id)
        channels = {str(name): ref.id if ref else None for name, ref in document.channels.items()}
        catalogue.publish(ingest_id, Counts(len(segments), 0, len(lines)), channels)
    engines.close()


def _tracks(counts: list[dict[str, int]]) -> Iterator[ObjectTrack]:
    """Each segment's objects, which come in from the left with it and go out to the right."""
    number = 0
    for index, found in enumerate(counts):
        for label, count in found.items():
            for place in range(count):
                box = Box(0.3 * place, 0.4, 0.3 * place + 0.2, 0.6)
                start, end = 6.0 * index, 6.0 * index + 6.0
                yield ObjectTrack(number, label, 0.9, start, end, "left", "right", (PathPoint(start, box),))
                number += 1


def _media(store: ArtefactStore, info: VideoInfo, segments: int, chapters: tuple[Chapter, ...]) -> None:
    keys = {"media": "m1", "chapters": "c1"}
    with store.write(info.video_id, "media", "m1") as writer:
        writer.bytes("poster.jpg", jpeg())
        writer.bytes("storyboard.jpg", jpeg((30, 200, 30)))
        writer.bytes("storyboard.vtt", b"WEBVTT\n\n00:00:00.000 --> 00:00:05.000\nstoryboard.jpg#xywh=0,0,160,90\n")
        for number in range(segments):
            writer.bytes(f"thumbs/{number}.jpg", jpeg((20 * number, 30, 30)))
    with store.write(info.video_id, "chapters", "c1") as writer:
        writer.json(
            "chapters.json",
            {"chapters": [asdict(item) for item in chapters]},
        )
    store.set_current(info.video_id, keys)


@contextmanager
def live_server(settings: Settings) -> Iterator[str]:
    """The real application on waitress at a free port of loopback; yields its URL without a slash at the end."""
    app = create_app(settings)
    try:
        with on_loopback(app) as url:
            yield url
    finally:
        app.extensions["reelseek"].close()
