"""What is asked of a world: queries with all places that answer them, and queries that nothing in it answers."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.truth import Place, TrueQuery
from bench.world.clips import Sentence, Shot
from bench.world.vocabulary import ACTIONS, BULLETS, KEPT_BACK, PEOPLE, PLACES, TITLE_HEADS, TITLE_TAILS
from bench.world.wording import asked, described_at_length, plainly
from demo.captions import Caption, Claim, encode_claims, truth_matrix
from demo.drawing import COLOURS, KINDS, SHAPES, TRAFFIC
from demo.scenes import Fact
from demo.script import Scenery

KINDS_ASKED = {"said": 150, "written": 150, "seen": 200, "long": 40, "sequence": 150}
"""How many queries of each kind are asked of a world that is large enough."""

ABSENT = {"seen": 80, "said": 45, "written": 35, "sequence": 20, "elsewhere": 20}
"""How many queries of each kind nothing answers."""

MOST_PLACES = 5
"""A query that more places answer is not asked: it would be found too easily."""

ELSEWHERE = (
    "purple elephant parade in Venice",
    "how to replace the carburettor of a lawn mower",
    "a surgeon explains keyhole surgery",
    "penguins sliding down an ice slope",
    "the finance minister resigns",
    'text:"terms and conditions apply"',
    'said:"quantum entanglement"',
    "a ballet dancer in a white dress",
    "underwater footage of a coral reef",
    "the chef flambés a crêpe",
    "why is the sky blue",
    "rocket launch countdown",
    "a dog catching a frisbee",
    "interview with the marathon winner's physiotherapist",
    "neural network backpropagation lecture",
    "baby panda sneezing",
    "snow leopard on a cliff",
    "the verdict of the supreme court on patents",
    "a violin being restored",
    "sunset over the Sahara",
)
"""Things that no clip comes near."""

Stage = tuple[str, list[Place]]


@dataclass(frozen=True, slots=True)
class Absent:
    """A query that nothing in the world answers; `kind` says what of."""

    query: str
    kind: str


class World:
    """The truth over all shots of a world."""

    def __init__(self, shots: Sequence[Shot]) -> None:
        self.shots = list(shots)
        self.sentences = [
            (sentence, Place(shot.clip, *cue))
            for shot in shots
            for sentence, cue in zip(shot.part.sentences, shot.cues, strict=True)
        ]
        self._pictured = [shot for shot in shots if shot.facts is not None]
        self._facts = [shot.facts for shot in self._pictured if shot.facts is not None]
        self._placed = [shot.fixed for shot in self._pictured]

    def seen(self, *claims: Claim) -> list[Place]:
        """Where claims are true together. Of what moves no place in the picture is claimed."""
        holds = truth_matrix([encode_claims(Caption("", claims))], self._facts)[0]
        placed = any(claim.position for claim in claims)
        return [
            _place(shot)
            for shot, true, fixed in zip(self._pictured, holds, self._placed, strict=True)
            if true and (fixed or not placed)
        ]

    def said(self, holds: Callable[[Sentence], bool]) -> list[Place]:
        """Where a sentence is spoken that fits."""
        return [place for sentence, place in self.sentences if holds(sentence)]

    def spoken(self, text: str) -> list[Place]:
        """Where words that stand in writing elsewhere happen to be said."""
        wanted = _words(text)
        return self.said(lambda sentence: wanted.search(sentence.text) is not None)

    def written(self, text: str) -> list[Place]:
        """Where a text stands, in capitals or not: whole words."""
        wanted = _words(text)
        return [_place(shot) for shot in self.shots if any(wanted.search(line) for line in shot.part.written)]


def queries_of(shots: Sequence[Shot], seed: int = 1) -> list[TrueQuery]:
    """What is asked, in every kind at most as many as `KINDS_ASKED`; each query once."""
    world = World(shots)
    makers = {"said": _said, "written": _written, "seen": _seen, "long": _long, "sequence": _sequences}
    found: list[TrueQuery] = []
    for kind, most in KINDS_ASKED.items():
        rng = random.Random(f"{seed}/{kind}")
        order = rng.sample(world.shots, len(world.shots))
        distinct: dict[str, TrueQuery] = {}
        for query, places in makers[kind](world, order, rng):
            if len(places) <= MOST_PLACES:
                distinct.setdefault(query, TrueQuery(query, kind, tuple(places)))
            if len(distinct) == most:
                break
        found += distinct.values()
    return found


def _said(world: World, order: Sequence[Shot], rng: random.Random) -> Iterator[Stage]:
    for shot in order:
        for said in shot.part.sentences:
            yield _asked_of_speech(world, said, rng)


def _asked_of_speech(world: World, said: Sentence, rng: random.Random) -> Stage:
    """One of several ways to ask for a sentence; every sentence of which the query is true counts."""
    person, (did, about), where = PEOPLE[said.person], ACTIONS[said.action], PLACES[said.place]

    def same(sentence: Sentence, *fields: str) -> bool:
        return all(getattr(sentence, field) == getattr(said, field) for field in fields)

    way = rng.randrange(7)
    if way == 0:
        return f"{did} {where}", world.said(lambda item: same(item, "action", "place"))
    if way == 1:
        return f'said:"{did}"', world.said(lambda item: same(item, "action"))
    if way == 2:
        return f"{person} {did}", world.said(lambda item: same(item, "person", "action"))
    if way == 3:
        return f"when do they mention that {person} {did}?", world.said(lambda item: same(item, "person", "action"))
    if way == 4:
        return f"somebody talks about {about} {where}", world.said(lambda item: same(item, "action", "place"))
    if way == 5:
        return f"said:({about})", world.said(lambda item: same(item, "action"))
    return f"{person}, {about}", world.said(lambda item: same(item, "person", "action"))


def _written(world: World, order: Sequence[Shot], rng: random.Random) -> Iterator[Stage]:
    for shot in order:
        if not shot.part.written:
            continue
        text = shot.part.written[0] if rng.random() < 0.75 else rng.choice(shot.part.written)
        ways = ["{}", "{}", 'text:"{}"', "the picture that says {}", "where does it say {}?", "the words {}"]
        if isinstance(shot.part.cut.shows, Scenery):
            ways.append("the sign {}")
        way = rng.choice(ways)
        spoken = [] if way.startswith("text:") else world.spoken(text)
        yield way.format(text if rng.random() < 0.5 else text.lower()), world.written(text) + spoken


def _seen(world: World, order: Sequence[Shot], rng: random.Random) -> Iterator[Stage]:
    for shot in order:
        claims = _claims(shot, rng)
        if claims:
            yield asked(claims, rng).text, world.seen(*claims)


def _long(world: World, order: Sequence[Shot], rng: random.Random) -> Iterator[Stage]:
    for shot in order:
        claims = _claims(shot, rng)
        if claims:
            yield described_at_length(claims, rng).text, world.seen(*claims)


def _claims(shot: Shot, rng: random.Random) -> tuple[Claim, ...]:
    """One or two things that are true of a drawn scene, with number and colour, at times with the place."""
    if shot.picture is None or not isinstance(shot.part.cut.shows, Scenery):
        return ()
    facts = [fact for fact in shot.picture.facts() if fact.colour and fact.count <= 4]
    chosen = rng.sample(facts, min(len(facts), rng.choice((1, 2))))
    return tuple(_claim(fact, rng, placed=shot.fixed) for fact in chosen)


def _claim(fact: Fact, rng: random.Random, *, placed: bool) -> Claim:
    position = rng.choice(sorted(fact.positions)) if placed and fact.positions and rng.random() < 0.25 else ""
    return Claim(fact.kind, fact.colour, fact.count, position)


def _sequences(world: World, order: Sequence[Shot], rng: random.Random) -> Iterator[Stage]:
    """Two shots of one clip, one after the other, each asked for by what is seen, said or written in it."""
    for shot in order:
        later = [other for other in world.shots if other.clip == shot.clip and other.start > shot.start]
        if not later:
            continue
        first, second = _stage(world, shot, rng), _stage(world, rng.choice(later), rng)
        if first is None or second is None:
            continue
        places = _chained(first[1], second[1])
        if places:
            yield f"{first[0]} then {second[0]}", places


def _stage(world: World, shot: Shot, rng: random.Random) -> Stage | None:
    ways: list[Callable[[], Stage]] = []
    claims = _claims(shot, rng)
    if claims:
        bare = tuple(Claim(claim.kind, claim.colour, claim.count) for claim in claims)
        words = plainly(bare)
        ways.append(lambda: (words if rng.random() < 0.5 else f"seen:({words})", world.seen(*bare)))
    if shot.part.sentences:
        said = rng.choice(shot.part.sentences)
        did = ACTIONS[said.action][0]
        holds = world.said(lambda item: item.action == said.action)
        ways.append(lambda: (f'said:"{did}"' if rng.random() < 0.5 else f"said:({did})", holds))
    if shot.part.written:
        text = shot.part.written[0]
        ways.append(lambda: (f'text:"{text}"', world.written(text)))
    return rng.choice(ways)() if ways else None


def _chained(first: Sequence[Place], second: Sequence[Place]) -> list[Place]:
    """From the start of one to the end of another that follows it in the same clip."""
    return [
        Place(one.video, one.start, other.end)
        for one, other in itertools.product(first, second)
        if one.video == other.video and other.start >= one.end - 0.5 and other.start > one.start
    ]


def absent_of(shots: Sequence[Shot], seed: int = 1) -> list[Absent]:
    """Queries that are true of nothing in the world, as many as `ABSENT` says."""
    world = World(shots)
    makers = {
        "seen": _never_seen,
        "said": _never_said,
        "written": _never_written,
        "sequence": _never_in_order,
    }
    found = []
    for kind, most in ABSENT.items():
        rng = random.Random(f"{seed}/absent/{kind}")
        queries = iter(ELSEWHERE) if kind == "elsewhere" else makers[kind](world, rng)
        distinct: dict[str, None] = {}
        for query in itertools.islice(queries, 100 * most):
            distinct[query] = None
            if len(distinct) == most:
                break
        found += [Absent(query, kind) for query in distinct]
    return found


def _never_seen(world: World, rng: random.Random) -> Iterator[str]:
    """Numbers, colours and kinds that occur together nowhere, though each of them does."""
    while True:
        first = _any_claim(rng)
        second = _any_claim(rng, first.kind)
        claims = (first,) if rng.random() < 0.4 else (first, second)
        # a number that is wrong is the least of errors: what is asked for must be absent in any number
        if not world.seen(*(Claim(claim.kind, claim.colour, count=0) for claim in claims)) and not any(
            world.seen(*(Claim(claim.kind, claim.colour, count) for claim, count in zip(claims, counts, strict=True)))
            for counts in itertools.product((1, 2, 3, 4), repeat=len(claims))
        ):
            yield asked(claims, rng).text


def _any_claim(rng: random.Random, beside: str = "") -> Claim:
    kinds = SHAPES if beside in SHAPES else TRAFFIC if beside else KINDS
    return Claim(rng.choice([kind for kind in kinds if kind != beside]), rng.choice(list(COLOURS)), rng.randint(1, 4))


def _never_said(_: World, rng: random.Random) -> Iterator[str]:
    """Sentences with a deed that nobody speaks of, by people and in places that are spoken of."""
    while True:
        person, where = rng.choice(PEOPLE), rng.choice(PLACES[:-KEPT_BACK])
        did, about = rng.choice(ACTIONS[-KEPT_BACK:])
        yield rng.choice(
            (
                f"{person} {did}",
                f"{did} {where}",
                f'said:"{did}"',
                f"somebody talks about {about} {where}",
                f"when do they mention {about}?",
                f"said:({about})",
            )
        )


def _never_written(_: World, rng: random.Random) -> Iterator[str]:
    """Titles and lines that stand nowhere: of one word that does and one that does not, or of none."""
    while True:
        heads, tails = TITLE_HEADS[-KEPT_BACK:], TITLE_TAILS[-KEPT_BACK:]
        kept = rng.choice((True, False))
        title = f"{rng.choice(heads)} {rng.choice(tails if kept else TITLE_TAILS[:-KEPT_BACK])}"
        line = rng.choice(BULLETS[-KEPT_BACK:])
        way = rng.choice(("{}", 'text:"{}"', "the picture that says {}", "where does it say {}?", "the words {}"))
        yield way.format(rng.choice((title, title, line)))


def _never_in_order(world: World, rng: random.Random) -> Iterator[str]:
    """Two things that both occur, but nowhere one after the other in this order."""
    while True:
        stages = [_stage(world, shot, rng) for shot in rng.sample(world.shots, 2)]
        first, second = stages
        if first is not None and second is not None and not _chained(first[1], second[1]):
            yield f"{first[0]} then {second[0]}"


def _words(text: str) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(text)}\b", re.IGNORECASE)


def _place(shot: Shot) -> Place:
    return Place(shot.clip, shot.start, shot.end)
