"""The entry point: Ctrl-C ends a command quietly, however early it comes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import ROOT

INTERRUPTED = """
import os, signal, sys
data, module, handling = sys.argv[1:]
# tests that run in the background inherit an ignored one
signal.signal(signal.SIGINT, signal.SIG_IGN if handling == "ignored" else signal.default_int_handler)
from cli.main import main

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
sys.argv = ["reelseek", "--data", data, "videos"]
main()
"""


def interrupted(data: Path, module: str, handling: str = "usual") -> subprocess.CompletedProcess[str]:
    """`reelseek videos`, to which Ctrl-C comes while a module is looked for."""
    command = [sys.executable, "-c", INTERRUPTED, str(data), module, handling]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("module", ["cli.commands", "pydantic.main", "rich.text", "library.catalogue"])
def test_ctrl_c_while_modules_load_ends_quietly(module: str, tmp_path: Path) -> None:
    ended = interrupted(tmp_path, module)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_a_ctrl_c_that_the_caller_ignores_is_ignored(tmp_path: Path) -> None:
    ended = interrupted(tmp_path, "pydantic.main", "ignored")
    assert (ended.returncode, ended.stderr) == (0, "")
