"""Moment retrieval over indexed videos for the queries of somebody else's ground truth, found by file name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from bench.evaluation.formats.common import Format, Prediction, TrueMoment, Window
from library.records import VideoEntry
from query.service import QueryService, SearchRequest
from reelseek.errors import NotFound
from reelseek.results import Moment


def ids_by_name(entries: Iterable[VideoEntry]) -> dict[str, str]:
    """The product's id of each indexed video, by the names of its files with their ending and without."""
    ids: dict[str, str] = {}
    for entry in entries:
        if entry.live_ingest:
            for place in entry.locations:
                name = Path(place.path).name
                ids.setdefault(name, entry.video_id)
                ids.setdefault(Path(name).stem, entry.video_id)
    return ids


def id_of(video: str, ids: Mapping[str, str]) -> str | None:
    """The id of a video as a benchmark names it: by path, file name, or name without ending."""
    name = PurePosixPath(video).name
    return ids.get(name) or ids.get(PurePosixPath(name).stem)


def matched(truth: Sequence[TrueMoment], entries: Iterable[VideoEntry]) -> dict[str, str]:
    """The product's id of each video of a ground truth, by its file name with or without its ending.

    Raises:
        NotFound: no video of the ground truth is there.
    """
    ids = ids_by_name(entries)
    found = {}
    for video in {query.video for query in truth}:
        if video_id := id_of(video, ids):
            found[video] = video_id
    if truth and not found:
        raise NotFound(
            f"None of the videos is indexed, for example {truth[0].video!r}.",
            hint="Index them (--videos DIR); they are found by their file names.",
        )
    return found


def predict(
    service: QueryService,
    truth: Sequence[TrueMoment],
    format_: Format,
    progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005
) -> dict[str, Prediction]:
    """Search for every query in its own video, in the whole library, or both, as the format's tasks have it.

    A query whose video is not indexed finds nothing there.

    Raises:
        NotFound: no video of the ground truth is indexed.
    """
    ids = matched(truth, service.catalogue.videos())
    names = {video_id: name for name, video_id in ids.items()}
    predictions = {}
    for number, query in enumerate(truth):
        progress(number, len(truth))
        video_id = ids.get(query.video)
        within: tuple[Window, ...] = ()
        anywhere: tuple[Window, ...] = ()
        saliency: tuple[float, ...] = ()
        if query.query.strip():
            if "video" in format_.places and video_id is not None:
                within = _found(service, query.query, format_.depth, names, (video_id,))
                saliency = _curve(service, query, video_id) if format_.saliency else ()
            if "library" in format_.places:
                anywhere = _found(service, query.query, format_.depth, names, ())
        predictions[query.query_id] = Prediction(query.query_id, within, anywhere, saliency)
    progress(len(truth), len(truth))
    return predictions


def _found(
    service: QueryService, query: str, depth: int, names: Mapping[str, str], videos: tuple[str, ...]
) -> tuple[Window, ...]:
    result = service.search(SearchRequest(query, k=depth, video_ids=videos, min_confidence=0.0))
    return tuple(_window(moment, names) for moment in result.moments)


def _window(moment: Moment, names: Mapping[str, str]) -> Window:
    name = names.get(moment.video_id) or Path(moment.path).stem
    return Window(name, moment.start, moment.end, moment.confidence)


def _curve(service: QueryService, query: TrueMoment, video_id: str) -> tuple[float, ...]:
    """The score of each clip of 2 s."""
    return tuple(round(value, 4) for value in service.saliency(video_id, query.query))
