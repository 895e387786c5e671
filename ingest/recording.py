"""Recording a live input without encoding it anew: its packets go into files that are cut at key pictures.

A file is written under a hidden name and gets its own when it is whole. MP4 is written in fragments until it is closed,
so that a recorder that is killed leaves something that can be salvaged; what MP4 cannot hold goes into Matroska.
"""

from __future__ import annotations

import errno
import logging
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream

from ingest.live_clock import JUMP, Timeline, WallClock
from ingest.live_input import LiveInput, LivePacket
from ingest.opening import media_errors
from ingest.remux import add_copy, copy_media, dated, open_output, publish, suffix_for
from reelseek.artefacts import storage_errors
from reelseek.errors import MediaError, ReelseekError, StorageError

HARD_LIMIT = 4.0
"""A chunk without a key picture is cut where it is this many times as long as it should be."""

_SETTLE_SECONDS, _PAUSE, _LONGEST_BURST, _MOST_HELD = 1.0, 0.5, 5.0, 64 << 20
_LATE = 1.0
_OVERLAP = 120.0
"""A playlist that is opened again begins at most this long (s) before its end."""

_UNTIMED_LIMIT = 500
_PART = re.compile(
    r"^\.(?P<title>(?P<name>.+) (?P<time>\d{4}-\d\d-\d\d \d\d-\d\d-\d\d)(?: \(\d+\))?)(?P<suffix>\.\w+)\.part$"
)
_DONE = re.compile(r"(?P<time>\d{4}-\d\d-\d\d \d\d-\d\d-\d\d)(?: \(\d+\))?\.(?:mp4|mkv)$")
_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
_STAMP = "%Y-%m-%d %H-%M-%S"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded file: where it is, when it begins by the clock on the wall, and how long it is (s)."""

    path: Path
    start: datetime
    duration: float

    @property
    def end(self) -> datetime:
        """When it ends."""
        return self.start + timedelta(seconds=self.duration)


class Recorder:
    """Cuts one connection's packets into files.

    Args:
        source: the open input.
        folder: where the files go.
        name: of the source; files are called after it and their time.
        chunk_seconds: how long a file should be; it ends before the first key picture after that.
        begin: when the first picture was taken, where that is known; else the time of its arrival tells it.
        resume: for a playlist that was opened again, the raw time (s) up to which it is recorded already.
    """

    def __init__(
        self,
        source: LiveInput,
        folder: Path,
        name: str,
        chunk_seconds: float,
        *,
        begin: datetime | None = None,
        resume: float = -math.inf,
    ) -> None:
        self._source, self._folder, self._name, self._length = source, folder, name, chunk_seconds
        self._video = source.video.index if source.video is not None else -1
        self._timeline, self._clock = Timeline(), WallClock(begin)
        self._waiting: list[LivePacket] | None = []
        self._current: _File | None = None
        self._closing: _File | None = None
        self._whole: list[Recording] = []
        self._first: float | None = None
        self._untimed = self._held = 0
        self._resume = resume
        self.gaps: list[tuple[datetime, datetime]] = []
        """Stretches in which the input sent nothing, newest last; whoever reads them empties the list."""

    @property
    def last_raw(self) -> float:
        """The newest time (s) of the input's own clock."""
        return max(self._timeline.last_raw, self._resume)

    @property
    def jumps(self) -> int:
        """How often the input's clock jumped."""
        return self._timeline.jumps

    def feed(self, packet: Packet[Any], arrival: float) -> list[Recording]:
        """Take a packet, and give the files that are whole by it.

        Raises:
            MediaError: the input has no time stamps, or what it sends fits no container.
            StorageError: the disk is full or refuses.
        """
        if not self._has_time(packet):
            return []
        if self._waiting is None:
            self._place(packet, arrival)
            return self._taken()
        # the first packets come in one burst; their times of arrival say together when they were taken
        self._waiting.append((packet, arrival))
        self._held += packet.size
        if self._burst_is_over(arrival):
            self._settle()
        return self._taken()

    def idle(self, moment: float) -> list[Recording]:
        """Nothing came just now; `moment` is the computer's clock. Gives the files that are whole by that."""
        if self._waiting and moment - self._waiting[-1][1] > _PAUSE and moment - self._waiting[0][1] > _SETTLE_SECONDS:
            self._settle()
        return self._taken()

    def finish(self) -> list[Recording]:
        """The input ended, or recording stops: give the files that were open.

        Raises:
            StorageError: the disk refuses them all; nothing is left of them.
        """
        if self._waiting is not None:
            self._settle()
        refused = self._close_all()
        whole = self._taken()
        if refused is not None and not whole:
            raise refused
        return whole

    def abandon(self) -> None:
        """Close and delete what is open: it cannot be written."""
        files, self._closing, self._current = (self._closing, self._current), None, None
        for file in files:
            if file is not None:
                file.abandon()

    def _taken(self) -> list[Recording]:
        """What became whole; kept until it is taken, whatever breaks meanwhile."""
        whole, self._whole = self._whole, []
        return whole

    def _close_all(self) -> ReelseekError | None:
        files, self._closing, self._current = (self._closing, self._current), None, None
        refused: ReelseekError | None = None
        for file in files:
            try:
                self._whole += file.close() if file is not None else []
            except (MediaError, StorageError) as error:
                refused = error
        return refused

    def _has_time(self, packet: Packet[Any]) -> bool:
        """Complete a packet's times; whether it has any, and is new."""
        if packet.dts is None:
            packet.dts = packet.pts
        if packet.dts is None or packet.time_base is None:
            self._untimed += 1
            if self._untimed > _UNTIMED_LIMIT and self._timeline.last_raw == -math.inf:
                raise MediaError("It sends no time stamps: wrap it in MPEG-TS or Matroska.")
            return False
        if packet.pts is None:
            packet.pts = packet.dts
        raw = _raw(packet)
        if raw < self._resume - _OVERLAP:
            self._resume = -math.inf  # the source began anew
        return raw > self._resume

    def _burst_is_over(self, arrival: float) -> bool:
        assert self._waiting
        first, since = self._waiting[0], arrival - self._waiting[0][1]
        if since >= _LONGEST_BURST or self._held > _MOST_HELD:
            return True
        if since < _SETTLE_SECONDS:
            return False
        newest = [_raw(packet) for packet, at in self._waiting if arrival - at <= _PAUSE]
        return max(newest) - min(newest) < 2 * _PAUSE or _raw(first[0]) > min(newest)

    def _settle(self) -> None:
        held, self._waiting = self._waiting or [], None
        for packet, arrival in held:
            if packet.stream_index == held[0][0].stream_index and 0 <= (past := _raw(packet) - _raw(held[0][0])) < 300:
                self._clock.note(past, arrival)
        self._clock.settle()
        for packet, arrival in held:
            self._place(packet, arrival, in_burst=True)

    def _place(self, packet: Packet[Any], arrival: float, *, in_burst: bool = False) -> None:
        raw = _raw(packet)
        head = self._timeline.head
        shift = self._timeline.shift(packet.stream_index, raw, arrival)
        moment, shown = raw + shift, raw + shift + _delay(packet)
        if not in_burst:
            self._clock.note(moment, arrival)
        if self._current is not None and moment > head + JUMP:
            self.gaps.append((self._clock.at(head), self._clock.at(moment)))
            if refused := self._close_all():
                raise refused
        self._write(packet, shift, moment, shown)

    def _write(self, packet: Packet[Any], shift: float, moment: float, shown: float) -> None:
        begins = self._may_begin(packet, moment, shown)
        if self._closing is not None and (begins or moment > self._closing.until + _LATE):
            file, self._closing = self._closing, None
            self._whole += file.close()
        if begins:
            self._closing, self._current = self._current, self._begin(shown)
            if self._closing is not None:
                self._closing.until = shown
        if self._current is None:
            return
        if shown >= self._current.begin - 1e-6:
            self._current.write(packet, shift)
        elif self._closing is not None and packet.stream_index != self._video:
            self._closing.write(packet, shift)  # the sound that belongs to the last picture comes after it

    def _may_begin(self, packet: Packet[Any], moment: float, shown: float) -> bool:
        """Whether a new file begins with this packet."""
        pictures = self._video >= 0
        if pictures and packet.stream_index != self._video:
            return False
        limit = HARD_LIMIT * self._length
        if self._current is None:
            self._first = moment if self._first is None else self._first
            begins = not pictures or packet.is_keyframe or moment - self._first >= limit
            if begins:
                self._first = None
            return begins
        length = shown - self._current.begin
        return length >= self._length and (not pictures or packet.is_keyframe or length >= limit)

    def _begin(self, shown: float) -> _File:
        return _File(self._source.streams, self._folder, self._name, self._clock.begin_chunk(shown), shown)


