"""Timed lines and chapters as WebVTT, SubRip and FFmetadata, written so that no text can break out of its place.

They are written here and not by pysubs2, which takes `{…}` and a backslash in a text for mark-up of its own and drops
it; what stands on screens has both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from reelseek.records import Chapter, TimedText
from reelseek.timecode import vtt_time

VTT_MIMETYPE = "text/vtt"
_MIN_CUE = 0.001
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_META_ESCAPES = str.maketrans({character: f"\\{character}" for character in "=;#\\"})
_MILLISECONDS = 1_000


def transcript_vtt(lines: Iterable[TimedText]) -> str:
    """Lines as WebVTT, in order of time; a known speaker is its voice."""
    return _vtt(
        (line.start, line.end, (f"<v {_inline(line.speaker)}>" if line.speaker else "") + _inline(line.text))
        for line in _ordered(lines)
    )


def transcript_srt(lines: Iterable[TimedText]) -> str:
    """Lines as SubRip, in order of time; a known speaker stands before a colon."""
    blocks: list[str] = []
    for line in _ordered(lines):
        text = _one_line(f"{line.speaker}: {line.text}" if line.speaker else line.text)
        if text:
            times = f"{vtt_time(line.start)} --> {vtt_time(_end(line.start, line.end))}".replace(".", ",")
            blocks.append(f"{len(blocks) + 1}\n{times}\n{text}\n")
    return "\n".join(blocks)


def chapters_vtt(chapters: Iterable[Chapter]) -> str:
    """Chapters as a WebVTT `chapters` track."""
    return _vtt((chapter.start, chapter.end, _inline(chapter.title)) for chapter in chapters)


def chapters_ffmetadata(chapters: Iterable[Chapter], title: str = "") -> str:
    """Chapters as FFmpeg's metadata file, which `ffmpeg -i video -i chapters -map_metadata 1 -codec copy` puts in."""
    blocks = [";FFMETADATA1"]
    if title:
        blocks.append(f"title={_meta(title)}")
    for chapter in chapters:
        start, end = (round(_MILLISECONDS * time) for time in (chapter.start, chapter.end))
        blocks += ["", "[CHAPTER]", f"TIMEBASE=1/{_MILLISECONDS}", f"START={start}", f"END={max(end, start + 1)}"]
        blocks.append(f"title={_meta(chapter.title)}")
    return "\n".join(blocks) + "\n"


TRANSCRIPTS: Mapping[str, Callable[[Iterable[TimedText]], str]] = MappingProxyType(
    {"vtt": transcript_vtt, "srt": transcript_srt}
)
"""How lines are written, by the name of the format, which is the ending of its files too."""

CHAPTERS: Mapping[str, Callable[[Iterable[Chapter]], str]] = MappingProxyType(
    {"vtt": chapters_vtt, "ffmetadata": chapters_ffmetadata}
)
"""How chapters are written, by the name of the format."""


def _ordered(lines: Iterable[TimedText]) -> list[TimedText]:
    return sorted(lines, key=lambda line: (line.start, line.end))


def _vtt(cues: Iterable[tuple[float, float, str]]) -> str:
    blocks = ["WEBVTT"]
    for start, end, text in cues:
        if text:
            blocks.append(f"{vtt_time(start)} --> {vtt_time(_end(start, end))}\n{text}")
    return "\n\n".join(blocks) + "\n"


def _end(start: float, end: float) -> float:
    return max(end, start + _MIN_CUE)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _inline(text: str) -> str:
    """One line without markup; escaping `>` also disarms `-->`."""
    return _one_line(text).translate(_ESCAPES)


def _meta(text: str) -> str:
    return _one_line(text).translate(_META_ESCAPES)
