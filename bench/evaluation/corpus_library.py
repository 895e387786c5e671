"""A library made of a benchmark's texts alone: as ingest would have made it of the same words as subtitles."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from bench.evaluation.corpus import CorpusVideo
from engines.registry import Engines
from index.reader import IndexReader
from index.schema import SCHEMA_VERSION
from index.writer import IndexWriter
from ingest.document import vector_space
from ingest.plan import VERSIONS
from ingest.segments import segments
from ingest.sentences import sentences
from ingest.stages import text_vectors
from ingest.storage import SEGMENTS, SPEECH, TEXT_VECTORS
from ingest.subtitles import SIDECAR, Cue, tidy
from library.catalogue import Catalogue, open_catalogue
from library.records import Counts
from query.service import QueryService
from reelseek.artefacts import ArtefactStore
from reelseek.durable import replace_file
from reelseek.records import Channel, EngineRef, VideoDocument, VideoInfo
from reelseek.settings import Settings

VERSION = 1
"""Raised when this module makes other rows of the same corpus."""

_DONE = "done.json"
_log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Called with how many videos are done, and of how many."""


def no_progress(done: int, total: int) -> None:
    """Ignore progress."""


@dataclass(frozen=True, slots=True)
class CorpusLibrary:
    """A searchable library of a corpus.

    Attributes:
        names: the product's id of a video to the corpus' own.
        folder: its data folder.
    """

    settings: Settings
    names: dict[str, str]
    folder: Path

    def open(self, settings: Settings | None = None) -> QueryService:
        """A service over it, with the engines and the query settings of those given, or of those it was made with."""
        given = settings or self.settings
        own = _own_settings(given, self.folder)
        store = ArtefactStore(own.artefacts_url)
        return QueryService(own, open_catalogue(own), IndexReader(own), Engines(given), store)


def corpus_library(
    videos: Sequence[CorpusVideo], settings: Settings, cache: Path, progress: Progress = no_progress
) -> CorpusLibrary:
    """The library of these videos; made once for the same texts, sentence engine and versions of what makes rows.

    Args:
        settings: the sentence engine, how segments are cut.
        cache: a folder in which libraries are kept, one folder each.

    Raises:
        EngineUnavailable: the settings name a sentence engine that cannot run.
        StorageError: the folder cannot be written.
    """
    names = {video_hash(video.video_id): video.video_id for video in videos}
    with Engines(settings) as engines:
        folder = cache / _key(videos, settings, engines.ref("sentence"))
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not (folder / _DONE).is_file():
                shutil.rmtree(folder, ignore_errors=True)  # what a stopped run left
                _make(videos, engines, _own_settings(settings, folder), progress)
                replace_file(folder / _DONE, json.dumps({"videos": len(videos)}).encode())
    return CorpusLibrary(settings, names, folder)


def video_hash(name: str) -> str:
    """An id as the product has them, for a video of a corpus."""
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def corpus_document(video: CorpusVideo, settings: Settings, engines: Engines) -> VideoDocument:
    """What the index is to hold of a video of the corpus: sentences, segments and their vectors."""
    cues = tidy(Cue(line.start, line.end, line.text, line.speaker) for line in video.utterances)
    lines = sentences(cues, SIDECAR, settings.ingest.language)
    duration = max([video.duration, *(line.end for line in lines)], default=0.0)
    info = _info(video, duration)
    cut = segments(duration, (), (), lines, settings.ingest)
    engine, ref = engines.sentence(), engines.ref("sentence")
    of_segments = of_lines = None
    if engine is not None:
        size = settings.engines.batch_size * 4
        of_segments, of_lines = text_vectors(engine, cut, lines, size, lambda fraction: None)  # noqa: ARG005
    speech = EngineRef(SIDECAR, "corpus")
    return VideoDocument(
        info=info,
        shots=(),
        segments=cut,
        frames=(),
        lines=lines,
        chapters=(),
        visual_space=None,
        text_space=vector_space(ref, engine.dimension) if ref is not None and engine is not None else None,
        frame_vectors=None,
        segment_visual_vectors=None,
        segment_text_vectors=of_segments,
        line_vectors=of_lines,
        channels={Channel.SPEECH: speech, Channel.VISUAL: None, Channel.SCREEN_TEXT: None, Channel.OBJECTS: None},
    )


def _make(videos: Sequence[CorpusVideo], engines: Engines, settings: Settings, progress: Progress) -> None:
    if engines.sentence() is None:
        _log.warning("no sentence engine runs: the corpus is indexed by its words alone")
    written: list[tuple[str, Counts, dict[str, str | None]]] = []
    with open_catalogue(settings) as catalogue:

        def documents() -> Iterator[tuple[VideoDocument, str]]:
            for number, video in enumerate(videos):
                progress(number, len(videos))
                document = corpus_document(video, settings, engines)
                ingest_id = _registered(catalogue, video, document, settings.data / "videos")
                counts = Counts(len(document.segments), len(document.frames), len(document.lines))
                channels = {channel.value: ref.id if ref else None for channel, ref in document.channels.items()}
                written.append((ingest_id, counts, channels))
                yield document, ingest_id

        IndexWriter(settings).rebuild(documents())
        for ingest_id, counts, channels in written:
            catalogue.publish(ingest_id, counts, channels)
    progress(len(videos), len(videos))


def _registered(catalogue: Catalogue, video: CorpusVideo, document: VideoDocument, folder: Path) -> str:
    """Note a video in the catalogue, with the file of its texts as the place where it lies."""
    path = folder / f"{document.info.video_id}.jsonl"
    text = "".join(f"{json.dumps(asdict(line))}\n" for line in video.utterances)
    replace_file(path, text.encode("ascii"))
    catalogue.record_video(document.info, path)
    return catalogue.begin_ingest(document.info.video_id, "corpus")


def _info(video: CorpusVideo, duration: float) -> VideoInfo:
    return VideoInfo(
        video_id=video_hash(video.video_id),
        title=video.title,
        duration=duration,
        width=0,
        height=0,
        fps=0.0,
        rotation=0,
        has_video=False,
        has_audio=True,
        start_offset=0.0,
        size=0,
        container="corpus",
    )


def _own_settings(settings: Settings, folder: Path) -> Settings:
    """The same settings over a data folder of its own."""
    return settings.model_copy(update={"data": folder, "artefacts": "", "database": ""})


def _key(videos: Sequence[CorpusVideo], settings: Settings, sentence: EngineRef | None) -> str:
    ingest = settings.ingest
    made_by = {
        "version": VERSION,
        "schema": SCHEMA_VERSION,
        "stages": {stage: VERSIONS[stage] for stage in (SPEECH, SEGMENTS, TEXT_VECTORS)},
        "sentence": None if sentence is None else [sentence.id, sentence.fingerprint],
        "segments": [ingest.segment_min, ingest.segment_max, ingest.language],
    }
    digest = hashlib.blake2b(json.dumps(made_by, sort_keys=True).encode(), digest_size=12)
    for video in videos:
        digest.update(json.dumps([video.video_id, video.title, [asdict(line) for line in video.utterances]]).encode())
    return digest.hexdigest()
