"""How the demo draws: shapes, vehicles, people and grounds, with Pillow.

Sizes follow the height of the object, so that a thumbnail and a 720p frame look alike.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from PIL import Image, ImageDraw

Rgb = tuple[int, int, int]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""

COLOURS: dict[str, Rgb] = {
    "red": (214, 38, 38),
    "orange": (245, 130, 24),
    "yellow": (250, 214, 30),
    "green": (38, 158, 60),
    "blue": (34, 82, 214),
    "purple": (128, 42, 170),
    "pink": (250, 130, 190),
    "black": (24, 24, 26),
    "white": (248, 248, 248),
}
SHAPES = ("circle", "square", "triangle", "star")
TRAFFIC = ("car", "truck", "bus", "person", "bicycle")
KINDS = (*SHAPES, *TRAFFIC)
ASPECTS = dict.fromkeys(SHAPES, 1.0) | {"car": 1.9, "truck": 2.1, "bus": 2.3, "person": 0.5, "bicycle": 1.55}
"""Width over height of each kind."""

GROUNDS: dict[str, Rgb] = {
    "white": (250, 250, 250),
    "grey": (168, 170, 174),
    "black": (22, 22, 26),
    "beige": (236, 222, 190),
    "light blue": (190, 222, 246),
}
TEXTURES = ("striped", "dotted", "checked", "shaded")
_GLASS: Rgb = (196, 226, 240)
_TYRE: Rgb = (32, 32, 34)


def draw_object(draw: ImageDraw.ImageDraw, kind: str, box: Box, colour: Rgb, *, mirrored: bool = False) -> None:
    """Draw one object so that it fills `box`; `mirrored` turns vehicles round."""
    _DRAWERS[kind](_Pen(draw, box, mirrored), colour)


class _Pen:
    """Draws in fractions of a box: (0, 0) its left top, (1, 1) its right bottom."""

    def __init__(self, draw: ImageDraw.ImageDraw, box: Box, mirrored: bool) -> None:
        self.draw, self.box, self.mirrored = draw, box, mirrored
        self.height = box[3] - box[1]

    def at(self, x: float, y: float) -> tuple[float, float]:
        x = 1 - x if self.mirrored else x
        left, top, right, bottom = self.box
        return left + x * (right - left), top + y * (bottom - top)

    def poly(self, points: list[tuple[float, float]], fill: Rgb) -> None:
        self.draw.polygon([self.at(*point) for point in points], fill=fill)

    def rect(self, x0: float, y0: float, x1: float, y1: float, fill: Rgb) -> None:
        (ax, ay), (bx, by) = self.at(x0, y0), self.at(x1, y1)
        self.draw.rectangle((min(ax, bx), ay, max(ax, bx), by), fill=fill)

    def oval(self, x0: float, y0: float, x1: float, y1: float, fill: Rgb) -> None:
        (ax, ay), (bx, by) = self.at(x0, y0), self.at(x1, y1)
        self.draw.ellipse((min(ax, bx), ay, max(ax, bx), by), fill=fill)

    def wheel(self, x: float, y: float, radius: float, fill: Rgb = _TYRE, hub: Rgb = (180, 180, 184)) -> None:
        cx, cy = self.at(x, y)
        for share, paint in ((1.0, fill), (0.45, hub)):
            r = radius * self.height * share
            self.draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=paint)

    def ring(self, x: float, y: float, radius: float, width: float, colour: Rgb) -> None:
        (cx, cy), r = self.at(x, y), radius * self.height
        self.draw.ellipse((cx - r, cy - r, cx + r, cy + r), outline=colour, width=max(1, round(width * self.height)))

    def line(self, points: list[tuple[float, float]], width: float, fill: Rgb) -> None:
        thick = max(1, round(width * self.height))
        self.draw.line([self.at(*point) for point in points], fill=fill, width=thick, joint="curve")


def _circle(pen: _Pen, colour: Rgb) -> None:
    pen.oval(0, 0, 1, 1, colour)


def _square(pen: _Pen, colour: Rgb) -> None:
    pen.rect(0, 0, 1, 1, colour)


def _triangle(pen: _Pen, colour: Rgb) -> None:
    pen.poly([(0.5, 0), (1, 1), (0, 1)], colour)


def _star(pen: _Pen, colour: Rgb) -> None:
    points = []
    for step in range(10):
        radius = 0.53 if step % 2 == 0 else 0.21
        angle = math.pi * step / 5
        points.append((0.5 + radius * math.sin(angle), 0.53 - radius * math.cos(angle)))
    pen.poly(points, colour)


def _car(pen: _Pen, colour: Rgb) -> None:
    pen.poly([(0.18, 0.45), (0.3, 0), (0.68, 0), (0.82, 0.45)], colour)
    pen.poly([(0.25, 0.43), (0.34, 0.1), (0.47, 0.1), (0.47, 0.43)], _GLASS)
    pen.poly([(0.52, 0.43), (0.52, 0.1), (0.65, 0.1), (0.75, 0.43)], _GLASS)
    pen.poly([(0, 0.5), (0.06, 0.42), (0.9, 0.42), (1, 0.55), (1, 0.82), (0, 0.82)], colour)
    pen.rect(0.94, 0.55, 1, 0.66, (255, 240, 170))
    pen.wheel(0.22, 0.8, 0.2)
    pen.wheel(0.78, 0.8, 0.2)


def _truck(pen: _Pen, colour: Rgb) -> None:
    pen.rect(0, 0, 0.66, 0.78, colour)
    pen.poly([(0.7, 0.24), (0.88, 0.24), (1, 0.52), (1, 0.82), (0.7, 0.82)], colour)
    pen.poly([(0.75, 0.32), (0.86, 0.32), (0.94, 0.52), (0.75, 0.52)], _GLASS)
    pen.rect(0, 0.76, 1, 0.83, (70, 70, 74))
    for x in (0.15, 0.38, 0.84):
        pen.wheel(x, 0.84, 0.16)


def _bus(pen: _Pen, colour: Rgb) -> None:
    pen.rect(0, 0, 1, 0.84, colour)
    for step in range(5):
        pen.rect(0.05 + step * 0.16, 0.14, 0.17 + step * 0.16, 0.42, _GLASS)
    pen.rect(0.86, 0.14, 0.97, 0.78, _GLASS)
    pen.wheel(0.2, 0.84, 0.16)
    pen.wheel(0.74, 0.84, 0.16)


def _person(pen: _Pen, colour: Rgb) -> None:
    pen.oval(0.28, 0, 0.72, 0.22, (226, 178, 140))
    pen.poly(
        [(0.12, 0.24), (0.88, 0.24), (1, 0.58), (0.8, 0.62), (0.8, 0.64), (0.2, 0.64), (0.2, 0.62), (0, 0.58)], colour
    )
    pen.poly([(0.22, 0.63), (0.49, 0.63), (0.44, 1), (0.16, 1)], (52, 56, 84))
    pen.poly([(0.51, 0.63), (0.78, 0.63), (0.84, 1), (0.56, 1)], (52, 56, 84))


def _bicycle(pen: _Pen, colour: Rgb) -> None:
    for x in (0.21, 0.79):
        pen.ring(x, 0.68, 0.32, 0.075, _TYRE)
    pen.line([(0.21, 0.68), (0.38, 0.3), (0.7, 0.28), (0.48, 0.7), (0.21, 0.68)], 0.11, colour)
    pen.line([(0.79, 0.68), (0.67, 0.12), (0.78, 0.06)], 0.11, colour)
    pen.line([(0.48, 0.7), (0.36, 0.16)], 0.1, colour)
    pen.line([(0.27, 0.14), (0.46, 0.14)], 0.1, _TYRE)


_DRAWERS: dict[str, Callable[[_Pen, Rgb], None]] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "car": _car,
    "truck": _truck,
    "bus": _bus,
    "person": _person,
    "bicycle": _bicycle,
}


def jitter(colour: Rgb, rng: random.Random, amount: int = 16) -> Rgb:
    """A colour near `colour`."""
    red, green, blue = (min(255, max(0, part + rng.randint(-amount, amount))) for part in colour)
    return red, green, blue


def distance(one: Rgb, other: Rgb) -> float:
    """Euclidean distance of two colours, 0 to 441."""
    return math.dist(one, other)


def make_ground(name: str, size: tuple[int, int], rng: random.Random) -> Image.Image:
    """A plain ground of `GROUNDS`, one of `TEXTURES`, or `street`; `size` is (width, height)."""
    if name in GROUNDS:
        return Image.new("RGB", size, jitter(GROUNDS[name], rng, 5))
    if name == "street":
        return _street(size, rng)
    return _texture(name, size, rng)


def _texture(name: str, size: tuple[int, int], rng: random.Random) -> Image.Image:
    light = rng.choice(((232, 232, 226), (214, 226, 214), (206, 216, 232), (236, 224, 206)))
    dark: Rgb = tuple(part - rng.randint(18, 34) for part in light)  # type: ignore[assignment]
    picture = Image.new("RGB", size, light)
    draw = ImageDraw.Draw(picture)
    width, height = size
    step = max(4, round(height * rng.uniform(0.08, 0.16)))
    if name == "shaded":
        for y in range(height):
            share = y / height
            draw.line(
                (0, y, width, y), fill=tuple(round(a + (b - a) * share) for a, b in zip(light, dark, strict=True))
            )
    elif name == "striped":
        for x in range(0, width + height, step):
            draw.line((x, 0, x - height, height), fill=dark, width=max(1, step // 3))
    else:
        for row, y in enumerate(range(0, height, step)):
            for x in range((row % 2) * step, width, 2 * step):
                if name == "dotted":
                    draw.ellipse((x, y, x + step // 3, y + step // 3), fill=dark)
                else:
                    draw.rectangle((x, y, x + step - 1, y + step - 1), fill=dark)
    return picture


def _street(size: tuple[int, int], rng: random.Random) -> Image.Image:
    """Sky, houses, pavement and a road with a dashed line."""
    width, height = size
    picture = Image.new("RGB", size, jitter((186, 214, 236), rng, 10))
    draw = ImageDraw.Draw(picture)
    horizon = round(height * 0.34)
    x = -rng.randint(0, width // 8)
    while x < width:
        wide = round(width * rng.uniform(0.1, 0.2))
        top = round(height * rng.uniform(0.04, 0.22))
        draw.rectangle((x, top, x + wide, horizon), fill=jitter((188, 184, 180), rng, 14))
        x += wide + rng.randint(0, width // 16)
    draw.rectangle((0, horizon, width, round(height * 0.46)), fill=jitter((176, 176, 172), rng, 6))
    draw.rectangle((0, round(height * 0.46), width, height), fill=jitter((116, 118, 122), rng, 8))
    dash = max(2, width // 16)
    y = round(height * 0.71)
    for x in range(rng.randint(-dash, 0), width, 2 * dash):
        draw.rectangle((x, y, x + dash, y + max(1, height // 90)), fill=(226, 226, 220))
    return picture
