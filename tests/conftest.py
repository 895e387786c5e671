"""Fixtures that every test folder uses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reelseek.settings import Settings, load_settings
from tests.support.scripted_chat import ScriptedChat

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"

# Nothing in the tests may reach a hub: the libraries run in their offline modes, as the product runs them.
os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(autouse=True)
def _clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the machine's own settings or data folder."""
    for name in list(os.environ):
        if name.startswith("REELSEEK_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("REELSEEK_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings over an empty data folder."""
    return load_settings({"data": tmp_path / "data"})


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real clips and benchmarks; the test skips where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real clips (../shared/data) are not on this machine")
    return SHARED_DATA


@pytest.fixture(scope="session")
def demo_videos() -> Path:
    """The committed demo library."""
    return ROOT / "demo" / "videos"


@pytest.fixture
def chat() -> Iterator[ScriptedChat]:
    """A model behind a server whose replies a test writes."""
    server = ScriptedChat()
    yield server
    server.close()
