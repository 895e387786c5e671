"""From pictures, speech and subtitles to video files: espeak-ng speaks, PyAV encodes."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pysubs2
from PIL import Image

RATE = 22_050
"""Samples per second of espeak-ng, and of the videos."""
Samples = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Voice:
    """An espeak-ng voice: its name, words per minute, pitch (0 to 99)."""

    name: str = "en-us"
    speed: int = 150
    pitch: int = 50


@dataclass(frozen=True, slots=True)
class Cue:
    """A spoken sentence with its time in seconds."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class Look:
    """How a file is made: its name, picture size, pictures per second, and what is unusual of it.

    Attributes:
        start: time stamp of the first picture in seconds; players and Reelseek count from it.
        irregular: pictures stand for changing lengths of time instead of `1 / fps`.
        turned: pictures are stored turned by 90 degrees, with the note to turn them back.
        subtitles: "" none, "embedded" a track in the file, "srt" or "vtt" a file beside it.
    """

    name: str
    size: tuple[int, int] = (640, 360)
    fps: int = 12
    start: float = 0.0
    irregular: bool = False
    turned: bool = False
    subtitles: str = ""


def speak(text: str, voice: Voice) -> Samples:
    """Say `text`: 16-bit mono sound at `RATE`, without silence at its ends.

    Raises:
        RuntimeError: espeak-ng is not installed.
    """
    program = shutil.which("espeak-ng")
    if program is None:
        raise RuntimeError("espeak-ng is not installed; it speaks the demo's videos (apt install espeak-ng).")
    command = [program, "-v", voice.name, "-s", str(voice.speed), "-p", str(voice.pitch), "--stdout", text]
    sound = subprocess.run(command, check=True, capture_output=True).stdout
    with wave.open(io.BytesIO(sound)) as file:
        # espeak-ng cannot know the length when it writes to a pipe: all that came is read, not what the header says
        samples = np.frombuffer(file.readframes(len(sound) // 2), np.int16)
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 200)
    return samples[loud[0] : loud[-1] + 1]


def mix(parts: Iterable[tuple[float, Samples]], duration: float) -> Samples:
    """Lay sounds at their start times over silence of `duration` seconds."""
    track = np.zeros(round(duration * RATE), np.int16)
    for start, samples in parts:
        first = round(start * RATE)
        fits = samples[: len(track) - first]
        track[first : first + len(fits)] = fits
    return track


def write_video(
    folder: Path, look: Look, pictures: Iterable[tuple[float, Image.Image]], sound: Samples | None, cues: Sequence[Cue]
) -> Path:
    """Encode a video, and its subtitles inside or beside it.

    Args:
        folder: where to write.
        look: the file's name and form.
        pictures: time in seconds and picture, in order; each stays until the next.
        sound: the whole sound track; None makes a file without one.
        cues: subtitles, used as `look.subtitles` says.
    """
    path = folder / look.name
    options = {"fflags": "+bitexact"} | ({"movflags": "+faststart"} if path.suffix == ".mp4" else {})
    with av.open(str(path), "w", options=options) as container:
        video = container.add_stream("libx264", rate=look.fps)
        width, height = look.size[::-1] if look.turned else look.size
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        # A keyframe every ten seconds at least; one thread, so that the same pictures give the same bytes.
        video.options = {"crf": "24", "preset": "medium", "tune": "animation", "g": str(10 * look.fps)}
        video.codec_context.thread_count = 1
        video.codec_context.time_base = Fraction(1, 1000)
        if look.turned:
            video.set_display_rotation(90)
        audio = container.add_stream("aac", rate=RATE, layout="mono") if sound is not None else None
        if audio is not None:
            audio.bit_rate = 32_000
        embedded = _embedded(container, cues, look.start) if look.subtitles == "embedded" else []
        container.start_encoding()
        packets = [
            packet for time, picture in pictures for packet in video.encode(_frame(picture, time + look.start, look))
        ]
        packets += video.encode(None)
        if audio is not None and sound is not None:
            packets += _encode_sound(audio, sound, look.start)
        packets += embedded
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    if look.subtitles in ("srt", "vtt"):
        subtitles(cues).save(str(path.with_suffix("." + look.subtitles)))
    return path


def subtitles(cues: Sequence[Cue]) -> pysubs2.SSAFile:
    """Cues as a subtitle file."""
    file = pysubs2.SSAFile()
    for cue in cues:
        file.append(pysubs2.SSAEvent(start=round(cue.start * 1000), end=round(cue.end * 1000), text=cue.text))
    return file


def _frame(picture: Image.Image, time: float, look: Look) -> av.VideoFrame:
    if look.turned:
        picture = picture.transpose(Image.Transpose.ROTATE_270)
    frame = av.VideoFrame.from_image(picture)
    frame.pts, frame.time_base = round(time * 1000), Fraction(1, 1000)
    return frame


def _encode_sound(stream: av.AudioStream, samples: Samples, start: float) -> list[av.Packet]:
    frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
    frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), round(start * RATE)
    return [*stream.encode(frame), *stream.encode(None)]


def _embedded(container: av.container.OutputContainer, cues: Sequence[Cue], start: float) -> list[av.Packet]:
    """Add a subtitle track whose time begins at `start`; its packets, to be muxed with the others."""
    file = subtitles(cues)
    file.shift(s=start)
    text = file.to_string("srt").encode()
    with av.open(io.BytesIO(text), format="srt") as source:
        read = source.streams.subtitles[0]
        track = container.add_stream_from_template(read)
        track.metadata["language"] = "eng"
        packets = [packet for packet in source.demux(read) if packet.dts is not None]
    for packet in packets:
        packet.stream = track
    return packets
