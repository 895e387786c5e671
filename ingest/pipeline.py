"""A file in, artefacts out: every stage in order, none done twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from ingest.document import stored_info
from ingest.identity import content_id
from ingest.outcome import IngestOutcome, StageProgress, StageRun
from ingest.plan import EngineSource, probe_key
from ingest.probe import probe, title_of
from ingest.running import Reporter, Run, Share, in_order
from ingest.storage import PROBE, RESULT, STAGES, Results, plain
from reelseek.artefacts import ArtefactStore
from reelseek.errors import NotFound
from reelseek.records import VideoInfo
from reelseek.settings import Settings


def no_progress(stage: str, fraction: float) -> None:
    """Ignore progress."""


def ingest_video(
    path: Path,
    *,
    settings: Settings,
    engines: EngineSource,
    store: ArtefactStore,
    title: str | None = None,
    video_id: str | None = None,
    progress: StageProgress = no_progress,
    cancelled: Callable[[], bool] = lambda: False,
    share: Share = in_order,
    early: Callable[[IngestOutcome], None] | None = None,
    held: Mapping[str, str] | None = None,
    make_current: bool = True,
) -> IngestOutcome:
    """Take a video apart, as far as that is not done yet.

    The result depends on the file, the settings and the engines alone. Each stage's result is kept under the hash of
    all that it depends on; a stage that is there is reused, so a second run decodes nothing and loads no model. A run
    that is stopped leaves whole stages, and whole chunks of them, only.

    Args:
        path: the file; subtitles beside it are used.
        title: instead of the container's or the file's name.
        video_id: the hash of the file's content, where the caller has just made it; else it is made here.
        progress: called with (stage, fraction), at most some times a second; may raise to stop.
        cancelled: asked as often; True stops the ingest.
        share: does the chunks of a long video, here or with the help of other processes (`ingest_chunk`).
        early: called with what is made of a long video's first chunk, then of two, four, …, once they are done.
        held: stage to the key of a result that is used as it is; of a video whose file is gone, all that need the file.
        make_current: name the result the video's current one, and drop what led to it; a caller that publishes rows
            does both itself.

    Raises:
        MediaError: the file is no readable video; the message is the reason.
        EngineUnavailable: an engine that the settings name cannot run.
        StorageError: the artefacts cannot be written.
        Cancelled: `cancelled` said so.
    """
    report = Reporter(progress, cancelled)
    report(PROBE, 0.0)
    video_id = video_id or content_id(path, lambda fraction: report(PROBE, fraction * 0.9))
    store.sweep(video_id)
    with store.working(video_id):
        info, first = _probed(path, settings, store, report, video_id, (held or {}).get(PROBE))
        info = replace(info, title=title or title_of(path, info.tags))
        run = Run(path, info, settings, engines, store, report, held=held)
        runs = {PROBE: first}
        spent = run.chunks(share, early)
        for stage in STAGES[1:]:
            done = run.stage(stage)
            runs[stage] = replace(done, seconds=done.seconds + spent.get(stage, 0.0)) if done.state == "done" else done
        stages, keys = tuple(runs[stage] for stage in STAGES), dict(run.plan.keys)
        outcome = IngestOutcome(info.video_id, info, keys, stages, leftovers=run.leftovers())
        if make_current:
            store.set_current(info.video_id, outcome.keys)
            drop_leftovers(store, outcome)
    return outcome


def drop_leftovers(store: ArtefactStore, outcome: IngestOutcome) -> None:
    """Remove what only led to a result that is the video's current one now."""
    for stage, key in outcome.leftovers:
        store.delete(outcome.video_id, stage, key)


def ingest_chunk(
    path: Path,
    index: int,
    *,
    settings: Settings,
    engines: EngineSource,
    store: ArtefactStore,
    video_id: str,
    progress: StageProgress = no_progress,
    cancelled: Callable[[], bool] = lambda: False,
) -> None:
    """Do one chunk of a video that another process takes apart; nothing is done that is done already.

    Args:
        index: the chunk's number.
        video_id: the hash of the file's content.

    Raises:
        NotFound: the video has no such chunk.
        MediaError, EngineUnavailable, StorageError, Cancelled: as in `ingest_video`.
    """
    report = Reporter(progress, cancelled)
    with store.working(video_id):
        info, _ = _probed(path, settings, store, report, video_id)
        run = Run(path, info, settings, engines, store, report)
        if not 0 <= index < len(run.plan.chunks):
            raise NotFound(f"The video has no chunk {index}.")
        run.chunk(run.plan.chunks[index])


def _probed(
    path: Path, settings: Settings, store: ArtefactStore, report: Reporter, video_id: str, held: str | None = None
) -> tuple[VideoInfo, StageRun]:
    started, key = time.monotonic(), held or probe_key(settings.ingest)
    reused = store.has(video_id, PROBE, key)
    if reused:
        info = stored_info(Results(store, video_id, {PROBE: key}))
    else:
        info = probe(path, settings.ingest, video_id)
        with store.write(video_id, PROBE, key) as writer:
            writer.json(RESULT[PROBE], {"info": plain(info)})
    report(PROBE, 1.0)
    return info, StageRun(PROBE, "reused" if reused else "done", time.monotonic() - started, info.container)
