"""What an agent can do with the library: list, search, browse, inspect, count, read. Deep mode and MCP share it.

Every result is bounded: lists have pages, long texts are cut. Texts of videos are given as they are; whoever shows them
to a model delimits them (`NOTICE`).
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from library.records import VideoEntry, VideoState
from query.planning.rules import match_label
from query.service import QueryService, SearchRequest
from query.source import Frame
from query.tool_results import (
    ChapterShort,
    Cited,
    Count,
    Hit,
    Hits,
    Inspection,
    Line,
    Overview,
    Presence,
    Proof,
    Reading,
    Reply,
    SegmentShort,
    Still,
    VideoList,
    VideoShort,
)
from reelseek.answers import Answer
from reelseek.errors import InvalidRequest, NotFound
from reelseek.export.excerpts import permalink
from reelseek.records import Channel, TimedText
from reelseek.results import Moment
from reelseek.timecode import format_time
from reelseek.tracks import counts_over_time, within

MOST_HITS, MOST_STILLS, MOST_RANGES, PAGE_VIDEOS, PAGE_SEGMENTS = 50, 8, 8, 100, 100
TEXTS = (Channel.SPEECH, Channel.SCREEN_TEXT, Channel.CAPTION, Channel.SOUND)
PICTURE_SIDE = 512
"""Longer side (px) of the pictures that are given."""

_TEXT, _SHORT, _EVIDENCE, _MISSES = 1_000, 240, 5, 3
_READ_LINES, _READ_LETTERS = 400, 24_000
_PRESENCES, _WRITTEN = 100, 12
_QUALITY = 80

Ranges = Sequence[tuple[float, float]]


class Tools:
    """The tools over one library. Thread-safe.

    Args:
        service: searches and answers.
        page: the page's address without a slash at its end, before links.

    Attributes:
        service: the same.
    """

    def __init__(self, service: QueryService, page: str) -> None:
        self.service = service
        self._catalogue = service.catalogue
        self._page = page

    def list_videos(self, query: str = "", page: int = 1, per_page: int = 20) -> VideoList:
        """Videos, the newest first, of whose title or file name these words are a part."""
        per_page = _bounded(per_page, PAGE_VIDEOS)
        total = self._catalogue.count_videos(None, query or None)
        found = self._catalogue.videos(None, query or None, limit=per_page, offset=(max(1, page) - 1) * per_page)
        videos = tuple(
            VideoShort(
                video.video_id,
                video.title,
                round(video.duration, 2),
                video.state.value,
                not video.offline,
                permalink(self._page, video.video_id, 0.0),
            )
            for video in found
        )
        return VideoList(videos, total, max(1, page), max(1, -(-total // per_page)))

    def search(
        self,
        query: str,
        *,
        video_ids: Sequence[str] = (),
        library: str | None = None,
        k: int = 8,
        min_confidence: float | None = None,
    ) -> tuple[Hits, list[tuple[Hit, bytes]]]:
        """Moments for words or the query language, and a small JPEG of each that has one.

        Raises:
            InvalidRequest: there is nothing to look for.
            NotFound: a video or library that is named does not exist.
        """
        result = self.service.search(
            SearchRequest(query, _bounded(k, MOST_HITS), tuple(video_ids), library, min_confidence=min_confidence)
        )
        hits = [(moment, self._hit(moment)) for moment in result.moments]
        misses = tuple(self._hit(moment) for moment in result.near_misses[:_MISSES])
        pictures = [(hit, content) for moment, hit in hits if (content := self._thumbnail(moment)) is not None]
        return Hits(query, tuple(hit for _, hit in hits), misses, result.notes), pictures

    def browse(self, video_id: str, page: int = 1, per_page: int = 40) -> Overview:
        """A whole video in short.

        Raises:
            NotFound: there is no such video, or nothing of it can be searched yet.
        """
        video = self._indexed(video_id)
        segments = self.service.segments(video_id)
        per_page, page = _bounded(per_page, PAGE_SEGMENTS), max(1, page)
        shown = segments[(page - 1) * per_page : page * per_page]
        return Overview(
            video_id=video_id,
            title=video.title,
            duration=round(video.duration, 2),
            channels=dict(video.channels),
            chapters=tuple(
                ChapterShort(round(item.start, 2), round(item.end, 2), _cut(item.title, _SHORT))
                for item in self.service.chapters(video_id)
            ),
            segments=tuple(
                SegmentShort(
                    round(item.start, 2),
                    round(item.end, 2),
                    _cut(item.speech, _SHORT),
                    _cut(item.screen_text, _SHORT),
                    _cut(item.caption, _SHORT),
                    dict(item.object_counts),
                )
                for item in shown
            ),
            page=page,
            pages=max(1, -(-len(segments) // per_page)),
            link=permalink(self._page, video_id, 0.0),
        )

    def inspect(self, video_id: str, ranges: Ranges, stills: int = 6) -> tuple[Inspection, list[bytes]]:
        """Keyframes of stretches of a video, spread evenly, as JPEG, with what is in them and what is said meanwhile.

        Raises:
            NotFound: there is no such video, or nothing of it can be searched yet.
            InvalidRequest: a stretch is empty, or there are too many.
        """
        video = self._indexed(video_id)
        spans = _checked(ranges, video.duration)
        frames = {frame.index: frame for start, end in spans for frame in self.service.frames(video_id, start, end)}
        chosen = _spread([frames[index] for index in sorted(frames)], _bounded(stills, MOST_STILLS))
        lines = {channel: self.service.lines(video_id, channel) for channel in (Channel.SPEECH, Channel.SCREEN_TEXT)}
        pictures: list[bytes] = []
        shown = []
        for frame in chosen:
            content = self._picture(frame)
            if content is not None:
                pictures.append(content)
            written = _during(lines[Channel.SCREEN_TEXT], [(frame.start, frame.end)])[:_WRITTEN]
            shown.append(
                Still(
                    round(frame.start, 2),
                    round(frame.end, 2),
                    len(pictures) if content is not None else None,
                    dict(Counter(item.label for item in frame.objects)),
                    tuple(_cut(line.text, _SHORT) for line in written),
                    permalink(self._page, video_id, frame.start),
                )
            )
        notes = () if shown else ("No picture of these stretches is kept.",)
        said = tuple(_line(line) for line in _during(lines[Channel.SPEECH], spans)[:_READ_LINES])
        return Inspection(video_id, video.title, tuple(shown), said, notes), pictures

    def count(self, video_id: str, label: str, start: float = 0.0, end: float | None = None) -> Count:
        """How many objects of a label are seen in a stretch of a video, when, and how many at once.

        Raises:
            NotFound: there is no such video, or nothing of it can be searched yet.
            InvalidRequest: the stretch is empty.
        """
        video = self._indexed(video_id)
        ((first, last),) = _checked([(start, video.duration if end is None else end)], video.duration)
        tracks = within(self.service.tracks(video_id), first, last)
        labels = sorted({track.label for track in tracks})
        name = match_label(label, labels) or label
        mine = [track for track in tracks if track.label == name]
        steps = counts_over_time(mine).get(name, ())
        presences = [
            Presence(round(max(a.time, first), 2), round(min(b.time, last), 2), a.count)
            for a, b in pairwise(steps)
            if a.count and a.time < last and b.time > first
        ]
        notes = []
        if video.channels.get(Channel.OBJECTS.value) is None:
            notes.append("Objects were not looked for in this video.")
        elif not mine:
            notes.append(
                f"No {_cut(label, _SHORT)} was detected here: there is none, or the detector does not know it."
            )
        return Count(
            video_id=video_id,
            title=video.title,
            label=name,
            start=round(first, 2),
            end=round(last, 2),
            most=max((item.count for item in presences), default=0),
            tracks=len(mine),
            seconds=round(sum(item.end - item.start for item in presences), 2),
            presences=tuple(presences[:_PRESENCES]),
            other_labels=tuple(other for other in labels if other != name),
            notes=tuple(notes),
        )

    def read(
        self,
        video_id: str,
        start: float = 0.0,
        end: float | None = None,
        channels: Sequence[Channel] = (Channel.SPEECH, Channel.SCREEN_TEXT),
    ) -> Reading:
        """What is said and written in a stretch of a video, as much as fits; `next_start` tells where to go on.

        Raises:
            NotFound: there is no such video, or nothing of it can be searched yet.
            InvalidRequest: the stretch is empty.
        """
        video = self._indexed(video_id)
        ((first, last),) = _checked([(start, video.duration if end is None else end)], video.duration)
        every = [line for channel in channels for line in self.service.lines(video_id, channel)]
        lines = sorted(_during(every, [(first, last)]), key=lambda line: (line.start, line.end))
        kept: list[Line] = []
        letters, following = 0, None
        for line in lines:
            if kept and (len(kept) >= _READ_LINES or letters + len(line.text) > _READ_LETTERS):
                following = round(max(line.start, first), 3)
                break
            letters += len(line.text)
            kept.append(_line(line))
        return Reading(video_id, video.title, round(first, 3), round(last, 3), tuple(kept), following)

    def reply(self, answer: Answer) -> Reply:
        """An answer (of `query.deep.answering.answer`) as agents are given it."""
        ids = {citation.video_id for citation in answer.citations}
        titles = {video.video_id: video.title for video in self._catalogue.videos(ids=ids)} if ids else {}
        citations = tuple(
            Cited(
                number,
                item.video_id,
                titles.get(item.video_id, ""),
                round(item.start, 2),
                round(item.end, 2),
                item.channel.value,
                _cut(item.quote, _TEXT),
                permalink(self._page, item.video_id, item.start, item.end),
            )
            for number, item in enumerate(answer.citations, start=1)
        )
        nearest = answer.near_misses or (answer.moments if answer.abstained else ())
        misses = tuple(self._hit(moment) for moment in nearest[:_MISSES])
        return Reply(answer.question, answer.answer, answer.abstained, answer.engine, citations, misses, answer.notes)

    def _indexed(self, video_id: str) -> VideoEntry:
        video = self._catalogue.video(video_id)
        if video.live_ingest is None:
            hint = "It is being indexed." if video.state is not VideoState.FAILED else video.error
            raise NotFound(f"Nothing of {video.title!r} can be searched yet.", hint=hint)
        return video

    def _hit(self, moment: Moment) -> Hit:
        return Hit(
            moment.video_id,
            moment.title,
            round(moment.start, 2),
            round(moment.end, 2),
            round(moment.confidence, 3),
            tuple(channel.value for channel in moment.channels),
            tuple(
                Proof(item.channel.value, round(item.start, 2), round(item.end, 2), _cut(item.text, _TEXT))
                for item in moment.evidence[:_EVIDENCE]
            ),
            permalink(self._page, moment.video_id, moment.start, moment.end),
        )

    def _thumbnail(self, moment: Moment) -> bytes | None:
        name = moment.thumbnail.rpartition("/")[2]
        key = self.service.store.current(moment.video_id).get("media") if name else None
        return None if key is None else self._jpeg(moment.video_id, "media", key, f"thumbs/{name}")

    def _picture(self, frame: Frame) -> bytes | None:
        key = self.service.store.current(frame.video_id).get("frames")
        return None if key is None else self._jpeg(frame.video_id, "frames", key, frame.image)

    def _jpeg(self, video_id: str, stage: str, key: str, name: str) -> bytes | None:
        """A kept picture, made small; None where it is gone."""
        from PIL import Image, UnidentifiedImageError

        try:
            content = self.service.store.read_bytes(video_id, stage, key, name)
            with Image.open(io.BytesIO(content)) as picture:
                picture.thumbnail((PICTURE_SIDE, PICTURE_SIDE))
                made = io.BytesIO()
                picture.convert("RGB").save(made, "JPEG", quality=_QUALITY)
        except (NotFound, UnidentifiedImageError):
            return None
        return made.getvalue()


def _checked(ranges: Ranges, duration: float) -> list[tuple[float, float]]:
    """Stretches that lie in a video."""
    if not 1 <= len(ranges) <= MOST_RANGES:
        raise InvalidRequest(f"Give 1 to {MOST_RANGES} stretches, not {len(ranges)}.")
    spans = []
    for start, end in ranges:
        if duration and start >= duration:
            raise InvalidRequest(f"The video ends at {format_time(duration)} ({duration:.1f} s), before {start:g} s.")
        if not 0 <= start < end:
            raise InvalidRequest(f"There is nothing between {start:g} s and {end:g} s.")
        spans.append((float(start), min(float(end), duration) if duration else float(end)))
    return spans


def _during(lines: Sequence[TimedText], spans: Ranges) -> list[TimedText]:
    return [line for line in lines if any(line.start < end and line.end > start for start, end in spans)]


def _line(line: TimedText) -> Line:
    return Line(line.channel.value, round(line.start, 2), round(line.end, 2), _cut(line.text, _TEXT), line.speaker)


def _spread(frames: Sequence[Frame], count: int) -> list[Frame]:
    """So many of them, evenly: each from the middle of its share."""
    if len(frames) <= count:
        return list(frames)
    return [frames[int((place + 0.5) * len(frames) / count)] for place in range(count)]


def _bounded(number: int, most: int) -> int:
    return max(1, min(number, most))


def _cut(text: str, letters: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= letters else text[: letters - 1] + "…"
