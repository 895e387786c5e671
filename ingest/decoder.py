"""Packets to frames: seeking, skipping what nothing else refers to, and living with broken packets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from av.container import InputContainer
from av.error import EOFError as StreamEnd
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from reelseek.errors import MediaError
from reelseek.records import VideoInfo
from reelseek.setting_groups import IngestSettings

_SKIPPING_FROM = 20.0
"""Pictures per second from which those that no other refers to are left out: half of them at most are missed then."""
_WIDEST_GAP = 0.2
"""Seconds without a picture that leaving out may cause before it ends."""
_SKIPPABLE = frozenset({"h264", "hevc", "mpeg2video", "mpeg4", "mpeg1video"})
"""Codecs with pictures that no other refers to, and decoders that know them beforehand."""

_ONE_THREAD = 1920 * 1080 * 60.0
"""Pixels per second that one thread decodes several times faster than they are shown."""


@dataclass
class DecodeReport:
    """What went wrong on the way, filled while pictures are read.

    Attributes:
        broken: packets that could not be decoded and were skipped.
        truncated: the file broke off before its end.
        decoded: pictures decoded.
        repeated: pictures whose time was over: the clock jumps back, as where recordings were put behind each other.
    """

    broken: int = 0
    truncated: bool = False
    decoded: int = 0
    repeated: int = 0

    @property
    def note(self) -> str:
        """What a person should know, or an empty string."""
        parts = [f"{self.broken} broken packet{'s' * (self.broken > 1)} skipped"] if self.broken else []
        parts += ["the file breaks off"] if self.truncated else []
        parts += [f"its clock jumps back: {self.repeated} pictures left out"] if self.repeated else []
        return ", ".join(parts)


class Decoder:
    """Decodes one opened video stream, as cheaply as its codec allows.

    With one thread where that is fast enough: more cost a tenth on top, and other workers have use for the rest of the
    processor. Of large or many pictures a second with as many as FFmpeg likes.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        info: VideoInfo,
        settings: IngestSettings,
        report: DecodeReport,
    ) -> None:
        self._container, self._stream, self._info, self._report = container, stream, info, report
        self._limit = settings.max_decode_errors
        context = stream.codec_context
        context.options = {"max_pixels": str(settings.max_pixels)}
        self._skipping = info.fps >= _SKIPPING_FROM and context.codec.canonical_name in _SKIPPABLE
        if self._skipping:
            context.skip_frame = "NONREF"
        if self._skipping or info.width * info.height * info.fps <= _ONE_THREAD:
            stream.thread_type, context.thread_count = "SLICE", 1
        else:
            stream.thread_type = "AUTO"

    def seek(self, time: float) -> bool:
        """Go to the last key picture at or before a time of the video's own clock; False where that is impossible."""
        base = self._stream.time_base
        if base is None:
            return False
        try:
            ticks = int((time + self._info.start_offset) / base)
            self._container.seek(ticks, stream=self._stream, backward=True, any_frame=False)
        except FFmpegError:
            return False
        return True

    def frames(self) -> Iterator[VideoFrame]:
        """All frames from here on.

        Raises:
            MediaError: too many packets are broken.
        """
        packets = self._container.demux(self._stream)
        before: float | None = None
        cut = False
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                self._report.truncated |= cut
                return
            except FFmpegError:
                self._report.truncated = True
                return
            if packet.size:  # the last of all is empty: it asks for the pictures that are left
                cut = packet.is_corrupt  # less of it is there than the index says
            try:
                for frame in packet.decode():
                    self._report.decoded += 1
                    before = self._watch_gap(before, frame.time)
                    yield frame
            except StreamEnd:
                return
            except FFmpegError as error:
                self._count_broken(error)

    def _watch_gap(self, before: float | None, time: float | None) -> float | None:
        if self._skipping and before is not None and time is not None and time - before > _WIDEST_GAP:
            self._stream.codec_context.skip_frame = "DEFAULT"
            self._skipping = False
        return time

    def _count_broken(self, error: FFmpegError) -> None:
        self._report.broken += 1
        if self._report.broken > self._limit:
            raise MediaError(
                f"More than {self._limit} of its packets are broken (ingest.max_decode_errors)."
            ) from error
