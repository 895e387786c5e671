"""The groups of settings: their fields, defaults and what they mean."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_default=True)


class EngineSettings(_Group):
    """Which engine serves each channel: `auto`, `off`, or `family:name-or-path`."""

    visual: str = Field("auto", description="image-text engine: openclip:NAME, openclip:/folder, off")
    sentence: str = Field("auto", description="sentence engine: minilm, sentence-transformers:/folder, off")
    speech: str = Field("auto", description="speech engine: faster-whisper:SIZE, whisper:SIZE, pocketsphinx, off")
    speakers: str = Field("auto", description="speaker engine: resemblyzer, off")
    sounds: str = Field("auto", description="sound engine: audio-transformers:NAME, off")
    screen_text: str = Field("auto", description="screen-text engine: paddleocr, rapidocr, paddleocr-native:NAME, off")
    objects: str = Field("auto", description="object engine: ultralytics:NAME.pt, onnx:/file.onnx, off")
    open_vocabulary: str = Field(
        "", description="YOLO-World weights (.pt, its text encoder beside it) that find what the detector does not know"
    )
    tracker: str = Field(
        "auto",
        pattern=r"^(auto|bytetrack|botsort|overlap)$",
        description="how objects are followed: bytetrack, botsort (extra `yolo`), overlap (our own)",
    )
    rerank: str = Field(
        "off", description="re-ranking engine: cross-encoder:NAME, cross-encoder:/folder, auto (what is there), off"
    )
    vlm: str = Field("auto", description="VLM: transformers:NAME, openai:MODEL (a local server), extractive")
    vlm_url: str = Field("http://127.0.0.1:11434/v1", description="base URL of the OpenAI-compatible server")
    vlm_timeout: float = Field(60.0, gt=0, description="seconds before an answer falls back to extractive")
    demo_models: bool = Field(
        False, description="let `auto` use the demo's own models, which know nothing but drawn scenes"
    )
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?|mps)$", description="where models run")
    threads: int = Field(0, ge=0, description="CPU threads for models; 0 leaves the libraries' own choice")
    batch_size: int = Field(16, ge=1, le=1024, description="pictures or sentences per model call")


class IngestSettings(_Group):
    """How videos are taken apart."""

    chunk_seconds: float = Field(
        300.0, ge=10, description="a longer video is taken apart in chunks of this length (s), by all workers at once"
    )
    hardware: str = Field(
        "auto", pattern=r"^[a-z0-9]+$", description="decoding by hardware: auto, off, cuda, vaapi, videotoolbox, qsv, …"
    )
    sample_fps: float = Field(2.0, gt=0, le=60, description="sampled pictures per second of video")
    keyframe_interval: float = Field(10.0, gt=0, description="a keyframe at least this often (s) while pictures change")
    change_threshold: float = Field(0.035, gt=0, le=1, description="change of one place that makes a keyframe, 0 to 1")
    keyframes: Literal["auto", "all"] = Field(
        "auto",
        description="which sampled pictures models see: those in which something changed (auto), or every one (all): "
        "many times as slow, to check that nothing is lost",
    )
    text_looks_per_hour: int = Field(
        3600,
        ge=0,
        description="pictures between keyframes that are read for text while the picture moves, per hour of video",
    )
    object_looks_per_hour: int = Field(
        7200,
        ge=0,
        description="pictures between keyframes in which objects are detected while the picture moves, per hour of "
        "video; under 3600 what moves fast is no longer followed",
    )
    max_side: int = Field(960, ge=64, le=4096, description="longer side (px) of the pictures models see")
    segment_min: float = Field(5.0, gt=0, description="shortest segment (s)")
    segment_max: float = Field(30.0, gt=0, description="longest segment (s)")
    language: str = Field("", description="language of speech (BCP 47); empty detects it")
    audio_track: str = Field(
        "", description="sound track to listen to: its number in the file or its language; empty chooses by rule"
    )
    captions: str = Field(
        "auto", pattern="^(auto|off)$", description="captions of segments, where a VLM is present: auto, off"
    )
    notes: Literal["auto", "off"] = Field(
        "auto",
        description="notes of long videos, from which a model sums them up, where a VLM is present: taken by the "
        "workers behind all else (auto), or only when they are needed (off)",
    )
    max_duration: float = Field(48 * 3600, gt=0, description="longest video that is accepted (s)")
    max_pixels: int = Field(8192 * 8192, gt=0, description="most pixels of a picture that are decoded")
    max_bytes: int = Field(1 << 40, gt=0, description="largest file that is accepted (bytes)")
    max_streams: int = Field(64, gt=0, description="most streams in a file")
    max_decode_errors: int = Field(50, ge=0, description="broken packets that are skipped before a file is refused")
    storyboard_interval: float = Field(5.0, gt=0, description="seconds between pictures of the storyboard")

    @field_validator("segment_max")
    @classmethod
    def _ordered(cls, value: float, info: Any) -> float:
        if value < info.data.get("segment_min", 0):
            raise ValueError("segment_max is below segment_min")
        return value


class IndexSettings(_Group):
    """The LanceDB index."""

    vector_index_rows: int = Field(30_000, ge=1_000, description="rows from which a vector index is built")
    optimize_rows: int = Field(5_000, ge=1, description="unindexed rows after which maintenance folds them in")
    keep_versions_minutes: int = Field(30, ge=10, le=24 * 60, description="how long old versions stay readable")
    lock_timeout: float = Field(120.0, gt=0, description="seconds to wait for the writer's lock")


class QuerySettings(_Group):
    """Retrieval and answers."""

    k: int = Field(10, ge=1, le=200, description="moments returned")
    candidates: int = Field(100, ge=10, le=5_000, description="candidates per channel before fusion")
    rerank: int = Field(50, ge=1, le=500, description="best moments that a re-ranking engine reads again")
    rerank_seconds: float = Field(
        5.0, gt=0, description="seconds before a search goes on without the re-ranking engine"
    )
    evidence_tokens: int = Field(2_000, ge=200, description="tokens of evidence text given to the VLM")
    evidence_frames: int = Field(8, ge=0, le=64, description="frames given to the VLM")
    cutoff: float = Field(0.5, ge=0, le=1, description="confidence under which a moment is a near miss")
    like: float = Field(0.75, ge=0, le=10, description="how much moments marked as right move the query (Rocchio)")
    unlike: float = Field(0.25, ge=0, le=10, description="how much moments marked as wrong move the query away")
    decouple: Literal["auto", "rules", "model"] = Field(
        "auto",
        description="who takes a query apart into speech, screen text and objects: rules, and the VLM for questions "
        "for which rules find nothing sure (auto), rules always, or the VLM always (each new search waits for it)",
    )
    near_words: Literal["auto", "off"] = Field(
        "auto", description="whether a word that the library does not have is searched for as the word nearest to it"
    )
    deep: Literal["auto", "off"] = Field(
        "off", description="whether a question that was answered unsurely is given to the agent (deep mode) by itself"
    )
    deep_steps: int = Field(8, ge=1, le=64, description="steps that deep mode may take")
    deep_tokens: int = Field(40_000, ge=500, description="tokens that the model may read and write in deep mode")
    deep_seconds: float = Field(180.0, gt=0, description="seconds that deep mode may take")
    notes_seconds: float = Field(
        30.0, ge=0, description="seconds that a summary waits for notes it lacks; the rest is left to the workers"
    )
    critic: Literal["auto", "off"] = Field(
        "auto", description="whether the VLM checks the claims of its answer that no words of the evidence confirm"
    )


class WorkerSettings(_Group):
    """Celery, the schedule and the libraries."""

    broker: str = Field("", description="Celery broker URL; empty: a folder in the data folder, no server needed")
    concurrency: int = Field(1, ge=1, le=64, description="jobs at a time per worker")
    scan_interval: float = Field(300.0, gt=0, description="seconds between scans of the libraries")
    stable_seconds: float = Field(5.0, ge=0, description="a file must not change for this long before it is taken")
    lease_seconds: float = Field(60.0, gt=1, description="a job whose worker is silent this long is given to another")
    max_attempts: int = Field(3, ge=1, le=20, description="attempts before a job is set aside with its reason")
    reindex: Literal["auto", "off"] = Field(
        "auto", description="whether videos that a changed engine or setting made stale are done again by themselves"
    )
    reindex_interval: float = Field(3600.0, gt=0, description="seconds between looks for stale videos")


class StorageSettings(_Group):
    """How much is kept, and for how long."""

    keep_replaced_days: float = Field(
        7.0, ge=0, description="days for which replaced results of a video are kept; 0 reclaims them at once"
    )
    max_gb: float = Field(
        0.0, ge=0, description="bound on the artefacts (GB): above it what can be made again goes first; 0 is none"
    )
    keep_looks_days: float = Field(
        30.0, ge=0, description="days before the pictures between keyframes may go to hold that bound"
    )
    min_free_gb: float = Field(0.5, ge=0, description="free space (GB) below which no ingest is begun")


class WebSettings(_Group):
    """The web server."""

    host: str = Field("127.0.0.1", description="bind address; any but loopback needs an API key first")
    port: int = Field(8700, ge=0, le=65535, description="port; 0 takes a free one")
    threads: int = Field(8, ge=1, le=256, description="request threads")
    max_upload_bytes: int = Field(20 << 30, gt=0, description="largest upload (bytes)")
    public_url: str = Field(
        "",
        pattern=r"^$|^https?://[^\s?#]+$",
        description="address at which people reach the page, for links in exports; empty: from host and port",
    )


class ExportSettings(_Group):
    """Clips and reels that the server cuts. The command line has no such limits."""

    longest: float = Field(600.0, gt=0, description="longest clip or reel that the server cuts (s)")
    at_once: int = Field(2, ge=1, le=64, description="clips that the server cuts at once; others are told to ask later")
    cache_gb: float = Field(2.0, ge=0, description="how much of what was cut is kept to be sent again (GB)")


class LiveSettings(_Group):
    """Recording of live sources."""

    folder: str = Field(
        "", description="where recordings go, a folder for each source; empty: `live` in the data folder"
    )
    chunk_seconds: float = Field(
        30.0, ge=1, le=3600, description="a recording is cut at key pictures this far apart (s)"
    )
    keep_hours: float = Field(0.0, ge=0, description="recordings older than this are deleted; 0 keeps them for ever")
    connect_seconds: float = Field(
        20.0, gt=0, description="a source that does not begin within this time is tried again"
    )
    stall_seconds: float = Field(15.0, gt=0, description="a source that is silent this long is connected to anew")
    reconnect_seconds: float = Field(60.0, ge=1, description="longest wait before a source is tried again")
    min_free_bytes: int = Field(
        1 << 30, ge=0, description="recording pauses while the disk has less free space (bytes)"
    )


class NotifySettings(_Group):
    """Other programs that are told of what is found."""

    url: str = Field(
        "",
        pattern=r"^$|^https?://[^\s]+$",
        description="address to which finds of saved searches are posted as JSON; empty: none",
    )


class FetchSettings(_Group):
    """Videos from URLs, with yt-dlp."""

    enabled: bool = Field(False, description="let `reelseek fetch` and the API download videos from the Internet")
    allow_private: bool = Field(False, description="also from private and loopback addresses, for an intranet")
    max_bytes: int = Field(4 << 30, gt=0, description="most bytes that one fetch may load, over all its requests")
    max_duration: float = Field(4 * 3600, gt=0, description="longest video that is fetched (s)")
    max_height: int = Field(1080, ge=144, description="largest height of the picture that is chosen (px)")
    max_minutes: float = Field(240.0, gt=0, description="longest time that one fetch may take")
