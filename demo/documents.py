"""Slides, code screens and whiteboards: pictures of text and lines.

The demo's videos show them, and its models must tell them from scenes. Text is set in the font that Pillow carries, so
that every machine draws the same.
"""

from __future__ import annotations

import random
from functools import lru_cache
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

from demo.drawing import Rgb, jitter

DOCUMENTS = ("slide", "code", "whiteboard")
_WORDS = """
index search video moment frame time shot segment vector speech text object query score rank model table row
key cache store queue job worker lease token page slide chart result error value number list plan cost rate
team week first second early late open close large small fast slow simple memory disk network budget review
answer question
""".split()  # noqa: SIM905 (a list of sixty strings says no more)
_CODE = ("def ", "for ", "if ", "return ", "import ", "class ", "while ", "print(", "self.", "x = ", "total += ")


@lru_cache(maxsize=64)
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font at a size in pixels."""
    return ImageFont.load_default(max(4, size))


def draw_document(kind: str, size: tuple[int, int], rng: random.Random) -> Image.Image:
    """A slide, a code screen or a whiteboard with words chosen by `rng`; `size` is (width, height)."""
    if kind == "slide":
        bullets = [_phrase(rng, 2, 6) for _ in range(rng.randint(2, 5))]
        return draw_slide(size, _phrase(rng, 1, 4).title(), bullets, theme=rng.randrange(len(THEMES)))
    if kind == "code":
        lines = [
            " " * 4 * rng.randint(0, 2) + rng.choice(_CODE) + _phrase(rng, 1, 4) for _ in range(rng.randint(3, 14))
        ]
        return draw_code(size, _phrase(rng, 1, 2), lines, dark=rng.random() < 0.75)
    labels = [rng.choice(_WORDS) for _ in range(rng.randint(2, 5))]
    return draw_whiteboard(size, labels, rng)


def _phrase(rng: random.Random, least: int, most: int) -> str:
    return " ".join(rng.choices(_WORDS, k=rng.randint(least, most)))


THEMES: tuple[tuple[Rgb, Rgb, Rgb], ...] = (
    ((252, 252, 252), (30, 60, 120), (40, 40, 44)),
    ((24, 32, 52), (240, 200, 90), (232, 234, 240)),
    ((244, 240, 228), (130, 40, 40), (50, 44, 40)),
    ((232, 242, 236), (20, 100, 70), (36, 48, 42)),
)
"""Ground, title and text colours of slides."""


def draw_slide(size: tuple[int, int], title: str, bullets: list[str], theme: int = 0, footer: str = "") -> Image.Image:
    """A slide: a title with a line under it, and bullet points."""
    width, height = size
    ground, accent, ink = THEMES[theme % len(THEMES)]
    picture = Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(picture)
    unit = min(height, round(width * 0.75))
    margin = round(width * 0.07)
    draw.text((margin, height * 0.08), title, font=font(round(unit * 0.095)), fill=accent)
    y = round(height * 0.08 + unit * 0.13)
    draw.rectangle((margin, y, width - margin, y + max(1, unit // 120)), fill=accent)
    y += round(unit * 0.07)
    dot = max(1, round(unit * 0.012))
    for bullet in bullets:
        middle = y + unit * 0.038
        draw.ellipse((margin, middle - dot, margin + 2 * dot, middle + dot), fill=accent)
        draw.text((margin + 5 * dot, y), bullet, font=font(round(unit * 0.062)), fill=ink)
        y += round(unit * 0.12)
    if footer:
        draw.text((margin, height * 0.92), footer, font=font(round(unit * 0.035)), fill=ink)
    return picture


def draw_code(
    size: tuple[int, int], title: str, lines: list[str], *, dark: bool = True, menu: tuple[str, ...] = ()
) -> Image.Image:
    """An editor or terminal: a title bar, perhaps an open menu, numbered lines with the keywords in colour."""
    width, height = size
    ground, ink, bar = (
        ((30, 32, 40), (222, 224, 228), (52, 56, 68)) if dark else ((250, 250, 248), (40, 42, 48), (222, 222, 226))
    )
    keyword = (240, 160, 80) if dark else (170, 50, 130)
    picture = Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(picture)
    unit = min(height, round(width * 0.75))
    top = round(unit * 0.085)
    draw.rectangle((0, 0, width, top), fill=bar)
    draw.text((unit * 0.03, top * 0.2), title, font=font(round(top * 0.55)), fill=ink)
    step, letters = round(unit * 0.068), font(round(unit * 0.05))
    for number, line in enumerate(lines, 1):
        y = top + round(unit * 0.03) + (number - 1) * step
        draw.text((unit * 0.02, y), f"{number:2d}", font=letters, fill=(128, 132, 144))
        indent = (len(line) - len(line.lstrip(" "))) * unit * 0.016
        x = unit * 0.1 + indent
        for index, word in enumerate(line.split()):
            paint = keyword if index == 0 else ink
            draw.text((x, y), word, font=letters, fill=paint)
            x += draw.textlength(word + " ", font=letters)
    if menu:
        left, wide, tall = unit * 0.5, unit * 0.62, round(unit * 0.085)
        draw.rectangle((left, top, left + wide, top + tall * len(menu) + 8), fill=bar, outline=ink)
        for row, entry in enumerate(menu):
            draw.text((left + unit * 0.03, top + 6 + row * tall), entry, font=font(round(unit * 0.052)), fill=ink)
    return picture


def draw_whiteboard(size: tuple[int, int], labels: list[str], rng: random.Random) -> Image.Image:
    """A whiteboard with a frame: boxes with labels, joined by arrows."""
    width, height = size
    picture = Image.new("RGB", size, jitter((244, 245, 242), rng, 4))
    draw = ImageDraw.Draw(picture)
    edge = max(2, round(min(size) * 0.03))
    draw.rectangle((0, 0, width - 1, height - 1), outline=(150, 152, 156), width=edge)
    pen = max(1, round(height * 0.008))
    ink = rng.choice(((30, 50, 140), (30, 30, 34), (30, 110, 60), (160, 30, 30)))
    letters = font(round(min(height, width * 0.75) * 0.062))
    centres = []
    for index, label in enumerate(labels):
        x = width * (0.08 + 0.84 * (index + 0.5) / len(labels))
        y = height * (0.3 if index % 2 == 0 else 0.66)
        half = max(draw.textlength(label, font=letters) / 2 + width * 0.015, width * 0.05)
        draw.rectangle((x - half, y - height * 0.08, x + half, y + height * 0.08), outline=ink, width=pen)
        draw.text((x, y), label, font=letters, fill=ink, anchor="mm")
        centres.append((x, y))
    for (ax, ay), (bx, by) in pairwise(centres):
        start, end = _shorten((ax, ay), (bx, by), height * 0.1)
        draw.line((*start, *end), fill=ink, width=pen)
        draw.ellipse((end[0] - 2 * pen, end[1] - 2 * pen, end[0] + 2 * pen, end[1] + 2 * pen), fill=ink)
    return picture


def _shorten(
    start: tuple[float, float], end: tuple[float, float], by: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Take `by` off both ends of the vertical run of a line."""
    sign = 1 if end[1] > start[1] else -1
    slope = (end[0] - start[0]) / max(1e-6, abs(end[1] - start[1]))
    return (start[0] + slope * by, start[1] + sign * by), (end[0] - slope * by, end[1] - sign * by)
