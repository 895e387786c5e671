"""A slide lecture, a screen recording and a static camera, drawn here, with the truth of what is written when."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from reelseek.records import Image

FPS = 12.5
_WORDS = [
    "river",
    "bridge",
    "copper",
    "lantern",
    "harvest",
    "winter",
    "signal",
    "garden",
    "market",
    "engine",
    "station",
    "window",
    "paper",
    "timber",
    "valley",
    "mirror",
    "candle",
    "orchard",
    "shelter",
    "compass",
    "anchor",
    "meadow",
    "thunder",
    "pepper",
    "marble",
    "velvet",
    "canyon",
]


@dataclass(frozen=True, slots=True)
class Written:
    """A text on screen: from when it stands there complete to when it goes."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Recording:
    """A video that can be drawn picture by picture.

    Attributes:
        draw: the picture at a time (s).
        written: texts with their times.
    """

    name: str
    duration: float
    draw: Callable[[float], Image]
    written: tuple[Written, ...]

    def pictures(self) -> Iterator[tuple[float, Image]]:
        """Every picture with its time."""
        for number in range(round(self.duration * FPS)):
            yield number / FPS, self.draw(number / FPS)

    def write(self, path: Path, *, quality: int = 28) -> Path:
        """Encode it with x264 as such videos are: long groups of pictures, a strong quantiser."""
        first = self.draw(0.0)
        size = f"{first.shape[1]}x{first.shape[0]}"
        command = f"ffmpeg -v error -y -f rawvideo -pix_fmt rgb24 -s {size} -r {FPS} -i - -c:v libx264 -preset veryfast"
        command += f" -crf {quality} -g 62 -threads 1 -pix_fmt yuv420p"
        with subprocess.Popen([*command.split(), str(path)], stdin=subprocess.PIPE) as ffmpeg:
            assert ffmpeg.stdin is not None
            for _, picture in self.pictures():
                ffmpeg.stdin.write(picture.tobytes())
        if ffmpeg.returncode:
            raise RuntimeError(f"ffmpeg ended with {ffmpeg.returncode}")
        return path


