"""One request's search: its plan with its examples, the marks of its user, and near matches of unknown words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from library.catalogue import Catalogue
from query.examples.feedback import Marks
from query.examples.retriever import ExampleRetriever, ExampleSet
from query.examples.stretches import locate
from query.found import POOL, Found
from query.language.parsing import parse
from query.language.terms import Example
from query.named import example_stretch
from query.planning.only import only_channels
from query.planning.plan import Plan, make_plan
from query.planning.requirement import TEXT_CHANNELS
from query.ranking.runs import Run, suppress
from query.ranking.waterfall import shared
from query.requests import SearchRequest, Stretch
from query.retrieve import Retriever
from query.search import Searcher
from query.source import Source
from query.texts.spelling import corrected, corrections, searched_words
from query.texts.vocabulary import Vocabulary
from reelseek.errors import EngineUnavailable, InvalidRequest
from reelseek.records import Channel
from reelseek.setting_groups import QuerySettings


@dataclass(frozen=True, slots=True)
class Finding:
    """Searches for one request.

    Attributes:
        request: as it came, checked.
        plan: its query.
        searcher: over what it may see.
    """

    request: SearchRequest
    plan: Plan
    searcher: Searcher
    catalogue: Catalogue
    settings: QuerySettings

    @property
    def empty(self) -> bool:
        """Whether nothing is asked for: no words that find something, and no example."""
        return self.plan.empty and not self._examples().given

    def find(self) -> Found:
        """What is found.

        Raises:
            NotFound: an example is of a video that does not exist.
            InvalidRequest: the query names an image that did not come with it.
            EngineUnavailable: pictures are asked for alone and cannot be searched.
        """
        examples, marks = self._examples(), self._marks()
        notes = self._unsearchable(examples)
        searcher = self.searcher
        if marks.given:
            encoders = marks.refine(searcher.encoders, searcher.source, searcher.text_space, searcher.visual_space)
            searcher = replace(searcher, encoders=encoders)
        found = searcher.search(self.plan, examples, lambda example, source: self._alike(example, source, searcher))
        if marks.given:
            found.runs = marks.settle(found.runs, POOL)
        found.notes += notes
        return found

    def find_near(self, found: Found, vocabulary: Vocabulary | None) -> None:
        """Search once more for what the library has instead of words that it does not have at all.

        What is found so goes into `found`, worth as much as the words are alike; a note tells of it. What is merely
        similar is only suggested.
        """
        query = parse(self.request.query)
        near = corrections(searched_words(query), vocabulary) if vocabulary is not None else ()
        if not near:
            return
        found.suggestions = (corrected(self.request.query, near),)
        near = tuple(item for item in near if item.sure)
        if not near:
            return
        text = corrected(self.request.query, near)
        plan = make_plan(parse(text), self.searcher.source.statistics.labels)
        if not _asks_pictures_alone(plan):
            plan = only_channels(plan, frozenset({*TEXT_CHANNELS, Channel.OBJECTS}))
        again = replace(self, plan=only_channels(plan, self.request.channels)).find()
        worth = min(item.similarity for item in near)
        found.runs = suppress([*found.runs, *(_worth(run, worth) for run in again.runs)], POOL)
        found.searched |= again.searched
        for item in near:
            told = f"“{item.word}” is nowhere in the library; searched for “{item.instead}” as well."
            found.notes.append(told)

    def _examples(self) -> ExampleSet:
        """The examples of the whole request; likes without any words are examples too."""
        request = self.request
        named = {example.name for example in examples_of(self.plan)}
        images = tuple(image for name, image in request.images.items() if name not in named)
        stretches = request.examples
        if self.plan.empty and not images and not stretches:
            stretches = request.like
        return ExampleSet(images, stretches, request.by, loose=not self.plan.empty)

    def _marks(self) -> Marks:
        """What was marked in videos that are still there."""
        request = self.request
        ids = {stretch.video_id for stretch in (*request.like, *request.unlike)}
        there = {entry.video_id for entry in self.catalogue.videos(ids=ids)} if ids else set()

        def present(stretches: Sequence[Stretch]) -> tuple[Stretch, ...]:
            return tuple(stretch for stretch in stretches if stretch.video_id in there)

        return Marks(present(request.like), present(request.unlike), self.settings.like, self.settings.unlike)

    def _unsearchable(self, examples: ExampleSet) -> list[str]:
        for stretch in examples.stretches:
            self.catalogue.video(stretch.video_id)
        if self.searcher.visual_space is not None or not examples.given:
            return []
        if examples.by == "seen" or examples.images:
            raise EngineUnavailable("What is seen cannot be compared here.", hint="See `reelseek models`.")
        return ["What is seen was not compared: the channel of pictures is off."] if examples.by == "all" else []

    def _alike(self, example: Example, source: Source, searcher: Searcher) -> Sequence[Run]:
        """What is like a picture or place that the query names."""
        if example.kind == "image":
            if example.name not in self.request.images:
                raise InvalidRequest(
                    f"The query names the image “{example.name}”, which did not come with it.",
                    hint=f"It came with: {', '.join(self.request.images) or 'none'}.",
                )
            examples = ExampleSet(images=(self.request.images[example.name],))
        else:
            examples = ExampleSet(stretches=(locate(example_stretch(example), self.catalogue),))
        retriever = Retriever(source, searcher.encoders, searcher.text_space, searcher.visual_space, searcher.k)
        return ExampleRetriever(retriever).runs(examples)


def examples_of(plan: Plan) -> Iterator[Example]:
    """The examples that a plan names."""
    for stage in plan.stages:
        for item in (*stage.every_requirement(), *stage.excluded):
            if item.example is not None:
                yield item.example


def _asks_pictures_alone(plan: Plan) -> bool:
    wanted = [item for stage in plan.stages for item in stage.every_requirement()]
    return any(item.example is not None or set(item.requests) == {Channel.VISUAL} for item in wanted)


def _worth(run: Run, share: float) -> Run:
    """A run that counts for less, with its explanation."""
    confidence = share * run.confidence
    parts = {channel: share * value for channel, value in run.parts.items()}
    return replace(run, confidence=confidence, parts=parts, contributions=shared(run.contributions, confidence))
