"""What the parts of Reelseek hand to one another. All times are seconds (`float`) from the container's own timestamps,
shifted so that the first presented picture or sound of the file is at 0. All boxes are fractions of the picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]
"""One or more embeddings, L2-normalised, shape `(dimension,)` or `(n, dimension)`."""

Image = npt.NDArray[np.uint8]
"""A picture, RGB, shape `(height, width, 3)`."""

Audio = npt.NDArray[np.float32]
"""Mono sound at 16 kHz in -1..1, shape `(samples,)`."""


class Channel(StrEnum):
    """Where evidence comes from. The first four are perceived by engines, a title by nobody."""

    VISUAL = "visual"
    SPEECH = "speech"
    SCREEN_TEXT = "screen_text"
    OBJECTS = "objects"
    CAPTION = "caption"
    SOUND = "sound"
    TITLE = "title"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle as fractions of the picture: left, top, right, bottom, each 0 to 1."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def centre(self) -> tuple[float, float]:
        """The middle, `(x, y)`."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    @property
    def area(self) -> float:
        """Share of the picture that it covers."""
        return max(0.0, self.right - self.left) * max(0.0, self.bottom - self.top)

    def iou(self, other: Box) -> float:
        """Intersection over union of two boxes."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        if width <= 0 or height <= 0:
            return 0.0
        return width * height / (self.area + other.area - width * height)


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word."""

    start: float
    end: float
    text: str
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class TimedText:
    """A line with its time: a spoken sentence, a text on screen from its first to its last showing, a caption.

    Attributes:
        source: who says so: `subtitles:sidecar`, `subtitles:embedded`, an engine's id.
        language: BCP 47, or empty when unknown.
        confidence: 0 to 1, of the engine; 1 for subtitles.
        words: of speech, when the engine gives them.
        box: of screen text, the union over its showing.
    """

    channel: Channel
    start: float
    end: float
    text: str
    source: str = ""
    language: str = ""
    confidence: float = 1.0
    speaker: str = ""
    words: tuple[Word, ...] = ()
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class SoundEvent:
    """A sound with its name, `[start, end)`."""

    label: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Shot:
    """An unbroken run of pictures, `[start, end)`."""

    index: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Detection:
    """One object in one picture."""

    label: str
    confidence: float
    box: Box


@dataclass(frozen=True, slots=True)
class DetectedObject:
    """An object in a video: a detection with its time and, once linked over time, its track number."""

    time: float
    label: str
    confidence: float
    box: Box
    track: int = -1


@dataclass(frozen=True, slots=True)
class PathPoint:
    """Where a followed object is at a time; between two points it moves in a straight line."""

    time: float
    box: Box


@dataclass(frozen=True, slots=True)
class ObjectTrack:
    """One object followed through one shot, from its first to its last showing, `[start, end)`.

    Attributes:
        number: as in `DetectedObject.track`, unique within its video.
        confidence: the mean of its detections, 0 to 1.
        entered: how it came: `left`, `right`, `top`, `bottom` (over that edge of the picture), `appeared` (in the
            middle of it), `start` (it was there when the shot began).
        left: how it went: an edge, `vanished`, or `end` (it was there when the shot ended).
        path: where it was, few points, the first at `start`.
    """

    number: int
    label: str
    confidence: float
    start: float
    end: float
    entered: str
    left: str
    path: tuple[PathPoint, ...]


@dataclass(frozen=True, slots=True)
class CountStep:
    """From `time` on there are `count` at once, until the next step."""

    time: float
    count: int


@dataclass(frozen=True, slots=True)
class TextBox:
    """One line of text read in one picture."""

    text: str
    confidence: float
    box: Box


