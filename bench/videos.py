"""Videos for measurements, made by ffmpeg: from the real clips where those are at hand, else from test sources."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from reelseek.errors import SettingsError

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
"""Real clips and benchmarks, where a person has put them beside the project."""


def ffmpeg(*arguments: str | Path) -> None:
    """Run ffmpeg.

    Raises:
        SettingsError: it is not installed.
        subprocess.CalledProcessError: it failed.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        raise SettingsError("The benchmarks need ffmpeg.", hint="Install it, for example with: apt install ffmpeg")
    subprocess.run([program, "-v", "error", "-y", "-nostdin", *map(str, arguments)], check=True)


def footage(target: Path, *, height: int = 1080, fps: int = 30) -> Path:
    """About a minute of H.264 as cameras and editors write it: 30 fps, B-frames, a key picture every 250 at least."""
    clips = [SHARED / "video" / name for name in _CLIPS]
    clips = [clip for clip in clips if clip.is_file()]
    size = f"{height * 16 // 9}x{height}"
    if clips:
        inputs = [part for clip in clips for part in ("-i", clip)]
        scaled = "".join(f"[{n}:v]scale={size},setsar=1,fps={fps}[v{n}];" for n in range(len(clips)))
        joined = scaled + "".join(f"[v{n}]" for n in range(len(clips))) + f"concat=n={len(clips)}[v]"
        ffmpeg(*inputs, "-filter_complex", joined, "-map", "[v]", *_H264, target)
    else:
        source = f"mandelbrot=size={size}:rate={fps},noise=alls=6:allf=t"
        ffmpeg("-f", "lavfi", "-i", source, "-t", "60", *_H264, target)
    return target


def looped(source: Path, target: Path, minutes: float) -> Path:
    """A long video: a short one again and again, nothing encoded anew."""
    ffmpeg("-stream_loop", "-1", "-i", source, "-t", str(minutes * 60), "-c", "copy", target)
    return target


_CLIPS = ("gcp_for_bigger_escapes.mp4", "intel_cars.mp4", "gcp_googlework_short.mp4")
_H264 = ("-c:v", "libx264", "-preset", "medium", "-crf", "23", "-pix_fmt", "yuv420p", "-an")
