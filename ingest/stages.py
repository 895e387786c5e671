"""What each stage does: read what earlier ones made, write its own result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from engines.protocols import SentenceEngine
from ingest.chapters import chapters
from ingest.document import load_frames, load_lines, load_segments
from ingest.media import make_media
from ingest.perceive import Batches, batches, detect, embed, read_text
from ingest.plan import EngineSource, Plan
from ingest.segments import segments
from ingest.speech import spoken_lines
from ingest.storage import (
    CHAPTERS,
    FRAMES,
    MEDIA,
    OBJECTS,
    RESULT,
    SCREEN_TEXT,
    SEGMENTS,
    SPEECH,
    TEXT_VECTORS,
    VISUAL,
    Results,
    engine_json,
    plain,
)
from ingest.watching import watch
from reelseek.artefacts import ArtefactStore, StageWriter
from reelseek.errors import EngineUnavailable
from reelseek.records import EngineRef, Frame, Segment, Shot, Vector, VideoInfo
from reelseek.settings import Settings

Fraction = Callable[[float], None]
_E = TypeVar("_E")


@dataclass(frozen=True, slots=True)
class Work:
    """What a stage is given."""

    path: Path
    info: VideoInfo
    settings: Settings
    engines: EngineSource
    plan: Plan
    store: ArtefactStore

    @property
    def results(self) -> Results:
        """What earlier stages made."""
        return Results(self.store, self.info.video_id, self.plan.keys)

    def keyframes(self) -> tuple[Frame, ...]:
        """Keyframes as decoded, without what models saw on them."""
        return self.results.records(Frame, FRAMES, "frames")

    def batches(self, frames: tuple[Frame, ...], progress: Fraction) -> Batches:
        """Keyframes with pictures, in the batch size of the settings."""
        return batches(self.results, frames, self.settings.engines.batch_size, progress)

    def ref(self, stage: str) -> EngineRef:
        """The identity of the stage's engine; a stage without one has no key and is never done."""
        ref = self.plan.refs[stage]
        assert ref is not None
        return ref


def _present(engine: _E | None, stage: str) -> _E:
    if engine is None:
        raise EngineUnavailable(f"The engine for {stage.replace('_', ' ')} went away while it was needed.")
    return engine


def _watch(work: Work, writer: StageWriter, progress: Fraction) -> str:
    return watch(work.path, work.info, work.settings.ingest, writer, progress)


def _listen(work: Work, writer: StageWriter, progress: Fraction) -> str:
    ref, lines = spoken_lines(
        work.path,
        work.info,
        work.settings.ingest,
        work.plan.source,
        load=work.engines.speech,
        progress=progress,
    )
    writer.json(RESULT[SPEECH], {"engine": engine_json(ref), "lines": plain(lines)})
    return f"{len(lines)} sentences by {ref.id}" if ref else "the embedded subtitles are empty"


def _read(work: Work, writer: StageWriter, progress: Fraction) -> str:
    frames = work.keyframes()
    engine = _present(work.engines.screen_text(), SCREEN_TEXT)
    return read_text(engine, work.ref(SCREEN_TEXT), frames, work.batches(frames, progress), writer)


def _detect(work: Work, writer: StageWriter, progress: Fraction) -> str:
    frames = work.keyframes()
    engine = _present(work.engines.objects(), OBJECTS)
    return detect(engine, work.ref(OBJECTS), frames, work.batches(frames, progress), writer)


def _embed(work: Work, writer: StageWriter, progress: Fraction) -> str:
    engine = _present(work.engines.visual(), VISUAL)
    return embed(engine, work.ref(VISUAL), work.batches(work.keyframes(), progress), writer)


def _segment(work: Work, writer: StageWriter, progress: Fraction) -> str:  # noqa: ARG001 (it is over in no time)
    results = work.results
    shots = results.records(Shot, FRAMES, "shots")
    found = segments(work.info.duration, shots, load_frames(results), load_lines(results), work.settings.ingest)
    writer.json(RESULT[SEGMENTS], {"segments": plain(found)})
    return f"{len(found)} segments"


def text_of(segment: Segment) -> str:
    """The text by which a segment is embedded."""
    return "\n".join(filter(None, (segment.speech, segment.screen_text, segment.caption)))


def _vectors(work: Work, writer: StageWriter, progress: Fraction) -> str:
    found, lines = load_segments(work.results), load_lines(work.results)
    engine = _present(work.engines.sentence(), TEXT_VECTORS)
    texts = [*map(text_of, found), *(line.text for line in lines)]
    vectors = _encoded(engine, texts, work.settings.engines.batch_size * 4, progress)
    writer.array("segments.npy", vectors[: len(found)].astype(np.float16))
    writer.array("lines.npy", vectors[len(found) :].astype(np.float16))
    result = {"engine": engine_json(work.ref(TEXT_VECTORS)), "dimension": engine.dimension}
    writer.json(RESULT[TEXT_VECTORS], result)
    return f"{len(vectors)} vectors"


def _encoded(engine: SentenceEngine, texts: list[str], size: int, progress: Fraction) -> Vector:
    """Each text's vector; equal texts are embedded once, empty ones are zero."""
    known = list(dict.fromkeys(text for text in texts if text.strip()))
    place = {text: index for index, text in enumerate(known)}
    parts = [np.zeros((0, engine.dimension), np.float32)]
    for first in range(0, len(known), size):
        progress(first / len(known))
        parts.append(engine.encode(known[first : first + size]))
    joined = np.concatenate(parts)
    vectors = np.zeros((len(texts), engine.dimension), np.float32)
    for row, text in enumerate(texts):
        if text in place:
            vectors[row] = joined[place[text]]
    return vectors


def _chapter(work: Work, writer: StageWriter, progress: Fraction) -> str:  # noqa: ARG001
    results = work.results
    vectors = results.array(TEXT_VECTORS, "segments.npy")
    found = chapters(work.info, load_segments(results), load_lines(results), vectors)
    writer.json(RESULT[CHAPTERS], {"chapters": plain([replace(item, index=i) for i, item in enumerate(found)])})
    return f"{len(found)} chapters"


def _picture(work: Work, writer: StageWriter, progress: Fraction) -> str:
    frames, found = work.keyframes(), load_segments(work.results)
    return make_media(work.results, frames, found, work.info.duration, writer=writer, progress=progress)


DOERS: Mapping[str, Callable[[Work, StageWriter, Fraction], str]] = {
    FRAMES: _watch, SPEECH: _listen, SCREEN_TEXT: _read, OBJECTS: _detect, VISUAL: _embed, SEGMENTS: _segment,
    TEXT_VECTORS: _vectors, CHAPTERS: _chapter, MEDIA: _picture,
}  # fmt: skip
"""Stage to the function that does it and says in a few words what came out."""
