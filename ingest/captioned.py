"""The second pass over a video that is in the index already: captions, their vectors, and titles from them.

It needs artefacts alone, no file. It is no stage of an ingest: the keys of the other stages know nothing of it, so a
video without captions is a whole one, and captions come and go without any other work.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from engines.protocols import SentenceEngine, VlmEngine
from ingest.captions import Caption, caption_all, chapter_titles
from ingest.chapters import FOUND
from ingest.document import caption_lines, load_segments, with_captions
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
from reelseek.records import Chapter, EngineRef, Frame

_VERSION = 1
_AT_A_TIME = 16
"""Segments after which what is done is kept, whatever happens to the rest."""
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


def make_captions(
    store: ArtefactStore,
    video_id: str,
    keys: Mapping[str, str],
    ref: EngineRef,
    load: Callable[[], VlmEngine],
    progress: Callable[[float], None],
) -> str:
    """Have the segments described, as far as that is not done. What is done stays when the model fails.

    Args:
        keys: stage to key, with those of `caption_keys`.
        load: gives the model; called only where something is to be done.
        progress: called with the fraction done; may raise to stop.

    Returns:
        What a person should know: how many there are, and how many segments have none and why.

    Raises:
        EngineUnavailable: the model fails; another call goes on where this one stopped.
    """
    results, key = Results(store, video_id, keys), keys[CAPTIONS]
    if not store.has(video_id, CAPTIONS, key):
        segments, frames = load_segments(results), results.records(Frame, FRAMES, "frames")
        groups = [segments[first : first + _AT_A_TIME] for first in range(0, len(segments), _AT_A_TIME)]
        found: list[Caption] = []
        for number, group in enumerate(groups):
            part = f"{key}-{number:05d}"
            if not store.has(video_id, _PARTS, part):

                def tell(fraction: float, number: int = number) -> None:
                    progress((number + fraction) / len(groups))

                with store.write(video_id, _PARTS, part) as writer:
                    writer.json("part.json", plain(caption_all(load(), group, frames, results.pictures, tell)))
            found += typed(Caption, store.read_json(video_id, _PARTS, part, "part.json"))
        _name_chapters(results, load, found)
        problems = [caption.problem for caption in found if caption.problem]
        note = f"{len(problems)} segments without a caption ({problems[0]})" if problems else ""
        with store.write(video_id, CAPTIONS, key) as writer:
            texts = [caption.text for caption in found]
            writer.json(RESULT[CAPTIONS], {"engine": engine_json(ref), "captions": texts, "note": note})
        for number in range(len(groups)):
            store.delete(video_id, _PARTS, f"{key}-{number:05d}")
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
