"""The docs state facts; here they are held against the code."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "CONTRIBUTING.md",
    ROOT / "demo" / "README.md",
]


def test_the_tables_of_settings_and_commands_are_what_the_code_says() -> None:
    result = subprocess.run(
        [sys.executable, "scripts/docs_tables.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def commands_in(page: Path) -> list[str]:
    """Every `reelseek …` command line in code blocks and code spans."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:bash|sh|console)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    spans = re.findall(r"`(reelseek [^`]+)`", text)
    return [line.split("  #")[0].split(" | ")[0].strip() for line in [*lines, *spans] if line.startswith("reelseek ")]


def documented() -> list[tuple[str, str]]:
    return sorted({(page.name, line) for page in PAGES if page.exists() for line in commands_in(page)})


@pytest.mark.parametrize(("page", "line"), documented())
def test_every_command_line_in_the_docs_parses(page: str, line: str) -> None:
    from cli.commands import app

    command = typer.main.get_command(app)
    words = [word for word in shlex.split(line)[1:] if word not in {"…", "..."}]
    while words and words[0].startswith("-"):
        words = words[1:] if words[0] in {"--help", "--version", "-v"} else words[2:]
    path = ["reelseek"]
    while words and hasattr(command, "commands"):
        assert words[0] in command.commands, f"{page}: {line!r}: no command {words[0]!r} in {' '.join(path)}"
        command, path = command.commands[words[0]], [*path, words[0]]
        words = words[1:]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    for word in words:
        if re.match(r"^--?[a-z]", word):
            option = word.split("=")[0]
            assert option in known | {"--help", "-h"}, f"{page}: {line!r}: {' '.join(path)} has no option {option}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{path.name} links to {target}, which is not there"


def test_make_targets_named_in_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`?make ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8"))):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_readme_opens_with_the_two_commands() -> None:
    head = (ROOT / "README.md").read_text(encoding="utf-8")[:600]
    assert head.index("make run") < head.index("make test")
