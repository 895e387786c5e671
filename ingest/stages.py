"""What each stage does: read what earlier ones made, write its own result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from engines.protocols import SentenceEngine
from ingest.chapters import chapters
from ingest.document import load_counts, load_frames, load_lines, load_segments, pooled
from ingest.media import make_media
from ingest.perceive import PERCEPTIONS, take_subtitles
from ingest.segments import segments
from ingest.storage import (
    CHAPTERS,
    FRAMES,
    MEDIA,
    RESULT,
    SEGMENTS,
    SPEECH,
    TEXT_VECTORS,
    VISUAL,
    engine_json,
    plain,
)
from ingest.work import Fraction, Work, present
from reelseek.artefacts import StageWriter
from reelseek.records import Segment, Shot, TimedText, Vector


def _speech(work: Work, writer: StageWriter, progress: Fraction) -> str:
    if SPEECH in work.plan.parts:
        return PERCEPTIONS[SPEECH].whole(SPEECH, work, writer, progress)
    return take_subtitles(work, writer, progress)


def _segment(work: Work, writer: StageWriter, progress: Fraction) -> str:  # noqa: ARG001 (it is over in no time)
    results = work.results
    shots = results.records(Shot, FRAMES, "shots")
    frames, lines, counts = load_frames(results), load_lines(results), load_counts(results)
    found = segments(work.info.duration, shots, frames, lines, work.settings.ingest, counts)
    writer.json(RESULT[SEGMENTS], {"segments": plain(found)})
    return f"{len(found)} segments"


NEIGHBOUR_WORDS = 50
"""Of what is said before and after a segment, so many words are embedded with it: what is talked about takes longer to
say than a segment lasts."""


def texts_in_context(segments: Sequence[Segment]) -> list[str]:
    """The texts by which segments are embedded; empty for one in which nothing is said, shown or described."""
    said = [segment.speech.split() for segment in segments]
    texts = []
    for place, segment in enumerate(segments):
        own = (segment.speech, segment.screen_text, segment.caption)
        before = said[place - 1][-NEIGHBOUR_WORDS:] if place else []
        after = said[place + 1][:NEIGHBOUR_WORDS] if place + 1 < len(said) else []
        spoken = " ".join([*before, segment.speech, *after])
        texts.append("\n".join(filter(None, (spoken, *own[1:]))) if any(own) else "")
    return texts


def _vectors(work: Work, writer: StageWriter, progress: Fraction) -> str:
    found, lines = load_segments(work.results), load_lines(work.results)
    engine = present(work.engines.sentence(), TEXT_VECTORS)
    of_segments, of_lines = text_vectors(engine, found, lines, work.settings.engines.batch_size * 4, progress)
    writer.array("segments.npy", of_segments.astype(np.float16))
    writer.array("lines.npy", of_lines.astype(np.float16))
    result = {"engine": engine_json(work.ref(TEXT_VECTORS)), "dimension": engine.dimension}
    writer.json(RESULT[TEXT_VECTORS], result)
    return f"{len(of_segments) + len(of_lines)} vectors"


def text_vectors(
    engine: SentenceEngine,
    segments: Sequence[Segment],
    lines: Sequence[TimedText],
    size: int,
    progress: Fraction,
) -> tuple[Vector, Vector]:
    """The vectors of a video's segments, in context, and of its lines, a row for each, zero where there is no text.

    Args:
        size: texts per call of the model.
    """
    vectors = _encoded(engine, [*texts_in_context(segments), *(line.text for line in lines)], size, progress)
    return vectors[: len(segments)], vectors[len(segments) :]


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
    cut, lines, vectors = load_segments(results), load_lines(results), results.array(VISUAL, "vectors.npy")
    seen = None if vectors is None else pooled(load_frames(results), cut, vectors)
    written = results.array(TEXT_VECTORS, "lines.npy")

    def encode(texts: list[str]) -> Vector:  # the engine is loaded only where it is needed
        return present(work.engines.sentence(), TEXT_VECTORS).encode(texts)

    found = chapters(work.info, cut, lines, written, seen, None if written is None else encode)
    writer.json(RESULT[CHAPTERS], {"chapters": plain([replace(item, index=i) for i, item in enumerate(found)])})
    return f"{len(found)} chapters"


def _picture(work: Work, writer: StageWriter, progress: Fraction) -> str:
    frames, found = work.keyframes(), load_segments(work.results)
    return make_media(work.results, frames, found, work.info.duration, writer=writer, progress=progress)


DOERS: Mapping[str, Callable[[Work, StageWriter, Fraction], str]] = {
    stage: partial(perception.whole, stage) for stage, perception in PERCEPTIONS.items()
} | {
    SPEECH: _speech, SEGMENTS: _segment, TEXT_VECTORS: _vectors, CHAPTERS: _chapter, MEDIA: _picture,
}  # fmt: skip
"""Stage to the function that does it and says in a few words what came out."""
