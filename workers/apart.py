"""Looking into a file that a stranger sent, in a process of its own.

What FFmpeg does to a hostile file it does to that process alone; one that takes too long is ended.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from reelseek.errors import MediaError, ReelseekError
from reelseek.settings import Settings, as_environment, load_settings


def looked_apart(module: str, path: Path, settings: Settings, seconds: float) -> bytes:
    """What `python -m module` finds in a file; its `main` is `look`.

    Raises:
        MediaError: it says why it finds nothing, or it was killed by the file.
        subprocess.TimeoutExpired: it takes longer than `seconds`.
    """
    done = subprocess.run(
        [sys.executable, "-m", "workers.child", str(os.getpid()), sys.executable, "-m", module],
        input=os.fsencode(path),
        capture_output=True,
        timeout=seconds,
        env={**os.environ, **as_environment(settings)},
        check=False,
    )
    if done.returncode == 0:
        return done.stdout
    try:
        told = json.loads(done.stdout)
    except ValueError:
        raise MediaError("Its decoder failed on it.") from None
    raise MediaError(str(told["message"]), hint=str(told["hint"]))


def look(find: Callable[[Path, Settings], bytes]) -> int:
    """Send what is found in the file that standard input names, or as JSON why nothing is; return the exit code."""
    path = Path(os.fsdecode(sys.stdin.buffer.read()))
    try:
        found = find(path, load_settings())
    except ReelseekError as error:
        json.dump({"message": error.message, "hint": error.hint}, sys.stdout)
        return error.exit_code
    sys.stdout.buffer.write(found)
    return 0
