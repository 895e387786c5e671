"""Running the real `reelseek` command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def command(*arguments: str, data: Path) -> list[str]:
    """The command line of `reelseek` over a data folder."""
    return [sys.executable, "-m", "cli.main", "--data", str(data), *arguments]


def run_reelseek(
    *arguments: str, data: Path, timeout: float = 300, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(
        command(*arguments, data=data),
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