class _File:
    """One file that is being written. `begin` is its first picture on the timeline, `until` where the next begins."""

    def __init__(self, streams: tuple[Stream, ...], folder: Path, name: str, start: datetime, begin: float) -> None:
        self.begin, self.start, self.until = begin, start, math.inf
        self._end = begin
        suffix = suffix_for(streams)
        stem, number = f"{name} {start.strftime(_STAMP)}", 1
        self._target = folder / f"{stem}{suffix}"
        while self._target.exists() or _part(self._target).exists():
            number += 1
            self._target = folder / f"{stem} ({number}){suffix}"
        with _disk_errors():
            self._output = open_output(_part(self._target), suffix, _tags(name, start), fragments=True)
            self._streams = {stream.index: add_copy(self._output, stream) for stream in streams}
            self._output.start_encoding()  # from here on the streams have the ticks of the container
        self._last: dict[int, int] = {}

    def write(self, packet: Packet[Any], shift: float) -> None:
        """Add a packet; its time becomes one from the beginning of the file."""
        base, index = packet.time_base, packet.stream_index
        assert base is not None
        assert packet.dts is not None
        assert packet.pts is not None
        move = round((shift - self.begin) / float(base))
        packet.dts, packet.pts = packet.dts + move, packet.pts + move
        tick = max(1, math.ceil((self._streams[index].time_base or base) / base))
        if (last := self._last.get(index)) is not None and packet.dts < last + tick:
            packet.dts = last + tick
            packet.pts = max(packet.pts, packet.dts)
        self._last[index] = packet.dts
        self._end = max(self._end, self.begin + float((packet.pts + (packet.duration or 0)) * base))
        packet.stream = self._streams[index]
        with _disk_errors():
            self._output.mux(packet)

    def close(self) -> list[Recording]:
        """Make it whole and give it its name; nothing comes of a file without packets, or one that cannot be closed."""
        part = _part(self._target)
        try:
            with _disk_errors():
                self._output.close()
                if self._last:
                    publish(part, self._target)
                    return [Recording(self._target, self.start, self._end - self.begin)]
        finally:
            part.unlink(missing_ok=True)
        return []

    def abandon(self) -> None:
        """Close and delete it."""
        try:
            with _disk_errors():
                self._output.close()
        except (MediaError, StorageError) as error:
            _log.debug("An unfinished recording: %s", error)
        _part(self._target).unlink(missing_ok=True)


