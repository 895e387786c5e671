"""What a stage is given to work with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from ingest.chunks import Chunk, part_key, part_stage
from ingest.plan import EngineSource, Plan
from ingest.storage import FRAMES, Results, typed, unpacked
from ingest.watching import Watched, shown
from reelseek.artefacts import ArtefactStore
from reelseek.errors import EngineUnavailable
from reelseek.records import EngineRef, Frame, Image, Look, VideoInfo
from reelseek.settings import Settings

Fraction = Callable[[float], None]
"""Called with the fraction of a stage that is done, 0 to 1; may raise to stop."""

PART, PART_ARRAY = "part.json", "part.npy"
"""The file of a part, where it is JSON, and where it is an array."""

_E = TypeVar("_E")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Seen:
    """The pictures of a chunk, as models get them: its keyframes (numbered from 0), looks, what loads them by name."""

    frames: tuple[Frame, ...]
    looks: tuple[Look, ...]
    pictures: Callable[[Sequence[str]], list[Image]]


@dataclass(frozen=True, slots=True)
class Part:
    """The result of one stage for one chunk."""

    store: ArtefactStore
    video_id: str
    stage: str
    key: str

    @property
    def done(self) -> bool:
        """Whether it is there and complete."""
        return self.store.has(self.video_id, self.stage, self.key)

    @property
    def seconds(self) -> float:
        """How long it took to make."""
        return float(self.store.about(self.video_id, self.stage, self.key).get("seconds", 0.0))

    def json(self) -> Any:
        """What it holds, as JSON."""
        return self.store.read_json(self.video_id, self.stage, self.key, PART)

    def record(self, kind: type[_T]) -> _T:
        """What it holds, as one record."""
        return typed(kind, [self.json()])[0]

    def array(self) -> Any:
        """The array it holds."""
        return self.store.read_array(self.video_id, self.stage, self.key, PART_ARRAY)

    def pictures(self, names: Sequence[str]) -> list[Image]:
        """Pictures that are among its files."""
        return [unpacked(self.store.read_bytes(self.video_id, self.stage, self.key, name)) for name in names]

    def delete(self) -> None:
        """Remove it; nothing happens where it is not there."""
        self.store.delete(self.video_id, self.stage, self.key)


@dataclass(frozen=True, slots=True)
class Work:
    """One video, what is to be made of it, and with what. Of the stages in `again` the result that is there is void."""

    path: Path
    info: VideoInfo
    settings: Settings
    engines: EngineSource
    plan: Plan
    store: ArtefactStore
    again: frozenset[str] = frozenset()

    @property
    def results(self) -> Results:
        """What earlier stages made."""
        return Results(self.store, self.info.video_id, self.plan.keys)

    @property
    def single(self) -> bool:
        """Whether the video is one chunk: its stages are then done at once, without parts."""
        return len(self.plan.chunks) == 1 and self.plan.whole

    def keyframes(self) -> tuple[Frame, ...]:
        """Keyframes as decoded, without what models saw on them."""
        return self.results.records(Frame, FRAMES, "frames")

    def looks(self) -> tuple[Look, ...]:
        """What was kept between keyframes."""
        return self.results.records(Look, FRAMES, "looks")

    def ref(self, stage: str) -> EngineRef:
        """The identity of the stage's engine; a stage without one has no key and is never done."""
        ref = self.plan.refs[stage]
        assert ref is not None
        return ref

    def has(self, stage: str) -> bool:
        """Whether a stage's whole result is there."""
        return stage not in self.again and self.store.has(self.info.video_id, stage, self.plan.keys[stage])

    def part(self, stage: str, chunk: Chunk) -> Part:
        """Where a chunk's part of a stage lies, done or not."""
        return Part(self.store, self.info.video_id, part_stage(stage), part_key(self.plan.parts[stage], chunk))

    def seen(self, chunk: Chunk) -> Seen:
        """A chunk's pictures: out of the whole result where that is there, else out of the chunk's part."""
        if self.has(FRAMES):
            within = [item for item in self.keyframes() if _inside(item.time, chunk, self.plan.chunks)]
            between = [item for item in self.looks() if _inside(item.time, chunk, self.plan.chunks)]
            numbered = tuple(replace(item, index=index) for index, item in enumerate(within))
            return Seen(numbered, tuple(between), self.results.pictures)
        part = self.part(FRAMES, chunk)
        result = shown([part.record(Watched)], chunk.end)
        return Seen(typed(Frame, result["frames"]), typed(Look, result["looks"]), part.pictures)


def _inside(time: float, chunk: Chunk, chunks: Sequence[Chunk]) -> bool:
    return chunk.start <= time and (time < chunk.end or chunk.index == chunks[-1].index)


def present(engine: _E | None, stage: str) -> _E:
    """The engine, which was there when the work was planned.

    Raises:
        EngineUnavailable: it is gone.
    """
    if engine is None:
        raise EngineUnavailable(f"The engine for {stage.replace('_', ' ')} went away while it was needed.")
    return engine
