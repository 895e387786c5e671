"""What Celery beat runs, and how often."""

from __future__ import annotations

from typing import Any

from reelseek.setting_groups import WorkerSettings

MAINTENANCE_SECONDS = 600.0
GC_SECONDS = 24 * 3600.0


def beat_schedule(settings: WorkerSettings) -> dict[str, dict[str, Any]]:
    """Celery's `beat_schedule`. A message that waited longer than its interval is dropped: the next one is there."""
    every = {
        "reelseek.reconcile": min(10.0, settings.lease_seconds / 2),
        "reelseek.scan_libraries": settings.scan_interval,
        "reelseek.maintain_index": MAINTENANCE_SECONDS,
        "reelseek.find_stale": settings.reindex_interval,
        "reelseek.collect_garbage": GC_SECONDS,
    }
    if settings.reindex == "off":
        del every["reelseek.find_stale"]
    return {
        name: {"task": name, "schedule": seconds, "options": {"expires": max(5.0, seconds)}}
        for name, seconds in every.items()
    }
