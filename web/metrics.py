"""`/metrics` in Prometheus' text format: the library, the queue, the disk, and the requests of this process."""

from __future__ import annotations

import shutil
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from apiflask import APIBlueprint, APIFlask
from flask import Response, g, request

from library.database import now
from library.records import JobState, VideoState
from reelseek import __version__
from web.backend import Backend, backend

MIMETYPE = "text/plain; version=0.0.4; charset=utf-8"
_KEPT = (JobState.QUEUED, JobState.RUNNING, JobState.FAILED, JobState.QUARANTINED)
_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"description": "Prometheus' text format", "content": {"text/plain": {"schema": {"type": "string"}}}}
}
_Samples = Iterable[tuple[Mapping[str, object], float]]


class Requests:
    """How many requests each endpoint answered, with which status, and how long that took altogether."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: Counter[tuple[str, int]] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def count(self, endpoint: str, status: int, seconds: float) -> None:
        """Count one."""
        with self._lock:
            self._answers[endpoint, status] += 1
            self._seconds[endpoint] += seconds

    def lines(self) -> list[str]:
        """All of it."""
        with self._lock:
            answers, seconds = dict(self._answers), dict(self._seconds)
        counted = (({"endpoint": name, "status": status}, count) for (name, status), count in answers.items())
        spent = (({"endpoint": name}, total) for name, total in seconds.items())
        return [
            *_metric("requests_total", "counter", "Requests that were answered, by endpoint and status.", counted),
            *_metric("request_seconds_total", "counter", "Time until answers began, by endpoint.", spent),
        ]


def install(app: APIFlask, health: APIBlueprint) -> None:
    """Count the requests to `app`, and serve the metrics with `health`. They need a key where the API does."""
    requests = Requests()

    @app.before_request
    def begin() -> None:
        g.began = time.monotonic()

    @app.after_request
    def count(response: Response) -> Response:
        requests.count(request.endpoint or "unknown", response.status_code, time.monotonic() - g.began)
        return response

    @health.get("/metrics")
    @health.doc(responses=_ANSWER)
    def metrics() -> Response:
        """Tell figures of the library, the queue, the disk and the requests, for Prometheus."""
        return Response("\n".join([*_of_library(backend()), *requests.lines(), ""]), content_type=MIMETYPE)


def _of_library(served: Backend) -> list[str]:
    catalogue = served.catalogue
    videos = (({"state": state.value}, catalogue.count_videos(state=state)) for state in VideoState)
    counts = served.ledger.counts()
    jobs = (({"state": state.value}, counts[state]) for state in _KEPT)
    oldest = served.ledger.oldest_queued()
    waited = (now() - oldest).total_seconds() if oldest else 0.0
    free = shutil.disk_usage(served.settings.data).free
    return [
        *_metric("info", "gauge", "The version that runs.", [({"version": __version__}, 1)]),
        *_metric("videos", "gauge", "Videos, by state.", videos),
        *_metric("jobs", "gauge", "Jobs that wait, run or failed, by state.", jobs),
        *_metric("queue_age_seconds", "gauge", "How long the oldest queued job has waited.", [({}, waited)]),
        *_metric("free_bytes", "gauge", "Free space where the data folder is.", [({}, free)]),
        *_metric("warm", "gauge", "1 once the engines that questions need are loaded.", [({}, served.is_warm)]),
    ]


def _metric(name: str, kind: str, told: str, samples: _Samples) -> list[str]:
    """One metric; the labels' values are words of ours and need no escapes."""
    lines = [f"# HELP reelseek_{name} {told}", f"# TYPE reelseek_{name} {kind}"]
    for labels, value in samples:
        inside = ",".join(f'{label}="{worth}"' for label, worth in labels.items())
        lines.append(
            f"reelseek_{name}{{{inside}}} {float(value):.15g}" if inside else f"reelseek_{name} {float(value):.15g}"
        )
    return lines
