"""A file in, artefacts out: every stage in order, none done twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ingest.document import stored_info
from ingest.identity import content_id
from ingest.outcome import IngestOutcome, StageProgress, StageRun
from ingest.plan import ENGINE_OF, EngineSource, make_plan, probe_key
from ingest.probe import probe, title_of
from ingest.stages import DOERS, Work
from ingest.storage import PROBE, RESULT, STAGES, Results, plain
from reelseek.artefacts import ArtefactStore
from reelseek.errors import Cancelled, EngineUnavailable
from reelseek.records import VideoInfo
from reelseek.settings import Settings

_REPORT_EVERY = 0.25
"""Seconds between two reports of one stage."""


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
) -> IngestOutcome:
    """Take a video apart, as far as that is not done yet.

    The result depends on the file, the settings and the engines alone. Each stage's result is kept under the hash of
    all that it depends on; a stage that is there is reused, so a second run decodes nothing and loads no model. A run
    that is stopped leaves whole stages only.

    Args:
        path: the file; subtitles beside it are used.
        title: instead of the container's or the file's name.
        video_id: the hash of the file's content, where the caller has just made it; else it is made here.
        progress: called with (stage, fraction), at most some times a second; may raise to stop.
        cancelled: asked as often; True stops the ingest.

    Raises:
        MediaError: the file is no readable video; the message is the reason.
        EngineUnavailable: an engine that the settings name cannot run.
        StorageError: the artefacts cannot be written.
        Cancelled: `cancelled` said so.
    """
    report = _Reporter(progress, cancelled)
    info, first = _probed(path, settings, store, report, video_id)
    info = replace(info, title=title or title_of(path, info.tags))
    store.sweep(info.video_id)
    runs, failed = {PROBE: first}, dict[str, str]()
    plan = make_plan(path, info, settings, engines)
    for stage in STAGES[1:]:
        try:
            runs[stage] = _run(stage, Work(path, info, settings, engines, plan, store), report)
        except EngineUnavailable as error:
            if stage not in ENGINE_OF or _is_named(settings, stage):
                raise
            # `auto` chose it, nobody asked for it: the video is worth more without it than not at all.
            failed[stage] = error.message
            plan = make_plan(path, info, settings, engines, failed)
            runs[stage] = _run(stage, Work(path, info, settings, engines, plan, store), report)
    store.set_current(info.video_id, plan.keys)
    return IngestOutcome(info.video_id, info, dict(plan.keys), tuple(runs[stage] for stage in STAGES))


def _probed(
    path: Path, settings: Settings, store: ArtefactStore, report: _Reporter, video_id: str | None
) -> tuple[VideoInfo, StageRun]:
    started, key = time.monotonic(), probe_key(settings.ingest)
    report(PROBE, 0.0)
    video_id = video_id or content_id(path, lambda fraction: report(PROBE, fraction * 0.9))
    reused = store.has(video_id, PROBE, key)
    if reused:
        info = stored_info(Results(store, video_id, {PROBE: key}))
    else:
        info = probe(path, settings.ingest, video_id)
        with store.write(video_id, PROBE, key) as writer:
            writer.json(RESULT[PROBE], {"info": plain(info)})
    report(PROBE, 1.0)
    return info, StageRun(PROBE, "reused" if reused else "done", time.monotonic() - started, info.container)


def _run(stage: str, work: Work, report: _Reporter) -> StageRun:
    plan, video_id = work.plan, work.info.video_id
    key, started = plan.keys.get(stage), time.monotonic()
    note = plan.notes.get(stage, "")
    if key is None:
        report(stage, 1.0)
        return StageRun(stage, "off", 0.0, "; ".join(filter(None, (plan.off[stage], note))))
    if work.store.has(video_id, stage, key):
        report(stage, 1.0)
        return StageRun(stage, "reused", time.monotonic() - started, note)
    report(stage, 0.0)
    with work.store.write(video_id, stage, key) as writer:
        detail = DOERS[stage](work, writer, lambda fraction: report(stage, min(fraction, 0.99)))
        writer.remember(**plan.inputs[stage])
    report(stage, 1.0)
    return StageRun(stage, "done", time.monotonic() - started, "; ".join(filter(None, (detail, note))))


def _is_named(settings: Settings, stage: str) -> bool:
    return str(getattr(settings.engines, ENGINE_OF[stage])).strip().lower() != "auto"


class _Reporter:
    """Passes progress on, not too often, and stops the work when asked to."""

    def __init__(self, progress: StageProgress, cancelled: Callable[[], bool]) -> None:
        self._progress, self._cancelled = progress, cancelled
        self._last: tuple[str, float, float] = ("", -1.0, 0.0)

    def __call__(self, stage: str, fraction: float) -> None:
        now = time.monotonic()
        name, told, when = self._last
        if name == stage and 0.0 < fraction < 1.0 and (now - when < _REPORT_EVERY or fraction <= told):
            return
        if self._cancelled():
            raise Cancelled("The ingest was stopped.", hint="What is finished is kept.")
        self._last = (stage, fraction, now)
        self._progress(stage, fraction)
