"""A chat server that says what a test tells it to, and keeps what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NO_JSON = "no idea"


class ScriptedChat:
    """Speaks the OpenAI chat protocol on a free port.

    Attributes:
        decoupled: the reply to a request for JSON, unless `fields` makes one of its prompt; answer: the reply to all
            others, unless `reply` makes one of the request's system text and prompt.
        script: replies to requests for JSON, one after the other, before `decoupled` is said.
        slow: seconds before each reply.
        requests: the bodies received.
    """

    def __init__(self) -> None:
        self.decoupled: str = NO_JSON
        self.answer: str = ""
        self.reply: Callable[[str, str], str] | None = None
        self.fields: Callable[[str], str] | None = None
        self.script: list[str] = []
        self.slow = 0.0
        self.requests: list[dict[str, Any]] = []
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                """Be quiet."""

            def do_GET(self) -> None:
                self._send({"data": [{"id": "scripted", "max_model_len": 8192}]})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                chat.requests.append(body)
                time.sleep(chat.slow)
                text = chat.answer
                if chat.reply is not None:
                    text = chat.reply(*(_text_of(message) for message in body["messages"]))
                if "response_format" in body:
                    text = chat.script.pop(0) if chat.script else chat.decoupled
                    if chat.fields is not None:
                        text = chat.fields(_text_of(body["messages"][-1]))
                self._send({"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]})

            def _send(self, value: dict[str, Any]) -> None:
                content = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                try:
                    self.wfile.write(content)
                except OSError:
                    return  # the client did not wait

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def reset(self) -> None:
        self.decoupled, self.answer, self.slow = NO_JSON, "", 0.0
        self.reply = self.fields = None
        self.requests.clear()
        self.script.clear()

    def asked(self, words: str) -> int:
        """How many requests have these words in their system text."""
        return sum(words in _text_of(body["messages"][0]) for body in self.requests)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _text_of(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
