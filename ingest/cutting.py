"""Clips and reels: stretches of one or several files cut into one, exact to the picture, or at key pictures uncoded."""

from __future__ import annotations

import errno
import heapq
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import Any

from av.error import FFmpegError

from ingest.copy_cut import copy_cuts
from ingest.cut_output import Encoder, Fitter, black, even
from ingest.cut_sources import RATE, Cut, Footage, checked, pictures, sound
from ingest.opening import media_errors
from ingest.remux import publish
from reelseek.durable import storage_errors, temporary_name
from reelseek.errors import InvalidRequest, MediaError, StorageError
from reelseek.records import Chapter

__all__ = ["Cut", "make_clip"]

_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG})
_PLACE = "The folder of the clip"

Progress = Callable[[float], None]
"""Called with the share that is done, 0 to 1; what it raises ends the work and leaves nothing behind."""


def make_clip(
    cuts: Sequence[Cut],
    target: Path,
    *,
    copy: bool = False,
    height: int = 0,
    title: str = "",
    progress: Progress | None = None,
) -> float:
    """Cut stretches out of files and write them one after another into one MP4.

    Pictures keep their times, so sources of different and of varying rates follow one another without any being
    repeated or left out; they are turned upright, scaled to the largest of the sources and padded. Sound is 48 kHz
    stereo, each stretch exactly as long as its pictures. The file appears under its name when it is whole.

    Args:
        copy: take the packets as they are: at once, without loss, and from the key picture before the start on. All
            cuts must be of one file then.
        height: largest height of the picture (px); 0 is that of the sources.
        title: written into the file.

    Returns:
        Its length (s).

    Raises:
        InvalidRequest: a stretch is empty or behind its file's end; or copies of several files were asked for.
        MediaError: a file is not there or cannot be read.
        StorageError: the disk is full, or refuses.
    """
    if not cuts:
        raise InvalidRequest("There is nothing to cut.")
    footage = [_checked(cut) for cut in cuts]
    tell = progress or (lambda _: None)
    part = target.with_name(f"{temporary_name()}{target.suffix or '.mp4'}")
    try:
        with _writing():
            target.parent.mkdir(parents=True, exist_ok=True)
            if copy:
                length = copy_cuts(cuts, footage, part, title, tell)
            else:
                length = _encode(cuts, footage, part, _canvas(footage, height), title, tell)
            publish(part, target)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    tell(1.0)
    return length


def _checked(cut: Cut) -> Footage:
    """As `checked`, telling which file an error is of."""
    try:
        return checked(cut)
    except MediaError as error:
        raise MediaError(f"{cut.path.name}: {error.message}", hint=error.hint) from error


def _encode(
    cuts: Sequence[Cut],
    footage: Sequence[Footage],
    path: Path,
    canvas: tuple[int, int] | None,
    title: str,
    tell: Progress,
) -> float:
    starts = [0.0, *accumulate(cut.duration for cut in cuts)]
    total, has_sound = starts[-1], any(found.has_sound for found in footage)
    rate = max((found.rate for found in footage if found.has_picture), default=Fraction(25))
    tags = {"title": title} if title else {}
    encoder = Encoder(path, canvas, rate, has_sound=has_sound, tags=tags, chapters=_chapters(cuts, starts))
    try:
        for cut, found, start in zip(cuts, footage, starts, strict=False):
            told = start
            for time, kind, what in _both(cut, found, canvas, has_sound=has_sound):
                if kind == _PICTURE:
                    encoder.picture(start + time, what)
                else:
                    encoder.sound(what)
                if start + time - told >= min(1.0, total / 100):
                    told = start + time
                    tell(min(1.0, told / total))
        encoder.finish(total)
    except BaseException:
        with suppress(FFmpegError):
            encoder.abandon()
        raise
    return total


_PICTURE, _SOUND = 0, 1


def _both(
    cut: Cut, footage: Footage, canvas: tuple[int, int] | None, *, has_sound: bool
) -> Iterator[tuple[float, int, Any]]:
    """Pictures that fit the canvas, and sound, in order of time."""
    feeds = []
    if canvas is not None:
        feeds.append(_fitted(cut, footage, canvas))
    if has_sound:
        feeds.append(_timed(sound(cut, footage)))
    return heapq.merge(*feeds, key=lambda item: item[:2])


def _fitted(cut: Cut, footage: Footage, canvas: tuple[int, int]) -> Iterator[tuple[float, int, Any]]:
    shown = False
    if footage.has_picture:
        fitter = Fitter(footage, canvas)
        for time, frame in pictures(cut, footage):
            shown = True
            yield time, _PICTURE, fitter.fit(frame)
    if not shown:
        yield 0.0, _PICTURE, black(canvas)


def _timed(pieces: Iterator[Any]) -> Iterator[tuple[float, int, Any]]:
    written = 0
    for piece in pieces:
        yield written / RATE, _SOUND, piece
        written += piece.shape[1]


def _canvas(footage: Sequence[Footage], height: int) -> tuple[int, int] | None:
    """The size of the largest picture, even, at most so high; None without any."""
    sizes = [(found.width, found.height) for found in footage if found.has_picture]
    if not sizes:
        return None
    wide, high = max(sizes, key=lambda size: size[0] * size[1])
    share = min(1.0, height / high) if height else 1.0
    return even(wide * share), even(high * share)


def _chapters(cuts: Sequence[Cut], starts: Sequence[float]) -> list[Chapter]:
    """A chapter for each part of a reel."""
    if len(cuts) < 2:
        return []
    return [
        Chapter(number, start, start + cut.duration, cut.title or cut.path.stem)
        for number, (cut, start) in enumerate(zip(cuts, starts, strict=False))
    ]


@contextmanager
def _writing() -> Iterator[None]:
    """Tell what the disk refuses from what is wrong with the media."""
    with storage_errors(_PLACE), media_errors():
        try:
            yield
        except (FFmpegError, MediaError) as error:
            # inside the block that reads, what writing raises has become an error of the media
            cause = error.__cause__ if isinstance(error, MediaError) else error
            if not isinstance(cause, FFmpegError) or cause.errno not in _DISK:
                raise
            reason = os.strerror(cause.errno)
            raise StorageError(f"{_PLACE} cannot be written: {reason}.", hint="Free some space.") from error
