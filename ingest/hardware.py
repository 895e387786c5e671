"""Decoding on a graphics chip, where FFmpeg offers one that works."""

from __future__ import annotations

from functools import lru_cache

from av.codec.hwaccel import HWAccel, hwdevices_available

PREFERRED = ("cuda", "videotoolbox", "vaapi", "qsv", "d3d11va", "vdpau", "amf", "rkmpp")
"""Kinds of devices in the order in which `auto` tries them."""


def accelerator(wanted: str) -> HWAccel | None:
    """What to open a video with so that it is decoded by hardware; None decodes on the processor.

    A stream that the device cannot decode falls back to the processor by itself.

    Args:
        wanted: `auto`, `off`, or one of FFmpeg's device kinds (`cuda`, `vaapi`, …).
    """
    if wanted == "off":
        return None
    kinds = PREFERRED if wanted == "auto" else (wanted,)
    working = next((kind for kind in kinds if works(kind)), None)
    return HWAccel(device_type=working, allow_software_fallback=True) if working else None


@lru_cache(maxsize=16)
def works(kind: str) -> bool:
    """Whether FFmpeg was built for this kind of device and one can be opened here."""
    if kind not in hwdevices_available():
        return False
    try:
        return _opens(kind)
    except (OSError, RuntimeError, ValueError, NotImplementedError):  # FFmpeg's errors are of all these kinds
        return False


def _opens(kind: str) -> bool:
    from av.codec import Codec

    codec = Codec("h264", "r")
    HWAccel(device_type=kind, allow_software_fallback=False).create(codec)
    return True
