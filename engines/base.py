"""What every adapter shares: its identity, and how a missing library is told."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from reelseek.errors import EngineUnavailable
from reelseek.records import EngineRef
from reelseek.setting_groups import EngineSettings


class BaseEngine:
    """An adapter's identity. Subclasses load their library and weights in `__init__`.

    Args:
        ref: identity and fingerprint, made by the registry before anything is loaded.
        weights: a file or folder on this machine; None where the library's package carries them.
        settings: device, threads, batch size.
    """

    def __init__(self, ref: EngineRef, weights: Path | None, settings: EngineSettings) -> None:
        self._ref = ref
        self.weights = weights
        self.settings = settings

    @property
    def id(self) -> str:
        """`family:name`."""
        return self._ref.id

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same input could give another output."""
        return self._ref.fingerprint

    @property
    def note(self) -> str:
        """What a user must know of the results, or an empty string."""
        return self._ref.note


def require(module: str, extra: str) -> Any:
    """Import an engine's library.

    Raises:
        EngineUnavailable: it is not installed; the message names the extra and the command that adds it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise EngineUnavailable(
            f"This engine needs the package {error.name or module}, which is not installed.",
            hint=f"Add it with: pip install 'reelseek[{extra}]'",
        ) from error
