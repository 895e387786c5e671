"""What a file is, before it is decoded in earnest."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ingest.audio_tracks import audio_tracks
from ingest.identity import content_id
from ingest.opening import clean, open_media, picture_stream, seconds
from ingest.subtitles import bcp47, role_of
from reelseek.errors import MediaError
from reelseek.records import Chapter, VideoInfo
from reelseek.setting_groups import IngestSettings

__all__ = ["PICTURE_CODECS", "open_media", "probe", "start_offset", "title_of"]

PICTURE_CODECS = frozenset({"pgssub", "hdmv_pgs_subtitle", "dvdsub", "dvd_subtitle", "dvbsub", "dvb_subtitle", "xsub"})
"""Subtitle codecs that carry pictures; the others carry text."""

_AV_TIME_BASE = 1_000_000
_FIRST_PICTURE_TRIES = 200
_FASTEST = 500.0
_GENERATED_TITLE = re.compile(r"^(untitled|unknown|no title|video|movie|default|track \d+)?$", re.IGNORECASE)


def probe(path: Path, settings: IngestSettings, video_id: str | None = None) -> VideoInfo:
    """Look into a file: streams, duration, size of the picture, rotation, tags. One picture is decoded.

    Args:
        path: the file.
        settings: the limits.
        video_id: its content's hash where that is known already.

    Raises:
        MediaError: it is no readable video or sound, or is over a limit; the message says which.
    """
    with open_media(path) as container:
        size = path.stat().st_size
        if size > settings.max_bytes:
            raise MediaError(f"The file has {size} bytes; the limit is {settings.max_bytes} (ingest.max_bytes).")
        if len(container.streams) > settings.max_streams:
            raise MediaError(f"It has {len(container.streams)} streams; the limit is {settings.max_streams}.")
        video, audio = picture_stream(container), sound_stream(container)
        _check_pixels(video, settings)
        first = _first_picture(container, video) if video else None
        if first is None and audio is None:
            raise MediaError(
                "It has neither pictures nor sound." if video is None else "None of its pictures can be decoded."
            )
        video = video if first is not None else None
        offset = start_offset(container, [stream for stream in (video, audio) if stream is not None])
        duration = _duration(container, [stream for stream in (video, audio) if stream is not None], offset)
        if duration > settings.max_duration:
            raise MediaError(f"It is {duration:.0f} s long; the limit is {settings.max_duration:.0f} s.")
        rotation = -int(first.rotation) % 360 if first is not None else 0
        width, height = shown_size(first, video, rotation) if first is not None and video is not None else (0, 0)
        tags = {clean(name): "\n".join(map(clean, value.splitlines())) for name, value in container.metadata.items()}
        return VideoInfo(
            video_id=video_id or content_id(path),
            title=title_of(path, tags),
            duration=duration,
            width=width,
            height=height,
            fps=_rate(video) if video is not None else 0.0,
            rotation=rotation,
            has_video=video is not None,
            has_audio=audio is not None,
            start_offset=offset,
            size=size,
            container=container.format.name,
            video_codec=video.codec_context.name if video is not None else "",
            audio_codec=audio.codec_context.name if audio is not None else "",
            subtitle_tracks=tuple(_subtitle_tracks(container)),
            chapters=tuple(_chapters(container, offset, duration)),
            tags=tags,
            audio_tracks=tuple(audio_tracks(container)),
        )


def title_of(path: Path, tags: dict[str, str]) -> str:
    """The container's title where it has a telling one, else the file's name without its ending, made readable."""
    tagged = " ".join(tags.get("title", "").split())
    if not _GENERATED_TITLE.match(tagged):
        return tagged
    stem = clean(path.stem)
    return re.sub(r"[_\s]+", " ", stem).strip() or clean(path.name) or "untitled"


def shown_size(frame: VideoFrame, stream: VideoStream, rotation: int) -> tuple[int, int]:
    """Width and height as a player shows the picture: square pixels, rotated."""
    aspect = stream.sample_aspect_ratio
    width = round(frame.width * float(aspect)) if aspect and 0.1 < float(aspect) < 10 else frame.width
    return (frame.height, width) if rotation in (90, 270) else (width, frame.height)


def _check_pixels(video: VideoStream | None, settings: IngestSettings) -> None:
    if video is None:
        return
    pixels = video.codec_context.width * video.codec_context.height
    if pixels > settings.max_pixels:
        raise MediaError(f"Its pictures have {pixels} pixels; the limit is {settings.max_pixels} (ingest.max_pixels).")


def sound_stream(container: InputContainer) -> AudioStream | None:
    """The stream of sound that a player plays, where it has a rate."""
    best = container.streams.best("audio")
    return best if isinstance(best, AudioStream) and best.codec_context.sample_rate else None


def _rate(video: VideoStream) -> float:
    """Pictures per second; some containers state their clock's rate for it."""
    rate = float(video.average_rate or 0)
    return rate if rate <= _FASTEST else float(video.guessed_rate or 0)


