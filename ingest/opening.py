"""The one place that opens media files, with what a hostile one may not do."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Stream
from av.video.stream import VideoStream

from reelseek.errors import MediaError

# Containers that hold their own sound and pictures. Not among them: playlists (hls, dash, concat) and anything that
# names other files, which would let an uploaded file read its neighbours.
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpegts,mpeg,mpegvideo,h264,hevc,av1,ivf,obu,asf,ogg,mxf,dv,nut,wtv,"
    "rm,gif,apng,webp_anim,mp3,aac,flac,wav,w64,aiff,au,caf,amr,ac3,eac3,dts,ape,wv,tta,oma"
)
_OPTIONS = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
_REASONS = {
    "InvalidDataError": "It is no video or sound file that can be read, or it is damaged at its start.",
    "ArgumentError": "It is no video or sound file that can be read.",
    "FileNotFoundError": "The file is not there.",
    "PermissionError": "The file may not be read.",
    "IsADirectoryError": "It is a folder.",
    "EOFError": "The file ends before anything can be read.",
    "DecoderNotFoundError": "No decoder for its format is here.",
}

_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

logging.getLogger("libav").setLevel(logging.CRITICAL)


@contextmanager
def open_media(path: Path, hardware: HWAccel | None = None) -> Iterator[InputContainer]:
    """Open a media file for reading.

    Only `file:` is a protocol, and only self-contained formats are formats; the name is taken literally, whatever is in
    it (`concat:`, a newline, a leading dash).

    Args:
        hardware: what decodes its pictures; None is the processor.

    Raises:
        MediaError: it cannot be opened, or breaks while it is read inside the block; the message is the reason.
    """
    if not path.is_file():
        raise MediaError("It is not a file." if path.exists() else "The file is not there.")
    if path.stat().st_size == 0:
        raise MediaError("The file is empty.")
    name = f"file:{path.absolute()}"
    with (
        media_errors(),
        av.open(name, options=dict(_OPTIONS), metadata_errors="ignore", hwaccel=hardware) as opened,
    ):
        yield opened


@contextmanager
def media_errors() -> Iterator[None]:
    """Turn FFmpeg's errors into `MediaError` with a reason that a person can read."""
    try:
        yield
    except FFmpegError as error:
        raise MediaError(reason_of(error)) from error
    except UnicodeEncodeError as error:
        raise MediaError("Its name cannot be passed on: it holds bytes that are no text.") from error


def reason_of(error: FFmpegError) -> str:
    """FFmpeg's error as a sentence, without the file's path."""
    for kind in type(error).__mro__:
        if reason := _REASONS.get(kind.__name__):
            return reason
    return f"It cannot be read: {error.strerror or type(error).__name__}."


def picture_stream(container: InputContainer) -> VideoStream | None:
    """The stream of moving pictures: FFmpeg's best one, never a cover picture."""
    best = container.streams.best("video")
    candidates = [best, *container.streams.video] if best is not None else list(container.streams.video)
    for stream in candidates:
        if isinstance(stream, VideoStream) and not _is_cover(stream):
            return stream
    return None


def seconds(stream: Stream, ticks: int | None) -> float | None:
    """A time of `stream` in seconds of the container's clock."""
    return None if ticks is None or stream.time_base is None else float(ticks * stream.time_base)


def _is_cover(stream: Stream) -> bool:
    return bool(int(stream.disposition) & int(av.stream.Disposition.attached_pic))


def clean(text: str) -> str:
    """A container's text as any store takes it: no control characters, no lone surrogates, spaces for line breaks.

    Characters that turn the direction of writing around are left out too: with them a name can pretend to be another.
    """
    text = text.encode("utf-8", "replace").decode("utf-8")
    kept = (" " if character in "\n\r\t" else character for character in text)
    return "".join(c for c in kept if c not in _TURNING and unicodedata.category(c) not in ("Cc", "Cs")).strip()
