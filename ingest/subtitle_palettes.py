"""Colours of subtitles that are pictures.

PyAV hands out their pixels as numbers of colours but not the colours, so they are read from the packets, as the
formats' papers lay them down: Blu-ray presentation graphics (US 2009/0185789), DVD sub-pictures, DVB (EN 300 743).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Palette = npt.NDArray[np.uint8]
"""Of each colour its brightness and its opacity, `(256, 2)`."""

_PGS_PALETTE, _PGS_HEAD, _PGS_ENTRY = 0x14, 3, 5
_DVB_SYNC, _DVB_PAGE, _DVB_REGION, _DVB_CLUT = 0x0F, 0x10, 0x11, 0x12
_DVD_COLOURS, _DVD_OPACITY, _DVD_END = 0x03, 0x04, 0xFF
_DVD_ARGUMENTS = {0x00: 0, 0x01: 0, 0x02: 0, 0x05: 6, 0x06: 4}
_DVD_NAMED = re.compile(rb"palette:\s*((?:[0-9a-fA-F]{6}[,\s]*){16})")
_DVD_DEFAULT = np.array([0, 255, 128, 64, 192, 96, 160, 224, 32, 48, 80, 112, 144, 176, 208, 240], np.uint8)


class Palettes:
    """The colours of one track, followed from packet to packet.

    Args:
        codec: FFmpeg's name of it.
        extradata: what the container holds for its decoder.
    """

    def __init__(self, codec: str, extradata: bytes | None) -> None:
        self._codec = codec
        self._latest: Palette | None = None
        self._tables: dict[int, Palette] = {}
        self._regions: dict[int, int] = {}
        self._places: dict[tuple[int, int], int] = {}
        self._named = _dvd_named(extradata or b"")

    def feed(self, packet: bytes) -> None:
        """Take a packet's definitions. What is cut off or nonsense in it is left out."""
        try:
            if self._codec in ("pgssub", "hdmv_pgs_subtitle"):
                self._feed_pgs(packet)
            elif self._codec in ("dvdsub", "dvd_subtitle"):
                chosen = _dvd_palette(packet, self._named)
                self._latest = self._latest if chosen is None else chosen
            elif self._codec in ("dvbsub", "dvb_subtitle"):
                self._feed_dvb(packet)
        except IndexError:
            return

    def of(self, x: int, y: int) -> Palette | None:
        """The colours of the picture at `(x, y)`; None where none are known."""
        table = self._tables.get(self._regions.get(self._places.get((x, y), -1), -1))
        return self._latest if table is None else table

    def _feed_pgs(self, packet: bytes) -> None:
        place = 0
        while place + _PGS_HEAD <= len(packet):
            kind, length = packet[place], int.from_bytes(packet[place + 1 : place + 3], "big")
            body = packet[place + _PGS_HEAD : place + _PGS_HEAD + length]
            if kind == _PGS_PALETTE and len(body) >= 2:
                table = self._tables.setdefault(body[0], np.zeros((256, 2), np.uint8))
                for entry in range(2, len(body) - _PGS_ENTRY + 1, _PGS_ENTRY):
                    table[body[entry]] = body[entry + 1], body[entry + 4]
                self._latest = table
            place += _PGS_HEAD + length

    def _feed_dvb(self, packet: bytes) -> None:
        for kind, body in _dvb_segments(packet):
            if kind == _DVB_CLUT:
                self._latest = self._tables.setdefault(body[0], np.zeros((256, 2), np.uint8))
                _fill_dvb(self._latest, body[2:])
            elif kind == _DVB_REGION:
                self._regions[body[0]] = body[7]
            elif kind == _DVB_PAGE:
                for place in range(2, len(body) - 5, 6):
                    x = int.from_bytes(body[place + 2 : place + 4], "big")
                    self._places[x, int.from_bytes(body[place + 4 : place + 6], "big")] = body[place]


def _dvb_segments(packet: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while place + 6 <= len(packet) and packet[place] == _DVB_SYNC:
        length = int.from_bytes(packet[place + 4 : place + 6], "big")
        yield packet[place + 1], packet[place + 6 : place + 6 + length]
        place += 6 + length


def _fill_dvb(table: Palette, entries: bytes) -> None:
    place = 0
    while place + 2 <= len(entries):
        colour, full = entries[place], entries[place + 1] & 1
        value = entries[place + 2 : place + (6 if full else 4)]
        place += 6 if full else 4
        bright = value[0] if full else value[0] & 0xFC
        transparent = value[3] if full else (value[1] & 0x03) << 6
        table[colour] = bright, 0 if bright == 0 else 255 - transparent


def _dvd_named(extradata: bytes) -> npt.NDArray[np.uint8]:
    """Brightness of the sixteen colours that the container's header names."""
    found = _DVD_NAMED.search(extradata)
    if not found:
        return _DVD_DEFAULT
    colours = [int(part, 16) for part in re.findall(rb"[0-9a-fA-F]{6}", found.group(1))]
    weighted = [(299 * (c >> 16) + 587 * (c >> 8 & 255) + 114 * (c & 255)) // 1000 for c in colours]
    return np.array(weighted, np.uint8)


def _dvd_palette(packet: bytes, named: npt.NDArray[np.uint8]) -> Palette | None:
    """The four colours that a packet's commands choose of the sixteen, with their opacity."""
    place = int.from_bytes(packet[2:4], "big") + 4
    chosen: list[int] | None = None
    opacity = [0, 15, 15, 15]
    while place < len(packet) and (command := packet[place]) != _DVD_END:
        if command in (_DVD_COLOURS, _DVD_OPACITY):
            nibbles = [packet[place + 2] & 15, packet[place + 2] >> 4, packet[place + 1] & 15, packet[place + 1] >> 4]
            if command == _DVD_COLOURS:
                chosen = nibbles
            else:
                opacity = nibbles
            place += 3
        elif command in _DVD_ARGUMENTS:
            place += 1 + _DVD_ARGUMENTS[command]
        else:
            break
    if chosen is None:
        return None
    table = np.zeros((256, 2), np.uint8)
    for colour in range(4):
        table[colour] = named[chosen[colour]], opacity[colour] * 17
    return table
