"""The process that records live sources: a thread for each one that was added. `python -m workers.recorder`."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from library.catalogue import Catalogue, open_catalogue
from library.records import Source, SourceState
from reelseek.errors import Conflict, ReelseekError
from reelseek.settings import Settings, load_settings
from workers.recordings import drop_old, library_of

POLL_SECONDS = 2.0
"""How often it looks for sources that were added or removed."""

_AGAIN_SECONDS = 15.0
_STOP_SECONDS = 6.0
_TIDY_SECONDS = 60.0
_log = logging.getLogger(__name__)

Say = Callable[[str, str], None]
"""Told the name of a source and one sentence about it."""


@dataclass(slots=True)
class _Running:
    thread: threading.Thread
    stop: threading.Event = field(default_factory=threading.Event)


class RecorderPool:
    """Records the sources of the catalogue until it is told to stop.

    Args:
        settings: the settings.
        catalogue: where the sources are.
        names: only these; None: all that have a URL, and those that are added meanwhile.
        say: told what happens; by default it is logged.
    """

    def __init__(
        self, settings: Settings, catalogue: Catalogue, names: Collection[str] | None = None, say: Say | None = None
    ) -> None:
        self._settings, self._catalogue, self._names = settings, catalogue, names
        self._say = say or (lambda name, text: _log.warning("%s: %s", name, text))
        self._running: dict[int, _Running] = {}
        self._not_before: dict[int, float] = {}
        self._refused: set[int] = set()
        self._tidied = -_TIDY_SECONDS

    def run(self, stop: threading.Event) -> None:
        """Record until `stop` is set; with `names`, until all of them have ended."""
        try:
            while not stop.is_set():
                try:
                    sources = {source.source_id: source for source in self._catalogue.sources("url")}
                except ReelseekError as error:
                    _log.warning("The sources cannot be read: %s", error)
                    stop.wait(POLL_SECONDS)
                    continue
                self._tend(sources)
                self._tidy()
                if self._names is not None and not self._running and not self._waiting(sources):
                    return
                stop.wait(POLL_SECONDS)
        finally:
            self._end()

    def _waiting(self, sources: dict[int, Source]) -> bool:
        wanted = [source for source in sources.values() if source.name in (self._names or ())]
        return any(_is_open(source) and source.source_id not in self._refused for source in wanted)

    def _tend(self, sources: dict[int, Source]) -> None:
        for number, running in list(self._running.items()):
            if number not in sources:
                running.stop.set()
            if not running.thread.is_alive():
                del self._running[number]
        for number, source in sources.items():
            wanted = self._names is None or source.name in self._names
            if not wanted or number in self._running or number in self._refused or not _is_open(source):
                continue
            if time.monotonic() >= self._not_before.get(number, 0.0):
                self._start(source)

    def _tidy(self) -> None:
        """Delete what is too old of sources that nobody records now, once a minute. Who records one does it himself."""
        if self._names is not None or time.monotonic() - self._tidied < _TIDY_SECONDS:
            return
        self._tidied = time.monotonic()
        try:
            for source in self._catalogue.sources():
                if not source.holder:
                    library = library_of(self._catalogue, self._settings, source)
                    drop_old(self._catalogue, self._settings, source, library)
        except ReelseekError as error:
            _log.warning("Old recordings cannot be deleted: %s", error)

    def _start(self, source: Source) -> None:
        # here, not in the threads: PyAV cannot be imported by two of them at once
        import workers.live  # noqa: F401

        stop = threading.Event()
        thread = threading.Thread(target=self._record, args=(source, stop), name=f"live-{source.name}", daemon=True)
        self._running[source.source_id] = _Running(thread, stop)
        self._not_before[source.source_id] = time.monotonic() + _AGAIN_SECONDS
        thread.start()

    def _record(self, source: Source, stop: threading.Event) -> None:
        from workers.live import LiveRecording

        try:
            recording = LiveRecording(
                self._catalogue, self._settings, source, stop, say=lambda text: self._say(source.name, text)
            )
            state = recording.run()
            if state is SourceState.ENDED:
                self._say(source.name, f"It has ended; {recording.recorded} recordings.")
        except Conflict as error:
            if self._names is not None:
                self._refused.add(source.source_id)
                self._say(source.name, str(error))
        except ReelseekError as error:
            self._say(source.name, str(error))
        except Exception as error:  # noqa: BLE001 (the boundary of one source: the others go on)
            _log.exception("Recording %s failed", source.name)
            self._say(source.name, f"Recording failed: {type(error).__name__}. It is tried again.")

    def _end(self) -> None:
        for running in self._running.values():
            running.stop.set()
        until = time.monotonic() + _STOP_SECONDS
        for running in self._running.values():
            running.thread.join(max(0.0, until - time.monotonic()))


def _is_open(source: Source) -> bool:
    """Whether there is something to record: a finite one that was recorded to its end is not begun anew."""
    return source.state is not SourceState.ENDED


def main() -> int:
    """Record all sources until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format="%(message)s")
    settings, stop = load_settings(), threading.Event()

    def end(_number: int, _frame: Any) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    with open_catalogue(settings) as catalogue:
        RecorderPool(settings, catalogue).run(stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