def _raw(packet: Packet[Any]) -> float:
    """When a packet is decoded, by the input's clock (s)."""
    return float(packet.dts * packet.time_base) if packet.dts is not None and packet.time_base else 0.0


def _delay(packet: Packet[Any]) -> float:
    """How long after its decoding it is shown (s)."""
    if packet.pts is None or packet.dts is None or packet.time_base is None:
        return 0.0
    return float((packet.pts - packet.dts) * packet.time_base)


@contextmanager
def _disk_errors() -> Iterator[None]:
    """FFmpeg's errors of writing: what the disk refuses is a `StorageError`."""
    with media_errors(), storage_errors("The folder of recordings"):
        try:
            yield
        except FFmpegError as error:
            if error.errno in _DISK:
                raise OSError(error.errno, error.strerror) from error
            raise


def salvage(folder: Path) -> tuple[list[Recording], int]:
    """Make whole what a killed recorder left in a folder.

    Returns:
        The recordings that could be saved, and how many had nothing in them and were removed.
    """
    saved, removed = [], 0
    for part in sorted(folder.glob(".*.part")):
        match = _PART.match(part.name)
        if match is None:
            continue
        target, start = folder / f"{match['title']}{match['suffix']}", _time(match["time"])
        repaired = part.with_suffix(".repair")
        try:
            duration = copy_media([part], repaired, target.suffix, _tags(match["name"], start))
        except MediaError as error:
            _log.info("Nothing can be saved of %s: %s", part.name, error)
            duration = 0.0
        if duration > 0 and not target.exists():
            publish(repaired, target)
            saved.append(Recording(target, start, duration))
        else:
            removed += 1
        repaired.unlink(missing_ok=True)
        part.unlink(missing_ok=True)
    return saved, removed


def recorded_at(path: Path) -> datetime | None:
    """When a recording begins, as its name says; None for a file that is no recording."""
    match = _DONE.search(path.name)
    return _time(match["time"]) if match else None


def _part(target: Path) -> Path:
    return target.with_name(f".{target.name}.part")


def _time(stamp: str) -> datetime:
    return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)


def _tags(name: str, start: datetime) -> dict[str, str]:
    return dated(f"{name} {start:%Y-%m-%d %H:%M:%S}", start)
