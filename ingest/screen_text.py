"""What is written on screen: keyframes read where their text may be new, and the readings joined into lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from engines.protocols import ScreenTextEngine
from ingest.burnt_in import burnt_in
from ingest.chunks import evenly
from ingest.text_change import ReadBefore, TextLook
from ingest.text_edges import EdgeFinder, Pictures, bridged
from ingest.text_looks import LookReading, with_looks, worth_reading
from ingest.text_tickers import Ticker, without_tickers
from ingest.text_tracks import Track, alike, join, normalised
from reelseek.records import Channel, Frame, Look, TextBox, TimedText

__all__ = ["LookReading", "alike", "normalised", "read_frames", "read_looks", "readable", "tracks"]

_LEAST_CONFIDENCE = 0.5
_SURE = 0.95


def readable(boxes: Sequence[TextBox]) -> tuple[TextBox, ...]:
    """Without what the engine doubts, and without lone or repeated letters: mostly edges taken for writing."""
    return tuple(item for item in boxes if item.confidence >= _LEAST_CONFIDENCE and _is_text(item))


def _is_text(item: TextBox) -> bool:
    normal = normalised(item.text)
    if normal.isdigit():
        return True
    return len(normal) > 1 and (len(set(normal)) > 1 or item.confidence >= _SURE)


def read_frames(
    engine: ScreenTextEngine,
    frames: Sequence[Frame],
    pictures: Pictures,
    progress: Callable[[float], None],
    batch_size: int,
    *,
    every: bool = False,
) -> list[tuple[TextBox, ...]]:
    """Read keyframes; the reader sees only those whose writing looks different from all that were read shortly before.

    Args:
        frames: keyframes in order of time.
        pictures: loads their pictures.
        progress: called with the fraction done; may raise to stop.
        batch_size: pictures loaded, and given to the engine, at a time.
        every: read all of them, whatever they look like.

    Returns:
        Each keyframe's texts.
    """
    read: list[tuple[TextBox, ...]] = [()] * len(frames)
    same_as = list(range(len(frames)))
    before = ReadBefore()
    for first in range(0, len(frames), batch_size):
        progress(first / len(frames))
        fresh = []
        for number, image in enumerate(pictures([frame.image for frame in frames[first : first + batch_size]]), first):
            look = TextLook.of(image)
            if look.empty and not every:
                continue
            known = None if every else before.find(look)
            if known is None:
                before.add(look, number)
                fresh.append((number, image))
            else:
                same_as[number] = known
        answers = engine.read([image for _, image in fresh]) if fresh else []
        for (number, _), boxes in zip(fresh, answers, strict=True):
            read[number] = readable(boxes)
    return [read[number] for number in same_as]


def read_looks(
    engine: ScreenTextEngine,
    frames: Sequence[Frame],
    looks: Sequence[Look],
    pictures: Pictures,
    batch_size: int,
    most: int,
) -> list[LookReading]:
    """Read the pictures between keyframes that show a text which no keyframe beside them shows.

    Fine texture that moves without end looks like writing in all of them: hence `most`.

    Args:
        frames: keyframes in order of time.
        looks: pictures between them.
        pictures: loads pictures of both.
        batch_size: pictures given to the engine at a time.
        most: how many are read at most, evenly spread.
    """
    found = []
    wanted = evenly(worth_reading(frames, looks, pictures), most)
    for first in range(0, len(wanted), batch_size):
        part = wanted[first : first + batch_size]
        answers = engine.read(pictures([look.image for look in part]))
        found += [LookReading(look.time, readable(boxes)) for look, boxes in zip(part, answers, strict=True)]
    return found


def tracks(
    frames: Sequence[Frame],
    read: Sequence[Sequence[TextBox]],
    source: str,
    *,
    looks: Sequence[Look] = (),
    looks_read: Sequence[LookReading] = (),
    pictures: Pictures | None = None,
) -> tuple[TimedText, ...]:
    """Join the readings of all keyframes into lines with their first and last showing.

    Burnt-in subtitles become sentences of the channel speech; a ticker becomes one line with all that ran by.

    Args:
        frames: keyframes in order; each one's `end` says until when its picture stood.
        read: each keyframe's texts.
        source: the engine's id.
        looks: pictures between keyframes, where the picture moves.
        looks_read: those of them that were read, in order.
        pictures: loads pictures of frames and looks; without it a line begins and ends with a keyframe.
    """
    frames, read = with_looks(frames, read, looks, looks_read)
    readings = [(frame.time, frame.end, boxes) for frame, boxes in zip(frames, read, strict=True)]
    running, readings = without_tickers(readings)
    found = join(readings)
    if pictures is not None:
        EdgeFinder(frames, read, looks, pictures).place(found)
    found = bridged(found)
    spoken, found = burnt_in(found, [b.time for a, b in pairwise(frames) if a.shot != b.shot])
    lines = [*spoken, *(_line(track, source) for track in found), *(_ticker_line(item, source) for item in running)]
    return tuple(sorted(lines, key=lambda line: (line.start, line.box.top if line.box else 0, line.end)))


def _ticker_line(ticker: Ticker, source: str) -> TimedText:
    return TimedText(
        Channel.SCREEN_TEXT,
        ticker.start,
        ticker.end,
        ticker.text,
        source,
        confidence=ticker.confidence,
        box=ticker.box,
    )


def _line(track: Track, source: str) -> TimedText:
    return TimedText(
        Channel.SCREEN_TEXT,
        track.start,
        track.end,
        track.text,
        source,
        confidence=track.confidence,
        box=track.box,
    )
