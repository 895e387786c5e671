"""How long an answer's first text takes beyond the model's own prefill, through the real HTTP server."""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import httpx
from rich.console import Console
from rich.table import Table

from bench.evaluation.demo import index_demo
from bench.truth import demo_truth
from engines.protocols import VlmEngine, VlmRequest
from query.service import QueryService, open_service
from reelseek.records import JsonObject
from reelseek.settings import Settings, load_settings
from web.app import create_app
from web.server import on_loopback

ROUNDS = 3


class Recorder:
    """The model, with what it is asked to write freely kept; requests for JSON are calls before or after an answer."""

    def __init__(self, vlm: VlmEngine) -> None:
        self._vlm = vlm
        self.answers: list[VlmRequest] = []
        self.others = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._vlm, name)

    def generate(self, request: VlmRequest) -> Iterator[str]:
        """As the model does."""
        if request.json_schema is None:
            self.answers.append(request)
        else:
            self.others += 1
        return self._vlm.generate(request)


def measure(settings: Settings, questions: Sequence[str]) -> list[JsonObject]:
    """For each question the first text over HTTP, and the same prompt given to the model alone, in milliseconds.

    Of each the best of some rounds, taken alternately, so that a change of the machine's load meets both; and likewise
    the processor's time, which other programs do not stretch. Questions that the model is not asked, because nothing is
    found for them, are left out.
    """
    rows = []
    with open_service(settings) as service, _served(settings, service) as url, httpx.Client(timeout=600) as client:
        vlm = service.engines.vlm()
        if vlm is None:
            raise SystemExit("There is no model here: set engines.vlm (REELSEEK_ENGINES__VLM).")
        recorder = Recorder(vlm)
        service.engines.vlm = lambda: recorder  # type: ignore[method-assign]
        service.warm()
        for question in questions:
            whole: list[_Took] = []
            alone: list[_Took] = []
            for _ in range(ROUNDS):
                recorder.answers.clear()
                recorder.others = 0
                took = _first_text(client, url, question)
                if took is None or not recorder.answers:
                    break
                before = recorder.others
                whole.append(took)
                alone.append(_prefill(vlm, recorder.answers[-1]))
            if whole:
                first, prefill = (_Took(*map(min, zip(*each, strict=True))) for each in (whole, alone))
                ours = _Took(first.wall - prefill.wall, first.cpu - prefill.cpu)
                milliseconds = {"first_text_ms": first.wall, "prefill_ms": prefill.wall, "ours_ms": ours.wall}
                figures = {name: round(1000 * took) for name, took in {**milliseconds, "ours_cpu_ms": ours.cpu}.items()}
                rows.append({"question": question, **figures, "other_calls": before})
    return rows


@contextmanager
def _served(settings: Settings, service: QueryService) -> Iterator[str]:
    with on_loopback(create_app(settings, service)) as url:
        yield f"{url}/api/v1/ask"


class _Took(NamedTuple):
    """Seconds by the clock, and of the processor, all threads of this process together."""

    wall: float
    cpu: float


def _watch() -> Callable[[], _Took]:
    wall, cpu = time.perf_counter(), time.process_time()
    return lambda: _Took(time.perf_counter() - wall, time.process_time() - cpu)


def _first_text(client: httpx.Client, url: str, question: str) -> _Took | None:
    """From the request to the first piece of text; None where the answer came without any."""
    watch = _watch()
    with client.stream("POST", url, json={"question": question}, headers={"Accept": "text/event-stream"}) as reply:
        for line in reply.iter_lines():
            if line == "event: text":
                return watch()
    return None


def _prefill(vlm: VlmEngine, request: VlmRequest) -> _Took:
    """Until the model alone says its first piece."""
    unbounded = replace(request, seconds=math.inf, stopped=None)
    watch = _watch()
    with closing(vlm.generate(unbounded)) as pieces:  # type: ignore[type-var]
        next(pieces, None)
        return watch()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.first_token", description=__doc__)
    parser.add_argument("--data", type=Path, metavar="DIR", help="a data folder with a demo library that is indexed")
    parser.add_argument("--limit", type=int, default=12, help="most questions")
    parser.add_argument("--json", type=Path, metavar="FILE")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        settings = load_settings({"data": wanted.data or Path(made), "engines": {"demo_models": True}})
        if wanted.data is None:
            index_demo(settings)
        rows = measure(settings, [true.query for true in demo_truth()][: wanted.limit])
    table = Table("question", "first text, ms", "prefill alone", "ours", "ours, processor", "other calls before")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table)
    at_once = [row for row in rows if not row["other_calls"]]
    for name, what in (("ours_ms", "by the clock"), ("ours_cpu_ms", "of the processor")):
        figures = [int(str(row[name])) for row in at_once]
        if figures:
            print(f"ours, {what}: median {median(figures):.0f} ms, most {max(figures)} ms")
    print(f"{len(at_once)} of {len(rows)} questions were answered without another call of the model before")
    if wanted.json:
        wanted.json.write_text(json.dumps(rows, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
