"""Runs as moments: with the title, path, thumbnail, place and reasons that a person sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from library.catalogue import Catalogue
from library.records import VideoEntry
from query.ranking.groups import SHOWN, Gathered, gather
from query.ranking.places import Chapters, Ranges, place_of, steps_of
from query.ranking.runs import Run
from query.ranking.waterfall import settled, shortfall
from query.source import Source
from reelseek.records import Chapter
from reelseek.results import Group, Level, Moment

_READ_AHEAD = 4
"""Groups are made of the best runs of this many times as many as are wanted: each may ask the artefact store."""


@dataclass(slots=True)
class Describer:
    """Describes the runs of one search. What is read of a video is read once.

    Attributes:
        cutoff: confidence under which a moment is a near miss and says why.
    """

    catalogue: Catalogue
    source: Source
    chapters: Chapters
    cutoff: float
    _entries: dict[str, VideoEntry | None] = field(default_factory=dict)
    _segments: dict[str, list[tuple[int, float, float]]] = field(default_factory=dict)
    _offline: dict[str, bool] = field(default_factory=dict)

    def moments(self, runs: Sequence[Run]) -> list[Moment]:
        """Describe runs, in their order. Those of a video that was deleted meanwhile are left out."""
        self._read({run.video_id for run in runs})
        return [self._moment(run, entry) for run in runs if (entry := self._entries[run.video_id]) is not None]

    def groups(self, runs: Sequence[Run], level: Level, limit: int) -> list[Group]:
        """Gather the runs that passed the cut-off, best first, to at most `limit` videos or chapters."""
        runs = runs[: max(50, _READ_AHEAD * limit * SHOWN)]
        self._read({run.video_id for run in runs}, segments=False)
        runs = [run for run in runs if self._entries[run.video_id] is not None]
        return [self._group(group) for group in gather(runs, level, limit, self._chapters_of)]

    def _read(self, video_ids: set[str], *, segments: bool = True) -> None:
        if new := video_ids - self._entries.keys():
            self._entries |= dict.fromkeys(new)
            self._entries |= {entry.video_id: entry for entry in self.catalogue.videos(ids=new)}
        if segments and (new := video_ids - self._segments.keys()):
            self._segments |= {video_id: [] for video_id in new} | self.source.segment_ranges(new)

    def _chapters_of(self, video_id: str) -> tuple[Chapter, ...]:
        entry = self._entries[video_id]
        return self.chapters.of(entry) if entry is not None else ()

    def _is_offline(self, entry: VideoEntry) -> bool:
        if entry.video_id not in self._offline:
            self._offline[entry.video_id] = entry.offline
        return self._offline[entry.video_id]

    def _moment(self, run: Run, entry: VideoEntry) -> Moment:
        end = min(run.end, entry.duration) if entry.duration > run.start else run.end
        chapters, segments = self.chapters.of(entry), self._segments[run.video_id]
        steps = steps_of(run, end, chapters, self.source)
        return Moment(
            video_id=run.video_id,
            title=entry.title,
            path=entry.path,
            start=run.start,
            end=end,
            score=run.confidence,
            confidence=min(1.0, run.confidence),
            thumbnail=_thumbnail(run, segments),
            channels=dict(sorted(run.parts.items(), key=lambda item: -item[1])),
            evidence=run.evidence,
            stages=run.stages,
            offline=self._is_offline(entry),
            contributions=settled(run),
            place=place_of(run, end, entry.duration, chapters, segments, steps),
            shortfall=shortfall(run, self.cutoff) if run.confidence < self.cutoff else "",
        )

    def _group(self, group: Gathered) -> Group:
        entry = self._entries[group.video_id]
        assert entry is not None
        chapter = group.chapter
        return Group(
            video_id=group.video_id,
            title=entry.title,
            path=entry.path,
            start=chapter.start if chapter else 0.0,
            end=chapter.end if chapter else entry.duration,
            confidence=group.confidence,
            moments=tuple(self.moments(group.runs[:SHOWN])),
            found=len(group.runs),
            chapter=chapter,
            offline=self._is_offline(entry),
        )


def _thumbnail(run: Run, segments: Ranges) -> str:
    """The picture of the segment that the moment's middle is in."""
    if not segments:
        return ""
    middle = (run.start + min(run.end, run.start + 30.0)) / 2
    index = min(segments, key=lambda item: max(item[1] - middle, middle - item[2], 0.0))[0]
    return f"/api/v1/videos/{run.video_id}/thumbnails/{index}.jpg"
