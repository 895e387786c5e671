"""What is said: from the video's own subtitles where it has any, else from the speech engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engines.protocols import ScreenTextEngine, SpeechEngine
from engines.speech_guards import without_loops
from ingest.audio import RATE, sound, windows
from ingest.audio_tracks import choose_audio, chosen_audio
from ingest.bitmap_subtitles import BITMAP, read_bitmaps
from ingest.sentences import sentences
from ingest.subtitles import (
    EMBEDDED,
    SIDECAR,
    Cue,
    choose_sidecar,
    choose_track,
    chosen_track,
    read_sidecar,
    read_track,
)
from reelseek.errors import MediaError
from reelseek.records import EngineRef, TimedText, VideoInfo
from reelseek.setting_groups import IngestSettings

_SILENCE = 1e-3
"""A window whose loudest sample is below this (-60 dBFS) is not worth a model."""


@dataclass(frozen=True, slots=True)
class SpeechSource:
    """Where the spoken words will come from, decided before anything is decoded.

    Attributes:
        sidecar: the subtitle file beside the video; it wins.
        track: the stream index of an embedded text track; it comes next.
        pictures: the stream index of an embedded track of pictures, read by `reader`; where there is no text track.
        engine: the speech engine; used where there are no subtitles or they turn out empty.
        sound: the index of the sound track that the engine listens to.
        note: what a person should know: a subtitle file that could not be read.
    """

    sidecar: Path | None = None
    sidecar_hash: str = ""
    track: int | None = None
    pictures: int | None = None
    reader: EngineRef | None = None
    language: str = ""
    engine: EngineRef | None = None
    sound: str = ""
    note: str = ""

    @property
    def identity(self) -> tuple[str, ...]:
        """What a stage's key has to say of it."""
        fallback = "" if self.sidecar else (self.engine.fingerprint if self.engine else "")
        heard = self.sound if fallback else ""
        chosen = self.pictures if self.track is None else self.track
        track = "" if chosen is None else str(chosen)
        return self.sidecar_hash, track, self.language, fallback, heard, self.reader.fingerprint if self.reader else ""

    @property
    def silent(self) -> bool:
        """There is nothing to take words from."""
        return not self.subtitled and self.engine is None

    @property
    def subtitled(self) -> bool:
        """The words come from subtitles."""
        return self.sidecar is not None or self.track is not None or self.pictures is not None

    @property
    def only_engine(self) -> bool:
        """The engine is the one source: then the sound can be heard in chunks."""
        return self.engine is not None and not self.subtitled


def speech_source(
    path: Path,
    info: VideoInfo,
    settings: IngestSettings,
    engine: EngineRef | None,
    reader: EngineRef | None = None,
) -> SpeechSource:
    """Choose the source: sidecar, embedded text track, embedded track of pictures, engine (for a video with sound).

    Forced subtitles hold only what is said in another tongue: an engine is better than they are.

    Args:
        reader: the screen-text engine, for tracks of pictures.
    """
    notes = []
    usable, heard = engine if info.has_audio else None, choose_audio(info, settings)
    if (chosen := choose_sidecar(path, settings.language)) and not (chosen.forced and usable):
        try:
            if read_sidecar(chosen.path):
                return SpeechSource(chosen.path, chosen.content_hash, language=chosen.language)
            notes.append(f"the subtitles {chosen.path.name} are empty")
        except MediaError as error:
            notes.append(error.message)
    base = SpeechSource(engine=usable, sound=heard["index"] if heard is not None and usable is not None else "")
    track = choose_track(info, settings.language)
    pictures = None if track or reader is None else choose_track(info, settings.language, "picture")
    if (found := track or pictures) and not (found.get("role") == "forced" and usable):
        notes.append(chosen_track(info, found))
        base = replace(base, language=found["language"])
        if track:
            return replace(base, track=int(found["index"]), note=_told(notes))
        return replace(base, pictures=int(found["index"]), reader=reader, note=_told(notes))
    if usable is not None:
        notes.append(chosen_audio(info, settings))
    return replace(base, language=settings.language, note=_told(notes))


