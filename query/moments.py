"""Runs as moments: with the title, path and thumbnail that a person sees."""

from __future__ import annotations

from collections.abc import Sequence

from library.catalogue import Catalogue
from query.runs import Run
from query.source import Source
from query.waterfall import settled
from reelseek.results import Moment


def moments_of(runs: Sequence[Run], catalogue: Catalogue, source: Source) -> list[Moment]:
    """Describe runs, in their order. Those of a video that was deleted since the snapshot was taken are left out."""
    videos = {run.video_id for run in runs}
    if not videos:
        return []
    entries = {entry.video_id: entry for entry in catalogue.videos(ids=videos)}
    offline = {video_id for video_id, entry in entries.items() if entry.offline}
    segments = source.segment_ranges(videos)
    moments = []
    for run in runs:
        entry = entries.get(run.video_id)
        if entry is None:
            continue
        end = min(run.end, entry.duration) if entry.duration > run.start else run.end
        moments.append(
            Moment(
                video_id=run.video_id,
                title=entry.title,
                path=entry.path,
                start=run.start,
                end=end,
                score=run.confidence,
                confidence=min(1.0, run.confidence),
                thumbnail=_thumbnail(run, segments.get(run.video_id, [])),
                channels=dict(sorted(run.parts.items(), key=lambda item: -item[1])),
                evidence=run.evidence,
                stages=run.stages,
                offline=run.video_id in offline,
                contributions=settled(run),
            )
        )
    return moments


def _thumbnail(run: Run, segments: Sequence[tuple[int, float, float]]) -> str:
    """The picture of the segment that the moment's middle is in."""
    if not segments:
        return ""
    middle = (run.start + min(run.end, run.start + 30.0)) / 2
    index = min(segments, key=lambda item: max(item[1] - middle, middle - item[2], 0.0))[0]
    return f"/api/v1/videos/{run.video_id}/thumbnails/{index}.jpg"
