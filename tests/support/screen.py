"""Pictures with text on them, and what a reader would say of them, for tests of screen text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from reelseek.records import Box, Frame, Image, Look, TextBox

WIDTH, HEIGHT = 640, 360


@dataclass(frozen=True)
class Shot:
    """A picture of a test's video: when, what, and whether it is a keyframe (else a look); `cut`: a shot begins."""

    time: float
    image: Image
    keyframe: bool = True
    cut: bool = False


class Film:
    """Pictures in order, as the functions under test want them: frames, looks, and what loads them."""

    def __init__(self, shots: Sequence[Shot], end: float) -> None:
        self._images = {f"{shot.time}.jpg": shot.image for shot in shots}
        keys = [shot for shot in shots if shot.keyframe]
        ends = [*(shot.time for shot in keys[1:]), end]
        numbers = np.cumsum([shot.cut for shot in keys]).tolist()
        self.frames = [
            Frame(index, shot.time, until, number, f"{shot.time}.jpg")
            for index, (shot, until, number) in enumerate(zip(keys, ends, numbers, strict=True))
        ]
        self.looks = [Look(shot.time, f"{shot.time}.jpg") for shot in shots if not shot.keyframe]

    def pictures(self, names: Sequence[str]) -> list[Image]:
        """Load pictures by their names."""
        return [self._images[name] for name in names]


def scene(seed: int, move: float = 0.0) -> Image:
    """A coloured landscape whose hills and clouds move with `move`."""
    random = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    layers = [np.full((HEIGHT, WIDTH), 90.0)]
    for _ in range(5):
        wave, phase, height = random.uniform(60, 240), random.uniform(0, 6), random.uniform(0.2, 0.9) * HEIGHT
        hill = y > height + 30 * np.sin((x + 40 * move) / wave * 6 + phase)
        layers.append(np.where(hill, random.uniform(-40, 40), 0.0))
    grey = sum(layers[1:], layers[0])
    tint = random.uniform(0.6, 1.2, 3)
    return np.clip(grey[..., None] * tint, 0, 255).astype(np.uint8)


def written(
    image: Image,
    text: str,
    x: float = WIDTH / 2,
    y: float = HEIGHT * 0.88,
    *,
    size: int = 24,
    anchor: str = "mm",
    ink: int = 255,
    edge: int = 0,
    opacity: float = 1.0,
) -> Image:
    """A picture with a line of text over it, `anchor` as Pillow means it."""
    clean = Pillow.fromarray(image)
    drawn = clean.copy()
    font = ImageFont.load_default(size=size)
    ImageDraw.Draw(drawn).multiline_text(
        (x, y), text, fill=(ink,) * 3, font=font, anchor=anchor, align="center", stroke_width=2, stroke_fill=(edge,) * 3
    )
    return np.asarray(Pillow.blend(clean, drawn, opacity), dtype=np.uint8)


def line(text: str, *, x: float = 0.5, y: float = 0.9, high: float = 0.06, confidence: float = 0.97) -> TextBox:
    """What a reader would say of a line centred at `(x, y)`."""
    wide = min(0.95, 0.016 * len(text))
    return TextBox(text, confidence, Box(x - wide / 2, y - high / 2, x + wide / 2, y + high / 2))
