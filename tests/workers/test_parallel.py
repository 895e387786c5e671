"""Several processes at once, as `reelseek index --jobs` runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from library.ledger import Ledger
from library.records import JobState
from reelseek.settings import load_settings
from tests.support.media import busy, steady, write_video
from tests.workers.test_indexing import OFF
from workers.indexing import IndexEvent
from workers.parallel import environment_of, index_in_parallel
from workers.workspace import Workspace


def test_files_are_indexed_at_once_and_each_is_told(tmp_path: Path) -> None:
    films = tmp_path / "films"
    films.mkdir()
    for number in range(4):
        write_video(films / f"film{number}.mp4", steady([(4.0, busy(number)), (4.0, busy(number + 10))]))
    (films / "letter.mp4").write_text("Dear Sir")
    settings = load_settings({"data": tmp_path / "data", "engines": OFF})
    events: list[IndexEvent] = []
    with Workspace.open(settings) as workspace:
        reports = index_in_parallel(workspace, [films], 2, events.append)
        assert [report.path.name for report in reports] == [f"film{n}.mp4" for n in range(4)] + ["letter.mp4"]
        assert [report.state for report in reports] == ["indexed"] * 4 + ["failed"]
        assert "video" in reports[-1].reason
        assert {stage.name for stage in reports[0].stages} > {"probe", "frames", "segments"}
        jobs = Ledger(workspace.catalogue).jobs()
        assert len({job.worker for job in jobs if job.state is JobState.DONE}) == 2
        assert sorted(event.number for event in events if event.kind == "finished") == [1, 2, 3, 4, 5]
        again = index_in_parallel(workspace, [films / "film0.mp4"], 2, events.append)
        assert [report.state for report in again] == ["unchanged"]


def test_what_is_stopped_leaves_no_job_behind(tmp_path: Path) -> None:
    for number in range(3):
        write_video(tmp_path / f"film{number}.mp4", steady([(4.0, busy(number))]))
    settings = load_settings({"data": tmp_path / "data", "engines": OFF})

    def stop(event: IndexEvent) -> None:
        if event.kind == "finished":
            raise KeyboardInterrupt

    with Workspace.open(settings) as workspace:
        with pytest.raises(KeyboardInterrupt):
            index_in_parallel(workspace, [tmp_path], 2, stop)
        counts = Ledger(workspace.catalogue).counts()
        assert counts[JobState.QUEUED] == counts[JobState.RUNNING] == 0
        assert counts[JobState.DONE] >= 1


def test_processes_share_the_threads_unless_the_settings_say_how_many(tmp_path: Path) -> None:
    settings = load_settings({"data": tmp_path, "engines": OFF})
    assert environment_of(settings, 10_000)["REELSEEK_ENGINES__THREADS"] == "1"
    fixed = load_settings({"data": tmp_path, "engines": OFF | {"threads": 3}})
    assert environment_of(fixed, 10_000)["REELSEEK_ENGINES__THREADS"] == "3"
    assert environment_of(settings, 1)["REELSEEK_ENGINES__THREADS"] == "0"
