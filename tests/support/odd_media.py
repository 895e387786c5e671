"""Files as the world makes them, by FFmpeg's command: two scenes that change at a known time, in odd containers."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

CUT = 2.0
"""Second at which the picture of `film` turns into its negative."""
LENGTH = 4.0
"""Seconds that `film` lasts."""


def scenes(width: int = 320, height: int = 180, fps: int = 25) -> str:
    """Two scenes of 2 s as a filter graph."""
    bars = f"smptebars=s={max(width, 16)}x{max(height, 16)}:r={fps}:d={CUT:g},scale={width}:{height}"
    return f"{bars}[a];{bars},negate[b];[a][b]concat,setsar=1[out0]"


def film(
    path: Path,
    *options: str,
    graph: str | None = None,
    sound: float = 0.0,
    before: Sequence[str] = (),
    codec: str = "libx264",
) -> Path:
    """Write the two scenes with FFmpeg.

    Args:
        options: for the output.
        graph: another filter graph than `scenes()`; empty for sound alone.
        sound: seconds of a tone; 0 for none.
        before: options for the input of the pictures.
        codec: of the pictures.
    """
    pictures = graph if graph is not None else scenes()
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y"]
    if pictures:
        command += [*before, "-f", "lavfi", "-i", pictures]
    if sound:
        command += ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=16000:duration={sound:g}"]
    if pictures:
        fast = ["-preset", "ultrafast"] if codec.startswith("libx26") else []
        quiet = ["-x265-params", "log-level=none"] if codec == "libx265" and "-x265-params" not in options else []
        command += ["-c:v", codec, *fast, *quiet]
        if codec.startswith("libx26") and "-pix_fmt" not in options:
            command += ["-pix_fmt", "yuv420p"]
    subprocess.run([*command, *options, f"file:{path}"], check=True, timeout=60)
    return path


def trimmed(path: Path, start: float) -> Path:
    """The same without its first seconds, not encoded anew: an MP4 then hides what is before by an edit list."""
    whole = film(path.with_name("whole.mp4"), "-g", "250")
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-ss", str(start), "-i", str(whole), "-c", "copy", str(path)]
    subprocess.run(command, check=True, timeout=60)
    return path


def scrambled(path: Path, first: float, last: float) -> Path:
    """Overwrite a stretch of a file, given as shares of its length, with a pattern."""
    content = bytearray(path.read_bytes())
    start, end = int(first * len(content)), int(last * len(content))
    content[start:end] = bytes((7 * index) % 251 for index in range(end - start))
    path.write_bytes(content)
    return path


def claims_length(path: Path, seconds: float) -> Path:
    """Make the header of a Matroska file state another duration (its clock ticks in ms)."""
    content = bytearray(path.read_bytes())
    at = content.index(b"\x44\x89\x88") + 3
    struct.pack_into(">d", content, at, seconds * 1000)
    path.write_bytes(content)
    return path


def claims_size(path: Path, width: int, height: int) -> Path:
    """Make a GIF's header state another size."""
    content = bytearray(path.read_bytes())
    struct.pack_into("<HH", content, 6, width, height)
    path.write_bytes(content)
    return path