@dataclass(frozen=True, slots=True)
class Frame:
    """A keyframe: what models saw.

    Attributes:
        image: the artefact's name of its JPEG, relative to the video's artefacts.
        end: until when nothing changed (the next keyframe's time, or the shot's end).
        change: how much is new since the keyframe before, 0 to 1, without what moves all the time.
    """

    index: int
    time: float
    end: float
    shot: int
    image: str
    objects: tuple[DetectedObject, ...] = ()
    screen_text: tuple[TextBox, ...] = ()
    change: float = 1.0


@dataclass(frozen=True, slots=True)
class Look:
    """A sampled picture between keyframes, kept smaller while things move: for following objects and texts.

    Attributes:
        image: the artefact's name of its JPEG, relative to the video's artefacts.
    """

    time: float
    image: str


@dataclass(frozen=True, slots=True)
class Segment:
    """The unit of retrieval, 5 to 30 s where the video is that long.

    Attributes:
        object_counts: label to the largest number seen at once.
        typical_counts: label to the number that is seen at once most of its time (the median over time), where not 0.
    """

    index: int
    start: float
    end: float
    speech: str = ""
    screen_text: str = ""
    caption: str = ""
    object_counts: dict[str, int] = field(default_factory=dict)
    speakers: tuple[str, ...] = ()
    typical_counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chapter:
    """A titled stretch of a video. `source` is `container` or the method that found it."""

    index: int
    start: float
    end: float
    title: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What probing tells of a file, before anything is decoded in earnest.

    Attributes:
        video_id: hash of the content, 32 hex digits: the same for every copy and name.
        start_offset: the container's own time (s) of what is second 0 here.
        rotation: degrees clockwise that a player turns the picture: 0, 90, 180, 270.
        width, height: as shown, after rotation, in pixels; 0 without video.
        fps: average pictures per second; 0 without video. Never used to make times.
        size: bytes.
        tags: title, comment, ... as the container carries them.
        audio_tracks: each with index, codec, language, title, channels, kind (`main`, `beside`), default (`yes`, `no`).
    """

    video_id: str
    title: str
    duration: float
    width: int
    height: int
    fps: float
    rotation: int
    has_video: bool
    has_audio: bool
    start_offset: float
    size: int
    container: str
    video_codec: str = ""
    audio_codec: str = ""
    subtitle_tracks: tuple[dict[str, str], ...] = ()
    chapters: tuple[Chapter, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    audio_tracks: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class EngineRef:
    """Which engine made a result: `id` is `family:name`; `fingerprint` changes with engine, weights and settings."""

    id: str
    fingerprint: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class VectorSpace:
    """Which model a vector column belongs to. Vectors of two spaces are never compared."""

    model: str
    dimension: int


@dataclass(frozen=True, slots=True)
class VideoDocument:
    """All that the index holds of one video, made from artefacts alone.

    Attributes:
        frame_vectors: `(len(frames), visual_space.dimension)`, or None without an image-text engine.
        segment_visual_vectors: pooled over each segment's keyframes, same dimension; zero rows where it has none.
        segment_text_vectors: `(len(segments), text_space.dimension)`; zero rows for segments without text.
        line_vectors: `(len(lines), text_space.dimension)`.
        channels: channel to the engine that filled it, or None where it is off.
        partial: an ingest still runs and will replace this.
        tracks: objects followed over time, in order of their first showing.
        object_counts: label to how many are seen at once, as the steps at which that changes.
    """

    info: VideoInfo
    shots: tuple[Shot, ...]
    segments: tuple[Segment, ...]
    frames: tuple[Frame, ...]
    lines: tuple[TimedText, ...]
    chapters: tuple[Chapter, ...]
    visual_space: VectorSpace | None
    text_space: VectorSpace | None
    frame_vectors: Vector | None
    segment_visual_vectors: Vector | None
    segment_text_vectors: Vector | None
    line_vectors: Vector | None
    channels: dict[Channel, EngineRef | None]
    partial: bool = False
    tracks: tuple[ObjectTrack, ...] = ()
    object_counts: dict[str, tuple[CountStep, ...]] = field(default_factory=dict)


JsonObject = dict[str, Any]
