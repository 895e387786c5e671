"""Captions of videos that can be found already: which lack them, and making them. No search ever waits for it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engines.protocols import SentenceEngine, VlmEngine
from ingest.captioned import Captioning, CaptionShare, caption_keys, embed_captions, make_captions
from ingest.document import stored_info
from ingest.outcome import IngestOutcome
from ingest.running import in_order
from ingest.storage import CAPTION_VECTORS, CAPTIONS, TEXT_VECTORS, Results, engine_of
from library.ledger import Ledger
from library.records import Job
from reelseek.errors import EngineUnavailable, JobLost
from reelseek.records import EngineRef, JsonObject
from workers.enqueue import queue_captions
from workers.indexing import publish
from workers.workspace import Workspace

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Captions that a video has not.

    Attributes:
        live: stage to key of the results that are in the index.
        keys: the same with those of the captions.
        ref: the model that is to write them.
    """

    live: dict[str, str]
    keys: dict[str, str]
    ref: EngineRef


def wanted_captions(workspace: Workspace, video_id: str) -> Wanted | None:
    """What captions a video lacks; None where it has them, is not in the index, or no model is there to write them."""
    entry = workspace.catalogue.find_video(video_id)
    if workspace.settings.ingest.captions == "off" or entry is None or entry.live_ingest is None or entry.partial:
        return None
    try:
        ref = workspace.engines.ref("vlm")
    except EngineUnavailable as error:
        _log.info("No captions: %s", error)
        return None
    live = workspace.store.current(video_id)
    keys = caption_keys(live, ref) if ref is not None else {}
    if ref is None or not keys:
        return None
    if CAPTION_VECTORS in keys and not _same_space(workspace, video_id, live):
        del keys[CAPTION_VECTORS]
    if all(live.get(stage) == key for stage, key in keys.items()):
        return None
    return Wanted(live, live | keys, ref)


def caption_video(
    workspace: Workspace,
    video_id: str,
    progress: Callable[[str, float], None],
    share: Callable[[str], CaptionShare] = lambda _: in_order,
) -> str:
    """Caption a video that is in the index, and make its captions searchable.

    Args:
        progress: called with (stage, fraction); may raise to stop. What is done by then is kept.
        share: for the key of the captions, who does their parts.

    Returns:
        What came of it, in a few words; empty where nothing was wanted.

    Raises:
        EngineUnavailable: the model fails. What is done is kept, the video stays as it is.
        JobLost: the video was indexed anew meanwhile.
    """
    wanted = wanted_captions(workspace, video_id)
    if wanted is None:
        return ""
    store = workspace.store
    with store.working(video_id):
        told = make_captions(_captioning(workspace, video_id, wanted, progress), share(wanted.keys[CAPTIONS]))
        embed_captions(store, video_id, wanted.keys, lambda: _sentence(workspace))
        entry = workspace.catalogue.find_video(video_id)
        if entry is None or store.current(video_id) != wanted.live:
            raise JobLost("The video was indexed anew while its captions were made.")
        info = stored_info(Results(store, video_id, wanted.keys))
        publish(workspace, IngestOutcome(video_id, info, wanted.keys, ()), entry.title)
    progress(CAPTIONS, 1.0)
    return told


def caption_part(workspace: Workspace, job: Job, report: Callable[[str, float], None]) -> JsonObject:
    """Write the captions of one part of a video; those that are there are not written again.

    Raises:
        EngineUnavailable: the model fails. What is done is kept.
    """
    video_id = str(job.payload["video_id"])
    wanted = wanted_captions(workspace, video_id)
    if wanted is None or wanted.keys[CAPTIONS] != job.payload["captions"]:
        return {"video_id": video_id, "state": "gone"}
    with workspace.store.working(video_id):
        captioning = _captioning(workspace, video_id, wanted, report)
        captioning.do(captioning.parts()[int(job.payload["part"])])
    return {"video_id": video_id, "state": "done"}


def queue_wanted_captions(workspace: Workspace, video_id: str) -> bool:
    """Queue a job that captions a video, behind all others, where it lacks captions; whether it does."""
    if not video_id or wanted_captions(workspace, video_id) is None:
        return False
    queue_captions(Ledger(workspace.catalogue, workspace.settings.workers), video_id)
    return True


def caption_videos(
    workspace: Workspace, video_ids: Iterable[str], progress: Callable[[str, float], None]
) -> tuple[int, str]:
    """Caption the videos that lack captions, one after another, until the model fails.

    Returns:
        How many videos were captioned, and why no more were, or an empty string.
    """
    count = 0
    for video_id in dict.fromkeys(filter(None, video_ids)):
        try:
            count += bool(caption_video(workspace, video_id, progress))
        except EngineUnavailable as error:
            return count, str(error)
        except JobLost as error:
            _log.info("%s: %s", video_id, error)
    return count, ""


def _captioning(
    workspace: Workspace, video_id: str, wanted: Wanted, progress: Callable[[str, float], None]
) -> Captioning:
    results = Results(workspace.store, video_id, wanted.keys)
    return Captioning(results, wanted.ref, lambda: _vlm(workspace), lambda done: progress(CAPTIONS, done))


def _same_space(workspace: Workspace, video_id: str, live: dict[str, str]) -> bool:
    """Whether the sentence engine of these settings is the one of the video's texts."""
    stated = engine_of(Results(workspace.store, video_id, live).json(TEXT_VECTORS))
    try:
        ref = workspace.engines.ref("sentence")
    except EngineUnavailable:
        return False
    return stated is not None and ref is not None and (stated.id, stated.fingerprint) == (ref.id, ref.fingerprint)


def _vlm(workspace: Workspace) -> VlmEngine:
    engine = workspace.engines.vlm()
    if engine is None:
        raise EngineUnavailable("The model that writes captions went away.")
    return engine


def _sentence(workspace: Workspace) -> SentenceEngine:
    engine = workspace.engines.sentence()
    if engine is None:
        raise EngineUnavailable("The sentence engine went away while captions were made.")
    return engine
