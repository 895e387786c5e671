"""A person's own labelled queries over indexed videos, one JSON object a line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bench.evaluation.corpus import rows
from bench.evaluation.formats.common import broken
from bench.evaluation.judged import ABSENT, Judged, RightPlace
from library.records import VideoEntry
from reelseek.errors import InvalidRequest, NotFound


@dataclass(frozen=True, slots=True)
class Labelled:
    """The queries of a file, and how many it has besides whose videos are not indexed."""

    queries: list[Judged]
    left_out: int


def read_labelled(path: Path, entries: Iterable[VideoEntry]) -> Labelled:
    """Read `query`, `file`, `relevant`, and where given `also_ok` and `kind` (or `modality`).

    `file` is found by its name. `relevant` is `[[start, end], …]` in seconds, or null for all of the video; an empty
    list, or no file, means that nothing answers the query. `also_ok` names other files that are right, as a whole.

    Raises:
        NotFound: there is no such file, or no video that it names is indexed.
        InvalidRequest: a row is broken; the message says which.
    """
    known = {Path(place.path).name: entry for entry in entries if entry.live_ingest for place in entry.locations}
    queries, left_out = [], 0
    for where, row in rows(path):
        with broken(where):
            query, name, relevant = str(row["query"]), row.get("file"), row.get("relevant")
            if not query.strip():
                raise InvalidRequest(f"{where}: its query is empty.")
            kind = str(row.get("kind") or row.get("modality") or "query")
            if not name or relevant == []:
                queries.append(Judged(ABSENT, query, ()))
                continue
            entry = known.get(PurePosixPath(str(name)).name)
            if entry is None:
                left_out += 1
                continue
            spans = [(0.0, entry.duration)] if relevant is None else [(float(a), float(b)) for a, b in relevant]
            places = [RightPlace(entry.video_id, start, end) for start, end in spans]
            others = (known.get(PurePosixPath(str(other)).name) for other in row.get("also_ok") or ())
            places += [RightPlace(other.video_id, 0.0, other.duration) for other in others if other is not None]
            queries.append(Judged(kind, query, tuple(places)))
    if not any(judged.places for judged in queries) and (left_out or not queries):
        raise NotFound(
            f"{path} has no query over a video that is indexed.", hint="Videos are found by their file names."
        )
    return Labelled(queries, left_out)
