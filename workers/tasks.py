"""The Celery tasks: thin, without logic of their own. Heavy imports happen when the first job runs."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down

from library.catalogue import open_catalogue
from library.ledger import Ledger
from reelseek.errors import StorageError
from reelseek.settings import Settings, load_settings
from workers.enqueue import GC, STALE, queue_maintenance, queue_scan, queue_upkeep, ring

if TYPE_CHECKING:
    from workers.workspace import Workspace

_log = logging.getLogger(__name__)
_stopping = threading.Event()
_open: dict[str, Workspace] = {}


@shared_task(name="reelseek.run_next")  # type: ignore[untyped-decorator]  # Celery has no types
def run_next() -> None:
    """Run one job, and ring for the next."""
    from workers import runner

    if _stopping.is_set():
        return
    workspace = _workspace()
    if runner.run_next(workspace, _stopping) is None:
        return
    if Ledger(workspace.catalogue).due():
        ring(workspace.settings)


@shared_task(name="reelseek.reconcile")  # type: ignore[untyped-decorator]
def reconcile() -> None:
    """Take back the jobs of workers that fell silent, and ring for whatever waits."""
    settings = load_settings()
    with open_catalogue(settings) as catalogue:
        ledger = Ledger(catalogue, settings.workers)
        for job in ledger.reconcile():
            _log.warning("Job %d is %s: %s", job.job_id, job.state, job.error)
        _ring_for(ledger, settings)


@shared_task(name="reelseek.scan_libraries")  # type: ignore[untyped-decorator]
def scan_libraries() -> None:
    """Queue a scan of each library."""
    settings = load_settings()
    with open_catalogue(settings) as catalogue:
        ledger = Ledger(catalogue, settings.workers)
        for library in catalogue.libraries():
            queue_scan(ledger, library.library_id)
        _ring_for(ledger, settings)


@shared_task(name="reelseek.maintain_index")  # type: ignore[untyped-decorator]
def maintain_index() -> None:
    """Queue the maintenance of the index."""
    settings = load_settings()
    with open_catalogue(settings) as catalogue:
        ledger = Ledger(catalogue, settings.workers)
        queue_maintenance(ledger)
        _ring_for(ledger, settings)


@shared_task(name="reelseek.find_stale")  # type: ignore[untyped-decorator]
def find_stale() -> None:
    """Queue a look for what a changed engine or setting made stale."""
    _queue(STALE)


@shared_task(name="reelseek.collect_garbage")  # type: ignore[untyped-decorator]
def collect_garbage() -> None:
    """Queue the reclaiming of space."""
    _queue(GC)


def _queue(kind: str) -> None:
    settings = load_settings()
    with open_catalogue(settings) as catalogue:
        ledger = Ledger(catalogue, settings.workers)
        queue_upkeep(ledger, kind)
        _ring_for(ledger, settings)


def _ring_for(ledger: Ledger, settings: Settings) -> None:
    if waiting := ledger.due():
        ring(settings, min(waiting, settings.workers.concurrency))


def _workspace() -> Workspace:
    """This process's workspace; engines stay loaded from one job to the next."""
    from workers.workspace import Workspace

    if not _open:
        _open["workspace"] = Workspace.open(load_settings())
    return _open["workspace"]


@worker_ready.connect  # type: ignore[untyped-decorator]
def _begin(**_: Any) -> None:
    """A worker checks the index, scans, and looks for left work as soon as it runs, not when the schedule says.

    It also looks for what is stale: settings change while it does not run.
    """
    try:
        maintain_index()
        scan_libraries()
        if load_settings().workers.reindex == "auto":
            find_stale()
        reconcile()
    except StorageError as error:
        _log.warning("%s The schedule tries again.", error)


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _end(**_: Any) -> None:
    _stopping.set()
