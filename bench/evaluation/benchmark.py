"""One benchmark, end to end: its corpus indexed (once), its queries asked, the answers scored."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from bench.evaluation.corpus import BenchQuery, read_corpus, read_queries, searched_videos
from bench.evaluation.corpus_library import CorpusLibrary, corpus_library, video_hash
from bench.evaluation.runs import Ask, RunRow, ask_all, depth, evenly, summary
from query.service import SearchRequest
from reelseek.errors import NotFound
from reelseek.records import Channel, JsonObject
from reelseek.settings import Settings

Told = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and of how much."""


def nobody(doing: str, done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is measured.

    Attributes:
        folder: holds `corpus.jsonl` and `queries.jsonl`.
        split, query_type: of the queries; empty takes all.
        within_video: the video of a query is known: it is searched in that one alone.
        k: moments asked for; never fewer than the metrics look at.
        limit: only so many queries, evenly spread over them; 0 takes all.
        channels: only these are searched; None searches all.
    """

    folder: Path
    split: str = ""
    query_type: str = ""
    within_video: bool = False
    k: int = 10
    limit: int = 0
    channels: frozenset[Channel] | None = None

    def asking(self, names: Collection[str]) -> Ask:
        """How queries are asked in a library of these videos: with nothing cut off.

        One without words, or in a video that the corpus has no text of, cannot be asked.
        """

        def ask(query: BenchQuery) -> SearchRequest | None:
            video = video_hash(query.video_id)
            if not query.query or (self.within_video and video not in names):
                return None
            videos = (video,) if self.within_video else ()
            return SearchRequest(
                query.query, k=depth(self.k), video_ids=videos, min_confidence=0.0, channels=self.channels
            )

        return ask


@dataclass(frozen=True, slots=True)
class Prepared:
    """A benchmark that is ready to be asked: its indexed corpus and its queries."""

    library: CorpusLibrary
    queries: list[BenchQuery]
    videos: int


def prepare(task: Task, settings: Settings, cache: Path, told: Told = nobody) -> Prepared:
    """Read a benchmark and index its corpus, as far as that is not done yet.

    Args:
        cache: the folder in which indexed corpora are kept.

    Raises:
        NotFound: a file or the split is not there.
        InvalidRequest: a row is broken; the message says which.
    """
    queries = evenly(read_queries(task.folder, task.split, task.query_type), task.limit)
    videos = searched_videos(read_corpus(task.folder), task.split, queries)
    if not videos:
        raise NotFound(f"{task.folder} has no videos to search in.")
    library = corpus_library(videos, settings, cache, lambda done, total: told("indexing", done, total))
    return Prepared(library, queries, len(videos))


def run_benchmark(task: Task, settings: Settings, cache: Path, told: Told = nobody) -> tuple[JsonObject, list[RunRow]]:
    """Search for every query with the product's own search, and score what it found.

    Returns:
        The figures, and the results of every query.

    Raises:
        NotFound, InvalidRequest: as in `prepare`.
    """
    ready = prepare(task, settings, cache, told)
    with ready.library.open(settings) as service:
        service.warm()
        names = ready.library.names
        run = ask_all(service, ready.queries, names, task.asking(names), lambda a, b: told("searching", a, b))
    figures: JsonObject = {
        "bench": task.folder.resolve().name,
        "split": task.split,
        "type": task.query_type,
        "within_video": task.within_video,
        "videos": ready.videos,
        **summary(ready.queries, run),
    }
    return figures, run
