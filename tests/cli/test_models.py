"""What `reelseek models` and `reelseek doctor` show, fetch and check, as a person or a program sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from cli import doctor, models
from cli.context import global_flags
from tests.support.hub_server import HubServer

ROOT = Path(__file__).resolve().parents[2]
REPO = "someone/tiny-clip"


def reelseek(*arguments: str, flags: tuple[str, ...] = ()) -> Result:
    """Run a command line of these two commands, with `--set` flags."""
    app = typer.Typer()
    app.add_typer(models.app, name="models")
    app.command("doctor")(doctor.doctor)

    @app.callback()
    def root(context: typer.Context) -> None:
        context.obj = global_flags(None, list(flags))

    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def payload(result: Result) -> Any:
    return json.loads(result.stdout)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    server = HubServer()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
    yield server
    server.close()


def test_the_table_says_what_runs_what_is_missing_and_what_that_costs() -> None:
    shown = reelseek("models").stdout
    for text in ("minilm:all-MiniLM-L6-v2", "openclip:MobileCLIP2-S0", "AGPL-3.0", "in use", "research only"):
        assert text in shown
    lines = {line.split()[0]: line for line in shown.splitlines() if line.strip()}
    assert "Lost: finding what is seen" in lines["visual"]
    assert "Get it: reelseek models pull openclip:MobileCLIP2-S0" in lines["visual"]
    assert "not good enough to read" in lines["speech"]


def test_the_table_as_json() -> None:
    found = payload(reelseek("models", "--json"))
    assert found["channels"]["sentence"]["engine"] == "minilm:all-MiniLM-L6-v2"
    assert found["channels"]["visual"]["engine"] is None
    assert found["channels"]["visual"]["state"] == "off"
    in_use = [row for row in found["weights"] if row["in_use"]]
    assert {row["channel"] for row in in_use} == {"sentence", "speech", "speakers", "screen_text"}
    small = next(row for row in found["weights"] if (row["engine"], row["name"]) == ("faster-whisper", "small"))
    assert (small["present"], small["pinned"], small["licence"]) == (False, True, "MIT")


def test_pull_then_the_table_shows_it_in_use_and_verify_is_content(hub: HubServer) -> None:
    commit = hub.add(REPO, {"open_clip_config.json": b"{}", "open_clip_model.safetensors": b"w" * 1000})
    pulled = payload(reelseek("models", "pull", f"openclip:{REPO}", "--json"))["weights"]
    assert [(item["state"], item["commit"], item["size"]) for item in pulled] == [("pulled", commit, 1002)]
    assert payload(reelseek("models", "--json"))["channels"]["visual"]["engine"] == f"openclip:{REPO}"
    assert "here already" in reelseek("models", "pull", f"openclip:{REPO}").stdout
    assert reelseek("models", "verify").exit_code == 0


def test_damage_is_named_and_exits_7(hub: HubServer, tmp_path: Path) -> None:
    hub.add(REPO, {"open_clip_config.json": b"{}", "open_clip_model.safetensors": b"w" * 1000})
    reelseek("models", "pull", f"openclip:{REPO}")
    (tmp_path / "data/models/visual/openclip/someone--tiny-clip/open_clip_model.safetensors").write_bytes(b"x")
    result = reelseek("models", "verify", "--json")
    assert result.exit_code == 7
    damaged = [item for item in payload(result)["weights"] if item["state"] == "damaged"]
    assert [(item["engine"], item["detail"]) for item in damaged] == [
        ("openclip", "open_clip_model.safetensors has a wrong checksum")
    ]


def test_no_hub_is_one_sentence_and_exit_7(hub: HubServer) -> None:
    url = hub.url
    hub.close()
    result = reelseek("models", "pull", "visual")
    assert result.exit_code == 7
    told = " ".join(result.stderr.split())
    assert f"No hub answers at {url}" in told
    assert "by hand" in told
    assert "Traceback" not in told


def test_one_set_that_fails_does_not_keep_the_others(hub: HubServer) -> None:
    hub.add(REPO, {"open_clip_config.json": b"{}", "open_clip_model.safetensors": b"w" * 1000})
    result = reelseek("models", "pull", "objects", f"openclip:{REPO}", "--json")
    assert result.exit_code == 7
    assert [item["state"] for item in payload(result)["weights"]] == ["failed", "pulled"]


def test_doctor_on_an_empty_machine_finds_no_problem_and_makes_nothing(tmp_path: Path) -> None:
    result = reelseek("doctor", "--json")
    assert result.exit_code == 0, result.stdout
    found = payload(result)
    checks = {check["name"]: check for check in found["checks"]}
    assert set(checks) >= {"python", "extras", "ffmpeg", "data folder", "space", "catalogue", "index", "broker"}
    assert found["channels"]["screen_text"]["engine"]
    assert not (tmp_path / "data").exists()


def test_doctor_tells_where_each_setting_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "reelseek.toml"
    file.write_text('[web]\nport = 9000\nhost = "127.0.0.2"\n[query]\nk = 3\n')
    monkeypatch.setenv("REELSEEK_CONFIG", str(file))
    monkeypatch.setenv("REELSEEK_WEB__PORT", "9001")
    result = reelseek("doctor", "--settings", "--json", flags=("query.k=7",))
    values = payload(result)["settings"]
    assert values["web.port"] == {"value": "9001", "origin": "REELSEEK_WEB__PORT"}
    assert values["web.host"] == {"value": "127.0.0.2", "origin": str(file)}
    assert values["query.k"] == {"value": "7", "origin": "flag"}
    assert values["ingest.sample_fps"] == {"value": "2.0", "origin": "default"}
    assert "9001" in reelseek("doctor").stdout


def test_doctor_shows_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELSEEK_WORKERS__BROKER", "redis://me:secret@127.0.0.1:1/0")
    for arguments in (("doctor", "--json"), ("doctor", "--settings")):
        result = reelseek(*arguments)
        assert result.exit_code == 1
        assert "secret" not in result.stdout
        assert "me:***@127.0.0.1:1" in result.stdout


def test_doctor_names_problems_with_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "data"
    blocked.mkdir()
    (blocked / "catalogue.sqlite3").write_bytes(b"this is no database" * 100)
    monkeypatch.setenv("REELSEEK_ENGINES__VISUAL", "openclip:ViT-B-32")
    result = reelseek("doctor", "--json")
    assert result.exit_code == 1
    problems = {check["name"]: check for check in payload(result)["checks"] if check["state"] == "problem"}
    assert set(problems) == {"catalogue", "engine: visual"}
    assert problems["engine: visual"]["hint"] == "reelseek models pull openclip:ViT-B-32"


def test_doctor_finds_a_data_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("REELSEEK_DATA", "/proc/reelseek")
    result = reelseek("doctor", "--json")
    assert result.exit_code == 1
    assert "data folder" in {check["name"] for check in payload(result)["checks"] if check["state"] == "problem"}


def test_the_extras_that_doctor_looks_for_are_those_of_the_distribution() -> None:
    import tomllib

    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(doctor.EXTRAS) == set(declared) - {"all"}
