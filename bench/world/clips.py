"""The clips of the world: films of two to four shots, made from a seed, of which everything is known."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from bench.world.vocabulary import (
    ACTIONS,
    BULLETS,
    KEPT_BACK,
    OPENINGS,
    PEOPLE,
    PLACES,
    TITLE_HEADS,
    TITLE_TAILS,
)
from demo.captions import Codes, encode_facts
from demo.drawing import SHAPES, TRAFFIC
from demo.make_videos import make_film, scenery_picture
from demo.scenes import Group, Item, Picture, Scene, fitting_colours, random_group, random_scene
from demo.script import Board, Cut, Film, Line, Scenery, Slide, Speaker
from demo.studio import RATE, Look, Samples, Voice

SIZE, FPS = (480, 270), 8
"""Picture size and pictures a second: small, and large enough for signs to be read."""

VOICES = (Voice("en-us+f3", 165, 55), Voice("en-gb", 160, 40), Voice("en-us", 170, 50))
_WORD_SECONDS = 0.34
_SIGN = 0.1
"""How far down a sign reaches, as a share of the height."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """What is said, as places in the lists of the vocabulary."""

    opening: int
    person: int
    action: int
    place: int

    @property
    def text(self) -> str:
        """As it is spoken."""
        words = f"{OPENINGS[self.opening]}{PEOPLE[self.person]} {ACTIONS[self.action][0]} {PLACES[self.place]}."
        return words[0].upper() + words[1:]


@dataclass(frozen=True, slots=True)
class Part:
    """One shot: what it shows and says, and what is therefore true of it."""

    cut: Cut
    sentences: tuple[Sentence, ...] = ()
    written: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip before it is filmed."""

    name: str
    parts: tuple[Part, ...]

    @property
    def film(self) -> Film:
        """What the demo's studio makes a file of. Subtitles lie beside it, so that no recogniser is needed."""
        return Film(Look(self.name, SIZE, FPS, subtitles="srt"), tuple(part.cut for part in self.parts))


@dataclass(frozen=True, slots=True)
class Shot:
    """One shot of a finished clip with its truth.

    Attributes:
        cues: start and end of each of its sentences.
        facts: what its picture shows, as `demo.captions.encode_facts` has it; None for text alone.
        fixed: nothing in it moves, so that places in the picture hold throughout.
    """

    clip: str
    start: float
    end: float
    part: Part
    cues: tuple[tuple[float, float], ...]
    facts: Codes | None
    picture: Picture | None
    fixed: bool


def clips_of(count: int, seed: int = 1) -> list[Clip]:
    """The first `count` clips of a seed: a smaller world is the beginning of a larger one."""
    return [_clip(number, random.Random(f"{seed}/{number}")) for number in range(count)]


