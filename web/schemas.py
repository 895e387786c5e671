"""The API's inputs and outputs. Inputs refuse what they do not know; outputs document what is sent."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from werkzeug.datastructures import FileStorage

from reelseek.records import Channel

ID_PATTERN = r"^[0-9a-f]{32}$"
K_MAX = 200
ID_MAX = 999_999_999
QUERY_MAX = 4_000


def _split(value: object) -> object:
    """`a,b` as two ids, as query strings carry lists."""
    return [part for part in value.split(",") if part] if isinstance(value, str) else value


VideoIds = Annotated[list[Annotated[str, Field(pattern=ID_PATTERN)]], BeforeValidator(_split), Field(max_length=1_000)]
Channels = Annotated[list[Channel], BeforeValidator(_split), Field(max_length=len(Channel))]


class In(BaseModel):
    """What is sent to the server."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Out(BaseModel):
    """What the server sends."""

    model_config = ConfigDict(from_attributes=True)


class VideosQuery(In):
    """Which videos are listed."""

    state: Literal["new", "queued", "indexing", "indexed", "failed", "missing"] | None = None
    q: str = Field("", max_length=200, description="part of a title or path")
    library: int | None = Field(None, ge=1, le=ID_MAX)
    tag: str | None = Field(None, max_length=100, description="only videos with this tag")
    video: VideoIds = Field(default_factory=list, description="only these, separated by commas")
    page: int = Field(1, ge=1, le=1_000_000)
    per_page: int = Field(50, ge=1, le=500)


class VideoTags(In):
    """A person's own labels on a video. They replace those that it has."""

    tags: list[Annotated[str, Field(max_length=100)]] = Field(max_length=100)


