"""Which videos are no longer what the engines and settings of today would make of them, why, and what it would cost."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from ingest.outcome import IngestOutcome
from ingest.plan import ENGINE_OF, Plan, make_plan
from ingest.storage import FRAMES, OBJECTS, PROBE, SCREEN_TEXT, SOUNDS, SPEAKERS, SPEECH, STAGES, typed
from library.records import VideoEntry
from reelseek.errors import InvalidRequest, NotFound
from reelseek.records import JsonObject, VideoInfo
from workers.indexing import rows_fingerprint
from workers.workspace import Workspace

_OF_THE_FILE = (PROBE, FRAMES, SPEECH, SPEAKERS, SOUNDS)
"""Stages that read the video's file; all others read what these made."""

_SAMPLE = 20
"""Videos whose recorded times give the rate of a stage."""


@dataclass(frozen=True, slots=True)
class StageStep:
    """What would become of one stage of one video.

    Attributes:
        action: `run`; `reuse`: the live result, or one from before; `off`: it has a result and would lose it;
            `blocked`: it is stale, and stays so: the file that it needs is not there.
        reason: why, for a person.
        seconds: what it would cost, from what was recorded of the same engine; None where nothing was.
    """

    stage: str
    action: Literal["run", "reuse", "off", "blocked"]
    reason: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class VideoChange:
    """What re-indexing would do with one video.

    Attributes:
        offline: its file is not there.
        steps: every stage that has, or would have, a result.
        fingerprint: what its rows would be made from.
        held: stage to the key of the result that stays as it is; empty where there is none and cannot be.
        again: stages that are done although nothing they are made from changed.
        editions: how often each stage was asked to be done again, this time included.
    """

    video: VideoEntry
    offline: bool
    steps: tuple[StageStep, ...]
    fingerprint: str
    held: Mapping[str, str]
    again: frozenset[str]
    editions: Mapping[str, int]

    @property
    def due(self) -> bool:
        """Whether there is anything to do: stages to run, or rows to write again."""
        return self.fingerprint != self.video.ingest_fingerprint

    @property
    def runs(self) -> tuple[StageStep, ...]:
        """The stages that would run."""
        return tuple(step for step in self.steps if step.action == "run")

    @property
    def seconds(self) -> float | None:
        """What it would cost; None where that of a stage is not known."""
        known = [step.seconds for step in self.runs if step.seconds is not None]
        return sum(known) if len(known) == len(self.runs) else None


def stale_videos(
    workspace: Workspace, entries: Iterable[VideoEntry], *, stage: str | None = None, force: bool = False
) -> Iterator[VideoChange]:
    """The videos that are due, of those that are published. No model is loaded and no video opened.

    Args:
        stage: only videos in which this stage is stale.
        force: also do the stage again where it is not stale, and what builds on it; without a stage, all stages.

    Raises:
        InvalidRequest: there is no such stage.
        EngineUnavailable: the settings name an engine that cannot run.
    """
    if stage is not None and stage not in STAGES:
        raise InvalidRequest(f"There is no stage {stage!r}.", hint=f"They are: {', '.join(STAGES)}.")
    again = frozenset(STAGES if stage is None else [stage]) if force else frozenset[str]()
    costs = Costs(workspace)
    for entry in entries:
        if entry.live_ingest is None or entry.partial:
            continue
        change = change_of(workspace, entry, again)
        if not change.due and not change.offline:
            continue
        change = replace(change, steps=tuple(_steps(workspace, change, costs)))
        changed = [step.stage for step in change.steps if step.action != "reuse"]
        if (change.due or changed) and (stage is None or stage in changed):
            yield change


def change_of(workspace: Workspace, entry: VideoEntry, again: Collection[str] = ()) -> VideoChange:
    """What a video would become; without its steps.

    Args:
        again: stages to do although nothing changed. What builds on them follows from that.
    """
    offline = not Path(entry.path).is_file()
    held = _held(workspace, entry) if offline else {}
    editions = _editions(workspace, entry, frozenset(again) - held.keys() - {PROBE})
    plan = _plan(workspace, entry, held, editions)
    wanted = frozenset(stage for stage in editions if editions[stage] > _live_edition(workspace, entry, stage))
    outcome = IngestOutcome(entry.video_id, _info(entry), plan.keys, ())
    fingerprint = rows_fingerprint(outcome.fingerprint, entry.title)
    return VideoChange(entry, offline, (), fingerprint, held, wanted, editions)


