"""`reelseek search`: levels and explanations as a person at a terminal reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli.commands import app
from reelseek.settings import load_settings
from tests.query.conftest import NO_MODELS
from tests.support.web import build_library

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    data = tmp_path_factory.mktemp("searching")
    build_library(load_settings({"data": data, "engines": NO_MODELS}), data / "films")
    off = [part for name in ("visual", "speech", "screen_text", "objects") for part in ("--set", f"engines.{name}=off")]

    def invoke(*arguments: str) -> Result:
        found = CliRunner().invoke(app, ["--data", str(data), *off, *arguments], env={"COLUMNS": "160"})
        assert found.exit_code == 0, found.output
        return found

    return invoke


def test_explain_shows_a_table_whose_gains_add_up(run: Run) -> None:
    shown = run("search", "merge sort needs memory", "--explain").stdout
    first = re.split(r"\n\s*\n", shown)[0]
    gains = [float(value) for value in re.findall(r"\+(\d\.\d{3})", first)]
    whole = float(re.search(r"^\s+(\d\.\d{3})\s*$", first, re.MULTILINE).group(1))  # type: ignore[union-attr]
    assert gains
    assert sum(gains) == pytest.approx(whole, abs=0.002)
    assert "A lecture about sorting › 2. Memory --> cost › 0:12" in first
    assert "speech" in first


def test_a_near_miss_says_why_it_is_one(run: Run) -> None:
    shown = run("search", "memory of an elephant", "--explain").stdout
    assert "under the cut-off of 50 %" in shown


def test_timings_of_all_stages_are_shown(run: Run) -> None:
    shown = run("search", "quicksort", "--explain").stderr
    assert all(stage in shown for stage in ("plan", "retrieve.text", "fuse", "describe"))


def test_levels_gather_the_moments(run: Run) -> None:
    shown = run("search", "sort", "--level", "videos").stdout
    assert re.search(r" 1\. A lecture about sorting +\d+ % +\d+ moments?", shown)
    shown = run("search", "quicksort pivot", "--level", "chapters").stdout
    assert "A lecture about sorting › 1. Opening" in shown


def test_the_json_of_a_level_has_its_groups(run: Run) -> None:
    found = json.loads(run("search", "quicksort pivot", "--level", "chapters", "--json").stdout)
    assert found["level"] == "chapters"
    group = found["groups"][0]
    assert group["chapter"] == {"number": 1, "title": "Opening", "start": 0.0, "end": 12.0}
    assert group["moments"][0]["place"]["chapter"] == group["chapter"]
    assert found["moments"] == [moment for group in found["groups"] for moment in group["moments"]]
