"""Running the stages of one video: chunk by chunk where it is long, then each stage as a whole."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from ingest.chunks import Chunk
from ingest.outcome import IngestOutcome, StageProgress, StageRun
from ingest.perceive import PERCEPTIONS
from ingest.plan import ENGINE_OF, EngineSource, Plan, make_plan
from ingest.stages import DOERS
from ingest.storage import FRAMES, OBJECTS, SCREEN_TEXT, STAGES
from ingest.work import Work
from reelseek.artefacts import ArtefactStore
from reelseek.errors import Cancelled, EngineUnavailable
from reelseek.records import VideoInfo
from reelseek.settings import Settings

_T = TypeVar("_T")

Share = Callable[[Sequence[Chunk], Callable[[Chunk], None], Callable[[Chunk], bool]], None]
"""Sees to it that chunks are done: gets those that are not, what does one here, and what tells whether one is done."""

_REPORT_EVERY = 0.25
"""Seconds between two reports of one stage."""


def in_order(parts: Sequence[_T], do: Callable[[_T], None], _done: Callable[[_T], bool]) -> None:
    """Do all chunks, or other parts, in this process, one after another."""
    for part in parts:
        do(part)


class Reporter:
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


class Run:
    """One ingest of one video. Its plan loses the stages whose engine, which nobody asked for, cannot be loaded."""

    def __init__(
        self,
        path: Path,
        info: VideoInfo,
        settings: Settings,
        engines: EngineSource,
        store: ArtefactStore,
        report: Reporter,
        *,
        held: Mapping[str, str] | None = None,
    ) -> None:
        self._path, self._info, self._settings, self._engines = path, info, settings, engines
        self._store, self._report = store, report
        self._failed: dict[str, str] = {}
        self._early: list[Plan] = []
        self._held, self._editions = held or {}, store.editions(info.video_id)
        self._again: set[str] = set()
        self.plan = self._planned()
        if self._lacks_looks():
            self._again.add(FRAMES)

    def stage(self, stage: str) -> StageRun:
        """Do a stage, or take the result that is there."""
        done = self._forgiving(stage, lambda: _run(stage, self._work(), self._report))
        self._again.discard(stage)
        return done

    def chunk(self, chunk: Chunk) -> dict[str, float]:
        """Do what is not done of a chunk; stage to the seconds that it took."""
        spent: dict[str, float] = {}
        for stage in PERCEPTIONS:
            started = time.monotonic()
            if self._forgiving(stage, lambda stage=stage: self._part(stage, chunk)):  # type: ignore[misc]
                spent[stage] = time.monotonic() - started
        return spent

    def chunks(self, share: Share, early: Callable[[IngestOutcome], None] | None) -> Counter[str]:
        """Do all chunks of a long video; a short one is left to its stages.

        Returns:
            Stage to the seconds that it took in this process.
        """
        spent: Counter[str] = Counter()
        if len(self.plan.chunks) == 1:
            return spent
        told = 1

        def do(chunk: Chunk) -> None:
            nonlocal told
            spent.update(self.chunk(chunk))
            ready = self._leading()
            if early is not None and told <= ready < len(self.plan.chunks) and self._has_pictures(ready):
                early(self._first(ready))
                told = 2 * ready

        share([chunk for chunk in self.plan.chunks if not self.done(chunk)], do, self.done)
        for chunk in self.plan.chunks:  # what others were to do and could not
            spent.update(self.chunk(chunk))
        return spent

    def done(self, chunk: Chunk) -> bool:
        """Whether nothing of a chunk is left to do."""
        work = self._work()
        return all(work.has(stage) or work.part(stage, chunk).done for stage in self.plan.parts)

    def leftovers(self) -> tuple[tuple[str, str], ...]:
        """What only led to the result, as (stage, key): parts, and the results of first chunks."""
        if len(self.plan.chunks) == 1:
            return ()
        work = self._work()
        parts = [work.part(stage, chunk) for stage in self.plan.parts for chunk in self.plan.chunks]
        first = [item for plan in self._early for item in plan.keys.items() if item not in self.plan.keys.items()]
        return tuple([(part.stage, part.key) for part in parts] + first)

    def _part(self, stage: str, chunk: Chunk) -> bool:
        work = self._work()
        if stage not in self.plan.parts or work.has(stage):
            return False
        part, count = work.part(stage, chunk), len(self.plan.chunks)
        if part.done:
            return False

        def tell(fraction: float) -> None:
            self._report(stage, min((chunk.index + fraction) / count, 0.99))

        tell(0.0)
        with self._store.write(part.video_id, part.stage, part.key) as writer:
            PERCEPTIONS[stage].part(work, chunk, writer, tell)
        return True

    def _leading(self) -> int:
        """How many chunks from the start are done."""
        return next((chunk.index for chunk in self.plan.chunks if not self.done(chunk)), len(self.plan.chunks))

    def _has_pictures(self, count: int) -> bool:
        """Whether the first chunks show anything; a video of sound alone need not."""
        work = self._work()
        return FRAMES not in self.plan.keys or any(work.seen(chunk).frames for chunk in self.plan.chunks[:count])

    def _first(self, count: int) -> IngestOutcome:
        """What the first chunks give by themselves, as if the video ended there."""
        plan = self._planned(count)
        chapters = tuple(
            replace(chapter, end=min(chapter.end, plan.covered))
            for chapter in self._info.chapters
            if chapter.start < plan.covered
        )
        info = replace(self._info, duration=plan.covered, chapters=chapters)
        work = Work(self._path, info, self._settings, self._engines, plan, self._store)
        runs = [_run(stage, work, self._report) for stage in STAGES if stage in plan.keys]
        self._early.append(plan)
        return IngestOutcome(info.video_id, self._info, dict(plan.keys), tuple(runs), covered=plan.covered)

    def _forgiving(self, stage: str, do: Callable[[], _T]) -> _T:
        """Do it; where `auto` chose an engine that cannot be loaded, without that engine.

        Nobody asked for that engine: the video is worth more without it than not at all.
        """
        try:
            return do()
        except EngineUnavailable as error:
            if stage not in ENGINE_OF or _is_named(self._settings, stage):
                raise
            self._failed[stage] = error.message
            self.plan = self._planned()
            return do()

    def _planned(self, first: int | None = None) -> Plan:
        return make_plan(
            self._path,
            self._info,
            self._settings,
            self._engines,
            self._failed,
            first=first,
            held=self._held,
            editions=self._editions,
        )

    def _lacks_looks(self) -> bool:
        """Whether a stage is to be done that needs pictures which were dropped to save space."""
        work, keys = self._work(), self.plan.keys
        if FRAMES not in keys or all(work.has(stage) for stage in (SCREEN_TEXT, OBJECTS) if stage in keys):
            return False
        return work.has(FRAMES) and "dropped" in self._store.about(self._info.video_id, FRAMES, keys[FRAMES])

    def _work(self) -> Work:
        again = frozenset(self._again)
        return Work(self._path, self._info, self._settings, self._engines, self.plan, self._store, again)


def _run(stage: str, work: Work, report: Reporter) -> StageRun:
    plan, video_id = work.plan, work.info.video_id
    key, started = plan.keys.get(stage), time.monotonic()
    note = plan.notes.get(stage, "")
    if key is None:
        report(stage, 1.0)
        return StageRun(stage, "off", 0.0, "; ".join(filter(None, (plan.off[stage], note))))
    if work.has(stage):
        report(stage, 1.0)
        return StageRun(stage, "reused", time.monotonic() - started, note)
    report(stage, 0.0)
    with work.store.write(video_id, stage, key, replace=stage in work.again) as writer:
        detail = DOERS[stage](work, writer, lambda fraction: report(stage, min(fraction, 0.99)))
        writer.remember(**plan.inputs[stage])
    report(stage, 1.0)
    return StageRun(stage, "done", time.monotonic() - started, "; ".join(filter(None, (detail, note))))


def _is_named(settings: Settings, stage: str) -> bool:
    return str(getattr(settings.engines, ENGINE_OF[stage])).strip().lower() != "auto"
