"""The agent's hands: runs one action, numbers what it finds as evidence, and tells it in a bounded text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from query.answering.evidence import Block
from query.answering.frames import Shown, decoded
from query.deep.actions import Browse, Count, Inspect, Read, Search, Tool
from query.tool_results import Count as Counted
from query.tool_results import Hit, Inspection, Reading
from query.tools import Tools
from reelseek.errors import ReelseekError
from reelseek.records import Channel
from reelseek.results import Evidence, Moment

TELL = 3_600
"""Characters of one observation that a model is told."""

_READ_BLOCK = 45.0
_STILLS = 4


@dataclass(frozen=True, slots=True)
class Observation:
    """What one action gave. `blocks` are the pieces of evidence that it added, with their numbers."""

    text: str
    blocks: tuple[Block, ...] = ()
    failed: bool = False


@dataclass(slots=True)
class Workbench:
    """Runs actions over the tools; all evidence stays, numbered from 1.

    Attributes:
        video_ids, library: outside of which nothing is looked at.
    """

    tools: Tools
    video_ids: tuple[str, ...] = ()
    library: str | None = None
    blocks: list[Block] = field(default_factory=list)

    def run(self, action: Tool) -> Observation:
        """Run an action. One that cannot be run tells why, and the agent goes on."""
        if self.video_ids and not isinstance(action, Search) and action.video_id not in self.video_ids:
            return Observation("This video is not among those that were asked about.", failed=True)
        try:
            return self._run(action)
        except ReelseekError as error:
            return Observation(f"{error.message} {error.hint}".strip(), failed=True)

    def _run(self, action: Tool) -> Observation:
        match action:
            case Search():
                return self._search(action)
            case Browse():
                return Observation(_told(asdict(self.tools.browse(action.video_id, action.page))))
            case Read():
                return self._read(self.tools.read(action.video_id, action.start, action.end))
            case Inspect():
                return self._inspect(*self.tools.inspect(action.video_id, action.ranges, _STILLS))
            case Count():
                return self._count(self.tools.count(action.video_id, action.label, action.start, action.end))

    def _search(self, action: Search) -> Observation:
        allowed = [video for video in action.video_ids if not self.video_ids or video in self.video_ids]
        hits, _ = self.tools.search(action.query, video_ids=allowed or self.video_ids, library=self.library, k=action.k)
        added = [self._add(_moment_of(hit), _evidence_of(hit)) for hit in hits.moments]
        told = [
            {"block": block.number, "video_id": hit.video_id, "title": hit.title, "start": hit.start, "end": hit.end}
            | {"confidence": hit.confidence, "evidence": [f"{item.channel}: {item.text}" for item in hit.evidence[:3]]}
            for hit, block in zip(hits.moments, added, strict=True)
        ]
        nearest = [
            {"video_id": hit.video_id, "start": hit.start, "end": hit.end, "confidence": hit.confidence}
            for hit in hits.near_misses
        ]
        return Observation(_told({"moments": told, "near_misses": nearest, "notes": hits.notes}), tuple(added))

    def _read(self, reading: Reading) -> Observation:
        added: list[Block] = []
        part: list[Evidence] = []
        for line in reading.lines:
            if part and line.end - part[0].start > _READ_BLOCK:
                added.append(self._add(_stretch(reading.video_id, reading.title, part), part))
                part = []
            part.append(Evidence(Channel(line.channel), line.start, line.end, line.text, 1.0))
        if part:
            added.append(self._add(_stretch(reading.video_id, reading.title, part), part))
        told = {"blocks": [{"block": item.number, "lines": item.lines} for item in added], "next": reading.next_start}
        return Observation(_told(told), tuple(added))

    def _inspect(self, seen: Inspection, pictures: Sequence[bytes]) -> Observation:
        added = []
        for still in seen.stills:
            items = [Evidence(Channel.SCREEN_TEXT, still.start, still.end, text, 1.0) for text in still.written]
            if still.objects:
                told = ", ".join(f"{count} × {label}" for label, count in still.objects.items())
                items.append(Evidence(Channel.OBJECTS, still.start, still.end, told, 1.0))
            shown: tuple[Shown, ...] = ()
            if still.picture is not None:
                shown = (Shown(still.start, decoded(pictures[still.picture - 1])),)
            moment = _moment(seen.video_id, seen.title, still.start, still.end, items)
            added.append(self._add(moment, items, shown))
        told_all = [{"block": item.number, "time": item.moment.start, "lines": item.lines} for item in added]
        return Observation(_told({"pictures": told_all, "notes": seen.notes}), tuple(added))

    def _count(self, counted: Counted) -> Observation:
        if not counted.most:
            return Observation(_told({"most_at_once": 0, "notes": counted.notes, "others": counted.other_labels}))
        most = next(item for item in counted.presences if item.count == counted.most)
        text = f"{counted.most} × {counted.label} at most at once, {counted.tracks} in all"
        seen = [Evidence(Channel.OBJECTS, most.start, most.end, text, 1.0)]
        block = self._add(_moment(counted.video_id, counted.title, most.start, most.end, seen), seen)
        told = {"block": block.number, "most_at_once": counted.most, "in_all": counted.tracks}
        return Observation(_told(told | {"seconds": counted.seconds, "notes": counted.notes}), (block,))

    def _add(self, moment: Moment, items: Sequence[Evidence], frames: tuple[Shown, ...] = ()) -> Block:
        for known in self.blocks:
            same = (known.moment.video_id, known.moment.start, known.moment.end)
            if same == (moment.video_id, moment.start, moment.end) and known.items == tuple(items):
                return known
        block = Block(len(self.blocks) + 1, moment, tuple(items), frames)
        self.blocks.append(block)
        return block


def _evidence_of(hit: Hit) -> list[Evidence]:
    return [Evidence(Channel(item.channel), item.start, item.end, item.text, hit.confidence) for item in hit.evidence]


def _moment_of(hit: Hit) -> Moment:
    return _moment(hit.video_id, hit.title, hit.start, hit.end, _evidence_of(hit), hit.confidence)


def _stretch(video_id: str, title: str, lines: Sequence[Evidence]) -> Moment:
    return _moment(video_id, title, min(item.start for item in lines), max(item.end for item in lines), lines)


def _moment(
    video_id: str, title: str, start: float, end: float, items: Sequence[Evidence], confidence: float = 1.0
) -> Moment:
    channels = dict.fromkeys((item.channel for item in items), confidence)
    return Moment(video_id, title, "", start, end, confidence, confidence, "", channels, tuple(items))


def _told(value: dict[str, Any]) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= TELL else text[: TELL - 1] + "…"
