"""Which of a file's sound tracks is listened to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition

from ingest.opening import clean
from ingest.subtitles import bcp47
from reelseek.records import VideoInfo
from reelseek.setting_groups import IngestSettings

_BESIDE = (
    Disposition.comment | Disposition.visual_impaired | Disposition.descriptions | Disposition.clean_effects
    | Disposition.karaoke | Disposition.dependent
)  # fmt: skip
"""Tracks that stand beside the film's own: commentary, audio description, sound without its dialogue."""
_BESIDE_TITLE = re.compile(r"comment|kommentar|descri|audiodeskription|isolated|karaoke", re.IGNORECASE)


def audio_tracks(container: InputContainer) -> Iterator[dict[str, str]]:
    """The sound tracks: index, codec, language (BCP 47), title, channels, kind (main, beside), default (yes, no)."""
    for stream in container.streams.audio:
        if not stream.codec_context.sample_rate:
            continue
        title, disposition = clean(stream.metadata.get("title", "")), stream.disposition
        beside = bool(disposition & _BESIDE) or bool(_BESIDE_TITLE.search(title))
        yield {
            "index": str(stream.index),
            "codec": stream.codec_context.name,
            "language": bcp47(clean(stream.language or "")),
            "title": title,
            "channels": str(stream.codec_context.channels),
            "kind": "beside" if beside else "main",
            "default": "yes" if disposition & Disposition.default else "no",
        }


@dataclass(frozen=True, slots=True)
class AudioChoice:
    """The track that is listened to, and in a few words by which rule."""

    track: Mapping[str, str]
    rule: str


def audio_choice(info: VideoInfo, settings: IngestSettings) -> AudioChoice | None:
    """The track to listen to; None where the file lists none.

    The one that `ingest.audio_track` names (by the number that the file gives it, or by language); else the wanted
    language, the film's own sound and no commentary or description, the default, the most channels, the first.
    """
    asked, left, told = settings.audio_track.strip(), list(info.audio_tracks), []
    if named := [track for track in left if asked and track["index"] == asked]:
        return AudioChoice(named[0], "the number that ingest.audio_track names")
    wanted = bcp47(asked) if asked and not asked.isdigit() else settings.language
    rules: tuple[tuple[str, Callable[[Mapping[str, str]], int]], ...] = (
        (f"nearest to the wanted language ({wanted})", lambda track: _otherness(track["language"], wanted)),
        ("no commentary or description", lambda track: track["kind"] != "main"),
        ("the file's default", lambda track: track["default"] != "yes"),
        ("the most channels", lambda track: -int(track["channels"])),
        ("the first", lambda track: int(track["index"])),
    )
    for words, rank in rules:
        best = min(map(rank, left), default=0)
        if any(rank(track) != best for track in left):
            told.append(words)
            left = [track for track in left if rank(track) == best]
    return AudioChoice(left[0], ", ".join(told) or "the only one") if left else None


def choose_audio(info: VideoInfo, settings: IngestSettings) -> Mapping[str, str] | None:
    """The track to listen to (`audio_choice`); None where the file lists none."""
    choice = audio_choice(info, settings)
    return choice.track if choice else None


def chosen_audio(info: VideoInfo, settings: IngestSettings) -> str:
    """In a few words which of several tracks is listened to; empty for a file with one."""
    track = choose_audio(info, settings)
    if track is None or len(info.audio_tracks) < 2:
        return ""
    told = ", ".join(filter(None, (track["language"], track["title"], f"{track['channels']} channels")))
    asked = settings.audio_track.strip()
    missed = asked and asked != track["index"] and _otherness(track["language"], bcp47(asked))
    return f"sound track {track['index']} ({told}) of {len(info.audio_tracks)}" + (
        f"; none is {asked}" if missed else ""
    )


def audio_stream(container: InputContainer, info: VideoInfo, settings: IngestSettings) -> AudioStream | None:
    """The chosen track of an open file."""
    track = choose_audio(info, settings)
    if track is None:
        best = container.streams.best("audio")
        return best if isinstance(best, AudioStream) else None
    index = int(track["index"])
    return next((stream for stream in container.streams.audio if stream.index == index), None)


def _otherness(language: str, wanted: str) -> int:
    """0 for the wanted language or where none is wanted, 1 for an unknown one, 2 for another."""
    have, want = language.casefold().split("-")[0], wanted.casefold().split("-")[0]
    if not want or have == want:
        return 0
    return 2 if have else 1
