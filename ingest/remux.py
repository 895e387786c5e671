"""Packets from one container into another, without encoding anything anew."""

from __future__ import annotations

import heapq
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from ingest.opening import media_errors, open_media
from reelseek.records import Chapter

MP4, MATROSKA = ".mp4", ".mkv"
_IN_MP4 = frozenset(
    {"h264", "hevc", "av1", "vp9", "mpeg4", "aac", "mp3", "ac3", "eac3", "opus", "flac", "alac", "mov_text"}
)
_FORMATS = {MP4: "mp4", MATROSKA: "matroska"}
# Fragments until it is closed, then an ordinary file: what a killed process leaves can be read up to its last fragment.
_KEPT_READABLE = {
    MP4: {"movflags": "hybrid_fragmented+frag_keyframe", "frag_duration": "2000000", "flush_packets": "1"},
    MATROSKA: {"cluster_time_limit": "2000", "flush_packets": "1"},
}
_MILLISECONDS = 1_000


def suffix_for(streams: Iterable[Stream]) -> str:
    """`.mp4` for streams that it can hold, which browsers play; else `.mkv`, which holds nearly everything."""
    names = {stream.codec_context.name for stream in streams if stream.codec_context is not None}
    return MP4 if names <= _IN_MP4 else MATROSKA


def dated(title: str, moment: datetime) -> dict[str, str]:
    """The tags of something that was recorded at a time."""
    return {"title": title, "creation_time": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")}


def open_output(path: Path, suffix: str, tags: Mapping[str, str], *, fragments: bool = False) -> OutputContainer:
    """Open a file to write packets to.

    Args:
        path: its name for now, whatever its ending.
        suffix: `.mp4` or `.mkv`.
        tags: title and the like.
        fragments: keep it readable while it is written. Otherwise equal packets give equal bytes.
    """
    options = _KEPT_READABLE[suffix] if fragments else {"fflags": "+bitexact"}
    output: OutputContainer = av.open(f"file:{path.absolute()}", "w", format=_FORMATS[suffix], options=dict(options))
    output.metadata.update(tags)
    return output


def add_copy(output: OutputContainer, stream: Stream) -> Stream:
    """Add a stream that takes the packets of another one."""
    made: Stream = output.add_stream_from_template(stream)
    if stream.language:
        made.metadata["language"] = stream.language
    return made


def copy_media(
    sources: Sequence[Path], target: Path, suffix: str, tags: Mapping[str, str], chapters: Sequence[Chapter] = ()
) -> float:
    """Copy the pictures of the first file that has any and all its sound, or else that of the others, into one file.

    A broken end is left out. Nothing is shifted: files that belong together have one clock.

    Args:
        sources: files on this machine.
        target: written under this very name.
        suffix: `.mp4` or `.mkv`.
        tags: title and the like.
        chapters: written into the file; without any those of the first file are kept.

    Returns:
        The length (s); 0.0 when not one packet could be read.

    Raises:
        MediaError: a file cannot be opened, or its streams do not fit the container.
    """
    with ExitStack() as opened, media_errors():
        inputs = [opened.enter_context(open_media(path)) for path in sources]
        chosen = _streams(inputs)
        output = opened.enter_context(open_output(target, suffix, tags))
        copies = {(number, stream.index): add_copy(output, stream) for number, stream in chosen}
        if marks := chapter_marks(chapters) or [mark for container in inputs[:1] for mark in container.chapters()]:
            output.set_chapters(marks)
        feeds = [
            _timed(number, container, [stream for owner, stream in chosen if owner == number])
            for number, container in enumerate(inputs)
        ]
        first, last = math.inf, -math.inf
        written: dict[tuple[int, int], int] = {}
        for moment, number, _, packet in heapq.merge(*feeds):
            key = (number, packet.stream_index)
            assert packet.dts is not None
            if packet.dts <= written.get(key, -(1 << 62)):
                continue
            written[key] = packet.dts
            first, last = min(first, moment), max(last, moment + float((packet.duration or 0) * packet.time_base))
            packet.stream = copies[key]
            output.mux(packet)
    return max(0.0, last - first) if written else 0.0


def publish(part: Path, target: Path) -> None:
    """Flush a file to the disk and give it its name."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(target)


def _streams(inputs: Sequence[InputContainer]) -> list[tuple[int, Stream]]:
    every = [(number, stream) for number, container in enumerate(inputs) for stream in container.streams]
    pictures = [
        (number, stream) for number, stream in every if isinstance(stream, VideoStream) and stream.codec_context
    ]
    sounds = [(number, stream) for number, stream in every if isinstance(stream, AudioStream) and stream.codec_context]
    return [*pictures[:1], *sounds]


def _timed(
    number: int, container: InputContainer, streams: list[Stream]
) -> Iterator[tuple[float, int, int, Packet[Any]]]:
    """The packets of a file with their times, until it ends or breaks."""
    packets = iter(container.demux(*streams)) if streams else iter(())
    serial = 0
    while True:
        try:
            packet = next(packets)
        except (StopIteration, FFmpegError):
            return
        if packet.dts is not None and packet.time_base is not None and packet.size:
            yield float(packet.dts * packet.time_base), number, serial, packet
            serial += 1


def chapter_marks(chapters: Sequence[Chapter]) -> list[Any]:
    """Chapters as a container is given them."""
    return [
        {
            "id": chapter.index,
            "start": round(chapter.start * _MILLISECONDS),
            "end": round(chapter.end * _MILLISECONDS),
            "time_base": Fraction(1, _MILLISECONDS),
            "metadata": {"title": chapter.title},
        }
        for chapter in chapters
    ]