def _told(notes: Sequence[str]) -> str:
    return "; ".join(filter(None, notes))


def spoken_lines(
    path: Path,
    info: VideoInfo,
    settings: IngestSettings,
    source: SpeechSource,
    *,
    load: Callable[[], SpeechEngine | None],
    progress: Callable[[float], None],
    read: Callable[[], ScreenTextEngine | None] = lambda: None,
) -> tuple[EngineRef | None, tuple[TimedText, ...]]:
    """The sentences with their times, and who they really come from.

    Args:
        load: gives the engine; called only where it is needed.
        read: gives the screen-text engine; called only for a track of pictures.
        progress: called with the fraction done; may raise to stop.
    """
    if source.sidecar:
        ref = EngineRef(SIDECAR, source.sidecar_hash)
        return ref, sentences(_within(read_sidecar(source.sidecar), info), SIDECAR, source.language)
    if source.track is not None:
        cues = _within(read_track(path, info, source.track), info)
        if cues:
            return EngineRef(EMBEDDED, str(source.track)), sentences(cues, EMBEDDED, source.language)
    if source.pictures is not None and (reader := read()):
        cues = _within(read_bitmaps(path, info, source.pictures, reader, progress=progress), info)
        if cues:
            ref = EngineRef(BITMAP, f"{source.pictures} {reader.fingerprint}", f"read by {reader.id}")
            return ref, sentences(cues, BITMAP, source.language)
    if source.engine is None:
        return None, ()
    return source.engine, transcribe(path, info, settings, load=load, progress=progress)


def transcribe(
    path: Path,
    info: VideoInfo,
    settings: IngestSettings,
    *,
    load: Callable[[], SpeechEngine | None],
    progress: Callable[[float], None],
    start: float = 0.0,
    end: float | None = None,
) -> tuple[TimedText, ...]:
    """Recognise the speech of `[start, end)`, window by window; silent windows load no model.

    Args:
        load: gives the engine; called only where there is something to hear.
        progress: called with the fraction of the stretch that is done; may raise to stop.
        start: seconds of the video, from `ingest.audio.quiet_border`, as `end`: then each word is in one stretch only.
        end: seconds of the video; None for all there is.

    Returns:
        Sentences, times in seconds of the video.
    """
    lines: list[TimedText] = []
    length = max(1e-9, (info.duration if end is None else end) - start)
    for begin, audio in windows(sound(path, info, settings, start, end)):
        before, share = begin / length, len(audio) / RATE / length
        progress(min(1.0, before))
        if not len(audio) or float(np.abs(audio).max()) < _SILENCE:
            continue
        engine = load()
        if engine is None:
            break

        def inside(fraction: float, before: float = before, share: float = share) -> None:
            progress(min(1.0, before + fraction * share))

        for line in engine.transcribe(audio, language=settings.language, progress=inside):
            if line.text.strip():
                lines.append(_shifted(line, start + begin, info.duration))
    return tuple(lines)


def joined_speech(parts: Sequence[Sequence[TimedText]]) -> tuple[TimedText, ...]:
    """The sentences of consecutive stretches; what an engine says over and over is kept once, also over borders."""
    return tuple(without_loops([line for part in parts for line in part]))


def _within(cues: Sequence[Cue], info: VideoInfo) -> list[Cue]:
    """Cues of the time that the video has."""
    return [replace(cue, end=min(cue.end, info.duration)) for cue in cues if cue.start < info.duration]


def _shifted(line: TimedText, by: float, limit: float) -> TimedText:
    words = tuple(
        replace(word, start=min(limit, word.start + by), end=min(limit, word.end + by)) for word in line.words
    )
    return replace(line, start=min(limit, line.start + by), end=min(limit, line.end + by), words=words)