def filmed(
    clips: Sequence[Clip],
    folder: Path,
    say: Callable[[str, Voice], Samples],
    tell: Callable[[int], None] = lambda _: None,
) -> list[Shot]:
    """Write the files of clips where they are not there yet; their shots with times.

    Args:
        tell: is called with the number of clips that are there, after each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shots: list[Shot] = []
    for done, clip in enumerate(clips, start=1):
        shots += _filmed(clip, folder, say)
        tell(done)
    return shots


def _filmed(clip: Clip, folder: Path, say: Callable[[str, Voice], Samples]) -> list[Shot]:
    """One clip; its times lie beside it, under a key of all that it shows and says."""
    times = (folder / clip.name).with_suffix(".json")
    key = hashlib.sha256(repr((clip, SIZE, FPS, say.__name__)).encode()).hexdigest()
    if times.is_file():
        known = json.loads(times.read_text(encoding="utf-8"))
        if known["key"] == key:
            return [_shot(clip.name, part, *row) for part, row in zip(clip.parts, known["shots"], strict=True)]
    takes = make_film(clip.film, folder, say)
    rows = [(take.start, take.end, [(cue.start, cue.end) for cue in take.cues]) for take in takes]
    times.write_text(json.dumps({"key": key, "shots": rows}), encoding="utf-8")
    return [_shot(clip.name, part, *row) for part, row in zip(clip.parts, rows, strict=True)]


def hum(text: str, voice: Voice) -> Samples:
    """A low tone as long as the words would take, for machines without espeak-ng: subtitles tell what is said."""
    seconds = len(text.split()) * _WORD_SECONDS * 150 / voice.speed
    times = np.arange(round(seconds * RATE)) / RATE
    return (2_000 * np.sin(2 * np.pi * 2 * (60 + voice.pitch) * times)).astype(np.int16)


def _shot(name: str, part: Part, start: float, end: float, cues: Sequence[Sequence[float]]) -> Shot:
    shows = part.cut.shows
    picture = None
    if isinstance(shows, Scenery):
        picture = scenery_picture(shows, SIZE, (end - start) / 2)
    elif isinstance(shows, Speaker):
        # who talks stands in the picture too, whatever the clip is about
        picture = _of_speaker(shows)
    fixed = not isinstance(shows, Scenery) or shows.drift == (0.0, 0.0)
    facts = encode_facts(picture) if picture is not None else None
    return Shot(name, start, end, part, tuple((cue[0], cue[1]) for cue in cues), facts, picture, fixed)


def _of_speaker(shows: Speaker) -> Picture:
    scene = Scene((Group("person", shows.shirt, 1),), shows.wall)
    return Picture(Image.new("RGB", (1, 1)), scene, (Item("person", shows.shirt, (0.3, 0.15, 0.7, 1.0)),))


def _clip(number: int, rng: random.Random) -> Clip:
    makers: list[Callable[[random.Random], Part]] = [_scenery, _scenery, _scenery, _slide, _board, _speaker]
    parts = [rng.choice(makers)(rng) for _ in range(rng.choices((2, 3, 4), (3, 4, 2))[0])]
    if not any(isinstance(part.cut.shows, Scenery) for part in parts):
        parts[rng.randrange(len(parts))] = _scenery(rng)
    return Clip(f"world-{number:04d}.mp4", tuple(parts))


def _scenery(rng: random.Random) -> Part:
    scene = random_scene(rng)
    while scene.document:
        scene = random_scene(rng)
    if len(scene.groups) == 1 and rng.random() < 0.35:
        scene = _with_second(scene, rng)
    drift = (rng.choice((-0.05, 0.04, 0.06)), 0.0) if rng.random() < 0.3 else (0.0, 0.0)
    sign = _title(rng).upper() if rng.random() < 0.25 else ""
    scale = rng.uniform(1.0, 1.4)
    shows = Scenery(scene, rng.randrange(1 << 30), drift, scale, sign)
    while sign and any(item.box[1] < _SIGN for item in scenery_picture(shows, SIZE).items):
        scale *= 0.97  # a sign must not hide what is asked for
        shows = Scenery(scene, rng.randrange(1 << 30), drift, scale, sign)
    return _part(shows, rng, (sign,) if sign else (), 0.25)


def _with_second(scene: Scene, rng: random.Random) -> Scene:
    """A second thing beside the first, more often than the demo has one; of its family, as its model knows them."""
    group = scene.groups[0]
    other = random_group(rng, SHAPES if group.kind in SHAPES else TRAFFIC, scene.ground, 2)
    if (other.kind, other.colour) == (group.kind, group.colour):
        return scene
    return Scene((Group(group.kind, group.colour, min(group.count, 3)), other), scene.ground)


def _slide(rng: random.Random) -> Part:
    title = _title(rng) + (f" {rng.randint(1950, 2025)}" if rng.random() < 0.3 else "")
    bullets = tuple(rng.sample(BULLETS[:-KEPT_BACK], rng.randint(1, 3)))
    return _part(Slide(title, bullets, rng.randrange(4)), rng, (title, *bullets), 0.5)


def _board(rng: random.Random) -> Part:
    labels = tuple(word.lower() for word in rng.sample(TITLE_TAILS[:-KEPT_BACK], rng.randint(2, 3)))
    return _part(Board(labels, rng.randrange(1 << 30)), rng, labels, 0.5)


def _speaker(rng: random.Random) -> Part:
    name = _title(rng)
    wall = rng.choice(("beige", "grey", "light blue"))
    return _part(Speaker(name, rng.choice(fitting_colours(wall)), wall), rng, (name,), 1.0)


def _title(rng: random.Random) -> str:
    return f"{rng.choice(TITLE_HEADS[:-KEPT_BACK])} {rng.choice(TITLE_TAILS[:-KEPT_BACK])}"


def _part(shows: Scenery | Slide | Board | Speaker, rng: random.Random, written: tuple[str, ...], talks: float) -> Part:
    sentences: tuple[Sentence, ...] = ()
    if rng.random() < talks:
        sentences = (_sentence(rng),)
    voice = rng.choice(VOICES)
    says = tuple(Line(sentence.text, voice) for sentence in sentences)
    return Part(Cut(shows, rng.choice((3.0, 3.5, 4.0, 5.0)), says), sentences, written)


def _sentence(rng: random.Random) -> Sentence:
    return Sentence(
        rng.randrange(len(OPENINGS)),
        rng.randrange(len(PEOPLE) - KEPT_BACK),
        rng.randrange(len(ACTIONS) - KEPT_BACK),
        rng.randrange(len(PLACES) - KEPT_BACK),
    )
