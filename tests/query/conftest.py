"""The hand-made library, indexed once for all tests of this folder that only read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from query.service import QueryService, SearchRequest, open_service
from reelseek.results import SearchResult
from reelseek.settings import load_settings
from tests.support.query_world import World
from tests.support.scripted_chat import ScriptedChat

Search = Callable[..., SearchResult]

NO_MODELS = {"visual": "off", "speech": "off", "screen_text": "off", "objects": "off", "vlm": "extractive"}


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    made = World(load_settings({"data": folder / "data", "engines": NO_MODELS}), folder / "films")
    yield made
    made.close()


@pytest.fixture(scope="session")
def service(world: World) -> QueryService:
    return world.service


@pytest.fixture(scope="session")
def search(service: QueryService) -> Search:
    def run(query: str, **options: object) -> SearchResult:
        return service.search(SearchRequest(query, **options))  # type: ignore[arg-type]

    return run


@pytest.fixture(scope="module")
def chat() -> Iterator[ScriptedChat]:
    server = ScriptedChat()
    yield server
    server.close()


@pytest.fixture
def model(world: World, chat: ScriptedChat) -> Iterator[QueryService]:
    """A service over the hand-made library with a model behind a server."""
    chat.reset()
    with open_service(with_model(world, chat.url)) as service:
        yield service


def with_model(world: World, url: str, timeout: float = 20.0) -> Any:
    engines = {**NO_MODELS, "vlm": "openai:scripted", "vlm_url": url, "vlm_timeout": timeout}
    return load_settings({"data": world.settings.data, "engines": engines})
