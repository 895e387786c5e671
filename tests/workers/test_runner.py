"""Jobs as a worker runs them, in this process."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

import workers.runner
from library.ledger import Ledger
from library.records import JobState
from reelseek.settings import Settings, load_settings
from tests.support.media import busy, steady, write_video
from tests.workers.test_indexing import OFF
from workers.enqueue import enqueue_index, enqueue_scan, queue_maintenance
from workers.indexing import Workspace
from workers.runner import run_next


@pytest.fixture
def quick(tmp_path: Path) -> Settings:
    return load_settings({"data": tmp_path / "data", "engines": OFF, "workers": {"stable_seconds": 0.0}})


def test_a_scan_leads_to_indexed_videos_and_each_job_says_what_came_of_it(quick: Settings, tmp_path: Path) -> None:
    films = tmp_path / "films"
    films.mkdir()
    write_video(films / "film.mp4", steady([(2.0, busy(1))]))
    (films / "letter.mp4").write_text("Dear Sir")
    with Workspace.open(quick) as workspace:
        library = workspace.catalogue.add_library(films)
        assert enqueue_scan(workspace.catalogue, quick, library.library_id).state is JobState.QUEUED
        queue_maintenance(Ledger(workspace.catalogue))
        kinds = []
        while job := run_next(workspace, threading.Event()):
            kinds.append(job.kind)
        assert kinds == ["scan", "index", "index", "maintain"]
        ends = {Path(job.payload.get("path", job.kind)).name: job for job in Ledger(workspace.catalogue).jobs()}
        assert ends["film.mp4"].state is JobState.DONE
        assert ends["film.mp4"].result["state"] == "indexed"
        assert ends["letter.mp4"].state is JobState.FAILED
        assert ends["letter.mp4"].error
        assert [place.library_id for place in workspace.catalogue.videos(query="film")[0].locations] == [1]


def test_a_worker_that_is_told_to_end_puts_its_job_back(quick: Settings, tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", steady([(2.0, busy(1))]))
    stopping = threading.Event()
    stopping.set()
    with Workspace.open(quick) as workspace:
        enqueue_index(workspace.catalogue, quick, path)
        run_next(workspace, stopping)
        job = Ledger(workspace.catalogue).jobs()[0]
        assert (job.state, job.failures) == (JobState.QUEUED, 0)
        run_next(workspace, threading.Event())
        assert Ledger(workspace.catalogue).jobs()[0].state is JobState.DONE


def test_a_job_that_was_taken_away_stops_and_writes_nothing(
    quick: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "film.mp4", steady([(2.0, busy(1))]))
    with Workspace.open(quick) as workspace:
        ledger = Ledger(workspace.catalogue)
        queued = enqueue_index(workspace.catalogue, quick, path)
        index_file = workers.runner.index_file

        def cancel_first(*args: object, **kwargs: object) -> object:
            ledger.cancel(queued.job_id)
            return index_file(*args, **kwargs)  # type: ignore[arg-type]

        monkeypatch.setattr(workers.runner, "index_file", cancel_first)
        run_next(workspace, threading.Event())
        assert ledger.job(queued.job_id).state is JobState.CANCELLED
        assert workspace.catalogue.videos() == []


def test_a_full_disk_is_tried_again_later_and_a_surprise_too(
    quick: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reelseek.errors import StorageError

    with Workspace.open(quick) as workspace:
        ledger = Ledger(workspace.catalogue)
        for error in (StorageError("The disk is full."), RuntimeError("surprise")):
            job = enqueue_index(workspace.catalogue, quick, tmp_path / f"{type(error).__name__}.mp4")

            def fail(*_: object, error: Exception = error, **__: object) -> None:
                raise error

            monkeypatch.setattr(workers.runner, "index_file", fail)
            run_next(workspace, threading.Event())
            now = ledger.job(job.job_id)
            assert (now.state, now.failures) == (JobState.QUEUED, 1)
            assert str(error) in now.error
