"""Stretches of a file as its own packets, from key picture on: nothing is encoded anew."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Stream

from ingest.cut_sources import Cut, Footage
from ingest.opening import open_media, picture_stream
from ingest.probe import sound_stream
from ingest.remux import add_copy, open_output, suffix_for
from reelseek.errors import InvalidRequest, MediaError

_BACK = (0.0, 10.0, 60.0, math.inf)
"""Seconds ahead of a cut that are sought for until a key picture lies before it."""


def copy_cuts(
    cuts: Sequence[Cut], footage: Sequence[Footage], path: Path, title: str, tell: Callable[[float], None]
) -> float:
    """Write the packets of some stretches of one file one after another.

    Each begins with the key picture at or before its start, and ends with the last picture decoded before its end.

    Returns:
        The length (s).

    Raises:
        InvalidRequest: the cuts are of several files, or the packets fit no MP4.
        MediaError: no key picture was found.
    """
    if len({cut.path for cut in cuts}) > 1:
        raise InvalidRequest("Cuts of several files cannot be joined uncoded.", hint="Leave out the copying.")
    base, total = 0.0, sum(cut.duration for cut in cuts)
    with open_media(cuts[0].path) as container:
        streams = _streams(container)
        if suffix_for(streams) != ".mp4":
            raise InvalidRequest("Its streams fit no MP4 uncoded.", hint="Leave out the copying.")
        with open_output(path, ".mp4", {"title": title} if title else {}) as output:
            copies = {stream.index: add_copy(output, stream) for stream in streams}
            for cut, found in zip(cuts, footage, strict=True):
                length = 0.0
                written: dict[int, float] = {}
                for start, packet in _packets(container, streams, cut, found.offset):
                    base_ticks = round((base - start - found.offset) / packet.time_base)
                    packet.pts += base_ticks
                    packet.dts += base_ticks
                    until = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                    length = max(length, until - base)
                    if packet.dts <= written.get(packet.stream_index, -math.inf):
                        continue
                    written[packet.stream_index] = packet.dts
                    packet.stream = copies[packet.stream_index]
                    output.mux(packet)
                base += length
                tell(min(1.0, base / total))
    return base


def _streams(container: InputContainer) -> list[Stream]:
    found: list[Stream | None] = [picture_stream(container), sound_stream(container)]
    return [stream for stream in found if stream is not None]


def _packets(container: InputContainer, streams: list[Stream], cut: Cut, offset: float) -> Iterator[tuple[float, Any]]:
    """The packets of a cut, each with the time at which the cut really begins."""
    lead = streams[0]
    begin = _key_before(container, lead, cut.start, offset)
    _seek(container, lead, begin, offset)
    open_streams = {stream.index for stream in streams}
    started = False
    for packet in _demuxed(container, streams):
        time, decoded = (float(ticks * packet.time_base) - offset for ticks in (packet.pts, packet.dts))
        started = started or (packet.stream_index == lead.index and packet.is_keyframe and time >= begin - 1e-6)
        if decoded >= cut.end:
            open_streams.discard(packet.stream_index)
            if not open_streams:
                return
            continue
        # what comes before the key picture belongs to pictures that are not there; sound is cut at a packet
        if (
            packet.stream_index in open_streams
            and time >= begin - 1e-6
            and (started or packet.stream_index != lead.index)
        ):
            yield begin, packet


def _key_before(container: InputContainer, lead: Stream, start: float, offset: float) -> float:
    """The time of the last key picture at or before a second."""
    for back in _BACK:
        _seek(container, lead, start - back, offset)
        found: float | None = None
        for packet in _demuxed(container, [lead]):
            time = float(packet.pts * packet.time_base) - offset
            if packet.is_keyframe and (time <= start + 1e-3 or found is None):
                if time > start + 1e-3 and start - back > 0:
                    break
                found = time
            if float(packet.dts * packet.time_base) - offset > start:
                break
        if found is not None:
            return found
    raise MediaError("No key picture was found in it.")


def _seek(container: InputContainer, stream: Stream, time: float, offset: float) -> None:
    assert stream.time_base is not None
    container.seek(int((max(0.0, time) + offset) / stream.time_base), stream=stream, backward=True, any_frame=False)


def _demuxed(container: InputContainer, streams: list[Stream]) -> Iterator[Any]:
    """Packets that have times, until the file ends or breaks."""
    packets = container.demux(*streams)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, FFmpegError):
            return
        if packet.dts is not None and packet.pts is not None and packet.time_base is not None and packet.size:
            yield packet
