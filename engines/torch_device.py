"""Where torch runs a model, and in which number format."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from reelseek.errors import EngineUnavailable
from reelseek.setting_groups import EngineSettings

from .base import require


def choose_device(settings: EngineSettings, extra: str) -> str:
    """The device as torch names it: the one that is set, or for `auto` the GPU where there is one, else the CPU.

    Also applies `settings.threads`, which torch keeps per process.

    Args:
        settings: device and threads.
        extra: whose message names it where torch is not installed.

    Raises:
        EngineUnavailable: the device that is set is not on this machine.
    """
    torch = require("torch", extra)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    cuda = torch.cuda.is_available()
    if settings.device == "auto":
        return "cuda" if cuda else "cpu"
    kind, _, index = settings.device.partition(":")
    there = {
        "cpu": True,
        "cuda": cuda and int(index or 0) < torch.cuda.device_count(),
        "mps": bool(torch.backends.mps.is_available()),
    }[kind]
    if not there:
        raise EngineUnavailable(
            f"The device {settings.device} is set, but torch finds none on this machine.",
            hint="Set engines.device to auto or cpu.",
        )
    return settings.device


def cpu_has_bf16() -> bool:
    """Whether this CPU multiplies bfloat16 itself (AVX-512 BF16, AMX); emulated it is slower than float32."""
    torch = require("torch", "clip")
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def reduced_precision(device: str) -> Any | None:
    """The torch dtype that is faster than float32 on `device` and good enough for embeddings, or None."""
    torch = require("torch", "clip")
    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    return torch.bfloat16 if device == "cpu" and cpu_has_bf16() else None


def autocast(device: str, dtype: Any | None) -> AbstractContextManager[None]:
    """Run matrix products in `dtype` and what needs the range in float32; nothing for None."""
    torch = require("torch", "clip")
    return nullcontext() if dtype is None else torch.autocast(device.partition(":")[0], dtype=dtype)
