"""The texts of videos as arrays, kept from one search to the next as long as the index does not change."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from index.reader import Scope, Snapshot
from index.scope import OneOf
from query.source import LINE_COLUMNS, Line, line_of
from query.texts.video_text import PassageText, VideoText
from reelseek.records import Channel, Vector, VectorSpace

KEPT_LINES = 80_000
"""Lines that are kept in memory, least recently used first out: about 150 MB with vectors of 384 numbers."""

READ_AT_ONCE = 64
"""Videos that are read together."""


class PassageStore:
    """Thread-safe. Everything is forgotten when the index changes.

    Args:
        most: lines that are kept.
    """

    def __init__(self, most: int = KEPT_LINES) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._of: tuple[object, ...] = ()
        self._videos: OrderedDict[str, VideoText] = OrderedDict()
        self._joined: tuple[tuple[str, ...], PassageText] | None = None
        self._sizes: dict[str, int] | None = None

    def sizes(self, snapshot: Snapshot) -> dict[str, int]:
        """How many lines each video of the library has."""
        with self._lock:
            self._look_at(snapshot, None)
            if self._sizes is None:
                sizes: dict[str, int] = {}
                for row in snapshot.rows("lines", columns=("video_id",)):
                    sizes[row["video_id"]] = sizes.get(row["video_id"], 0) + 1
                self._sizes = sizes
            return self._sizes

    def texts(self, snapshot: Snapshot, video_ids: Sequence[str], space: VectorSpace | None) -> PassageText:
        """The texts of some videos, joined; those without a timed line are left out."""
        wanted = tuple(sorted(set(video_ids)))
        with self._lock:
            self._look_at(snapshot, space)
            if self._joined is not None and self._joined[0] == wanted:
                return self._joined[1]
            have = {video_id: self._videos[video_id] for video_id in wanted if video_id in self._videos}
        missing = [video_id for video_id in wanted if video_id not in have]
        for first in range(0, len(missing), READ_AT_ONCE):
            have |= _read(snapshot, missing[first : first + READ_AT_ONCE], space)
        joined = PassageText.of([have[video_id] for video_id in wanted if video_id in have])
        with self._lock:
            if self._key(snapshot, space) == self._of:
                self._keep(have)
                self._joined = wanted, joined
        return joined

    @staticmethod
    def _key(snapshot: Snapshot, space: VectorSpace | None) -> tuple[object, ...]:
        return (snapshot.version, space)

    def _look_at(self, snapshot: Snapshot, space: VectorSpace | None) -> None:
        """Forget what belongs to another state of the index."""
        if not self._of or self._of[0] != snapshot.version:
            self._sizes = None
        if space is not None or not self._of or self._of[0] != snapshot.version:
            key = self._key(snapshot, space)
            if key != self._of:
                self._of, self._joined = key, None
                self._videos.clear()

    def _keep(self, videos: dict[str, VideoText]) -> None:
        for video_id, video in videos.items():
            self._videos[video_id] = video
            self._videos.move_to_end(video_id)
        total = sum(len(video) for video in self._videos.values())
        while total > self._most and len(self._videos) > 1:
            _, dropped = self._videos.popitem(last=False)
            total -= len(dropped)


def _read(snapshot: Snapshot, video_ids: Sequence[str], space: VectorSpace | None) -> dict[str, VideoText]:
    timed = OneOf("channel", tuple(str(channel) for channel in Channel if channel is not Channel.TITLE))
    ids = frozenset(video_ids)
    scope = Scope(video_ids=ids, where=(timed,))
    lines: dict[str, list[Line]] = {}
    for row in snapshot.rows("lines", scope, LINE_COLUMNS):
        lines.setdefault(row["video_id"], []).append(line_of(row))
    titled = Scope(video_ids=ids, where=(OneOf("channel", (str(Channel.TITLE),)),))
    titles = {row["video_id"]: row["text"] for row in snapshot.rows("lines", titled, ("video_id", "text"))}
    width = space.dimension if space is not None else 0
    of_lines: dict[tuple[str, int], Vector] = {}
    times: dict[str, list[tuple[float, float]]] = {}
    of_segments: dict[str, list[Vector]] = {}
    if space is not None:
        rows, vectors = snapshot.scan_vectors("lines", "text", scope, space=space, columns=("video_id", "line_index"))
        of_lines = {(row["video_id"], row["line_index"]): vector for row, vector in zip(rows, vectors, strict=True)}
        rows, vectors = snapshot.scan_vectors(
            "segments", "text", Scope(video_ids=ids), space=space, columns=("video_id", "start", "end")
        )
        for row, vector in zip(rows, vectors, strict=True):
            times.setdefault(row["video_id"], []).append((row["start"], row["end"]))
            of_segments.setdefault(row["video_id"], []).append(vector)
    nothing = np.zeros(width, np.float32)
    return {
        video_id: VideoText.of(
            video_id,
            own,
            np.stack([of_lines.get(line.key, nothing) for line in own]),
            np.array(times.get(video_id, ()), dtype=np.float64).reshape(-1, 2),
            np.array(of_segments.get(video_id, ()), dtype=np.float32).reshape(len(times.get(video_id, ())), width),
            titles.get(video_id, ""),
        )
        for video_id, own in lines.items()
    }
