"""What the project promises of itself: import table, clean linters, light starts, a lock file that names no host."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "torch",
    "paddle",
    "paddlex",
    "ultralytics",
    "whisper",
    "faster_whisper",
    "transformers",
    "lancedb",
    "open_clip",
)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("ruff", "check", "."), id="ruff"),
        pytest.param(("ruff", "format", "--check", "."), id="format"),
        pytest.param(("mypy",), id="mypy"),
        pytest.param(("lint-imports", "--no-cache"), id="import-table"),
    ],
)
def test_the_linters_are_clean(command: tuple[str, ...]) -> None:
    tool = Path(sys.executable).parent / command[0]
    result = run(str(tool), *command[1:])
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]


@pytest.mark.parametrize(
    "package",
    [
        "reelseek",
        "engines",
        "engines.registry",
        "library",
        "ingest",
        "index",
        "query",
        "workers.app",
        "web",
        "cli.commands",
    ],
)
def test_importing_a_package_loads_no_heavy_library(package: str) -> None:
    code = f"import json, sys, {package}; print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    result = run(sys.executable, "-c", code)
    assert result.returncode == 0, result.stderr[-2000:]
    assert json.loads(result.stdout) == []


def test_help_names_every_command_and_loads_no_heavy_library() -> None:
    code = (
        "import sys\nsys.argv = ['reelseek', '--help']\nfrom cli.commands import app\n"
        f"try: app()\nexcept SystemExit: pass\nprint([m for m in {HEAVY!r} if m in sys.modules])"
    )
    result = run(sys.executable, "-c", code)
    assert result.stdout.rstrip().endswith("[]"), result.stdout + result.stderr
    for command in ("index", "search", "ask", "videos", "serve", "library", "models", "doctor", "demo", "keys"):
        assert re.search(rf"^\s+{command}\s", result.stdout, re.MULTILINE), command


def test_every_locked_package_has_hashes_and_no_host_is_named() -> None:
    for name in ("requirements.lock", "requirements-setup.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text
        entries = re.split(r"\n(?=[a-z0-9])", text.strip())
        assert entries
        assert all("--hash=sha256:" in entry and "==" in entry for entry in entries), name


def test_every_declared_dependency_is_locked() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = list(project["project"]["dependencies"]) + project["dependency-groups"]["dev"]
    for extra in project["project"]["optional-dependencies"].values():
        wanted += extra
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = set(re.findall(r"^([a-z0-9._-]+)==", lock, re.MULTILINE))
    names = {re.split(r"[\[<>=! ]", item, maxsplit=1)[0].lower().replace("_", "-") for item in wanted} - {"reelseek"}
    assert names <= locked, names - locked
