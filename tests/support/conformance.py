"""Checks that the conformance suites of all engine kinds share."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from engines.protocols import Engine
from reelseek.records import EngineRef

ROOT = Path(__file__).resolve().parents[2]
Result = TypeVar("Result")

_BLOCKED = """
import json, sys
blocked, statement = json.loads(sys.argv[1])

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from pathlib import Path
from reelseek.errors import EngineUnavailable
from reelseek.records import EngineRef
from reelseek.setting_groups import EngineSettings
try:
    exec(statement)
except EngineUnavailable as error:
    print("UNAVAILABLE", error)
"""


def without(modules: list[str], statement: str) -> str:
    """What a statement prints in a process where some modules are not installed.

    An `EngineUnavailable` is printed after the word UNAVAILABLE; any other error fails the test.
    """
    done = subprocess.run(
        [sys.executable, "-c", _BLOCKED, json.dumps([modules, statement])],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def carries_identity(engine: Engine, ref: EngineRef) -> None:
    """The identity that the registry gave is the one that results will be marked with."""
    assert isinstance(engine, Engine)
    assert (engine.id, engine.fingerprint, engine.note) == (ref.id, ref.fingerprint, ref.note)


def at_once(calls: list[Callable[[], Result]]) -> list[Result]:
    """Run calls in a thread each, started together; the first error is raised."""
    barrier = threading.Barrier(len(calls))
    results: dict[int, Any] = {}

    def run(number: int) -> None:
        barrier.wait()
        try:
            results[number] = calls[number]()
        except BaseException as error:  # noqa: BLE001 (handed to the test's own thread)
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results.values():
        if isinstance(result, BaseException):
            raise result
    return [results[number] for number in range(len(calls))]