def lecture(duration: float = 90.0, width: int = 960, height: int = 540) -> Recording:
    """Slides of which most are built line by line, with a speaker who never keeps still in a corner."""
    random = np.random.default_rng(3)
    written: list[Written] = []
    begins, time = [], 0.0
    while time < duration:
        lines, shown = int(random.integers(2, 5)), time
        begins.append(time)
        page: list[tuple[str, float]] = []
        for _ in range(lines):
            page.append((_phrase(random, 3), shown))
            shown += float(random.uniform(4.0, 9.0))
        written += [Written(text, start, min(shown, duration)) for text, start in page if start < duration - 1.0]
        time = shown
    font, large = ImageFont.load_default(size=height // 20), ImageFont.load_default(size=height // 14)
    slides: dict[tuple[int, int], Pillow.Image] = {}

    def slide(number: int, page: list[Written]) -> Pillow.Image:
        key = (number, len(page))
        if key not in slides:
            picture = Pillow.new("RGB", (width, height), (246, 246, 240))
            draw = ImageDraw.Draw(picture)
            draw.text((width // 16, height // 14), f"Chapter {number + 1}", fill=(30, 60, 120), font=large)
            for index, item in enumerate(page):
                draw.text((width // 12, height // 4 + index * height // 9), item.text, fill=(40, 40, 40), font=font)
            slides[key] = picture
        return slides[key]

    def draw(time: float) -> Image:
        number = sum(begin <= time for begin in begins) - 1
        first = begins[number]
        picture = slide(number, [item for item in written if first <= item.start <= time < item.end]).copy()
        _speaker(picture, time, width * 3 // 4, height * 2 // 3, width // 5)
        return np.asarray(picture, np.uint8)

    return Recording("lecture", duration, draw, tuple(written))


def screen(duration: float = 90.0, width: int = 960, height: int = 540) -> Recording:
    """An editor: lines are typed, pauses, the page is scrolled, the pointer moves, a note comes up in a corner."""
    random = np.random.default_rng(5)
    font, small = ImageFont.load_default(size=height // 27), ImageFont.load_default(size=height // 34)
    row, rows = height // 18, 13
    typed: list[tuple[str, float, float]] = []
    time = 1.0
    while time < duration - 3.0:
        text = _phrase(random, 4)
        typed.append((text, time, time + len(text) / 9.0))
        time += len(text) / 9.0 + float(random.choice([0.4, 1.2, 5.0]))
    notes = [(f"Build {17 + i} passed", 12.0 + 27 * i, 15.0 + 27 * i) for i in range(int(duration // 27))]
    written = [Written(text, start, min(end, duration)) for text, start, end in notes]
    for index, (text, _, done) in enumerate(typed):
        gone = typed[index + rows][1] if index + rows < len(typed) else duration
        if done < duration - 1.0:
            written.append(Written(text, done, gone))

    def draw(time: float) -> Image:
        picture = Pillow.new("RGB", (width, height), (30, 32, 40))
        canvas = ImageDraw.Draw(picture)
        canvas.rectangle((0, 0, width, row), fill=(60, 64, 80))
        canvas.text((8, 2), "notes.txt - editor", fill=(220, 220, 220), font=small)
        so_far = [item for item in typed if item[1] <= time]
        for place, (text, start, _) in enumerate(so_far[-rows:]):
            shown = text[: max(0, int((time - start) * 9.0))]
            top = row * (place + 2)
            canvas.text((width // 20, top), shown, fill=(210, 214, 220), font=font)
            if place == len(so_far[-rows:]) - 1 and time % 1.0 < 0.5:
                left = width // 20 + int(canvas.textlength(shown, font=font)) + 2
                canvas.rectangle((left, top, left + 2, top + row - 4), fill=(240, 240, 240))
        for text, start, end in notes:
            if start <= time < end:
                box = (width * 3 // 4, height - 3 * row, width - 8, height - row)
                canvas.rectangle(box, fill=(52, 56, 70))
                canvas.text((box[0] + 8, box[1] + 6), text, fill=(150, 156, 168), font=small)
        _pointer(canvas, time, width, height)
        return np.asarray(picture, np.uint8)

    return Recording("screen", duration, draw, tuple(written))


def camera(duration: float = 90.0, width: int = 640, height: int = 360) -> Recording:
    """A room seen by a camera that does not move: grain, slowly falling light, somebody walks by, a sign is lit."""
    random = np.random.default_rng(7)
    coarse = random.integers(60, 200, (6, 8, 3)).astype(np.uint8)
    room = np.asarray(Pillow.fromarray(coarse).resize((width, height), Pillow.Resampling.BICUBIC), np.float32)
    fine = random.normal(0, 8, (height // 4 + 1, width // 4 + 1))
    room = room + np.kron(fine, np.ones((4, 4)))[:height, :width, None]
    font = ImageFont.load_default(size=height // 16)
    signs = [Written(f"PLATFORM {3 + i}", 10.0 + 30 * i, 22.0 + 30 * i) for i in range(int(duration // 30))]
    walks = [(25.0 + 30 * i, 29.0 + 30 * i) for i in range(int(duration // 30))]

    def draw(time: float) -> Image:
        grain = np.random.default_rng(int(time * FPS) + 1).normal(0, 4, (height, width))
        light = 1.0 - 0.25 * time / max(duration, 1.0)
        picture = Pillow.fromarray(np.clip(room * light + grain[..., None], 0, 255).astype(np.uint8))
        canvas = ImageDraw.Draw(picture)
        for sign in signs:
            if sign.start <= time < sign.end:
                canvas.text((width * 2 // 3, height // 12), sign.text, fill=(235, 225, 160), font=font)
        for start, end in walks:
            if start <= time < end:
                left = int((time - start) / (end - start) * (width + 60)) - 60
                canvas.rectangle((left, height // 3, left + 50, height - 20), fill=(40, 50, 90))
                canvas.ellipse((left + 8, height // 3 - 40, left + 42, height // 3), fill=(190, 150, 130))
        return np.asarray(picture, np.uint8)

    return Recording("camera", duration, draw, tuple(signs))


def _phrase(random: np.random.Generator, count: int) -> str:
    return " ".join(str(random.choice(_WORDS)) for _ in range(count))


def _speaker(picture: Pillow.Image, time: float, left: int, top: int, size: int) -> None:
    """A head that sways, nods and talks before a patterned wall."""
    canvas = ImageDraw.Draw(picture)
    canvas.rectangle((left, top, left + size, top + size), fill=(120, 140, 130))
    for stripe in range(0, size, 16):
        canvas.line((left + stripe, top, left + stripe, top + size), fill=(100, 120, 112), width=3)
    x = left + size // 2 + int(size * (0.10 * np.sin(1.3 * time) + 0.04 * np.sin(5.1 * time)))
    y = top + size // 2 + int(size * (0.05 * np.sin(2.9 * time) + 0.03 * np.sin(7.3 * time)))
    canvas.ellipse((x - size // 5, y - size // 4, x + size // 5, y + size // 4), fill=(214, 170, 140))
    mouth = int(size * 0.03 * (1 + np.sin(11 * time)))
    canvas.ellipse((x - size // 14, y + size // 9 - mouth, x + size // 14, y + size // 9 + mouth), fill=(120, 50, 50))
    for side in (-1, 1):
        eye = x + side * size // 12
        canvas.ellipse((eye - 3, y - size // 12 - 3, eye + 3, y - size // 12 + 3), fill=(30, 30, 30))
    canvas.pieslice((x - size // 3, y + size // 4, x + size // 3, y + size), 180, 360, fill=(60, 70, 110))


def _pointer(canvas: ImageDraw.ImageDraw, time: float, width: int, height: int) -> None:
    """The pointer rests, and every 11 s goes somewhere else within a second."""
    random = np.random.default_rng(int(time // 11.0))
    after = np.random.default_rng(int(time // 11.0) + 1)
    here, there = random.uniform(0.4, 0.9, 2), after.uniform(0.4, 0.9, 2)
    share = float(np.clip(time % 11.0 - 10.0, 0.0, 1.0))
    x, y = (here + (there - here) * share) * (width, height)
    canvas.polygon([(x, y), (x + 9, y + 20), (x + 13, y + 12), (x + 20, y + 10)], fill=(250, 250, 250))
