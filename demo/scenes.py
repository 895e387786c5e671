"""Drawn scenes: what is in them is known exactly, so that models can be trained on them and moments told from them."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from demo.documents import DOCUMENTS, draw_document
from demo.drawing import (
    ASPECTS,
    COLOURS,
    GROUNDS,
    SHAPES,
    TEXTURES,
    TRAFFIC,
    Rgb,
    distance,
    draw_object,
    jitter,
    make_ground,
)

POSITIONS = ("left", "right", "top", "bottom", "centre")
_REGIONS: dict[str, tuple[float, float, float, float]] = {
    "": (0.02, 0.03, 0.98, 0.97),
    "left": (0.02, 0.03, 0.46, 0.97),
    "right": (0.54, 0.03, 0.98, 0.97),
    "top": (0.02, 0.02, 0.98, 0.52),
    "bottom": (0.02, 0.48, 0.98, 0.98),
    "centre": (0.22, 0.2, 0.78, 0.8),
}
_ROAD_TOP = 0.36


@dataclass(frozen=True, slots=True)
class Group:
    """Some equal objects: their kind, colour, number, and the part of the picture they stand in ("" anywhere)."""

    kind: str
    colour: str
    count: int
    position: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a picture shows: groups of objects on a ground, or one of `DOCUMENTS` (then without groups)."""

    groups: tuple[Group, ...]
    ground: str = "white"
    document: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One drawn object; the box is left, top, right, bottom as fractions of the picture."""

    kind: str
    colour: str
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something true of a picture: so many objects of a kind, in a colour ("": in any), standing in `positions`."""

    kind: str
    colour: str
    count: int
    positions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn scene and what was really put in it."""

    image: Image.Image
    scene: Scene
    items: tuple[Item, ...]

    def facts(self) -> tuple[Fact, ...]:
        """What is true of it: for each kind and colour, and for each kind with its colours taken together."""
        found = [Fact(self.scene.document, "", 1, frozenset())] if self.scene.document else []
        kinds = dict.fromkeys((item.kind, colour) for item in self.items for colour in (item.colour, ""))
        for kind, colour in kinds:
            boxes = [item.box for item in self.items if item.kind == kind and colour in ("", item.colour)]
            found.append(Fact(kind, colour, len(boxes), where(boxes)))
        return tuple(found)


def where(boxes: list[tuple[float, float, float, float]]) -> frozenset[str]:
    """The parts of the picture in which all `boxes` have their centres."""
    middles = [((left + right) / 2, (top + bottom) / 2) for left, top, right, bottom in boxes]
    tests = {
        "left": all(x < 0.42 for x, _ in middles),
        "right": all(x > 0.58 for x, _ in middles),
        "top": all(y < 0.42 for _, y in middles),
        "bottom": all(y > 0.58 for _, y in middles),
        "centre": all(0.3 < x < 0.7 and 0.28 < y < 0.72 for x, y in middles),
    }
    return frozenset(name for name, holds in tests.items() if holds)


def random_scene(rng: random.Random, numbers: tuple[float, float, float] = (0.62, 0.3, 0.08)) -> Scene:
    """A scene of one to three groups, as often as `numbers` has it, or now and then a document."""
    if rng.random() < 0.09:
        return Scene((), document=rng.choice(DOCUMENTS))
    traffic = rng.random() < 0.5
    ground = "street" if traffic and rng.random() < 0.7 else rng.choice((*GROUNDS, *GROUNDS, *TEXTURES))
    number = rng.choices((1, 2, 3), numbers)[0]
    groups: list[Group] = []
    while len(groups) < number:
        group = random_group(
            rng, TRAFFIC if traffic else SHAPES, ground, most=4 if number == 1 else 3 if number == 2 else 2
        )
        if all((group.kind, group.colour) != (other.kind, other.colour) for other in groups):
            groups.append(group)
    return Scene(tuple(groups), ground)


def random_group(rng: random.Random, kinds: tuple[str, ...], ground: str, most: int) -> Group:
    """A group whose colour stands out from `ground`."""
    return Group(rng.choice(kinds), rng.choice(fitting_colours(ground)), rng.randint(1, most), _random_position(rng))


def fitting_colours(ground: str) -> tuple[str, ...]:
    """The colours that can be told from a ground."""
    base: Rgb = GROUNDS.get(ground, (116, 118, 122) if ground == "street" else (224, 224, 220))
    return tuple(name for name, colour in COLOURS.items() if distance(colour, base) > 85)


def _random_position(rng: random.Random) -> str:
    return rng.choice(POSITIONS) if rng.random() < 0.5 else ""


def altered(scene: Scene, rng: random.Random) -> Scene:
    """A scene that differs in one thing from `scene`: a hard negative.

    A count, a colour, a kind or a place is another, or two groups exchange their colours or numbers.
    """
    if not scene.groups:
        return random_scene(rng)
    if len(scene.groups) > 1 and rng.random() < 0.3 and (exchanged := _exchanged(scene, rng)) != scene:
        return exchanged
    index = rng.randrange(len(scene.groups))
    group = scene.groups[index]
    most = 4 if len(scene.groups) == 1 else 3
    change = rng.choices(("count", "colour", "kind", "position"), (0.5, 0.2, 0.12, 0.18))[0]
    if change == "count":
        group = replace(group, count=rng.choice([n for n in range(1, most + 1) if n != group.count]))
    elif change == "colour":
        group = replace(group, colour=rng.choice([c for c in fitting_colours(scene.ground) if c != group.colour]))
    elif change == "kind":
        same = SHAPES if group.kind in SHAPES else TRAFFIC
        group = replace(group, kind=rng.choice([kind for kind in same if kind != group.kind]))
    else:
        group = replace(group, position=rng.choice([place for place in POSITIONS if place != group.position]))
    rest = scene.groups[:index] + scene.groups[index + 1 :]
    if any((group.kind, group.colour) == (other.kind, other.colour) for other in rest):
        return altered(scene, rng)
    return replace(scene, groups=(*rest, group))


def _exchanged(scene: Scene, rng: random.Random) -> Scene:
    """The same words in another order: who has which colour, or which number, is what differs.

    The same scene where that cannot be: both are alike, or a third group already is what one would become.
    """
    first, second, *rest = rng.sample(scene.groups, len(scene.groups))
    if first.colour != second.colour and (first.count == second.count or rng.random() < 0.6):
        changed = replace(first, colour=second.colour), replace(second, colour=first.colour)
    else:
        changed = replace(first, count=second.count), replace(second, count=first.count)
    if len({(group.kind, group.colour) for group in (*changed, *rest)}) < len(scene.groups):
        return scene
    return replace(scene, groups=(*changed, *rest))


def draw_scene(
    scene: Scene, size: tuple[int, int], seed: int, scale: float = 1.0, drift: tuple[float, float] = (0.0, 0.0)
) -> Picture:
    """Draw a scene, the same for the same arguments.

    Args:
        scene: what to draw.
        size: width and height in pixels.
        seed: decides places, sizes and shades.
        scale: makes objects larger (or smaller) than usual.
        drift: moves all objects by shares of width and height, for moving pictures.
    """
    rng = random.Random(seed)
    if scene.document:
        return Picture(draw_document(scene.document, size, rng), scene, ())
    picture = make_ground(scene.ground, size, rng)
    draw = ImageDraw.Draw(picture)
    boxes = _layout(scene, size, rng, scale)
    items = []
    for group, places in zip(scene.groups, boxes, strict=True):
        colour = jitter(COLOURS[group.colour], rng)
        for left, top, right, bottom in (_moved(place, drift, size) for place in places):
            draw_object(draw, group.kind, (left, top, right, bottom), colour, mirrored=rng.random() < 0.5)
            box = (left / size[0], top / size[1], right / size[0], bottom / size[1])
            items.append(Item(group.kind, group.colour, box))
    return Picture(picture, scene, tuple(items))


def _moved(
    place: tuple[float, float, float, float], drift: tuple[float, float], size: tuple[int, int]
) -> tuple[float, float, float, float]:
    across, down = drift[0] * size[0], drift[1] * size[1]
    return place[0] + across, place[1] + down, place[2] + across, place[3] + down


_Places = list[tuple[float, float, float, float]]


def _layout(scene: Scene, size: tuple[int, int], rng: random.Random, scale: float) -> list[_Places]:
    """Boxes in pixels for each group that do not touch one another; crowded pictures get smaller objects."""
    share = scale * rng.uniform(0.8, 1.15)
    while True:
        placed = _try_layout(scene, size, rng, share)
        if placed is not None:
            return placed
        share *= 0.88


def _try_layout(scene: Scene, size: tuple[int, int], rng: random.Random, share: float) -> list[_Places] | None:
    width, height = size
    unit = min(height, width / 1.2)
    taken: _Places = []
    result: list[_Places] = []
    for group in scene.groups:
        tall = (
            unit
            * share
            * {"person": 0.44, "bicycle": 0.27, "car": 0.22, "truck": 0.27, "bus": 0.26}.get(group.kind, 0.3)
        )
        wide = tall * ASPECTS[group.kind]
        x0, y0, x1, y1 = _REGIONS[group.position]
        if scene.ground == "street":
            y0, y1 = (_ROAD_TOP, 0.97) if group.position != "top" else (0.3, 0.62)
        places: _Places = []
        for _ in range(group.count):
            box = _free_place((x0 * width, y0 * height, x1 * width, y1 * height), wide, tall, taken, rng)
            if box is None:
                return None
            places.append(box)
            taken.append(box)
        result.append(places)
    return result


def _free_place(
    region: tuple[float, float, float, float], wide: float, tall: float, taken: _Places, rng: random.Random
) -> tuple[float, float, float, float] | None:
    left, top, right, bottom = region
    if right - left < wide or bottom - top < tall:
        return None
    gap = 0.1 * tall
    for _ in range(40):
        x, y = rng.uniform(left, right - wide), rng.uniform(top, bottom - tall)
        box = (x, y, x + wide, y + tall)
        if all(
            box[2] + gap < other[0] or other[2] + gap < box[0] or box[3] + gap < other[1] or other[3] + gap < box[1]
            for other in taken
        ):
            return box
    return None


def as_array(image: Image.Image) -> npt.NDArray[np.uint8]:
    """The picture as RGB, shape `(height, width, 3)`."""
    return np.asarray(image.convert("RGB"), dtype=np.uint8)
