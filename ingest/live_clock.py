"""The times of a live input: one rising timeline out of packets whose clock may jump, and the time on the wall."""

from __future__ import annotations

import math
from datetime import UTC, datetime

JUMP = 10.0
"""A time stamp that differs from what is expected by more than this (s) is a jump of the input's clock, or a gap."""

_BACKWARDS = 1.0
_SLACK = 2.0


class Timeline:
    """Puts packets on one timeline that begins at 0 and never jumps.

    A clock that was set, a file that starts anew, a counter that overflowed: the packets after it follow those before
    it. A pause is no jump: then as much time went by on the wall.
    """

    def __init__(self) -> None:
        self._common: float | None = None
        self._shifts: dict[int, float] = {}
        self._last: dict[int, float] = {}
        self._arrival = 0.0
        self.head = 0.0
        """Where the newest packet lies (s)."""
        self.last_raw = -math.inf
        """The newest packet's own time (s)."""
        self.jumps = 0

    def shift(self, stream: int, raw: float, arrival: float) -> float:
        """What is to be added to a packet's own time.

        Args:
            stream: its stream's number.
            raw: when it is decoded, by the input's clock (s).
            arrival: when it came, by the computer's clock (s).
        """
        if self._common is None:
            self._common = -raw
        shift = self._shifts.get(stream, self._common)
        paused = arrival - self._arrival if self._arrival else 0.0
        if self._is_off(stream, raw + shift, paused):
            if self._is_off(stream, raw + self._common, paused):
                self._common = self.head - raw
                self.jumps += 1
            shift = self._common
        self._shifts[stream] = shift
        self._last[stream] = raw + shift
        self.head = max(self.head, raw + shift)
        self._arrival, self.last_raw = arrival, raw
        return shift

    def _is_off(self, stream: int, moment: float, paused: float) -> bool:
        if moment < self._last.get(stream, self.head - JUMP) - _BACKWARDS:
            return True
        ahead = moment - self.head
        return ahead > JUMP and abs(ahead - paused) > _SLACK + 0.1 * paused


class WallClock:
    """When something on the timeline happened.

    What is live was taken before it arrived. So the packet that came soonest after its time tells the time of all:
    others waited in a buffer. Times never run backwards from one chunk to the next.

    Args:
        begin: when the timeline begins, where that is known; then arrivals tell nothing.
    """

    def __init__(self, begin: datetime | None = None) -> None:
        self._known = begin is not None
        self._anchor = begin.timestamp() if begin is not None else math.inf
        self._recent = math.inf

    def note(self, moment: float, arrival: float) -> None:
        """A packet of this time on the timeline arrived then."""
        self._recent = min(self._recent, arrival - moment)

    def settle(self) -> None:
        """The first burst has arrived: its times are known from here on."""
        if not self._known and math.isfinite(self._recent):
            self._anchor = self._recent

    def begin_chunk(self, moment: float) -> datetime:
        """When a chunk that begins there begins. Where the input has fallen behind by then, the clock is set anew."""
        if not self._known and math.isfinite(self._recent) and self._recent > self._anchor + _SLACK:
            self._anchor = self._recent
        self._recent = math.inf
        return self.at(moment)

    def at(self, moment: float) -> datetime:
        """The time on the wall."""
        anchor = self._anchor if math.isfinite(self._anchor) else self._recent
        return datetime.fromtimestamp((anchor if math.isfinite(anchor) else 0.0) + moment, UTC)