def loses_engine(workspace: Workspace, change: VideoChange) -> bool:
    """Whether a video would lose what an engine found because that engine is missing, though nobody turned it off."""
    live = workspace.store.current(change.video.video_id)
    keys = _plan(workspace, change.video, change.held, change.editions).keys
    lost = [kind for stage, kind in ENGINE_OF.items() if stage in live and stage not in keys]
    return any(str(getattr(workspace.settings.engines, kind)).strip().lower() != "off" for kind in lost)


def _info(entry: VideoEntry) -> VideoInfo:
    return replace(typed(VideoInfo, [entry.info])[0], title=entry.title)


def _plan(
    workspace: Workspace, entry: VideoEntry, held: Mapping[str, str], editions: Mapping[str, int] | None = None
) -> Plan:
    info, settings, engines = _info(entry), workspace.settings, workspace.engines
    return make_plan(Path(entry.path), info, settings, engines, held=held, editions=editions)


def _editions(workspace: Workspace, entry: VideoEntry, again: Collection[str]) -> dict[str, int]:
    """How often each stage was asked to be done again, now included. What was asked for and not done counts once."""
    kept = workspace.store.editions(entry.video_id)
    plan = _plan(workspace, entry, {}) if again else None
    for stage in again:
        before = kept.get(stage, 0)
        if plan is not None and stage in plan.keys and before == _live_edition(workspace, entry, stage):
            kept[stage] = before + 1
    return kept


def _live_edition(workspace: Workspace, entry: VideoEntry, stage: str) -> int:
    live = workspace.store.current(entry.video_id).get(stage)
    return int(_about(workspace, entry.video_id, stage, live).get("edition", 0))


def _held(workspace: Workspace, entry: VideoEntry) -> dict[str, str]:
    """Of a video whose file is gone: the results that cannot be made again, and stay."""
    store, video_id = workspace.store, entry.video_id
    live, plan = store.current(video_id), _plan(workspace, entry, {})
    held = {stage: live.get(stage, "") for stage in _OF_THE_FILE if stage in live or stage in plan.keys}
    if plan.source.sidecar is not None:
        held.pop(SPEECH, None)
    frames = live.get(FRAMES)
    if frames and store.has(video_id, FRAMES, frames) and "dropped" in store.about(video_id, FRAMES, frames):
        held |= {stage: live.get(stage, "") for stage in (SCREEN_TEXT, OBJECTS)}
    return held


def _steps(workspace: Workspace, change: VideoChange, costs: Costs) -> Iterator[StageStep]:
    entry, store = change.video, workspace.store
    live, plan = store.current(entry.video_id), _plan(workspace, entry, change.held, change.editions)
    free = _plan(workspace, entry, {}, change.editions) if change.held else plan
    for stage in STAGES:
        key, old = plan.keys.get(stage), live.get(stage)
        if stage in change.held:
            if blocked := _blocked(workspace, entry, stage, free):
                yield StageStep(stage, "blocked", blocked)
            elif old is not None:
                yield StageStep(stage, "reuse")
        elif key is None:
            if old is not None:
                yield StageStep(stage, "off", plan.off.get(stage, ""))
        elif not store.has(entry.video_id, stage, key):
            reason = _reason(workspace, entry, stage, old, plan.inputs[stage])
            yield StageStep(stage, "run", reason, costs.estimate(stage, plan.inputs[stage], entry.duration))
        else:
            yield StageStep(stage, "reuse", "" if key == old else "made before")


