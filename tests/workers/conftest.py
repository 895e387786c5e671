"""What tests of live sources share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from library.catalogue import Catalogue, open_catalogue
from reelseek.settings import Settings, load_settings
from tests.workers.test_indexing import OFF

LIVE = {"chunk_seconds": 2.0, "stall_seconds": 2.0, "connect_seconds": 5.0, "min_free_bytes": 0}


@pytest.fixture
def quick(tmp_path: Path) -> Settings:
    return load_settings({"data": tmp_path / "data", "engines": OFF, "live": LIVE})


@pytest.fixture
def catalogue(quick: Settings) -> Iterator[Catalogue]:
    with open_catalogue(quick) as opened:
        yield opened
