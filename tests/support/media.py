"""Small videos for tests, written by the test itself: scenes, slides, sound, and broken files of many kinds."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from reelseek.records import Audio, Image

Timed = tuple[float, Image]
RATE = 16_000
_TICKS = Fraction(1, 1000)
_ASS_HEADER = b"[Script Info]\n[V4+ Styles]\nFormat: Name, Fontname\nStyle: Default,Arial\n[Events]\nFormat: Text\n"


def plain(colour: tuple[int, int, int], width: int = 320, height: int = 180) -> Image:
    """A picture of one colour."""
    return np.full((height, width, 3), colour, np.uint8)


def slide(*lines: str, width: int = 640, height: int = 360, back: str = "white", ink: str = "black") -> Image:
    """A slide with lines of text in large letters."""
    picture = Pillow.new("RGB", (width, height), back)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size=height // 9)
    for index, line in enumerate(lines):
        draw.text((width // 16, height // 10 + index * height // 5), line, fill=ink, font=font)
    return np.asarray(picture, dtype=np.uint8)


def busy(seed: int, width: int = 320, height: int = 180) -> Image:
    """A picture of coloured rectangles, another one for every seed."""
    random = np.random.default_rng(seed)
    picture = Pillow.new("RGB", (width, height), tuple(random.integers(0, 256, 3).tolist()))
    draw = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y = int(random.integers(0, width)), int(random.integers(0, height))
        box = (x, y, x + int(random.integers(10, width // 2)), y + int(random.integers(10, height // 2)))
        draw.rectangle(box, fill=tuple(random.integers(0, 256, 3).tolist()))
    return np.asarray(picture, dtype=np.uint8)


def steady(scenes: Iterable[tuple[float, Image]], fps: float = 10.0) -> Iterator[Timed]:
    """Frames at an even rate from (seconds, picture) scenes, one after another."""
    number, until = 0, 0.0
    for length, picture in scenes:
        until += length
        while number / fps < until - 1e-9:
            yield number / fps, picture
            number += 1


def tone(spans: Sequence[tuple[float, float]], duration: float, hertz: float = 440.0) -> Audio:
    """Silence with a tone in the given spans (s)."""
    time = np.arange(round(duration * RATE)) / RATE
    sound = np.zeros(len(time), np.float32)
    for start, end in spans:
        inside = (time >= start) & (time < end)
        sound[inside] = 0.5 * np.sin(2 * np.pi * hertz * time[inside])
    return sound


def tone_spans(samples: Audio) -> list[tuple[float, float]]:
    """The spans (s) in which a tone sounds, to 10 ms."""
    level = np.abs(samples[: len(samples) // 160 * 160].reshape(-1, 160)).max(axis=1) > 0.1
    edges = np.flatnonzero(np.diff(np.concatenate([[0], level.astype(int), [0]])))
    return [(float(start) / 100, float(end) / 100) for start, end in edges.reshape(-1, 2)]


def write_video(
    path: Path,
    frames: Iterable[Timed] = (),
    *,
    sound: Audio | None = None,
    sound_at: float = 0.0,
    offset: float = 0.0,
    codec: str = "libx264",
    title: str = "",
    cues: Sequence[tuple[float, float, str]] = (),
    chapters: Sequence[tuple[float, float, str]] = (),
    gop: int = 25,
) -> Path:
    """Write a video; the ending of `path` says which container.

    Args:
        frames: (seconds, picture); the distances may vary. None for sound alone.
        sound: mono at 16 kHz; it starts at `sound_at`.
        offset: added to every time stamp.
        cues: an embedded SubRip track (Matroska).
    """
    timed = iter(frames)
    first = next(timed, None)
    with av.open(str(path), "w") as output:
        if title:
            output.metadata["title"] = title
        if chapters:
            output.set_chapters(
                [
                    {"id": i, "start": round((s + offset) * 1000), "end": round((e + offset) * 1000),
                     "time_base": _TICKS, "metadata": {"title": text}}
                    for i, (s, e, text) in enumerate(chapters)
                ]
            )  # fmt: skip
        video = voice = texts = None
        if first is not None:
            video = output.add_stream(codec, rate=25)
            video.height, video.width = first[1].shape[:2]
            video.pix_fmt = "yuv420p"
            video.time_base = video.codec_context.time_base = _TICKS
            video.gop_size = gop
            if codec == "libx264":
                video.codec_context.options = {"preset": "ultrafast", "bf": "0"}
        if sound is not None:
            names = {".wav": "pcm_s16le", ".mp3": "libmp3lame", ".mkv": "flac", ".webm": "libopus"}
            voice = output.add_stream(names.get(path.suffix, "aac"), rate=RATE, layout="mono")
        if cues:
            texts = output.add_stream("srt")
            texts.codec_context.subtitle_header = _ASS_HEADER
            texts.time_base = _TICKS
        if video is not None and first is not None:
            for time, picture in _chain(first, timed):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = round((time + offset) * 1000), _TICKS
                output.mux(video.encode(frame))
            output.mux(video.encode(None))
        if voice is not None and sound is not None:
            _mux_sound(output, voice, sound, sound_at + offset)
        for start, end, text in cues:
            packet = av.Packet(text.encode())
            packet.stream, packet.time_base = texts, _TICKS
            packet.pts = packet.dts = round((start + offset) * 1000)
            packet.duration = round((end - start) * 1000)
            output.mux(packet)
    return path


def turned(path: Path, degrees: int) -> Path:
    """Write a rotation (90, 180 or 270 clockwise) into an MP4's track header."""
    content = bytearray(path.read_bytes())
    cos, sin = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    matrix = (cos << 16, sin << 16, 0, -sin << 16, cos << 16, 0, 0, 0, 1 << 30)
    place = content.index(b"tkhd") + 4
    start = place + (52 if content[place] else 40)
    content[start : start + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(content)
    return path


def truncated(path: Path, share: float) -> Path:
    """Cut a file off."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def _chain(first: Timed, rest: Iterator[Timed]) -> Iterator[Timed]:
    yield first
    yield from rest


def _mux_sound(output: av.container.OutputContainer, stream: av.AudioStream, sound: Audio, start: float) -> None:
    for begin in range(0, len(sound), 1024):
        part = (sound[begin : begin + 1024] * 32767).astype(np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
        frame.sample_rate, frame.time_base = RATE, Fraction(1, RATE)
        frame.pts = round(start * RATE) + begin
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))
