"""Cues are cut where the screen was full, sentences where somebody stopped: the one made from the other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingest.subtitles import Cue
from reelseek.records import Channel, TimedText

_ABBREVIATIONS = (
    r"(?<!\bMr\.)(?<!\bMrs\.)(?<!\bMs\.)(?<!\bDr\.)(?<!\bSt\.)(?<!\bvs\.)(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bNo\.)"
)
_BREAK = re.compile(
    rf"(?<=[.!?…]){_ABBREVIATIONS}\s+(?=[\"'“‘(\[¿¡]?[^\W_a-z])|(?<=[.!?…][\"'”’)]){_ABBREVIATIONS}\s+|(?<=[。！？])\s*(?=\S)"
)
_ENDED = re.compile(r"[.!?…。！？][\"'”’)\]]*$")
_NAMED = re.compile(r"^(?:>>\s*)?([A-Z][A-Z0-9 .'’-]{1,30}):\s+(?=\S)")
_LONGEST = 15.0
_MOST_CHARACTERS = 240
_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class _Piece:
    start: float
    end: float
    text: str
    speaker: str
    opens: bool


def sentences(cues: Sequence[Cue], source: str, language: str) -> tuple[TimedText, ...]:
    """Join cues into sentences, and cut cues that hold several.

    A sentence ends at its full stop, at a pause of a second, where another speaks, or after 15 s. Inside a cue time
    goes by characters.
    """
    lines: list[TimedText] = []
    held: list[_Piece] = []
    for piece in _pieces(cues):
        if held and _parted(held, piece):
            lines.append(_joined(held, source, language))
            held = []
        held.append(piece)
    if held:
        lines.append(_joined(held, source, language))
    return tuple(lines)


def split_sentences(text: str) -> list[str]:
    """A text's sentences, in order, without losing a character but the spaces between them."""
    return [part for part in _BREAK.split(text) if part.strip()]


def _parted(held: list[_Piece], piece: _Piece) -> bool:
    last = held[-1]
    return (
        piece.opens
        or bool(_ENDED.search(last.text))
        or piece.start - last.end > _PAUSE
        or (bool(piece.speaker) and piece.speaker != held[0].speaker)
        or piece.end - held[0].start > _LONGEST
        or sum(len(item.text) for item in held) + len(piece.text) > _MOST_CHARACTERS
    )


def _joined(held: list[_Piece], source: str, language: str) -> TimedText:
    return TimedText(
        Channel.SPEECH,
        held[0].start,
        max(item.end for item in held),
        " ".join(item.text for item in held),
        source,
        language,
        speaker=held[0].speaker,
    )


def _pieces(cues: Sequence[Cue]) -> Iterator[_Piece]:
    for cue in cues:
        parts = [part for turn in _turns(cue) for part in turn]
        total = max(1, sum(len(text) for text, _, _ in parts))
        done = 0
        for text, speaker, opens in parts:
            start = cue.start + (cue.end - cue.start) * done / total
            done += len(text)
            yield _Piece(start, cue.start + (cue.end - cue.start) * done / total, text, speaker, opens)


def _turns(cue: Cue) -> Iterator[list[tuple[str, str, bool]]]:
    """What each speaker says in a cue: (sentence, speaker, whether it begins a turn)."""
    turns: list[list[str]] = []
    for line in cue.text.split("\n"):
        if re.match(r"^[-–—]\s*\S", line) or _NAMED.match(line) or not turns:
            turns.append([])
        turns[-1].append(line)
    for number, turn in enumerate(turns):
        text, speaker = " ".join(turn), cue.speaker
        dashed = len(turns) > 1 and bool(re.match(r"^[-–—]\s*\S", text))
        text = re.sub(r"^[-–—]\s*", "", text) if dashed else text
        if named := _NAMED.match(text):
            speaker, text = named.group(1).strip(), text[named.end() :]
        yield [
            (part, speaker, (dashed or bool(named) or number > 0) and index == 0)
            for index, part in enumerate(split_sentences(text))
        ]
