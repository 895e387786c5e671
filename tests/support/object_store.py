"""An S3-compatible server on this machine, and what a person sets to use it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

BUCKET = "films"


@dataclass
class ObjectStore:
    """Where it is, how a process finds it, and which requests were made by this one."""

    url: str
    environment: dict[str, str]
    requests: Counter[str] = field(default_factory=Counter)


@contextmanager
def object_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """A server with one bucket, set up for this process and, by `environment`, for others."""
    import fsspec.config
    import s3fs
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "FSSPEC_S3_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    # another process reads the variable when it starts; in this one fsspec is loaded already
    monkeypatch.setitem(fsspec.config.conf, "s3", {"endpoint_url": environment["FSSPEC_S3_ENDPOINT_URL"]})
    store = ObjectStore(f"s3://{BUCKET}/artefacts", environment)
    call = s3fs.S3FileSystem._call_s3

    async def counted(self: Any, method: str, *arguments: Any, **options: Any) -> Any:
        store.requests[method] += 1
        return await call(self, method, *arguments, **options)

    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", counted)
    try:
        httpx.post(f"{environment['FSSPEC_S3_ENDPOINT_URL']}/moto-api/reset").raise_for_status()
        s3fs.S3FileSystem(endpoint_url=environment["FSSPEC_S3_ENDPOINT_URL"]).mkdir(BUCKET)
        store.requests.clear()
        yield store
    finally:
        s3fs.S3FileSystem.clear_instance_cache()
        server.stop()
