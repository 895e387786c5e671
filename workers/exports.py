"""Clips, reels and time codes of catalogued videos."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ingest.cutting import Cut
from ingest.media_clock import media_clock
from library.catalogue import Catalogue
from library.records import SavedHit, VideoEntry
from reelseek.errors import InvalidRequest, MediaError, NotFound
from reelseek.export.clocks import MediaClock, standard_rate
from reelseek.export.excerpts import Excerpt
from workers.cutter import CutRequest

__all__ = ["Choice", "cut_plan", "excerpt_of", "excerpts_of_choice", "excerpts_of_hits", "media_clocks"]

Choice = tuple[str, float, float, str]
"""A stretch that somebody chose: the video's id, start and end (s), and what it is called, or nothing."""


def excerpt_of(catalogue: Catalogue, video_id: str, start: float, end: float | None, label: str = "") -> Excerpt:
    """A stretch of a video; without an end up to the video's.

    Raises:
        NotFound: there is no such video.
        InvalidRequest: the stretch is empty or begins behind the video's end.
    """
    video = catalogue.video(video_id)
    last = video.duration if end is None else min(end, video.duration) if video.duration else end
    if video.duration and start >= video.duration:
        raise InvalidRequest(f"{video.title!r} ends at {video.duration:.1f} s, before {start:g} s.")
    if not 0 <= start < last:
        raise InvalidRequest(f"There is nothing between {start:g} s and {last:g} s.")
    return Excerpt(video.video_id, video.title, video.path, start, last, text=label, label=label)


def excerpts_of_choice(catalogue: Catalogue, chosen: Iterable[Choice]) -> list[Excerpt]:
    """Stretches of any videos, in the order they were chosen. Raises what `excerpt_of` does, and says of which one."""
    found = []
    for number, (video_id, start, end, label) in enumerate(chosen, 1):
        try:
            found.append(excerpt_of(catalogue, video_id, start, end, label))
        except (InvalidRequest, NotFound) as error:
            raise type(error)(f"Moment {number}: {error.message}", hint=error.hint) from error
    return found


def excerpts_of_hits(catalogue: Catalogue, hits: Sequence[SavedHit]) -> list[Excerpt]:
    """What a saved search found as excerpts, in that order; of videos that were removed since nothing."""
    ids = {hit.video_id for hit in hits}
    entries = {entry.video_id: entry for entry in catalogue.videos(ids=ids)} if ids else {}
    return [
        Excerpt(hit.video_id, hit.title, entry.path, hit.start, hit.end, hit.confidence, (), hit.text)
        for hit in hits
        if (entry := entries.get(hit.video_id)) is not None
    ]


def cut_plan(
    catalogue: Catalogue, excerpts: Sequence[Excerpt], *, copy: bool = False, height: int = 0, title: str = ""
) -> CutRequest:
    """What is to be cut, from the files that are there now.

    Raises:
        NotFound: a video is not there any more, or its file is not there just now.
        InvalidRequest: there is nothing to cut.
    """
    if not excerpts:
        raise InvalidRequest("There is nothing to cut: nothing was found.")
    entries = _entries(catalogue, excerpts)
    cuts = []
    for number, excerpt in enumerate(excerpts, 1):
        which = f"Moment {number}: " if len(excerpts) > 1 else ""
        entry = entries.get(excerpt.video_id)
        if entry is None:
            raise NotFound(f"{which}There is no video {excerpt.video_id}.")
        if entry.offline:
            raise NotFound(
                f"{which}The file of {entry.title!r} is not there just now.",
                hint="It was moved or deleted, or its disk is not connected.",
            )
        cuts.append(Cut(Path(entry.path), excerpt.start, excerpt.end, excerpt.name))
    return CutRequest(tuple(cuts), copy, height, title or excerpts[0].title)


def media_clocks(catalogue: Catalogue, excerpts: Iterable[Excerpt]) -> dict[str, MediaClock]:
    """The rate and time code of each video; of one whose file is gone, what was found when it was indexed."""
    wanted = list(excerpts)
    return {video_id: _clock(entry) for video_id, entry in _entries(catalogue, wanted).items()}


def _clock(entry: VideoEntry) -> MediaClock:
    if not entry.offline:
        try:
            return media_clock(Path(entry.path))
        except MediaError:  # replaced by something else since; the catalogue knows what it was
            pass
    rate = standard_rate(float(entry.info.get("fps") or 0))
    return MediaClock(rate, duration=entry.duration, has_picture=entry.width > 0, has_sound=entry.has_audio)


def _entries(catalogue: Catalogue, excerpts: Iterable[Excerpt]) -> dict[str, VideoEntry]:
    ids = {excerpt.video_id for excerpt in excerpts}
    return {entry.video_id: entry for entry in catalogue.videos(ids=ids)} if ids else {}
