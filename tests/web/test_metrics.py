"""`/metrics` as Prometheus reads it."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

from library.catalogue import open_catalogue
from library.keys import create_key
from library.ledger import Ledger
from reelseek.settings import Settings

SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="[^"\\\n]*",?)+)\})? (-?[0-9.e+-]+)')


def test_metrics_tell_videos_jobs_and_requests_and_need_a_key_where_there_is_one(
    fresh: FlaskClient, settings: Settings
) -> None:
    with open_catalogue(settings) as catalogue:
        Ledger(catalogue, settings.workers).enqueue("index", {"path": "/films/a.mp4"}, "a")
    fresh.get("/api/v1/videos")
    fresh.get("/api/v1/videos?page=0")
    answer = fresh.get("/metrics")
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.text.splitlines()
    found = {}
    for line in lines:
        if not line.startswith("#"):
            sample = SAMPLE.fullmatch(line)
            assert sample, line
            found[sample[1], sample[2]] = float(sample[3])
            assert f"# TYPE {sample[1]} " in answer.text
    assert found["reelseek_jobs", 'state="queued"'] == 1
    assert found["reelseek_videos", 'state="indexed"'] == 0
    assert found["reelseek_requests_total", 'endpoint="api.list_videos",status="422"'] == 1
    assert found["reelseek_free_bytes", None] > 0
    with open_catalogue(settings) as catalogue:
        secret = create_key(catalogue, "prometheus")
    assert fresh.get("/metrics").status_code == 401
    assert fresh.get("/metrics", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
