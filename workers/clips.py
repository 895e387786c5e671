"""Clips that are cut while somebody waits: a few at once, each in a process of its own, kept to be sent again.

A process of its own costs a second and gives much: what FFmpeg does to a hostile file it does to that process alone, a
cut that takes too long can be ended, and the server's other requests have the interpreter to themselves.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import reelseek.errors
from reelseek.durable import TEMPORARY, abandoned, storage_errors
from reelseek.errors import Busy, InvalidRequest, MediaError, ReelseekError, StorageError
from reelseek.settings import Settings
from workers.cutter import CutRequest, as_message

_PATIENCE = 120.0
_PATIENCE_PER_SECOND = 20.0
"""Seconds that cutting may take: so many, and so many more for each second of the clip."""
_KEY_DIGITS = 32


class Clips:
    """The clips of one server. Thread-safe.

    Args:
        settings: `export` bounds how long they are, how many are cut at once, and how much is kept.
    """

    def __init__(self, settings: Settings) -> None:
        self._limits, self._folder = settings.export, settings.clips_path
        # one thread of the server at least is left for other requests
        self._places = threading.BoundedSemaphore(max(1, min(self._limits.at_once, settings.web.threads - 1)))
        self._lock = threading.Lock()
        self._under_way: dict[str, threading.Lock] = {}

    def clip(self, request: CutRequest) -> Path:
        """The file of a clip, cut now or before.

        Raises:
            InvalidRequest: it is longer than allowed, or nothing can be cut so.
            Busy: as many as may be are being cut just now.
            MediaError: a source cannot be read, or takes too long.
            StorageError: the disk is full, or refuses.
        """
        if request.duration > self._limits.longest:
            raise InvalidRequest(
                f"{request.duration:.0f} s are asked for; the server cuts at most {self._limits.longest:.0f} s.",
                hint="Take less, or use `reelseek export` (export.longest).",
            )
        key = _key(request)
        target = self._folder / f"{key}.mp4"
        if _kept(target):
            return target
        if not self._places.acquire(blocking=False):
            raise Busy("Other clips are being cut just now.", hint="Try again in a few seconds.")
        try:
            with self._alone(key):
                if not _kept(target):
                    with storage_errors("The folder of the clips"):
                        self._folder.mkdir(parents=True, exist_ok=True)
                    self._make_room(keep=target)
                    _cut_in_child(request, target)
        finally:
            self._places.release()
        return target

    @contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        """The same clip is cut once, whoever asks for it at the same time."""
        with self._lock:
            mine = self._under_way.setdefault(key, threading.Lock())
        try:
            with mine:
                yield
        finally:
            with self._lock:
                if not mine.locked():
                    self._under_way.pop(key, None)

    def _make_room(self, keep: Path) -> None:
        """Delete what was not asked for longest until the rest fits, and what dead processes left."""
        found = []
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                stat = path.stat()
                if path.name.startswith(TEMPORARY):
                    if abandoned(path.stem, stat.st_mtime):
                        path.unlink()
                elif path != keep:
                    found.append((stat.st_atime, stat.st_size, path))
        room = self._limits.cache_gb * 1e9
        for _, size, path in sorted(found, reverse=True):
            room -= size
            if room < 0:
                path.unlink(missing_ok=True)


def _kept(path: Path) -> bool:
    """Whether a clip is there; then it was asked for just now. When it was written stays: its entity tag needs that."""
    try:
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
    except FileNotFoundError:
        return False
    return True


def _key(request: CutRequest) -> str:
    """What the bytes of a clip depend on."""
    stated = []
    for cut in request.cuts:
        try:
            stat = cut.path.stat()
        except OSError as error:
            raise MediaError(f"{cut.path.name}: The file is not there.") from error
        stated.append([os.fspath(cut.path), stat.st_size, stat.st_mtime_ns, f"{cut.start:.3f}", f"{cut.end:.3f}"])
    told = json.dumps([stated, request.copy, request.height, request.title])
    return hashlib.sha256(told.encode()).hexdigest()[:_KEY_DIGITS]


def _cut_in_child(request: CutRequest, target: Path) -> None:
    command = [sys.executable, "-m", "workers.child", str(os.getpid()), sys.executable, "-m", "workers.cutter"]
    try:
        done = subprocess.run(
            command,
            input=as_message(request, target),
            capture_output=True,
            text=True,
            timeout=_PATIENCE + _PATIENCE_PER_SECOND * request.duration,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise MediaError("Cutting it took too long.", hint="Cut less, or use `reelseek export`.") from error
    if done.returncode == 0 and target.is_file():
        return
    try:
        told = json.loads(done.stdout)
    except ValueError:
        raise MediaError("Its decoder failed on it.") from None
    raise _error(told)


def _error(told: dict[str, Any]) -> ReelseekError:
    """The error that the child met."""
    kinds: dict[str, type[ReelseekError]] = {
        kind.__name__: kind for kind in (InvalidRequest, MediaError, StorageError, reelseek.errors.EngineUnavailable)
    }
    return kinds.get(told.get("error", ""), MediaError)(told.get("message", ""), hint=told.get("hint", ""))
