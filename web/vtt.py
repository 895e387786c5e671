"""WebVTT, written so that no text can break out of its cue."""

from __future__ import annotations

from collections.abc import Iterable

from reelseek.records import Chapter, TimedText
from reelseek.timecode import vtt_time

MIMETYPE = "text/vtt"
_MIN_CUE = 0.001
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def transcript_vtt(lines: Iterable[TimedText]) -> str:
    """Lines as captions, in order of time; a known speaker is its voice."""
    return _file(
        (line.start, line.end, (f"<v {_inline(line.speaker)}>" if line.speaker else "") + _inline(line.text))
        for line in sorted(lines, key=lambda line: (line.start, line.end))
    )


def chapters_vtt(chapters: Iterable[Chapter]) -> str:
    """Chapters as a `chapters` track."""
    return _file((chapter.start, chapter.end, _inline(chapter.title)) for chapter in chapters)


def _file(cues: Iterable[tuple[float, float, str]]) -> str:
    blocks = ["WEBVTT"]
    for start, end, text in cues:
        if text:
            blocks.append(f"{vtt_time(start)} --> {vtt_time(max(end, start + _MIN_CUE))}\n{text}")
    return "\n\n".join(blocks) + "\n"


def _inline(text: str) -> str:
    """One line without markup; escaping `>` also disarms `-->`."""
    return " ".join(text.split()).translate(_ESCAPES)
