"""A model's notes of stretches of video, kept: the next digest over the same words needs no model for them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from reelseek.durable import replace_file


@dataclass(frozen=True, slots=True)
class KeptNotes:
    """Notes in a folder, one file each, named after the model, the question and the words they are of."""

    folder: Path

    def key(self, *of: str) -> str:
        """The name of the notes of these words by this model."""
        return hashlib.sha256("\0".join(of).encode()).hexdigest()[:32]

    def read(self, key: str) -> str:
        """The notes, or nothing."""
        try:
            return (self.folder / f"{key}.txt").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    def write(self, key: str, notes: str) -> None:
        """Keep notes; a folder that cannot be written costs the next digest some seconds, no more."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            replace_file(self.folder / f"{key}.txt", notes.encode())
        except OSError:
            return
