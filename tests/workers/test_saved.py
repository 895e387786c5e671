"""Saved searches run on what is new, by the workers, and keep what they find."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from library.ledger import Ledger
from library.searches import save_search, saved_hits, saved_search
from reelseek.settings import Settings, load_settings
from tests.support.media import busy, steady, write_video
from workers.enqueue import SAVED, enqueue_index
from workers.indexing import Workspace, index_paths
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
