"""One small library, indexed once for all tests that only read it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from reelseek.settings import Settings, load_settings
from tests.support.web import SmallLibrary, build_library
from web.app import create_app


@pytest.fixture(scope="session")
def small_library(tmp_path_factory: pytest.TempPathFactory) -> SmallLibrary:
    """Two videos; read only."""
    folder = tmp_path_factory.mktemp("web")
    return build_library(load_settings({"data": folder / "data"}), folder / "videos")


@pytest.fixture(scope="session")
def client(small_library: SmallLibrary) -> Iterator[FlaskClient]:
    """A client of the app over the small library; read only."""
    app = create_app(small_library.settings)
    yield app.test_client()
    app.extensions["reelseek"].close()


@pytest.fixture
def fresh(settings: Settings) -> Iterator[FlaskClient]:
    """A client of an app over an empty data folder, for tests that change something."""
    app = create_app(settings)
    yield app.test_client()
    app.extensions["reelseek"].close()
