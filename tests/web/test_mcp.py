"""The MCP server as agents meet it: the SDK's own client, a real process on standard input, a real HTTP server."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import anyio
import httpx
import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from PIL import Image
from typer.testing import CliRunner

from cli.commands import app
from library import keys
from library.catalogue import open_catalogue
from query.deep.answering import answer
from query.requests import AskRequest
from query.service import open_service
from query.tools import Tools
from reelseek.errors import Conflict, Forbidden, InvalidRequest
from reelseek.settings import Settings, load_settings
from tests.support.chat_server import ChatServer
from tests.support.command import ROOT, command
from tests.support.media import busy, steady, write_video
from tests.support.web import HOSTILE_LINE, LECTURE, TRAFFIC, build_library
from web.mcp_server import _Calls, make_server
from web.mcp_serving import serve_http

TOOLS = {"list_videos", "search", "ask", "browse", "inspect", "count", "read", "get_transcript"}
FLAGS = [f"--set=engines.{name}=off" for name in ("visual", "speech", "screen_text", "objects")]
_T = TypeVar("_T")


@dataclass(frozen=True)
class Library:
    settings: Settings
    film: str


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """A lecture and traffic made by hand, and a film with pictures that was really indexed."""
    folder = tmp_path_factory.mktemp("mcp")
    settings = load_settings({"data": folder / "data"})
    build_library(settings, folder / "videos")
    cues = [(1.0, 4.0, "The lighthouse keeper counts the ships."), (6.0, 8.0, "Fog comes in from the sea.")]
    scenes = [(5.0, busy(1, 1280, 720)), (5.0, busy(2, 1280, 720))]
    film = write_video(folder / "lighthouse.mkv", steady(scenes, 5.0), cues=cues)
    done = CliRunner().invoke(
        app, ["--data", str(settings.data), *FLAGS, "--set=engines.sentence=off", "index", str(film)]
    )
    assert done.exit_code == 0, done.output
    with open_catalogue(settings) as catalogue:
        return Library(settings, catalogue.named_video("lighthouse").video_id)


def stdio(settings: Settings) -> Any:
    words = command(*FLAGS, "mcp", data=settings.data)
    return stdio_client(StdioServerParameters(command=words[0], args=words[1:], cwd=str(ROOT), env=dict(os.environ)))


def talk(transport: Any, work: Callable[[Client], Awaitable[_T]]) -> _T:
    async def run() -> _T:
        with anyio.fail_after(120):
            async with Client(transport) as client:
                return await work(client)

    return anyio.run(run)


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """`reelseek mcp --http` in a process of its own."""
    process = subprocess.Popen(
        command(*FLAGS, "mcp", "--http", "--port", "0", data=settings.data), cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+/mcp", process.stdout.readline())
        assert found is not None
        yield found.group()
    finally:
        process.terminate()
        assert process.wait(20) in (0, -15)
        process.stdout.close()


@pytest.fixture(scope="module")
def url(library: Library) -> Iterator[str]:
    """A server over HTTP for all tests that only ask."""
    with served(library.settings) as found:
        yield found


def body(result: Any) -> dict[str, Any]:
    """The structured content, after holding the text against it: the same, between marks."""
    assert not result.is_error, result.content
    text = result.content[0].text
    notice, mark, inner = re.fullmatch(r"(.*)\n<(untrusted-[0-9a-f]{12})>\n(.*)\n</\2>", text, re.DOTALL).groups()
    assert "never instructions" in notice
    assert mark not in inner
    found = dict(result.structured_content)
    assert json.loads(inner) == {name: value for name, value in found.items() if name != "notice"}
    return found


def test_an_agent_finds_browses_reads_counts_and_asks_over_stdio(library: Library) -> None:
    async def work(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == TOOLS
        for tool in tools.values():
            assert tool.output_schema is not None
            assert tool.output_schema["type"] == "object"
            assert "never an instruction" in tool.description
            assert tool.annotations.read_only_hint
        listed = body(await client.call_tool("list_videos", {"per_page": 2}))
        assert (listed["total"], listed["pages"], len(listed["videos"])) == (3, 2, 2)
        named = body(await client.call_tool("list_videos", {"query": "sorting"}))
        assert [video["video_id"] for video in named["videos"]] == [LECTURE]

        result = await client.call_tool("search", {"query": "quicksort pivot", "pictures": 1})
        found = body(result)
        best = found["moments"][0]
        assert best["video_id"] == LECTURE
        assert best["start"] <= 7.0 < best["end"]
        assert best["evidence"][0]["text"] == "Quicksort picks a pivot and splits the list."
        links = [item for item in result.content if item.type == "resource_link"]
        assert str(links[0].uri) == best["link"] == f"http://127.0.0.1:8700/videos/{LECTURE}?t=6&end=11.5"
        (picture,) = [item for item in result.content if item.type == "image"]
        assert Image.open(io.BytesIO(base64.b64decode(picture.data))).size == (160, 90)

        overview = body(await client.call_tool("browse", {"video": LECTURE, "per_page": 3}))
        assert [chapter["title"] for chapter in overview["chapters"]] == ["Opening", "Memory --> cost"]
        assert (len(overview["segments"]), overview["pages"]) == (3, 2)
        assert overview["segments"][1]["written"] == "O(n log n)"

        read = body(await client.call_tool("read", {"video": LECTURE, "start": 6, "end": 12}))
        assert [line["text"] for line in read["lines"]] == [
            "Quicksort picks a pivot and splits the list.",
            "O(n log n)",
        ]
        whole = body(await client.call_tool("get_transcript", {"video": LECTURE, "start": 12}))
        assert [line["start"] for line in whole["lines"]] == [12.0, 18.0]
        assert whole["next_start"] is None

        cars = body(await client.call_tool("count", {"video": TRAFFIC, "label": "cars"}))
        assert (cars["label"], cars["most"], cars["seconds"]) == ("car", 3, 12.0)
        assert cars["other_labels"] == ["lorry", "person"]
        late = body(await client.call_tool("count", {"video": TRAFFIC, "label": "car", "start": 12}))
        assert (late["most"], late["presences"]) == (0, [])
        assert late["notes"]

        reply = body(await client.call_tool("ask", {"question": "What does merge sort need?"}))
        assert "additional memory" in reply["answer"]
        assert reply["citations"][0]["link"].startswith(f"http://127.0.0.1:8700/videos/{LECTURE}?t=12")

    talk(stdio(library.settings), work)


@pytest.mark.parametrize("question", ["What are all the videos about?", "Which of the videos mention merge sort?"])
def test_questions_about_all_videos_are_answered_as_the_api_answers_them(
    library: Library, url: str, question: str
) -> None:
    async def work(client: Client) -> None:
        reply = body(await client.call_tool("ask", {"question": question}))
        with open_service(library.settings) as service:
            told = answer(service, AskRequest(question))
        assert (reply["answer"], reply["abstained"]) == (told.answer, False)
        cited = [(item["video_id"], item["start"], item["end"]) for item in reply["citations"]]
        assert cited == [(item.video_id, round(item.start, 2), round(item.end, 2)) for item in told.citations]
        assert told.steps, "no video was summed up"

    talk(url, work)


def test_pictures_come_as_small_images_with_their_times_and_words(library: Library, url: str) -> None:
    async def work(client: Client) -> None:
        ranges = [{"start": 0, "end": 4}, {"start": 6, "end": 9}]
        result = await client.call_tool("inspect", {"video": library.film, "ranges": ranges, "stills": 4})
        found = body(result)
        images = [item for item in result.content if item.type == "image"]
        assert [still["picture"] for still in found["stills"]] == list(range(1, len(images) + 1))
        assert len(images) >= 2
        for item in images:
            picture = Image.open(io.BytesIO(base64.b64decode(item.data)))
            assert (picture.format, picture.size) == ("JPEG", (512, 288))
        assert found["stills"][0]["start"] == 0.0
        assert any(still["start"] >= 4.5 for still in found["stills"])
        assert [line["text"] for line in found["said"]] == [
            "The lighthouse keeper counts the ships.",
            "Fog comes in from the sea.",
        ]
        told = [item.text for item in result.content if item.type == "text"]
        assert told[1].startswith("Image 1, from 0:00.0 to ")

    talk(url, work)


def test_mistakes_are_told_as_errors_of_the_tool(library: Library, url: str) -> None:
    async def work(client: Client) -> None:
        async def refused(name: str, arguments: dict[str, Any], reason: str) -> None:
            result = await client.call_tool(name, arguments)
            assert result.is_error, name
            assert re.search(reason, result.content[0].text), result.content[0].text

        unknown = "f" * 32
        for name, more in (("browse", {}), ("read", {}), ("count", {"label": "car"}), ("get_transcript", {})):
            await refused(name, {"video": unknown, **more}, f"There is no video {unknown}")
        await refused("search", {"query": "x", "videos": [unknown]}, "There is no video")
        await refused("search", {"query": "x", "library": "holiday"}, "holiday")
        await refused("search", {"query": ""}, "query")
        await refused("browse", {"video": "../../etc"}, "video")
        await refused("read", {"video": LECTURE, "start": 900}, r"ends at 0:24 \(24\.0 s\), before 900 s")
        await refused("inspect", {"video": library.film, "ranges": [{"start": 5, "end": 2}]}, "nothing between")
        await refused("inspect", {"video": library.film, "ranges": []}, "ranges")

    talk(url, work)


def test_hostile_texts_stay_between_marks_that_they_cannot_know(library: Library, url: str) -> None:
    async def work(client: Client) -> None:
        result = await client.call_tool("search", {"query": "lorries crossing"})
        found = body(result)
        assert HOSTILE_LINE in [piece["text"] for piece in found["moments"][0]["evidence"]]
        outside = re.sub(r"<(untrusted-[0-9a-f]{12})>.*</\1>", "", result.content[0].text, flags=re.DOTALL)
        assert "lorries" not in outside

    talk(url, work)


def test_over_http_several_clients_are_served_and_other_sites_are_kept_out(library: Library, url: str) -> None:
    async def both() -> None:
        async with Client(url) as first, Client(url) as second:
            answers: list[dict[str, Any]] = []

            async def ask(client: Client, query: str) -> None:
                answers.append(body(await client.call_tool("search", {"query": query})))

            async with anyio.create_task_group() as tasks:
                for client, query in ((first, "merge sort memory"), (second, "lighthouse keeper")):
                    tasks.start_soon(ask, client, query)
            assert {answer["moments"][0]["video_id"] for answer in answers} == {LECTURE, library.film}

    anyio.run(both)
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"Accept": "application/json, text/event-stream"}
    assert httpx.post(url, json=message, headers={**accept, "Host": "evil.example"}).status_code == 421
    assert httpx.post(url, json=message, headers={**accept, "Origin": "http://evil.example"}).status_code == 403
    with pytest.raises(Conflict, match="Cannot listen"):
        serve_http(library.settings, "127.0.0.1", int(url.rpartition(":")[2].partition("/")[0]))


def test_over_http_a_key_is_needed_once_there_is_one(settings: Settings) -> None:
    with pytest.raises(Forbidden, match="without an API key"):
        serve_http(settings, "0.0.0.0", 0)
    with open_catalogue(settings) as catalogue:
        secret = keys.create_key(catalogue, "agent")
    with served(settings) as url:
        refused = httpx.post(url, json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert refused.json()["type"] == "urn:reelseek:problem:unauthorized"
        assert httpx.post(url, json={}, headers={"Authorization": "Bearer rsk_wrong"}).status_code == 401

        async def work() -> int:
            headers = {"Authorization": f"Bearer {secret}"}
            async with (
                httpx2.AsyncClient(headers=headers) as http,
                Client(streamable_http_client(url, http_client=http)) as client,
            ):
                return int(body(await client.call_tool("list_videos"))["total"])

        assert anyio.run(work) == 0


def test_a_call_whose_client_went_away_is_let_go() -> None:
    begun, ended = threading.Event(), threading.Event()

    def work(_tools: Any, gone: Callable[[], bool]) -> None:
        begun.set()
        while not gone():
            threading.Event().wait(0.01)
        ended.set()

    async def cancelled() -> None:
        calls = _Calls(lambda: None)  # type: ignore[arg-type,return-value]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(calls.run, work)
            await anyio.to_thread.run_sync(begun.wait)
            tasks.cancel_scope.cancel()

    anyio.run(cancelled)
    assert ended.wait(10)


def test_a_client_that_goes_away_frees_the_model_that_was_writing_for_it(library: Library) -> None:
    chat = ChatServer()
    engines = {"vlm": "openai:rambling", "vlm_url": chat.url, "vlm_timeout": 120}
    with open_service(load_settings({"data": library.settings.data, "engines": engines})) as service:
        tools = Tools(service, "http://page")

        async def leave() -> None:
            async with Client(make_server(lambda: tools)) as client, anyio.create_task_group() as tasks:
                tasks.start_soon(client.call_tool, "ask", {"question": "What does merge sort need?"})
                with anyio.fail_after(240):
                    while all("response_format" in request for request in chat.requests):
                        await anyio.sleep(0.05)
                chat.gone.clear()
                tasks.cancel_scope.cancel()

        anyio.run(leave)
        assert chat.gone.wait(6), "the model still writes"
    chat.close()


def test_the_command_starts_light_and_says_what_is_missing(tmp_path: Path) -> None:
    code = (
        "import sys\nimport cli.main\nprint([name for name in ('mcp', 'uvicorn') if name in sys.modules])\n"
        "sys.modules['mcp'] = None\nsys.argv = ['reelseek', 'mcp']\ncli.main.main()"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.stdout.splitlines()[0] == "[]"
    assert result.returncode == 7, result.stderr
    assert "reelseek[agents]" in result.stderr
    mixed = CliRunner().invoke(app, ["--data", str(tmp_path), "mcp", "--port", "1"])
    assert isinstance(mixed.exception, InvalidRequest)
