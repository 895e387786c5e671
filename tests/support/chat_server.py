"""A server on this machine that speaks the OpenAI chat protocol; the name of the model chooses how it behaves."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = ("The ", "picture ", "is ", "red.")


class ChatServer:
    """Listens on a free port of the loopback interface.

    Attributes:
        requests: the bodies of the chat requests, in order.
        refuse_first: hang up on so many requests before answering one.
        behaves: instead of what the model's name says.
        gone: set when a client went away in the middle of an answer.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.refuse_first = 0
        self.behaves = ""
        self.gone = threading.Event()
        self.stopping = threading.Event()
        chat = self

        class Handler(_Handler):
            chat_server = chat

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def close(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    chat_server: ChatServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        return

    def do_GET(self) -> None:
        models = [
            {"id": "good", "object": "model", "max_model_len": 8192},
            {"id": "llama", "object": "model", "meta": {"n_ctx_train": 16384}},
            {"id": "plain", "object": "model"},
        ]
        self._json(200, {"object": "list", "data": models})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        chat = self.chat_server
        chat.requests.append(body)
        if chat.refuse_first:
            chat.refuse_first -= 1
            self.close_connection = True
            self.connection.shutdown(2)
            return
        try:
            getattr(self, f"model_{chat.behaves or body['model']}", self._unknown)(body)
        except (BrokenPipeError, ConnectionResetError):
            chat.gone.set()
            self.close_connection = True

    def _unknown(self, body: dict[str, Any]) -> None:
        self._json(404, {"error": {"message": f"model {body['model']!r} not found", "type": "not_found"}})

    def model_good(self, body: dict[str, Any]) -> None:
        self._stream()
        for piece in ANSWER:
            self._event({"choices": [{"delta": {"content": piece}, "finish_reason": None}]})
        self._event({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        self._event({"choices": [], "usage": {"total_tokens": 9}})
        self._write(b"data: [DONE]\n\n")

    model_llama = model_plain = model_good

    def model_formless(self, body: dict[str, Any]) -> None:
        if "response_format" in body:
            self._json(400, {"error": {"message": "response_format is not supported"}})
        else:
            self.model_good(body)

    def model_whole(self, body: dict[str, Any]) -> None:
        self._json(200, {"choices": [{"message": {"role": "assistant", "content": "".join(ANSWER)}}]})

    def model_failing(self, body: dict[str, Any]) -> None:
        self._json(500, {"error": {"message": "out of memory"}})

    def model_page(self, body: dict[str, Any]) -> None:
        data = b"<html><body>It works!</body></html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def model_elsewhere(self, body: dict[str, Any]) -> None:
        self.send_response(307)
        self.send_header("Location", "http://192.0.2.1/steal")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def model_garbage(self, body: dict[str, Any]) -> None:
        self._stream()
        self._write(b"data: {this is no json\n\n")

    def model_midway(self, body: dict[str, Any]) -> None:
        self._stream()
        self._event({"choices": [{"delta": {"content": "The "}}]})
        self._event({"error": {"message": "the GPU is gone"}})

    def model_cut(self, body: dict[str, Any]) -> None:
        self._stream()
        self._event({"choices": [{"delta": {"content": "The "}}]})

    def model_empty(self, body: dict[str, Any]) -> None:
        self._stream()
        self._event({"choices": [{"delta": {}, "finish_reason": "stop"}]})

    def model_silent(self, body: dict[str, Any]) -> None:
        self.chat_server.stopping.wait()

    def model_stuck(self, body: dict[str, Any]) -> None:
        self._stream()
        self._event({"choices": [{"delta": {"content": "The "}}]})
        self.chat_server.stopping.wait()

    def model_endless(self, body: dict[str, Any]) -> None:
        self._stream()
        while not self.chat_server.stopping.wait(0.01):
            self._event({"choices": [{"delta": {"content": "and "}}]})

    def model_babble(self, body: dict[str, Any]) -> None:
        """Fluent nonsense, without any citation."""
        self._json(200, {"choices": [{"message": {"content": "Purple elephants compute the tax of yesterday."}}]})

    def model_half(self, body: dict[str, Any]) -> None:
        """An answer that ends in the middle of its JSON."""
        data = b'{"choices": [{"message": {"content": "The '
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self._write(data)

    def model_dribbling(self, body: dict[str, Any]) -> None:
        """A byte now and then, so that no read ever times out, and never an answer."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        while not self.chat_server.stopping.wait(0.05):
            self._write(b" ")

    def model_patient(self, body: dict[str, Any]) -> None:
        """Thinks for long before its first word, and notices when the client is gone."""
        self._stream()
        while not self.chat_server.stopping.wait(0.02):
            self._write(b": thinking\n\n")

    def model_flood(self, body: dict[str, Any]) -> None:
        """One line without an end."""
        self._stream()
        self._write(b"data: ")
        while not self.chat_server.stopping.is_set():
            self._write(b"x" * 65536)

    def model_rambling(self, body: dict[str, Any]) -> None:
        """Takes questions apart at once, and never ends an answer."""
        if "response_format" in body:
            self._json(200, {"choices": [{"message": {"role": "assistant", "content": "{}"}}]})
        else:
            self.model_endless(body)

    def _stream(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Connection", "close")
        self.end_headers()

    def _event(self, value: dict[str, Any]) -> None:
        self._write(f"data: {json.dumps(value)}\n\n".encode())

    def _write(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()

    def _json(self, status: int, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
