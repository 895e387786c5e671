"""Scanning libraries: what is new or changed is queued, what vanished is noted, what is still being copied waits."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from library.catalogue import Catalogue
from library.ledger import Ledger
from library.records import FileState, Library
from reelseek.records import JsonObject
from reelseek.settings import Settings
from workers.enqueue import queue_index, ring
from workers.files import find_videos

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class ScanReport:
    """What a scan found, as paths.

    Attributes:
        waiting: files that changed while the scan looked at them; the next scan looks again.
        unreachable: libraries whose folder is not there. Nothing of theirs counts as vanished: a disk may be unplugged.
    """

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    unreachable: list[str] = field(default_factory=list)
    unchanged: int = 0

    def payload(self) -> JsonObject:
        """The report as JSON."""
        return {
            "new": self.new,
            "changed": self.changed,
            "vanished": self.vanished,
            "waiting": self.waiting,
            "unreachable": self.unreachable,
            "unchanged": self.unchanged,
        }

    def sentence(self) -> str:
        """The report for a person."""
        parts = [
            f"{len(found)} {what}"
            for what, found in (
                ("new", self.new),
                ("changed", self.changed),
                ("vanished", self.vanished),
                ("still being written", self.waiting),
            )
            if found
        ]
        text = f"{', '.join(parts) or 'Nothing new'}; {self.unchanged} unchanged."
        if self.unreachable:
            text += f" Not reachable: {', '.join(self.unreachable)}."
        return text


def scan_libraries(catalogue: Catalogue, settings: Settings) -> ScanReport:
    """Scan all libraries in this process and queue what is to be indexed."""
    report = ScanReport()
    for library in catalogue.libraries():
        scan_library(catalogue, settings, library, report)
    return report


def scan_library(
    catalogue: Catalogue,
    settings: Settings,
    library: Library,
    report: ScanReport | None = None,
    *,
    progress: Callable[[float], None] | None = None,
) -> ScanReport:
    """Scan one library and queue what is to be indexed, so that the newest file comes first.

    A new or changed file is looked at twice, `workers.stable_seconds` apart, and only queued when it has not changed
    between. A renamed file counts as new and vanished here; indexing knows it again by its content.

    Args:
        report: filled in and returned; a new one without it.
        progress: the fraction that is done; may raise to stop.
    """
    report = report or ScanReport()
    tell = progress or _ignore
    root = Path(library.path)
    if not root.is_dir():
        _log.warning("The library %s is not reachable.", library.name)
        report.unreachable.append(library.path)
        return report
    seen: dict[Path, FileState] = {}
    for path in find_videos([root]):
        tell(0.0)
        if state := _state(path):
            seen[path] = state
    catalogue.adopt_locations(library.library_id, {str(path) for path in seen})
    known = catalogue.file_states(library.library_id)
    candidates = {path: state for path, state in seen.items() if not _is_known(state, known.get(str(path)))}
    report.unchanged += len(seen) - len(candidates)
    stable = _stable(candidates, settings.workers.stable_seconds, tell)
    report.waiting += sorted(str(path) for path in candidates.keys() - stable)
    ledger = Ledger(catalogue, settings.workers)
    for path in sorted(stable, key=lambda path: candidates[path].mtime_ns):  # the ledger gives the newest job first
        (report.changed if str(path) in known else report.new).append(str(path))
        queue_index(ledger, path, library.library_id)
    for place in _vanished(known, {str(path) for path in seen}):
        catalogue.remove_location(place)
        report.vanished.append(place)
    catalogue.mark_scanned(library.library_id)
    if stable:
        ring(settings, min(len(stable), settings.workers.concurrency))
    tell(1.0)
    return report


def _ignore(fraction: float) -> None:
    """No progress is wanted."""


def _is_known(state: FileState, known: FileState | None) -> bool:
    return known is not None and (known.size, known.mtime_ns) == (state.size, state.mtime_ns)


def _state(path: Path) -> FileState | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return FileState(stat.st_size, stat.st_mtime_ns, "")


def _stable(candidates: dict[Path, FileState], seconds: float, progress: Callable[[float], None]) -> set[Path]:
    """The files that are not being written: unchanged for `seconds` from now."""
    if not candidates:
        return set()
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        progress(1.0 - left / seconds)
        time.sleep(min(0.2, left))
    return {path for path, state in candidates.items() if _state(path) == state}


def _vanished(known: Iterable[str], seen: set[str]) -> list[str]:
    """Known paths at which there is nothing any more. One that merely cannot be looked at is not gone."""
    gone = []
    for place in known:
        if place in seen:
            continue
        try:
            Path(place).stat()
        except (FileNotFoundError, NotADirectoryError):
            gone.append(place)
        except OSError:
            continue
    return sorted(gone)
