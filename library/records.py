"""What the catalogue hands out: frozen copies of its rows, safe to keep after the session that read them is closed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from reelseek.records import JsonObject


class VideoState(StrEnum):
    """Where a video stands. A missing video keeps its rows and is still found; it cannot be played."""

    NEW = "new"
    QUEUED = "queued"
    INDEXING = "indexing"
    INDEXED = "indexed"
    FAILED = "failed"
    MISSING = "missing"


class JobState(StrEnum):
    """Where a job stands. `quarantined` jobs used up their attempts and wait for a person."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    CANCELLED = "cancelled"


LIVE_JOB_STATES = frozenset({JobState.QUEUED, JobState.RUNNING})


@dataclass(frozen=True, slots=True)
class Library:
    """A folder that is watched."""

    library_id: int
    name: str
    path: str
    added_at: datetime
    scanned_at: datetime | None = None
    video_count: int = 0


@dataclass(frozen=True, slots=True)
class Location:
    """One path at which a video's content was last seen."""

    path: str
    size: int
    mtime_ns: int
    library_id: int | None = None


@dataclass(frozen=True, slots=True)
class FileState:
    """What is known of a path: unchanged size and time mean unchanged content, so a rescan hashes nothing.

    Attributes:
        failed: the content was refused when it was last tried.
    """

    size: int
    mtime_ns: int
    video_id: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows a video has in the index."""

    segments: int = 0
    frames: int = 0
    lines: int = 0


@dataclass(frozen=True, slots=True)
class VideoEntry:
    """One video: its content, wherever it lies.

    Attributes:
        path: the location that exists, else the last one known, else empty.
        error: why it failed, one sentence; also set on an indexed video whose renewal failed.
        live_ingest: the ingest whose rows readers see; None before the first is published.
        ingest_fingerprint: what those rows were made from (`IngestOutcome.fingerprint`).
        channels: channel to the id of the engine that filled it, None where it is off.
        info: what probing told, as JSON (codecs, rotation, chapters, container tags).
        tags: a person's own labels.
    """

    video_id: str
    title: str
    path: str
    locations: tuple[Location, ...]
    state: VideoState
    error: str
    duration: float
    width: int
    height: int
    has_audio: bool
    size: int
    added_at: datetime
    indexed_at: datetime | None
    live_ingest: str | None
    ingest_fingerprint: str | None
    channels: dict[str, str | None]
    counts: Counts
    info: JsonObject
    tags: tuple[str, ...] = ()

    @property
    def offline(self) -> bool:
        """Whether its file is not there just now: moved, deleted, or on a disk that is not connected."""
        return not self.path or not Path(self.path).is_file()

    @property
    def partial(self) -> bool:
        """Whether only its beginning can be found: its first indexing still runs, or was stopped."""
        return self.live_ingest is not None and self.state in (VideoState.NEW, VideoState.QUEUED, VideoState.INDEXING)


@dataclass(frozen=True, slots=True)
class Ingest:
    """One set of index rows of one video. `state` is `writing`, `live` or `stale`."""

    ingest_id: str
    video_id: str
    fingerprint: str
    state: str
    begun_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Visibility:
    """Which rows readers must not see, and a number that changes with every change of that."""

    revision: int
    hidden: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Job:
    """A row of the ledger.

    Attributes:
        kind: `index`, `scan`, `maintain` or `fetch`.
        attempt: counts claims. It is the fencing token: a write with an older one is refused.
        stage, fraction: progress of the running attempt, 0 to 1 within the stage.
        failures: attempts that ended without a result.
        error: why the last attempt ended badly.
        result: what came out of it, as JSON.
    """

    job_id: int
    kind: str
    payload: JsonObject
    dedupe_key: str
    priority: int
    state: JobState
    attempt: int
    failures: int
    worker: str
    stage: str
    fraction: float
    error: str
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    lease_until: datetime | None = None
    result: JsonObject = field(default_factory=dict)


class SourceState(StrEnum):
    """Where a live source stands. `full`: the disk has no room; `ended`: it was finite and is recorded to its end."""

    WAITING = "waiting"
    CONNECTING = "connecting"
    RECORDING = "recording"
    RECONNECTING = "reconnecting"
    FULL = "full"
    ENDED = "ended"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of a live source that is not recorded, and why."""

    start: datetime
    end: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Source:
    """A live source.

    Attributes:
        kind: `url`, recorded while the server runs; `pipe` or `file`, recorded by the command that reads it.
        url: where it is, with its secrets: show `masked` of it only. For a `file` its path, for a `pipe` `-`.
        chunk_seconds, keep_hours: its own, or None for those of the settings.
        detail: what is the matter, one sentence, or empty.
        holder: which process records it, empty when none does.
        last_chunk_at: when the newest recording ended, on the source's clock.
        gaps: the newest ones, newest last.
    """

    source_id: int
    name: str
    kind: str
    url: str
    chunk_seconds: float | None
    keep_hours: float | None
    added_at: datetime
    state: SourceState
    detail: str = ""
    holder: str = ""
    lease_until: datetime | None = None
    last_chunk_at: datetime | None = None
    chunk_count: int = 0
    gap_count: int = 0
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key as it may be shown: never its secret."""

    key_id: int
    name: str
    prefix: str
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A query that is run again on what is new."""

    search_id: int
    name: str
    query: str
    created_at: datetime
    last_run_at: datetime | None = None
    options: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SavedHit:
    """A moment that a saved search found: when it was found, and what speaks for it."""

    search_id: int
    video_id: str
    title: str
    start: float
    end: float
    confidence: float
    text: str
    found_at: datetime