class Upload(In):
    """A video file."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    file: Annotated[FileStorage, Field(description="the video", json_schema_extra={"format": "binary"})]


class TranscriptQuery(In):
    """Which lines."""

    kind: Literal["speech", "screen_text"] = "speech"


class NewLibrary(In):
    """A folder to watch."""

    path: str = Field(..., min_length=1, max_length=4_096, description="an absolute folder on the server")
    name: str = Field("", max_length=200, description="empty: the folder's name")


class NewFetch(In):
    """A video to download."""

    url: str = Field(..., min_length=1, max_length=4_096, description="a page or a file, http or https")
    library: int | None = Field(None, ge=1, le=ID_MAX, description="the watched folder it goes into; else the uploads")
    max_height: int | None = Field(None, ge=144, le=8_640, description="largest height of the picture (px)")


class ObjectsQuery(In):
    """Which objects."""

    label: str = Field("", max_length=200, description="only of this label")
    start: float = Field(0.0, ge=0, description="only those seen after this second")
    end: float | None = Field(None, ge=0, description="only those seen before this second")


class JobsQuery(In):
    """Which jobs."""

    state: Literal["active", "queued", "running", "done", "failed", "quarantined", "cancelled"] | None = Field(
        None, description="`active` is queued or running"
    )
    limit: int = Field(50, ge=1, le=500)


class VideoOut(Out):
    """A video of the list."""

    video_id: str
    title: str
    path: str
    state: str
    partial: bool = Field(description="whether only its beginning can be found so far")
    error: str
    duration: float
    width: int
    height: int
    has_audio: bool
    size: int
    added_at: str
    indexed_at: str | None
    channels: dict[str, str | None]
    segments: int
    frames: int
    lines: int
    tags: list[str]
    poster: str = Field(description="URL path of its picture, empty without one")
    playable: bool = Field(description="whether its file is there now")


class VideoPage(Out):
    """One page of videos."""

    videos: list[VideoOut]
    total: int
    page: int
    per_page: int


class ChapterOut(Out):
    """A titled stretch."""

    index: int
    start: float
    end: float
    title: str
    source: str


class SegmentOut(Out):
    """A segment in short."""

    index: int
    start: float
    end: float
    speech: str
    screen_text: str
    object_counts: dict[str, int] = Field(description="label to the largest number at once")
    typical_counts: dict[str, int] = Field(description="label to the number at once that is usual")
    thumbnail: str


class AudioTrackOut(Out):
    """A sound track of a file."""

    index: int = Field(description="its number in the file, as `ingest.audio_track` takes it")
    codec: str
    language: str = Field(description="BCP 47; empty where the file does not say")
    title: str
    channels: int
    kind: str = Field(description="`main`, or `beside`: a commentary, a description")
    default: bool = Field(description="whether the file names it its default")
    chosen: bool = Field(description="whether it is listened to")
    rule: str = Field(description="of the chosen one: why it")


class SubtitleTrackOut(Out):
    """Subtitles beside a file or in it."""

    file: str = Field(description="of those beside the video the file's name, else empty")
    index: int | None = Field(description="of those in the video the track's number in it")
    language: str = Field(description="BCP 47; empty where nothing says it")
    title: str
    role: str = Field(description="`forced`, `sounds`, `commentary`, or empty")
    kind: str = Field(description="`text` or `picture`")
    chosen: bool = Field(description="whether the words of the video come from it")


class VideoDetail(VideoOut):
    """A video with what was found in it."""

    locations: list[str]
    info: dict[str, object]
    damage: str = Field(description="what of its pictures could not be read, or that they end early; or empty")
    audio_tracks: list[AudioTrackOut]
    subtitle_tracks: list[SubtitleTrackOut]
    chapters: list[ChapterOut]
    segment_list: list[SegmentOut]


class JobOut(Out):
    """A job: what it works on, where it stands."""

    job_id: int
    kind: str
    state: str
    what: str = Field(description="the file or library it works on")
    video_id: str
    stage: str
    stage_name: str = Field(description="the stage in words")
    fraction: float
    attempt: int
    error: str
    created_at: str
    finished_at: str | None


class JobList(Out):
    """Jobs, newest first."""

    jobs: list[JobOut]


class UploadOut(Out):
    """What became of an upload."""

    name: str = Field(description="the name it was kept under")
    job: JobOut


class LibraryOut(Out):
    """A watched folder."""

    library_id: int
    name: str
    path: str
    video_count: int
    scanned_at: str | None


class LibraryList(Out):
    """The watched folders."""

    libraries: list[LibraryOut]


class GapOut(Out):
    """A stretch of a live source that is not recorded."""

    start: str
    end: str
    reason: str


class SourceOut(Out):
    """A live source."""

    name: str
    kind: str = Field(description="`url`, `pipe` or `file`")
    url: str = Field(description="where it is, without its secrets")
    state: str = Field(description="`waiting`, `connecting`, `recording`, `reconnecting`, `full`, `ended` or `stopped`")
    detail: str = Field(description="what is the matter, or empty")
    recordings: int
    newest_ended: str | None = Field(description="when the newest recording ended")
    keep_hours: float | None = Field(description="how long recordings are kept; null as the settings say, 0 for ever")
    gap_count: int
    gaps: list[GapOut] = Field(description="the newest ones")


class SourceList(Out):
    """The live sources."""

    sources: list[SourceOut]


class NewSavedSearch(In):
    """A search to save."""

    name: str = Field(min_length=1, max_length=200)
    query: str = Field(min_length=1, max_length=QUERY_MAX, description="words, or the query language")
    library: int | None = Field(None, ge=1, le=ID_MAX, description="only in this library")


class SavedSearchOut(Out):
    """A saved search."""

    search_id: int
    name: str
    query: str
    library: int | None
    created_at: str
    last_run_at: str | None = Field(description="when it was last run on what was new")
    found: int = Field(description="how many moments it has found")


class SavedSearchList(Out):
    """The saved searches, by name."""

    searches: list[SavedSearchOut]


class SavedHitOut(Out):
    """A moment that a saved search found."""

    video_id: str
    title: str
    start: float
    end: float
    confidence: float
    text: str = Field(description="what speaks for it")
    found_at: str


class SavedHitList(Out):
    """What a saved search found, the newest first."""

    moments: list[SavedHitOut]


class EngineOut(Out):
    """What serves one kind of engine."""

    kind: str
    title: str = Field(description="the kind in words")
    state: str = Field(description="`ready`, or why not: `off`, `missing-extra`, `missing-weights`")
    engine: str | None
    note: str = Field(description="what to know of its results")
    reason: str
    fix: str
    loses: str = Field(description="what is lost while it is off")
    missed: bool = Field(description="nothing serves it, and it is not one that is off until it is asked for")


class StatusOut(Out):
    """The state of this server."""

    version: str
    warm: bool
    videos: int
    engines: list[EngineOut]


class HealthOut(Out):
    """Whether it lives."""

    status: str
