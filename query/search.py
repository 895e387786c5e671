"""One search: a plan over a source gives ranked runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from query.encoders import Encoders
from query.examples.retriever import NONE, ExampleRetriever, ExampleSet
from query.found import POOL, Found
from query.pictures.open_vocabulary import Finder
from query.planning.plan import Plan
from query.planning.requirement import TEXT_CHANNELS, Requirement
from query.ranking.fuse import conjoin, fuse
from query.ranking.runs import Run, suppress
from query.ranking.sequences import cut_to, join_stages
from query.ranking.stages import LookAlike, StageSearch
from query.retrieve import Retriever
from query.source import Source
from reelseek.records import VectorSpace

__all__ = ["POOL", "Found", "Searcher"]

LIKELY = 0.3
"""Confidence from which a place is worth looking for the other stages of a sequence in its video."""

STAGE_VIDEOS = 40
"""Videos that are looked through wholly for the other stages of a sequence."""


@dataclass(frozen=True, slots=True)
class Searcher:
    """Runs plans over one source.

    Attributes:
        text_space, visual_space: what can be searched by meaning and by picture; None where that is off.
        k: candidates per channel.
        finder: looks for objects that the library's detector does not know; None leaves them.
        ranges: times by video that moments must lie in (chapters); None is everywhere.
    """

    source: Source
    encoders: Encoders
    text_space: VectorSpace | None
    visual_space: VectorSpace | None
    k: int
    finder: Finder | None = None
    ranges: Mapping[str, Sequence[tuple[float, float]]] | None = None

    def search(self, plan: Plan, examples: ExampleSet = NONE, like: LookAlike | None = None) -> Found:
        """Find what the plan asks for; with examples, places that are like them as well.

        Args:
            like: finds what is like the examples that the plan names.
        """
        found = Found([])
        several = sum(_parts(plan)) + examples.given > 1
        search = StageSearch(
            self.source,
            self.encoders,
            self.text_space,
            self.visual_space,
            self.k,
            self.finder,
            like,
            found,
            several,
        )
        stages = self._stages(plan, search)
        if examples.given:
            retriever = Retriever(
                self.source, self.encoders, self.text_space, self.visual_space, self.k, found.searched, found.clock
            )
            with found.timed("retrieve"):
                alike = ExampleRetriever(retriever).runs(examples, "the example" if several else "")
            stages = [conjoin([stages[0], alike], POOL), *stages[1:]] if stages else [alike]
        with found.timed("join"):
            if len(stages) > 1:
                found.runs = join_stages(stages, plan.joins, POOL)
            elif stages:
                found.runs = stages[0]
        if plan.spoken:
            found.runs = suppress((*found.runs, *self._as_it_stands(plan.spoken, search)), POOL)
        found.runs = self._within_times(found.runs, plan)
        return found

    def retriever(self) -> Retriever:
        """Finds single requirements, each by itself."""
        return Retriever(self.source, self.encoders, self.text_space, self.visual_space, self.k)

    def _stages(self, plan: Plan, search: StageSearch) -> list[list[Run]]:
        """The runs of each stage; of a sequence, each telling which part it is."""
        if len(plan.stages) == 1:
            return [] if plan.stages[0].empty else [search.runs(plan.stages[0])]
        lists = [search.runs(stage) for stage in plan.stages]
        videos = _worth_looking_through(lists)
        if videos:
            for at, stage in enumerate(plan.stages):
                have = {run.video_id for run in lists[at]}
                # a stage that occurs everywhere has its best places elsewhere: here all of them count
                if len(lists[at]) >= POOL or videos - have:
                    more = search.within(videos).runs(stage)
                    lists[at] = [*(run for run in lists[at] if run.video_id not in videos), *more]
        return [search.labelled(stage, runs) for stage, runs in zip(plan.stages, lists, strict=True)]

    def _as_it_stands(self, words: str, search: StageSearch) -> list[Run]:
        """Where exactly these words are said or written: "then" may be no more than a word of theirs."""
        requirement = Requirement(words, dict.fromkeys(TEXT_CHANNELS, words), phrase=True)
        with search.found.timed("retrieve"):
            return fuse(search.retrieved(requirement), POOL)

    def _within_times(self, runs: Sequence[Run], plan: Plan) -> list[Run]:
        """Cut runs to the times and chapters that the query names."""
        if self.ranges is not None:
            runs = suppress(cut_to(runs, self.ranges), POOL)
        after, before = plan.filters.after, plan.filters.before
        if after is None and before is None:
            return list(runs)
        low, high = after or 0.0, before if before is not None else float("inf")
        cut = [replace(run, start=max(run.start, low), end=min(run.end, high)) for run in runs]
        return suppress((run for run in cut if run.end > run.start), POOL)


def _parts(plan: Plan) -> list[int]:
    return [sum(1 for _ in stage.every_requirement()) for stage in plan.stages]


def _worth_looking_through(stages: Sequence[Sequence[Run]]) -> set[str]:
    """The videos of the rarest stage, the likeliest first: a sequence can only be in one of them."""
    best: list[dict[str, float]] = []
    for runs in stages:
        videos: dict[str, float] = {}
        for run in runs:
            if run.confidence >= LIKELY:
                videos[run.video_id] = max(videos.get(run.video_id, 0.0), run.confidence)
        best.append(videos)
    rarest = min(best, key=len)
    return set(sorted(rarest, key=lambda video_id: -rarest[video_id])[:STAGE_VIDEOS])
