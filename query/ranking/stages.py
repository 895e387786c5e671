"""The places of one stage of a plan: where all of it holds, and nothing of what must not be there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from query.encoders import Encoders
from query.found import POOL, Found
from query.language.terms import EVENTS, Example, ObjectCount, quoted
from query.pictures.open_vocabulary import Finder
from query.planning.plan import Requirement, StagePlan
from query.ranking.fuse import conjoin, exclude, fuse
from query.ranking.runs import Run, suppress
from query.ranking.sequences import cut_to, near, not_near
from query.retrieve import Retriever
from query.source import Source
from query.texts.speakers import ranges_of, turns
from reelseek.records import Channel, VectorSpace
from reelseek.results import StageMatch

EXCLUDES = 0.5
"""Confidence from which something that must not be there is taken to be there."""

_EVERYTHING = 1_000
"""Candidates per channel where few videos are searched wholly."""

_SHOWN = 4
"""Pieces of evidence that a part of a sequence shows."""

_SEEN = (Channel.VISUAL, Channel.OBJECTS)

LookAlike = Callable[[Example, Source], Sequence[Run]]
"""Finds what is like an example."""


@dataclass(frozen=True, slots=True)
class StageSearch:
    """Finds the places of stages, for one search.

    Attributes:
        text_space, visual_space: what can be searched by meaning and by picture; None where that is off.
        k: candidates per channel.
        finder: looks for objects that the library's detector does not know; None leaves them.
        like: finds what is like an example; None where nothing is known of examples.
        found: takes notes, times and the channels that were searched.
        several: the query has several parts, so that explanations must tell which part they are of.
    """

    source: Source
    encoders: Encoders
    text_space: VectorSpace | None
    visual_space: VectorSpace | None
    k: int
    finder: Finder | None
    like: LookAlike | None
    found: Found
    several: bool

    def within(self, video_ids: set[str]) -> StageSearch:
        """The same in a few videos only, which are looked through wholly."""
        return replace(self, source=self.source.within(video_ids), k=max(self.k, _EVERYTHING))

    def runs(self, stage: StagePlan) -> list[Run]:
        """The places of a stage, best first."""
        spoken = self._spoken_ranges(stage)
        here = self if spoken is None else self.within(set(spoken))
        joined = here._all_of(stage)
        if spoken is not None:
            joined = suppress(cut_to(joined, spoken), POOL)
        if joined:
            with self.found.timed("exclude"):
                joined = self._without(joined, stage)
        for other in stage.near:
            joined = self._near(joined, stage, other.stage, other.window, negated=other.negated)
        return joined

    def labelled(self, stage: StagePlan, runs: Sequence[Run]) -> list[Run]:
        """Runs of a stage that tell which part of the query they are."""
        return [run if run.stages else _labelled(run, stage.text) for run in runs]

    def _all_of(self, stage: StagePlan) -> list[Run]:
        """Where everything that a stage asks for holds."""
        lists = [runs for requirement in stage.requirements if (runs := self._wanted(requirement)) is not None]
        for options in stage.either:
            lists.append(suppress((run for option in options for run in self.runs(option)), POOL))
        if not lists and not stage.requirements:
            for speaker in stage.speakers:
                if not speaker.negated:
                    lists.append(turns(self.source, speaker)[0])
        if not lists:
            return []
        with self.found.timed("fuse"):
            return conjoin(lists, POOL)

    def _wanted(self, requirement: Requirement) -> list[Run] | None:
        """The fused runs of a requirement; None where it cannot be looked for at all, which is told."""
        if off := self._off(requirement):
            self.found.notes.append(off)
            return None
        with self.found.timed("retrieve"):
            runs = self.retrieved(requirement)
            runs += self._by_any_words(requirement)
        with self.found.timed("fuse"):
            return fuse(runs, POOL, requirement.text if self.several else "")

    def retrieved(self, requirement: Requirement) -> list[Run]:
        """What shows a requirement, by channel, not yet fused."""
        if requirement.example is not None:
            return list(self.like(requirement.example, self.source)) if self.like is not None else []
        retriever = Retriever(
            self.source,
            self.encoders,
            self.text_space,
            self.visual_space,
            self.k,
            self.found.searched,
            clock=self.found.clock,
        )
        runs = retriever.runs(requirement)
        if not requirement.lacking:
            return runs
        # what is said or written may well be said where the thing is seen; what is seen may not
        seen = [run for run in runs if run.channel in _SEEN]
        inside = replace(retriever, source=self.source.within({run.video_id for run in seen}))
        there = [run for count in requirement.lacking for run in inside.objects(Requirement("", objects=(count,)))]
        return [*(run for run in runs if run.channel not in _SEEN), *exclude(seen, there)]

    def _spoken_ranges(self, stage: StagePlan) -> dict[str, list[tuple[float, float]]] | None:
        """When all who must speak do; None where nobody must."""
        ranges: dict[str, list[tuple[float, float]]] | None = None
        for speaker in stage.speakers:
            if speaker.negated:
                continue
            with self.found.timed("retrieve"):
                spoken, note = turns(self.source, speaker)
            self.found.searched.add(Channel.SPEECH)
            self.found.notes += [note] if note else []
            if ranges is not None:
                spoken = cut_to(spoken, ranges)
            ranges = ranges_of(spoken)
        return ranges

    def _without(self, runs: Sequence[Run], stage: StagePlan) -> list[Run]:
        """Take away what must not be there."""
        if not stage.excluded and not any(speaker.negated for speaker in stage.speakers):
            return list(runs)
        inside = self.within({run.video_id for run in runs})
        unwanted = [
            run for requirement in stage.excluded for run in inside.retrieved(requirement) if run.confidence >= EXCLUDES
        ]
        for speaker in stage.speakers:
            unwanted += turns(inside.source, speaker)[0] if speaker.negated else []
        return exclude(runs, unwanted)

    def _near(
        self, runs: Sequence[Run], stage: StagePlan, other: StagePlan, window: float, *, negated: bool
    ) -> list[Run]:
        """Those of a stage's runs near which the other stage holds, or does not."""
        if not runs:
            return []
        inside = self.within({run.video_id for run in runs})
        if negated:
            return not_near(runs, [run for run in inside.runs(other) if run.confidence >= EXCLUDES], window)
        return near(self.labelled(stage, runs), inside.labelled(other, inside.runs(other)), window, POOL)

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

    def _by_any_words(self, requirement: Requirement) -> list[Run]:
        """What the library's detector never found, looked for by one that takes any words; else told."""
        runs: list[Run] = []
        for count in self._unknown(requirement):
            note = ""
            if self.finder is not None and not requirement.facts:
                more, note = self.finder.runs(self.source, self.visual_space, count, self.k)
                runs += more
            self.found.notes.append(note or self._never_found(count.label))
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


def _labelled(run: Run, text: str) -> Run:
    match = StageMatch(text, run.start, run.end, run.confidence, run.evidence[:_SHOWN])
    return replace(run, stages=(match,))
