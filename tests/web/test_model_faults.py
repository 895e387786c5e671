"""A model that is gone, slow or talks nonsense: answers come without it, in time, and say so in words."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from engines import openai_guards
from reelseek.settings import Settings, load_settings
from tests.support.chat_server import ChatServer
from tests.support.command import run_reelseek
from tests.support.web import SmallLibrary, live_server

QUESTION = "What does merge sort need?"
SECONDS = 3.0
PATIENCE = 20.0
"""How much longer than its limit an answer may take on a machine that is busy: without the limit it never comes."""
NOWHERE = "http://127.0.0.1:9/v1"


def with_model(library: SmallLibrary, url: str, model: str, seconds: float = SECONDS) -> Settings:
    engines = {"vlm": f"openai:{model}", "vlm_url": url, "vlm_timeout": seconds}
    return load_settings({"data": library.settings.data, "engines": engines})


@pytest.fixture(scope="module")
def chat() -> Iterator[ChatServer]:
    server = ChatServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def served(small_library: SmallLibrary, chat: ChatServer) -> Iterator[httpx.Client]:
    """The real server over the small library, with a model that behaves as the chat server is told."""
    settings = with_model(small_library, chat.url, "any")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(openai_guards, "BREAK_AFTER", 1_000)
        with live_server(settings) as url, httpx.Client(base_url=url, timeout=120) as client:
            chat.behaves = "good"
            ask(client)
            yield client


def ask(client: httpx.Client, question: str = QUESTION) -> dict:  # type: ignore[type-arg]
    """The answer, which must be there in time."""
    begun = time.monotonic()
    reply = client.post("/api/v1/ask", json={"question": question})
    assert reply.status_code == 200, reply.text
    assert time.monotonic() - begun < SECONDS + PATIENCE
    return dict(reply.json())


def events(client: httpx.Client) -> list[tuple[str, dict | str]]:  # type: ignore[type-arg]
    """What a streamed answer sends."""
    reply = client.post("/api/v1/ask", json={"question": QUESTION}, headers={"Accept": "text/event-stream"})
    blocks = [block.split("\n") for block in reply.text.strip().split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


@pytest.mark.parametrize(
    ("behaves", "told"),
    [
        ("silent", "said nothing within 3 s"),
        ("dribbling", "said nothing within 3 s"),
        ("failing", "answered 500: out of memory"),
        ("page", "talks nonsense"),
        ("garbage", "talks nonsense"),
        ("half", "talks nonsense"),
        ("flood", "did not answer"),  # too much, or too late, whichever comes first
        ("endless", "did not"),
        ("stuck", "did not"),
        ("midway", "failed: the GPU is gone"),
        ("cut", "broke off in the middle"),
        ("empty", "gave an empty answer"),
        ("babble", "cited nothing that was found"),
    ],
)
def test_the_answer_comes_without_the_model_and_says_so(
    served: httpx.Client, chat: ChatServer, behaves: str, told: str
) -> None:
    chat.behaves = behaves
    answer = ask(served)
    assert (answer["engine"], answer["abstained"]) == ("extractive", False)
    assert "additional memory" in answer["answer"]
    assert answer["citations"][0]["start"] == 12.0
    assert any(told in note and "extractive" in note for note in answer["notes"]), answer["notes"]


def test_nothing_found_and_no_model_is_said_in_time_too(served: httpx.Client, chat: ChatServer) -> None:
    chat.behaves = "silent"
    answer = ask(served, "Where does the giraffe sleep?")
    assert answer["abstained"]
    assert any("said nothing" in note and "Rules took the question apart" in note for note in answer["notes"])


def test_a_stream_that_breaks_off_ends_with_an_answer_that_stands(served: httpx.Client, chat: ChatServer) -> None:
    chat.behaves = "midway"
    sent = events(served)
    assert sent[0] == ("text", "The ")
    kind, answer = sent[-1]
    assert kind == "answer"
    assert isinstance(answer, dict)
    assert answer["engine"] == "extractive"
    assert "additional memory" in answer["answer"]


def test_the_page_says_it(served: httpx.Client, chat: ChatServer) -> None:
    chat.behaves = "failing"
    page = served.get("/", params={"mode": "ask", "q": QUESTION}).text
    assert "additional memory" in page
    notice = re.search(r'<p class="notice">([^<]*out of memory[^<]*)</p>', page)
    assert notice is not None
    assert "The answer is extractive" in notice.group(1)


@pytest.mark.parametrize("form", ["text/event-stream", "application/json"])
def test_a_client_that_hangs_up_frees_the_model_before_its_first_word(
    small_library: SmallLibrary, chat: ChatServer, form: str
) -> None:
    chat.behaves = "patient"
    chat.gone.clear()
    asked = len(chat.requests)
    body = json.dumps({"question": QUESTION})
    head = f"POST /api/v1/ask HTTP/1.1\r\nHost: localhost\r\nAccept: {form}\r\nContent-Type: application/json\r\n"
    with live_server(with_model(small_library, chat.url, "any", seconds=600)) as url:
        address = httpx.URL(url)
        with socket.create_connection((address.host, address.port or 80)) as client:
            client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
            until = time.monotonic() + 60
            while len(chat.requests) == asked and time.monotonic() < until:
                time.sleep(0.02)
            assert not chat.gone.is_set()
        assert chat.gone.wait(PATIENCE), "the model still works for nobody"


def test_the_command_says_it(small_library: SmallLibrary) -> None:
    sets = ("engines.vlm=openai:any", f"engines.vlm_url={NOWHERE}", "engines.visual=off")
    options = [part for each in sets for part in ("--set", each)]
    result = run_reelseek(*options, "ask", QUESTION, data=small_library.settings.data)
    assert result.returncode == 0, result.stderr
    assert "additional memory" in result.stdout
    assert "No server answers at http://127.0.0.1:9/v1" in " ".join(result.stderr.split())
    assert "answered by extractive" in result.stderr
