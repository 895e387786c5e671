"""Live inputs: a stream on the network, a pipe, a file that is still written. A thread reads their packets."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import urlsplit

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import ExitError, FFmpegError, ProtocolNotFoundError
from av.packet import Packet
from av.stream import Discard, Stream
from av.video.stream import VideoStream

from ingest.opening import FORMATS, media_errors, picture_stream
from reelseek.errors import MediaError
from reelseek.setting_groups import LiveSettings
from reelseek.urls import LIVE_SCHEMES, checked_url

LivePacket = tuple["Packet[Any]", float]
"""A packet and when it arrived, in seconds of the computer's clock (Unix time)."""

_QUEUED = 4_000
_POLL = 0.1
_NET = "tcp,tls,crypto"
# What each scheme may open in turn. None of them holds `file`, `concat`, `subfile`, `pipe` or `data`: a playlist that
# comes over the network cannot read what is on this machine.
_PROTOCOLS = {
    "http": f"http,https,httpproxy,{_NET}",
    "https": f"http,https,httpproxy,{_NET}",
    "rtsp": f"rtsp,rtp,rtcp,udp,http,https,{_NET}",
    "rtsps": f"rtsp,rtsps,rtp,rtcp,udp,{_NET}",
    "rtmp": f"rtmp,{_NET}",
    "rtmps": f"rtmp,rtmps,{_NET}",
    "tcp": "tcp",
    "udp": "udp",
    "srt": "srt,udp",
}
_OPTIONS = {
    "rtsp": {"rtsp_transport": "tcp"},
    "rtsps": {"rtsp_transport": "tcp"},
    "udp": {"overrun_nonfatal": "1", "fifo_size": "131072"},
}
_NO_PROTOCOL = "none"
"""A protocol whitelist that lets nothing be opened: of a pipe, only the pipe is read."""


@dataclass(frozen=True, slots=True)
class LiveInput:
    """An open live input: the streams that are recorded, and whether it has an end that is known already."""

    container: InputContainer
    video: VideoStream | None
    streams: tuple[Stream, ...]
    finite: bool

    @property
    def is_playlist(self) -> bool:
        """Whether it is an HLS playlist: opened again, it begins some way before its end."""
        return bool(self.container.format.name == "hls")


class ByteSource(Protocol):
    """What can be read from: a pipe, or a file that is followed."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; empty at the end."""
        ...


class FollowedFile:
    """A file that another program is writing. Its end is the end once nothing was added for `idle` seconds."""

    def __init__(self, path: Path, idle: float, stop: threading.Event) -> None:
        self._file = path.open("rb", buffering=0)
        self._idle, self._stop = idle, stop

    def read(self, size: int, /) -> bytes:
        """Wait for bytes, and give at most `size` of them."""
        until = time.monotonic() + self._idle
        while True:
            if data := self._file.read(size):
                return data
            if time.monotonic() >= until or self._stop.wait(_POLL):
                return b""

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def open_live(source: str | ByteSource, settings: LiveSettings) -> LiveInput:
    """Open a URL of an allowed scheme, or something that bytes are read from. A `PacketReader` closes it.

    Raises:
        InvalidRequest: it is no URL of an allowed scheme.
        MediaError: it cannot be reached, or sends no video or sound; no URL is in the message.
    """
    with live_errors():
        container = _open(source, settings)
        try:
            return _chosen(container)
        except BaseException:
            container.close()
            raise


@contextmanager
def live_errors() -> Iterator[None]:
    """FFmpeg's errors of a live input as `MediaError`."""
    try:
        with media_errors():
            try:
                yield
            except ExitError as error:
                raise MediaError("It did not answer, or fell silent.") from error
            except ProtocolNotFoundError as error:
                raise MediaError(
                    "The FFmpeg that comes with PyAV here does not know this protocol.",
                    hint="Pipe it in: ffmpeg -i URL -c copy -f mpegts - | reelseek live run - --name NAME",
                ) from error
    except MediaError as error:
        if isinstance(error.__cause__, FFmpegError) and "damaged at its start" in error.message:
            raise MediaError("It sends nothing that can be read as video or sound.") from error
        raise


def _open(source: str | ByteSource, settings: LiveSettings) -> InputContainer:
    if not isinstance(source, str):
        options = {"format_whitelist": FORMATS, "protocol_whitelist": _NO_PROTOCOL}
        piped: InputContainer = av.open(source, options=options, metadata_errors="ignore")
        return piped
    url = checked_url(source, LIVE_SCHEMES)
    scheme = urlsplit(url).scheme.lower()
    formats = {"http": f"{FORMATS},hls", "https": f"{FORMATS},hls", "rtsp": "rtsp", "rtsps": "rtsp"}.get(
        scheme, FORMATS
    )
    options = {"format_whitelist": formats, "protocol_whitelist": _PROTOCOLS[scheme], **_OPTIONS.get(scheme, {})}
    timeout = (settings.connect_seconds, settings.stall_seconds)
    opened: InputContainer = av.open(url, options=options, metadata_errors="ignore", timeout=timeout)
    return opened


def _chosen(container: InputContainer) -> LiveInput:
    """The pictures and the sound that goes with them. The rest (other qualities of a playlist) is not even loaded."""
    video = picture_stream(container)
    sounds: list[Stream] = [stream for stream in container.streams.audio if stream.codec_context.sample_rate]
    if container.format.name == "hls":
        best = container.streams.best("audio", related=video) if video else container.streams.best("audio")
        sounds = [best] if isinstance(best, AudioStream) and best.codec_context.sample_rate else []
    chosen = (*([video] if video else []), *sounds)
    if not chosen:
        raise MediaError("It has neither pictures nor sound.")
    for stream in container.streams:
        if stream not in chosen:
            with suppress(AttributeError, ValueError):
                stream.discard = Discard.all
    return LiveInput(container, video, chosen, finite=container.duration is not None)


class PacketReader:
    """Reads an input's packets in a thread, so that writing and stopping never wait for the network.

    Iterating gives packets with their time of arrival, and None at least every tenth of a second. It ends where the
    input ends, and raises `MediaError` where it breaks.
    """

    def __init__(self, source: LiveInput) -> None:
        self._source = source
        self._packets: queue.Queue[LivePacket | BaseException | None] = queue.Queue(_QUEUED)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._read, name="live-reader", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[LivePacket | None]:
        while True:
            try:
                item = self._packets.get(timeout=_POLL)
            except queue.Empty:
                yield None
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                with live_errors():
                    raise item
            yield item

    def close(self, patience: float = 2.0) -> None:
        """Stop reading and close the input; where a read hangs for longer than `patience` (s), once it gives up."""
        self._closing.set()
        until = time.monotonic() + patience
        while self._thread.is_alive() and time.monotonic() < until:
            with suppress(queue.Empty):
                self._packets.get(timeout=_POLL)

    def _read(self) -> None:
        container = self._source.container
        try:
            for packet in container.demux(*self._source.streams):
                if self._closing.is_set():
                    break
                if packet.size:
                    self._packets.put((packet, time.time()))
            self._packets.put(None)
        except (FFmpegError, OSError, ValueError) as error:
            self._packets.put(error)
        finally:
            # not before: whoever takes the packets still copies from the streams of this container
            self._closing.wait()
            container.close()


class Pipe:
    """Standard input: what is there is given at once, not when a block is full."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream  # kept: it closes what is under it when it goes
        self._raw: Any = getattr(stream, "raw", stream)

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; empty at the end."""
        return self._raw.read(size) or b""
