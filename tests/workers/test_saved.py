"""Saved searches run on what is new, by the workers, and keep what they find."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from library.ledger import Ledger
from library.records import JobState
from library.searches import save_search, saved_hits, saved_search
from reelseek.setting_groups import NotifySettings
from reelseek.settings import Settings, load_settings
from tests.support.media import busy, steady, write_video
from workers.enqueue import NOTIFY, SAVED, enqueue_index
from workers.indexing import Workspace, index_paths
from workers.notifying import send_notice
from workers.runner import run_next
from workers.saved import run_saved_searches


@pytest.fixture
def small(tmp_path: Path) -> Settings:
    """Words alone, of subtitles."""
    off = dict.fromkeys(("visual", "speech", "screen_text", "objects"), "off")
    return load_settings({"data": tmp_path / "data", "engines": off | {"sentence": "minilm"}})


def _film(tmp_path: Path, name: str, seed: int, *sentences: str) -> Path:
    cues = [(1.0 + 4 * number, 4.0 + 4 * number, text) for number, text in enumerate(sentences)]
    return write_video(tmp_path / f"{name}.mkv", steady([(14.0, busy(seed))], fps=5), cues=cues)


def test_finds_are_posted_to_another_program_which_may_be_away_for_a_while(small: Settings, tmp_path: Path) -> None:
    posted: list[dict[str, Any]] = []
    away = [503, 204]

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(away.pop(0))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://anna:geheim@127.0.0.1:{server.server_port}/found"
        told = small.model_copy(update={"notify": NotifySettings(url=url)})
        with Workspace.open(told) as workspace:
            save_search(workspace.catalogue, "boats", 'said:"submarine"')
            index_paths(workspace, [_film(tmp_path, "new", 2, "We make bread.", "A submarine dives under the ice.")])
            assert run_saved_searches(workspace) == {"boats": 1}
            ledger = Ledger(workspace.catalogue)
            run_next(workspace, threading.Event(), [NOTIFY])
            waiting = ledger.jobs(JobState.QUEUED, kind=NOTIFY)[0]
            assert waiting.error == "127.0.0.1 answered 503 Service Unavailable."
            send_notice(told, waiting.payload["notice"])
        server.shutdown()
    assert posted[1] == posted[0]
    assert posted[0]["search"]["name"] == "boats"
    assert [moment["title"] for moment in posted[0]["moments"]] == ["new"]
    assert "/videos/" in posted[0]["moments"][0]["link"]


def test_a_saved_search_finds_what_is_new_and_only_that(small: Settings, tmp_path: Path) -> None:
    old = _film(tmp_path, "old", 1, "The submarine leaves the harbour.", "Then it rains.", "Nobody is there.")
    new = _film(tmp_path, "new", 2, "We make bread today.", "A submarine dives under the ice.", "Good night.")
    with Workspace.open(small) as workspace:
        index_paths(workspace, [old])
        saved = save_search(workspace.catalogue, "boats", 'said:"submarine"')
        save_search(workspace.catalogue, "nothing", 'said:"helicopter"')
        save_search(workspace.catalogue, "gone", "submarine", {"library": 77})
        ledger = Ledger(workspace.catalogue)
        enqueue_index(workspace.catalogue, small, new)
        run_next(workspace, threading.Event())
        assert [job.kind for job in ledger.jobs()] == [SAVED, "index"]
        run_next(workspace, threading.Event())
        assert ledger.jobs(kind=SAVED)[0].result == {"new": {"boats": 1, "nothing": 0}}
        hits = saved_hits(workspace.catalogue, saved.search_id)
        assert [hit.title for hit in hits] == ["new"]
        assert "submarine" in hits[0].text
        assert hits[0].start < 9.0 < hits[0].end + 4.0
        assert saved_search(workspace.catalogue, saved.search_id).last_run_at is not None
        assert run_saved_searches(workspace) == {}, "nothing is new since"
