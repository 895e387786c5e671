"""A small library made by hand: six videos with known lines, pictures and objects, indexed as the product does it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from engines.registry import Engines
from index.reader import IndexReader
from index.writer import IndexWriter
from ingest.objects import Sighting, link
from library.catalogue import Catalogue, open_catalogue
from library.records import Counts
from query.service import QueryService
from reelseek.artefacts import ArtefactStore
from reelseek.records import (
    Box,
    Channel,
    CountStep,
    DetectedObject,
    Detection,
    EngineRef,
    Frame,
    ObjectTrack,
    Segment,
    Shot,
    TimedText,
    Vector,
    VectorSpace,
    VideoDocument,
    VideoInfo,
)
from reelseek.settings import Settings
from reelseek.tracks import counts_over_time, counts_within

SPEECH, WRITTEN = Channel.SPEECH, Channel.SCREEN_TEXT


@dataclass(frozen=True)
class Film:
    """What a video of the world holds.

    Attributes:
        said: (start, end, text); written, heard (sounds that are no words): likewise.
        objects: (start, end, {label: count}) per keyframe, which are also its shots.
        tracks: the objects of a film that moves.
    """

    name: str
    duration: float
    said: tuple[tuple[float, float, str], ...] = ()
    written: tuple[tuple[float, float, str], ...] = ()
    heard: tuple[tuple[float, float, str], ...] = ()
    objects: tuple[tuple[float, float, dict[str, int]], ...] = ()
    tracks: tuple[ObjectTrack, ...] = ()
    language: str = "en"

    @property
    def video_id(self) -> str:
        return hashlib.sha256(self.name.encode()).hexdigest()[:32]


LECTURE = Film(
    "Lecture on gradient descent.mp4",
    120.0,
    said=(
        (2.0, 6.0, "Welcome to the second lecture of this course."),
        (6.5, 12.0, "Today we look at gradient descent and why the learning rate matters."),
        (12.5, 18.0, "If the steps are too large, the loss jumps around and never settles."),
        (60.0, 66.0, "Now to something else: overfitting happens when a model memorises its training data."),
        (66.5, 71.0, "Early stopping and dropout are two remedies against it."),
        (110.0, 115.0, "Next week we will talk about convolutional networks."),
    ),
    written=(
        (0.0, 20.0, "Gradient Descent"),
        (0.0, 20.0, "Learning rate: 0.01"),
        (55.0, 75.0, "Overfitting and regularisation"),
        (100.0, 118.0, "Homework: chapter seven, due on Friday"),
    ),
)
COOKING = Film(
    "Grandmother bakes bread.mp4",
    90.0,
    said=(
        (5.0, 9.0, "First we mix five hundred grams of flour with warm water."),
        (20.0, 24.0, "Knead the dough for ten minutes until it is smooth."),
        (40.0, 45.0, "The oven should be at two hundred and thirty degrees."),
        (70.0, 74.0, "Let the bread cool down before you cut it."),
    ),
)
TRAFFIC = Film(
    "crossing_cam_03.mp4",
    60.0,
    objects=(
        (0.0, 10.0, {"car": 1}),
        (10.0, 20.0, {"car": 3, "person": 1}),
        (20.0, 30.0, {"person": 2}),
        (30.0, 40.0, {}),
        (40.0, 50.0, {"bicycle": 1, "car": 2}),
        (50.0, 60.0, {"car": 2}),
    ),
)
MEETING = Film(
    "Quarterly meeting.mkv",
    200.0,
    said=(
        (10.0, 14.0, "The budget for marketing was cut by twelve percent."),
        (30.0, 35.0, "Maria will present the new office layout in Lisbon."),
        (90.0, 95.0, "We agreed to hire three more engineers before summer."),
        (150.0, 154.0, "The budget discussion continues on Thursday."),
    ),
    written=((25.0, 45.0, "Office Lisbon"), (140.0, 160.0, "Agenda: budget, hiring, Lisbon")),
    heard=((96.0, 101.0, "Applause"), (180.0, 190.0, "Fire alarm")),
)
GERMAN = Film(
    "Wanderung.mp4",
    40.0,
    said=((3.0, 7.0, "Wir wandern heute auf den Gipfel."), (20.0, 24.0, "Die Aussicht auf den See ist herrlich.")),
    language="de-AT",
)
COPY = Film(
    "Bread again.mp4",
    50.0,
    said=(
        (
            30.0,
            34.0,
            "Knead the dough for ten minutes until it is smooth, then let it rest, and think of other things.",
        ),
    ),
)
FILMS = (LECTURE, COOKING, TRAFFIC, MEETING, GERMAN, COPY)


class World:
    """A data folder with films in it, and a service over it."""

    def __init__(self, settings: Settings, folder: Path, films: Iterable[Film] = FILMS) -> None:
        self.settings = settings
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.engines = Engines(settings)
        self.catalogue: Catalogue = open_catalogue(settings)
        self.writer = IndexWriter(settings)
        for film in films:
            self.add(film)
        self.store = ArtefactStore(settings.artefacts_url)
        self.service = QueryService(settings, self.catalogue, IndexReader(settings), self.engines, self.store)

    def add(self, film: Film, *, document: VideoDocument | None = None) -> None:
        """Index a film, or a document made of it."""
        made = document or document_of(film, self.engines)
        path = self.folder / film.name
        path.write_bytes(film.name.encode())
        self.catalogue.record_video(made.info, path)
        ingest_id = self.catalogue.begin_ingest(film.video_id, "test")
        self.writer.publish(made, ingest_id)
        counts = Counts(len(made.segments), len(made.frames), len(made.lines))
        channels = {channel.value: ref.id if ref else None for channel, ref in made.channels.items()}
        self.catalogue.publish(ingest_id, counts, channels)

    def close(self) -> None:
        self.service.close()


def document_of(
    film: Film, engines: Engines, *, vectors: Vector | None = None, space: VectorSpace | None = None
) -> VideoDocument:
    """A film as the document that ingest would make of it, with real sentence vectors.

    Args:
        vectors: of the keyframes, of `space`; the pictures' channel is off without them.
    """
    lines = tuple(
        sorted(
            (
                TimedText(channel, start, end, text, source="test", language=film.language)
                for channel, texts in ((SPEECH, film.said), (WRITTEN, film.written), (Channel.SOUND, film.heard))
                for start, end, text in texts
            ),
            key=lambda line: line.start,
        )
    )
    frames = tuple(
        Frame(number, start, end, number, f"{number}.jpg", objects=tuple(_objects(start, counts)))
        for number, (start, end, counts) in enumerate(film.objects)
    )
    shots = tuple(Shot(frame.index, frame.time, frame.end) for frame in frames)
    seen = [
        Sighting(
            frame.time, tuple(Detection(item.label, item.confidence, item.box) for item in frame.objects), frame.index
        )
        for frame in frames
    ]
    tracks = film.tracks or link(seen, frames, shots).tracks
    segments = tuple(_segments(film, lines, counts_over_time(tracks)))
    engine, ref = engines.sentence(), engines.ref("sentence")
    assert engine is not None
    assert ref is not None
    texts = [" ".join((item.speech, item.screen_text)).strip() for item in segments]
    segment_vectors = engine.encode(texts)
    segment_vectors[[not text for text in texts]] = 0.0
    pooled = None
    if vectors is not None and space is not None:
        pooled = np.stack([vectors.mean(axis=0) for _ in segments])
        pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
    speech = EngineRef("subtitles:sidecar", "1") if film.said else None
    return VideoDocument(
        info=_info(film),
        shots=shots,
        segments=segments,
        frames=frames,
        lines=lines,
        chapters=(),
        visual_space=space,
        text_space=VectorSpace(f"{ref.id}@{ref.fingerprint}", engine.dimension),
        frame_vectors=vectors,
        segment_visual_vectors=pooled,
        segment_text_vectors=segment_vectors,
        line_vectors=engine.encode([line.text for line in lines]),
        channels={
            Channel.SPEECH: speech,
            Channel.SCREEN_TEXT: EngineRef("paddleocr:test", "1"),
            Channel.OBJECTS: EngineRef("onnx:test", "1") if tracks else None,
            Channel.VISUAL: EngineRef(space.model, "1") if space else None,
        },
        tracks=tracks,
        object_counts=counts_over_time(tracks),
    )


def scaled(film: Film, name: str) -> Film:
    """The same film under another name, so another video."""
    return replace(film, name=name)


def _info(film: Film) -> VideoInfo:
    return VideoInfo(
        video_id=film.video_id,
        title=film.name.rpartition(".")[0],
        duration=film.duration,
        width=640,
        height=360,
        fps=25.0,
        rotation=0,
        has_video=True,
        has_audio=bool(film.said),
        start_offset=0.0,
        size=1,
        container="mp4",
    )


def _segments(film: Film, lines: tuple[TimedText, ...], curves: dict[str, tuple[CountStep, ...]]) -> Iterable[Segment]:
    edges = [*np.arange(0.0, film.duration, 30.0).tolist(), film.duration]
    for number, (start, end) in enumerate(pairwise(edges)):
        counts, typical = counts_within(curves, start, end)
        yield Segment(
            number,
            float(start),
            float(end),
            " ".join(line.text for line in lines if line.channel is SPEECH and start <= line.start < end),
            " ".join(line.text for line in lines if line.channel is WRITTEN and start <= line.start < end),
            object_counts=counts,
            typical_counts=typical,
        )


def _detection(item: DetectedObject) -> Detection:
    return Detection(item.label, item.confidence, item.box)


def _objects(start: float, counts: dict[str, int]) -> Iterable[DetectedObject]:
    for row, (label, count) in enumerate(counts.items()):
        top = 0.1 + 0.3 * row
        for number in range(count):
            left = 0.05 + 0.3 * number
            yield DetectedObject(start, label, 0.9, Box(left, top, left + 0.2, top + 0.2))
