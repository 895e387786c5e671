"""The second pass over a video that is in the index already: captions, their vectors, and titles from them.

It needs artefacts alone, no file. It is no stage of an ingest: the keys of the other stages know nothing of it, so a
video without captions is a whole one, and captions come and go without any other work.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engines.protocols import SentenceEngine, VlmEngine
from ingest.captions import Caption, caption_all, chapter_titles
from ingest.chapters import FOUND
from ingest.document import caption_lines, load_segments, with_captions
from ingest.running import in_order
from ingest.storage import (
    CAPTION_VECTORS,
    CAPTIONS,
    CHAPTERS,
    FRAMES,
    RESULT,
    SEGMENTS,
    TEXT_VECTORS,
    Results,
    engine_json,
    plain,
    typed,
)
from reelseek.artefacts import ArtefactStore
from reelseek.records import Chapter, EngineRef, Frame, Segment

_VERSION = 1
_AT_A_TIME = 16
"""Segments of one part."""
_PARTS = f"{CAPTIONS}-part"


def caption_keys(keys: Mapping[str, str], vlm: EngineRef) -> dict[str, str]:
    """The keys that captions of these results would have; none for a video without pictures.

    Args:
        keys: stage to key, of a finished ingest.
    """
    if FRAMES not in keys or SEGMENTS not in keys:
        return {}
    found = {CAPTIONS: _hash(_VERSION, keys[FRAMES], keys[SEGMENTS], vlm.id, vlm.fingerprint)}
    if TEXT_VECTORS in keys:
        found[CAPTION_VECTORS] = _hash(_VERSION, found[CAPTIONS], keys[TEXT_VECTORS])
    return found


def keep_captions(live: Mapping[str, str], keys: Mapping[str, str]) -> dict[str, str]:
    """New results with the captions of the live ones, where those still describe them.

    Args:
        live: stage to key of what is in the index, captions included.
        keys: stage to key of what is to take its place.
    """
    kept = dict(keys)
    if CAPTIONS in live and all(live.get(stage) == keys.get(stage) for stage in (FRAMES, SEGMENTS)):
        kept.setdefault(CAPTIONS, live[CAPTIONS])
        if CAPTION_VECTORS in live and live.get(TEXT_VECTORS) == keys.get(TEXT_VECTORS):
            kept.setdefault(CAPTION_VECTORS, live[CAPTION_VECTORS])
    return kept


@dataclass(frozen=True, slots=True)
class CaptionPart:
    """Segments of a video whose captions are written in one go: always the same ones.

    Attributes:
        index: of the part, from 0.
        first: the number of its first segment, from 0.
        of: how many segments the video has.
    """

    index: int
    first: int
    segments: tuple[Segment, ...]
    of: int

    @property
    def numbers(self) -> range:
        """The numbers of its segments in the video, from 0."""
        return range(self.first, self.first + len(self.segments))


CaptionShare = Callable[[Sequence[CaptionPart], Callable[[CaptionPart], None], Callable[[CaptionPart], bool]], None]
"""Sees to it that parts are done, as `ingest.running.Share` does with chunks."""


@dataclass(frozen=True, slots=True)
class Captioning:
    """Has the segments of a video described, part by part. Each caption is kept as soon as it is there.

    A part looks at no other, so that any process may do it, in any order, and the captions are the same.

    Attributes:
        results: of a finished ingest, with the keys of `caption_keys`.
        load: gives the model; called only where something is to be done.
        progress: called with the fraction done; may raise to stop.
    """

    results: Results
    ref: EngineRef
    load: Callable[[], VlmEngine]
    progress: Callable[[float], None]

    def parts(self) -> list[CaptionPart]:
        """All parts, in order."""
        segments = load_segments(self.results)
        firsts = range(0, len(segments), _AT_A_TIME)
        return [
            CaptionPart(index, first, tuple(segments[first : first + _AT_A_TIME]), len(segments))
            for index, first in enumerate(firsts)
        ]

    def done(self, part: CaptionPart) -> bool:
        """Whether all captions of a part are there."""
        return all(self._has(number) for number in part.numbers)

    def do(self, part: CaptionPart) -> None:
        """Have the captions of a part written that are not there.

        Raises:
            EngineUnavailable: the model fails; another call goes on where this one stopped.
        """
        if self.done(part):
            return
        known = {at: self.read(number) for at, number in enumerate(part.numbers) if self._has(number)}
        frames = self.results.records(Frame, FRAMES, "frames")
        found = caption_all(
            self.load(),
            part.segments,
            frames,
            self.results.pictures,
            lambda fraction: self.progress((part.first + fraction * len(part.segments)) / part.of),
            known,
            lambda at, caption: self._keep(part.first + at, caption),
        )
        for number, caption in zip(part.numbers, found, strict=True):  # and those that have none, or that of another
            self._keep(number, caption)

    def read(self, number: int) -> Caption:
        """The caption of a segment that is done."""
        place = (self.results.video_id, _PARTS, self._key(number))
        return typed(Caption, [self.results.store.read_json(*place, "caption.json")])[0]

    def forget(self, number: int) -> None:
        """Let go of the caption of a segment, once all are kept together."""
        self.results.store.delete(self.results.video_id, _PARTS, self._key(number))

    def _keep(self, number: int, caption: Caption) -> None:
        if not self._has(number):
            with self.results.store.write(self.results.video_id, _PARTS, self._key(number)) as writer:
                writer.json("caption.json", plain([caption])[0])

    def _has(self, number: int) -> bool:
        return self.results.store.has(self.results.video_id, _PARTS, self._key(number))

    def _key(self, number: int) -> str:
        return f"{self.results.keys[CAPTIONS]}-{number:06d}"


def make_captions(captioning: Captioning, share: CaptionShare = in_order) -> str:
    """Have the segments described, as far as that is not done. What is done stays when the model fails.

    Args:
        share: who does the parts.

    Returns:
        What a person should know: how many there are, and how many segments have none and why.

    Raises:
        EngineUnavailable: the model fails; another call goes on where this one stopped.
    """
    results, ref = captioning.results, captioning.ref
    store, video_id, key = results.store, results.video_id, results.keys[CAPTIONS]
    if not store.has(video_id, CAPTIONS, key):
        parts = captioning.parts()
        share(parts, captioning.do, captioning.done)
        numbers = [number for part in parts for number in part.numbers]
        found = [captioning.read(number) for number in numbers]
        _name_chapters(results, captioning.load, found)
        problems = [caption.problem for caption in found if caption.problem]
        note = f"{len(problems)} segments without a caption ({problems[0]})" if problems else ""
        with store.write(video_id, CAPTIONS, key) as writer:
            texts = [caption.text for caption in found]
            writer.json(RESULT[CAPTIONS], {"engine": engine_json(ref), "captions": texts, "note": note})
        for number in numbers:
            captioning.forget(number)
    result = results.json(CAPTIONS)
    told = f"{sum(bool(text) for text in result['captions'])} captions by {ref.id}"
    return "; ".join(filter(None, (told, result["note"])))


def embed_captions(
    store: ArtefactStore, video_id: str, keys: Mapping[str, str], load: Callable[[], SentenceEngine]
) -> None:
    """Embed the captions in the space of the video's other texts, unless that is done or it has no such space."""
    key = keys.get(CAPTION_VECTORS)
    if key is None or store.has(video_id, CAPTION_VECTORS, key):
        return
    engine = load()
    texts = [line.text for line in caption_lines(Results(store, video_id, keys))]
    with store.write(video_id, CAPTION_VECTORS, key) as writer:
        writer.array("lines.npy", engine.encode(texts).astype(np.float16))
        writer.json(RESULT[CAPTION_VECTORS], {"dimension": engine.dimension})


def _name_chapters(results: Results, load: Callable[[], VlmEngine], captions: Sequence[Caption]) -> None:
    """Let the model name found chapters, in the place of the names that were made of their words."""
    chapters = results.records(Chapter, CHAPTERS, "chapters")
    if not any(chapter.source == FOUND for chapter in chapters):
        return
    segments = with_captions(load_segments(results), [caption.text for caption in captions])
    titles = chapter_titles(load(), chapters, segments)
    named = [replace(chapter, title=title) for chapter, title in zip(chapters, titles, strict=True)]
    store, video_id, key = results.store, results.video_id, results.keys[CHAPTERS]
    known = store.about(video_id, CHAPTERS, key)
    with store.write(video_id, CHAPTERS, key, replace=True) as writer:
        writer.json(RESULT[CHAPTERS], {"chapters": plain(named)})
        writer.remember(**known)


def _hash(*parts: object) -> str:
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()