def _blocked(workspace: Workspace, entry: VideoEntry, stage: str, free: Plan) -> str:
    """Why a stage that is held is stale all the same; empty where it is not, or where nobody can tell."""
    old = workspace.store.current(entry.video_id).get(stage)
    if stage not in free.keys or free.keys[stage] == old:
        return ""
    if old is not None and stage == SPEECH and _about(workspace, entry.video_id, stage, old).get("engine") is None:
        return ""  # its subtitles went away together with the file: that is no change
    lack = "its file is" if stage in _OF_THE_FILE else "pictures were dropped to save space, and its file is"
    return f"{_reason(workspace, entry, stage, old, free.inputs[stage])}; {lack} not there"


def _reason(workspace: Workspace, entry: VideoEntry, stage: str, old: str | None, inputs: JsonObject) -> str:
    if old is None:
        engine = (inputs.get("engine") or {}).get("id")
        return f"new: {engine}" if engine else "new"
    before = _about(workspace, entry.video_id, stage, old)
    if not before:
        return "its result is lost" if not workspace.store.has(entry.video_id, stage, old) else "made by an old version"
    return difference(before, inputs) or "its result is lost"


def _about(workspace: Workspace, video_id: str, stage: str, key: str | None) -> dict[str, Any]:
    try:
        return workspace.store.about(video_id, stage, key) if key else {}
    except NotFound:
        return {}


def difference(before: Mapping[str, Any], after: JsonObject) -> str:
    """What changed between the inputs of two results (`ingest.plan.stage_inputs`), for a person."""
    parts = []
    if before.get("version", after["version"]) != after["version"]:
        parts.append(f"code version {before['version']} → {after['version']}")
    if before.get("edition", 0) != after.get("edition", 0):
        parts.append("asked for")
    was, now = before.get("engine") or {}, after.get("engine") or {}
    if was.get("id") != now.get("id"):
        parts.append(f"engine {was.get('id', 'none')} → {now.get('id', 'none')}")
    elif was != now:
        parts.append(f"engine {now['id']}: other weights or options")
    old_settings, new_settings = before.get("settings", {}), after["settings"]
    for name in sorted(old_settings.keys() | new_settings.keys()):
        if name == "source":  # speech: the engine's fingerprint again, or the subtitles
            if not parts and _plain(old_settings.get(name)) != _plain(new_settings.get(name)):
                parts.append("other subtitles or sound track")
        elif _plain(old_settings.get(name)) != _plain(new_settings.get(name)):
            parts.append(f"{name} {old_settings.get(name, 'none')} → {new_settings.get(name, 'none')}")
    built_on = before.get("of", {})
    if changed := [name for name, key in after["of"].items() if built_on.get(name, "") != key]:
        parts.append(f"builds on {', '.join(changed)}")
    return "; ".join(parts)


def _plain(value: Any) -> Any:
    """As it comes back from JSON."""
    return list(map(_plain, value)) if isinstance(value, tuple | list) else value


class Costs:
    """Seconds of work per second of video, for a stage and its engine, from what earlier runs recorded."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._rates = cache(self._measured)

    def estimate(self, stage: str, inputs: JsonObject, duration: float) -> float | None:
        """What a stage would take for so many seconds of video; None where its engine was never timed."""
        rate = self._rates(stage).get((inputs.get("engine") or {}).get("id", ""))
        return None if rate is None else rate * duration

    def _measured(self, stage: str) -> dict[str, float]:
        """Engine id to its rate in the newest videos; kept results of an earlier engine count too."""
        spent: dict[str, list[tuple[float, float]]] = {}
        store = self._workspace.store
        for entry in self._workspace.catalogue.videos(limit=_SAMPLE):
            if entry.live_ingest is None or not entry.duration:
                continue
            for key in store.keys(entry.video_id, stage):
                about = _about(self._workspace, entry.video_id, stage, key)
                if "seconds" in about and "covered" not in about:
                    engine = (about.get("engine") or {}).get("id", "")
                    spent.setdefault(engine, []).append((float(about["seconds"]), entry.duration))
        return {
            engine: sum(seconds for seconds, _ in runs) / sum(length for _, length in runs)
            for engine, runs in spent.items()
        }
