"""A benchmark folder: `corpus.jsonl`, the timed texts of videos, and `queries.jsonl`, questions with their answers."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reelseek.errors import InvalidRequest, NotFound

CORPUS, QUERIES = "corpus.jsonl", "queries.jsonl"
TRAIN = "train"


@dataclass(frozen=True, slots=True)
class Utterance:
    """A line of the corpus: who says what, from when to when (s)."""

    start: float
    end: float
    text: str
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class CorpusVideo:
    """A video of the corpus. Its utterances are in order of time; no two are the same.

    Attributes:
        video_id: as the corpus has it, whatever it is.
        splits: every split that its lines name; none where they name none.
    """

    video_id: str
    title: str
    utterances: tuple[Utterance, ...]
    splits: frozenset[str] = frozenset()

    @property
    def duration(self) -> float:
        """Until when somebody speaks (s)."""
        return max((line.end for line in self.utterances), default=0.0)


@dataclass(frozen=True, slots=True)
class BenchQuery:
    """A query and the ranges (s) of one video that answer it; without any, nothing in the corpus does."""

    query_id: str
    query: str
    video_id: str
    relevant: tuple[tuple[float, float], ...]
    split: str = ""
    query_type: str = ""


def read_corpus(folder: Path) -> list[CorpusVideo]:
    """The videos of a benchmark, in the order in which the corpus first names them.

    Rows may be in any order, repeated, or empty; speaker, title and split may be missing.

    Raises:
        NotFound: there is no corpus.
        InvalidRequest: a row is broken; the message says which.
    """
    lines: dict[str, dict[Utterance, None]] = defaultdict(dict)
    splits: dict[str, set[str]] = defaultdict(set)
    titles: dict[str, str] = {}
    for where, row in rows(folder / CORPUS):
        video_id = _name(where, row, "video_id")
        start, end = _range(where, row.get("start"), row.get("end"))
        splits[video_id].update(filter(None, [_text(where, row, "split")]))
        if title := _text(where, row, "video_title"):
            titles.setdefault(video_id, title)
        found = lines[video_id]
        if text := _text(where, row, "text"):
            found[Utterance(start, end, text, _text(where, row, "speaker"))] = None
    return [
        CorpusVideo(
            video_id,
            titles.get(video_id, video_id),
            tuple(sorted(said, key=lambda line: (line.start, line.end))),
            frozenset(splits[video_id]),
        )
        for video_id, said in lines.items()
    ]


def read_queries(folder: Path, split: str = "", query_type: str = "") -> list[BenchQuery]:
    """The queries of a benchmark, of one split and one type where those are named.

    Raises:
        NotFound: there are no queries, or none of the split or type; the message names those that there are.
        InvalidRequest: a row is broken; the message says which.
    """
    queries = [
        BenchQuery(
            _name(where, row, "query_id"),
            _text(where, row, "query"),
            _name(where, row, "video_id", empty=not row.get("relevant")),
            _relevant(where, row.get("relevant")),
            _text(where, row, "split"),
            _text(where, row, "query_type"),
        )
        for where, row in rows(folder / QUERIES)
    ]
    for what, wanted in (("split", split), ("query_type", query_type)):
        known = sorted({getattr(query, what) for query in queries} - {""})
        if wanted and wanted not in known:
            there = ", ".join(known) or "none is named"
            raise NotFound(f"{folder / QUERIES} has no query of the {what.replace('_', ' ')} {wanted!r}: {there}.")
        queries = [query for query in queries if not wanted or getattr(query, what) == wanted]
    return queries


def searched_videos(
    videos: Sequence[CorpusVideo], split: str = "", queries: Sequence[BenchQuery] = ()
) -> list[CorpusVideo]:
    """The videos that queries of a split are searched in.

    Where the corpus parts its videos by split, a held-out split is searched among all held-out videos and "train" among
    the training videos; a corpus that does not is searched whole. Videos that the queries ask for always count.
    """
    named = [video for video in videos if video.splits]
    parted = all(len(video.splits) == 1 for video in named) and len({s for v in named for s in v.splits}) > 1
    if not split or not parted or not any(split in video.splits for video in named):
        return list(videos)
    asked = {query.video_id for query in queries}
    training = split == TRAIN
    return [video for video in videos if (TRAIN in video.splits) == training or video.video_id in asked]


def rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a JSON-lines file, each with its place, `file.jsonl, line 3`; empty lines are passed over.

    Raises:
        NotFound: there is no such file.
        InvalidRequest: a line is no JSON object.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="strict") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                where = f"{path.name}, line {number}"
                try:
                    row = json.loads(line)
                except ValueError as error:
                    raise InvalidRequest(f"{where}: it is no JSON ({error}).") from error
                if not isinstance(row, dict):
                    raise InvalidRequest(f"{where}: it is no JSON object.")
                yield where, row
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{path} is not UTF-8: {error}.") from error


def _name(where: str, row: dict[str, Any], key: str, *, empty: bool = False) -> str:
    value = row.get(key)
    if isinstance(value, (str, int)) and not isinstance(value, bool) and str(value) != "":
        return str(value)
    if empty and value in (None, ""):
        return ""
    raise InvalidRequest(f"{where}: it has no {key}.")


def _text(where: str, row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    if value is None:
        return ""
    if isinstance(value, (str, int, float)):
        return " ".join(str(value).split())
    raise InvalidRequest(f"{where}: its {key} is no text but {json.dumps(value)[:60]}.")


def _range(where: str, start: Any, end: Any) -> tuple[float, float]:
    try:
        first, last = float(start), float(end)
    except (TypeError, ValueError) as error:
        raise InvalidRequest(f"{where}: start and end must be seconds, not {start!r} and {end!r}.") from error
    if not (math.isfinite(first) and math.isfinite(last)) or last < first:
        raise InvalidRequest(f"{where}: it goes from {start!r} to {end!r}.")
    return max(0.0, first), max(0.0, last)


def _relevant(where: str, value: Any) -> tuple[tuple[float, float], ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, list) and len(item) == 2 for item in value):
        raise InvalidRequest(f"{where}: relevant must be a list of [start, end].")
    return tuple(_range(where, start, end) for start, end in value)
