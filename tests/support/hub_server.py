"""A model hub on this machine that speaks the protocol of huggingface_hub's client, with faults on request."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_API = re.compile(r"^/api/models/(?P<repo>[^/]+/[^/]+)/(?:revision|tree)/(?P<revision>[^/?]+)$")
_RESOLVE = re.compile(r"^/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)$")
_STORE = re.compile(r"^/store/(?P<sha>[0-9a-f]{64})$")
_LARGE = (".safetensors", ".bin", ".pt", ".onnx", ".pdiparams")


@dataclass
class Repository:
    """Commits by id, each a mapping of file name to content, and the branch `main`."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    main: str = ""

    def commit(self, files: Mapping[str, bytes]) -> str:
        """Add a commit and move the branch to it."""
        text = "".join(f"{name}{hashlib.sha1(data).hexdigest()}" for name, data in sorted(files.items()))
        self.main = hashlib.sha1(f"{len(self.commits)}{text}".encode()).hexdigest()
        self.commits[self.main] = dict(files)
        return self.main


class HubServer:
    """Serves repositories on a free port of the loopback interface.

    Attributes:
        cuts: file name to byte counts; each transfer of it is cut after the next of them, until none is left.
        corrupt: files whose bytes are changed on the way.
        down: answer everything with 503.
        log: method, path and Range header of every request.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.cuts: dict[str, list[int]] = {}
        self.corrupt: set[str] = set()
        self.down = False
        self.log: list[tuple[str, str, str]] = []
        self.blocked = threading.Event()
        self.hold: set[str] = set()
        self.release = threading.Event()
        hub = self

        class Handler(_Handler):
            server_hub = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def add(self, repo: str, files: Mapping[str, bytes]) -> str:
        """Add a commit to a repository. Returns its id."""
        return self.repositories.setdefault(repo, Repository()).commit(files)

    def ranges(self, word: str) -> list[str]:
        """Range headers of the GETs whose path contains `word`."""
        return [header for method, path, header in self.log if method == "GET" and word in path]

    def close(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    server_hub: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        return

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        hub, path = self.server_hub, urlsplit(self.path).path
        hub.log.append((self.command, path, self.headers.get("Range", "")))
        if hub.down:
            self._send(503, b"down for the night", {}, body=body)
        elif match := _API.match(path):
            self._model(match["repo"], match["revision"], body=body)
        elif match := _RESOLVE.match(path):
            self._file(match["repo"], match["revision"], match["file"], body=body)
        elif match := _STORE.match(path):
            self._store(match["sha"], body=body)
        else:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"}, body=body)

    def _find(self, repo: str, revision: str, *, body: bool) -> tuple[str, dict[str, bytes]] | None:
        repository = self.server_hub.repositories.get(repo)
        if repository is None:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"}, body=body)
            return None
        commit = repository.main if revision == "main" else revision
        if commit not in repository.commits:
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"}, body=body)
            return None
        return commit, repository.commits[commit]

    def _model(self, repo: str, revision: str, *, body: bool) -> None:
        found = self._find(repo, revision, body=body)
        if found is None:
            return
        commit, files = found
        siblings = [_sibling(name, data) for name, data in files.items()]
        answer = {"id": repo, "modelId": repo, "sha": commit, "siblings": siblings, "tags": [], "downloads": 0}
        self._send(200, json.dumps(answer).encode(), {"Content-Type": "application/json"}, body=body)

    def _file(self, repo: str, revision: str, file: str, *, body: bool) -> None:
        found = self._find(repo, revision, body=body)
        if found is None:
            return
        commit, files = found
        if file not in files:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"}, body=body)
            return
        data, headers = files[file], {"X-Repo-Commit": commit}
        if file.endswith(_LARGE):
            sha = hashlib.sha256(data).hexdigest()
            headers |= {
                "Location": f"{self.server_hub.url}/store/{sha}",
                "X-Linked-Etag": f'"{sha}"',
                "X-Linked-Size": str(len(data)),
            }
            self._send(302, b"", headers, body=body)
        else:
            self._content(file, data, headers | {"ETag": f'"{_git_sha1(data)}"'}, body=body)

    def _store(self, sha: str, *, body: bool) -> None:
        for repository in self.server_hub.repositories.values():
            for files in repository.commits.values():
                for name, data in files.items():
                    if hashlib.sha256(data).hexdigest() == sha:
                        self._content(name, data, {"ETag": f'"{sha}"'}, body=body)
                        return
        self._send(404, b"", {}, body=body)

    def _content(self, name: str, data: bytes, headers: dict[str, str], *, body: bool) -> None:
        hub, status = self.server_hub, 200
        if name in hub.corrupt:
            data = bytes([data[0] ^ 1]) + data[1:]
        total = len(data)
        if match := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
            start = int(match[1])
            data, status = data[start:], 206
            headers = headers | {"Content-Range": f"bytes {start}-{total - 1}/{total}"}
        cut = hub.cuts[name].pop(0) if body and hub.cuts.get(name) else None
        self._send(status, data, headers | {"Accept-Ranges": "bytes"}, body=body, cut=cut, hold=name in hub.hold)

    def _send(
        self,
        status: int,
        data: bytes,
        headers: dict[str, str],
        *,
        body: bool,
        cut: int | None = None,
        hold: bool = False,
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if not body:
            return
        try:
            if hold:
                self.wfile.write(data[: len(data) // 2])
                self.wfile.flush()
                self.server_hub.blocked.set()
                self.server_hub.release.wait()
                return
            self.wfile.write(data if cut is None else data[:cut])
            self.wfile.flush()
        except OSError:
            return  # the client went away
        if cut is not None:
            self.close_connection = True
            self.connection.shutdown(2)


def _sibling(name: str, data: bytes) -> dict[str, object]:
    entry: dict[str, object] = {"rfilename": name, "size": len(data), "blobId": _git_sha1(data)}
    if name.endswith(_LARGE):
        entry["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
    return entry


def _git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