def _first_picture(container: InputContainer, video: VideoStream) -> VideoFrame | None:
    for tried, packet in enumerate(_packets(container, [video])):
        try:
            for frame in packet.decode():
                if isinstance(frame, VideoFrame):
                    return frame
        except FFmpegError:
            pass
        if tried >= _FIRST_PICTURE_TRIES:
            break
    return None


def _packets(container: InputContainer, streams: list[Stream]) -> Iterator[Packet[Any]]:
    """Packets until the file ends or breaks."""
    packets = container.demux(*streams)
    while True:
        try:
            yield next(packets)
        except (StopIteration, FFmpegError):
            return


def start_offset(container: InputContainer, streams: Sequence[Stream]) -> float:
    """The container's own time (s) of what is second 0 here: of the first picture or sound."""
    starts = [start for stream in streams if (start := seconds(stream, stream.start_time)) is not None]
    if starts:
        return min(starts)
    return container.start_time / _AV_TIME_BASE if container.start_time is not None else 0.0


def _duration(container: InputContainer, streams: list[Stream], offset: float) -> float:
    """Seconds from `offset` to the end of the last picture or sound.

    Containers' own figures are not trusted alone: some count from 0 and not from the first picture, some are missing,
    and a truncated file keeps the figure of the whole. The packets at the end say what is there.
    """
    stated = container.duration / _AV_TIME_BASE if container.duration else 0.0
    end = -math.inf
    if stated > 0:
        try:
            container.seek(max(0, int((offset + stated - 1.0) * _AV_TIME_BASE)))
            end = _last_end(container, streams)
        except FFmpegError:
            end = -math.inf
    if end - offset < stated * 0.98 - 1.0 or end <= offset:
        try:
            container.seek(0)
        except FFmpegError:
            return _sane(max(stated, end - offset))
        end = max(end, _last_end(container, streams))
    return _sane(end - offset if end > offset else stated)


def _last_end(container: InputContainer, streams: list[Stream]) -> float:
    end = -math.inf
    for packet in _packets(container, streams):
        start = seconds(packet.stream, packet.pts)
        if start is None:
            continue
        length = seconds(packet.stream, packet.duration) or 0.0
        if not length and isinstance(packet.stream, VideoStream) and packet.stream.average_rate:
            length = 1.0 / float(packet.stream.average_rate)
        end = max(end, start + length)
    return end


def _sane(duration: float) -> float:
    if not math.isfinite(duration) or duration <= 0:
        raise MediaError("It has no duration: it holds no picture and no sound with a time.")
    return duration


def _subtitle_tracks(container: InputContainer) -> Iterable[dict[str, str]]:
    for stream in container.streams.subtitles:
        # PyAV gives WebVTT no codec context; its packets can be read all the same.
        context: Any = stream.codec_context
        codec = "webvtt" if context is None else str(context.name)
        yield {
            "index": str(stream.index),
            "codec": codec,
            "language": bcp47(clean(stream.language or "")),
            "title": clean(stream.metadata.get("title", "")),
            "kind": "picture" if codec in PICTURE_CODECS else "text",
            "default": "yes" if stream.disposition & Disposition.default else "no",
            "role": role_of(
                stream.metadata.get("title", ""),
                forced=bool(stream.disposition & Disposition.forced),
                sounds=bool(stream.disposition & (Disposition.hearing_impaired | Disposition.captions)),
                commentary=bool(stream.disposition & Disposition.comment),
            ),
        }


def _chapters(container: InputContainer, offset: float, duration: float) -> Iterable[Chapter]:
    index = 0
    for chapter in container.chapters():
        base = float(chapter["time_base"] or 0)
        start = max(0.0, chapter["start"] * base - offset)
        end = min(duration, chapter["end"] * base - offset)
        if end > start:
            title = clean(chapter["metadata"].get("title", "")) or f"Chapter {index + 1}"
            yield Chapter(index, start, end, title, "container")
            index += 1
