"""One search: a plan over a source gives ranked runs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from query.encoders import Encoders
from query.fuse import conjoin, exclude, fuse
from query.language import EVENTS, ObjectCount, quoted
from query.open_vocabulary import Finder
from query.plan import Plan, Requirement, StagePlan
from query.retrieve import Retriever
from query.runs import Run, suppress
from query.sequences import join_stages
from query.source import Source
from query.timing import Stopwatch
from reelseek.records import Channel, Image, VectorSpace

POOL = 200
"""Runs of a stage that go on to be joined."""

EXCLUDES = 0.5
"""Confidence from which something that must not be there is taken to be there."""


@dataclass(slots=True)
class Found:
    """Ranked runs, best first, with what the user should know of how they were found."""

    runs: list[Run]
    notes: list[str] = field(default_factory=list)
    clock: Stopwatch = field(default_factory=Stopwatch)
    searched: set[Channel] = field(default_factory=set)

    def timed(self, stage: str) -> AbstractContextManager[None]:
        """Add the time of a block to a stage."""
        return self.clock.timed(stage)


@dataclass(frozen=True, slots=True)
class Searcher:
    """Runs plans over one source.

    Attributes:
        text_space, visual_space: what can be searched by meaning and by picture; None where that is off.
        k: candidates per channel.
        finder: looks for objects that the library's detector does not know; None leaves them.
    """

    source: Source
    encoders: Encoders
    text_space: VectorSpace | None
    visual_space: VectorSpace | None
    k: int
    finder: Finder | None = None

    def search(self, plan: Plan, image: Image | None = None) -> Found:
        """Find what the plan asks for; with an image, places that look like it as well."""
        found = Found([])
        retriever = Retriever(self.source, self.encoders, self.text_space, self.visual_space, self.k, clock=found.clock)
        several = sum(len(stage.requirements) for stage in plan.stages) + (image is not None) > 1
        stages: list[list[Run]] = []
        for stage in plan.stages:
            if stage.requirements:
                stages.append(self._stage(stage, retriever, found, several=several))
        if image is not None:
            with found.timed("retrieve"):
                alike = retriever.pictures(self.encoders.picture(image), "")
                examples = fuse(alike, POOL, "the example picture" if several else "")
            if not stages:
                stages = [examples]
            else:
                stages[0] = conjoin([stages[0], examples], POOL)
        with found.timed("join"):
            if len(stages) > 1:
                found.runs = join_stages(stages, plan.joins, POOL)
            elif stages:
                found.runs = stages[0]
            found.runs = self._within_times(found.runs, plan)
        found.searched = retriever.used
        return found

    def _stage(self, stage: StagePlan, retriever: Retriever, found: Found, *, several: bool) -> list[Run]:
        """The places where everything of a stage holds and nothing excluded does.

        Args:
            several: the query has other parts too, so that explanations must tell which part they are of.
        """
        lists: list[list[Run]] = []
        for requirement in stage.requirements:
            off = self._off(requirement)
            if off:
                found.notes.append(off)
                continue
            with found.timed("retrieve"):
                runs = retriever.runs(requirement)
                runs += self._by_any_words(requirement, found)
            with found.timed("fuse"):
                lists.append(fuse(runs, POOL, requirement.text if several else ""))
        if not lists:
            return []
        with found.timed("fuse"):
            joined = conjoin(lists, POOL)
        if stage.excluded and joined:
            with found.timed("exclude"):
                joined = self._without(joined, stage.excluded)
        return joined

    def _off(self, requirement: Requirement) -> str:
        """Why a requirement cannot be looked for at all, or nothing."""
        things = requirement.objects or requirement.facts
        asks_pictures_only = set(requirement.requests) == {Channel.VISUAL} and not things
        if asks_pictures_only and self.visual_space is None:
            return f"“{requirement.text}” was not looked for: the channel of pictures is off."
        nothing_detected = not self.source.statistics.labels and self.finder is None
        if things and not requirement.requests and nothing_detected:
            return f"“{requirement.text}” was not looked for: no objects were detected in the library."
        return ""

    def _by_any_words(self, requirement: Requirement, found: Found) -> list[Run]:
        """What the library's detector never found, looked for by one that takes any words; else told."""
        runs: list[Run] = []
        for count in self._unknown(requirement):
            note = ""
            if self.finder is not None and not requirement.facts:
                more, note = self.finder.runs(self.source, self.visual_space, count, self.k)
                runs += more
            found.notes.append(note or self._never_found(count.label))
        return runs

    def _unknown(self, requirement: Requirement) -> list[ObjectCount]:
        """What is bindingly asked for under a label that was never detected in this library."""
        if requirement.requests:
            return []
        wanted = [count for count in requirement.objects if count.present]
        for fact in requirement.facts:
            names = [fact.label] if fact.kind in EVENTS else [fact.label, fact.other]
            wanted += [ObjectCount(name) for name in dict.fromkeys(names)]
        return [count for count in wanted if count.label not in self.source.statistics.labels]

    def _never_found(self, label: str) -> str:
        instead = f"; try seen:{quoted(label)}, which asks the pictures" if self.visual_space is not None else ""
        never = f"“{label}” was never detected in this library"
        return f"{never}: it is not there, or the detector does not know it{instead}."

    def _without(self, runs: Sequence[Run], excluded: Sequence[Requirement]) -> list[Run]:
        source = self.source.within({run.video_id for run in runs})
        retriever = Retriever(source, self.encoders, self.text_space, self.visual_space, max(self.k, 1_000))
        unwanted = [
            run for requirement in excluded for run in retriever.runs(requirement) if run.confidence >= EXCLUDES
        ]
        return exclude(runs, unwanted)

    def _within_times(self, runs: Sequence[Run], plan: Plan) -> list[Run]:
        """Cut runs to the times that the query names."""
        after, before = plan.filters.after, plan.filters.before
        if after is None and before is None:
            return list(runs)
        low, high = after or 0.0, before if before is not None else float("inf")
        cut = [replace(run, start=max(run.start, low), end=min(run.end, high)) for run in runs]
        return suppress((run for run in cut if run.end > run.start), POOL)
