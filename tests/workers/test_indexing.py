"""Indexing files as a person does it: once, again, renamed, changed, broken, copied."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from index.reader import IndexReader
from library.records import VideoState
from reelseek.errors import EngineUnavailable
from reelseek.settings import Settings, load_settings
from tests.support.media import busy, steady, write_video
from workers.files import find_videos
from workers.indexing import FileReport, IndexEvent, Workspace, index_file, index_paths
from workers.upkeep import maintain, purge_hidden, rebuild_index

OFF = dict.fromkeys(("visual", "sentence", "speech", "screen_text", "objects"), "off")


@pytest.fixture
def quick(tmp_path: Path) -> Settings:
    """Settings without any engine: what is tested here is what happens around them."""
    return load_settings({"data": tmp_path / "data", "engines": OFF})


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    folder.mkdir()
    for seed, name in enumerate(("one.mp4", "two.mkv")):
        cues = [(0.5, 2.0, f"sentence of film {name[:3]}")] if name.endswith("mkv") else []
        write_video(folder / name, steady([(2.0, busy(seed)), (1.0, busy(seed + 50))]), cues=cues)
    return folder


def _states(reports: list[FileReport]) -> dict[str, str]:
    return {report.path.name: report.state for report in reports}


def _rows(workspace: Workspace, table: str = "segments") -> list[dict[str, object]]:
    return IndexReader(workspace.settings).snapshot(workspace.catalogue.visibility).rows(table)


def test_a_folder_is_indexed_once_and_a_second_run_does_nothing(quick: Settings, films: Path) -> None:
    with Workspace.open(quick) as workspace:
        reports = index_paths(workspace, [films])
        assert _states(reports) == {"one.mp4": "indexed", "two.mkv": "indexed"}
        assert any(stage.state == "done" for stage in reports[0].stages)
        rows, live = _rows(workspace, "lines"), [entry.live_ingest for entry in workspace.catalogue.videos()]
        assert any(row["text"] == "sentence of film two" for row in rows)
    with Workspace.open(quick) as workspace:
        reports = index_paths(workspace, [films])
        assert _states(reports) == {"one.mp4": "unchanged", "two.mkv": "unchanged"}
        assert not any(stage.state == "done" for report in reports for stage in report.stages)
        assert _rows(workspace, "lines") == rows
        assert [entry.live_ingest for entry in workspace.catalogue.videos()] == live


def test_an_unchanged_file_is_not_even_read(quick: Settings, films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import workers.indexing

    with Workspace.open(quick) as workspace:
        index_paths(workspace, [films])

        def refuse(*_: object, **__: object) -> str:
            raise AssertionError("the file was hashed")

        monkeypatch.setattr(workers.indexing, "content_id", refuse)
        assert set(_states(index_paths(workspace, [films])).values()) == {"unchanged"}


def test_a_renamed_file_is_known_again_and_found_by_its_new_name(quick: Settings, films: Path) -> None:
    with Workspace.open(quick) as workspace:
        index_paths(workspace, [films])
        before = workspace.catalogue.videos(query="one")[0]
        (films / "one.mp4").rename(films / "holiday.mp4")
        report = index_file(workspace, films / "holiday.mp4")
        assert report.state == "renamed"
        assert not any(stage.state == "done" for stage in report.stages)
        entry = workspace.catalogue.video(before.video_id)
        assert (entry.title, entry.path, len(entry.locations)) == ("holiday", str(films / "holiday.mp4"), 1)
        titles = [row["text"] for row in _rows(workspace, "lines") if row["channel"] == "title"]
        assert sorted(map(str, titles)) == ["holiday", "two"]
        assert index_file(workspace, films / "holiday.mp4").state == "unchanged"


def test_a_copy_is_the_same_video_in_two_places_and_neither_run_undoes_the_other(quick: Settings, films: Path) -> None:
    shutil.copy(films / "one.mp4", films / "copy.mp4")
    with Workspace.open(quick) as workspace:
        assert sorted(_states(index_paths(workspace, [films])).values()) == ["indexed", "indexed", "unchanged"]
        assert len(workspace.catalogue.videos()) == 2
        assert len(workspace.catalogue.videos(query="copy")[0].locations) == 2
        assert set(_states(index_paths(workspace, [films])).values()) == {"unchanged"}


def test_a_changed_file_is_indexed_again_and_its_old_rows_go(quick: Settings, films: Path) -> None:
    with Workspace.open(quick) as workspace:
        index_paths(workspace, [films])
        old = workspace.catalogue.videos(query="one")[0].video_id
        write_video(films / "one.mp4", steady([(4.0, busy(9))]))
        assert index_file(workspace, films / "one.mp4").state == "indexed"
        assert workspace.catalogue.find_video(old) is None
        assert old not in {row["video_id"] for row in _rows(workspace)}
        purge_hidden(workspace, grace=0)
        assert old not in {row["video_id"] for row in IndexReader(quick).rows("segments")}
        assert workspace.catalogue.hidden_ingests() == frozenset()


def test_a_broken_file_is_named_with_its_reason_and_stops_nobody(quick: Settings, films: Path) -> None:
    (films / "empty.mp4").write_bytes(b"")
    (films / "letter.mp4").write_text("Dear Sir, this is no video. " * 99)
    (films / "half.mp4").write_bytes((films / "one.mp4").read_bytes()[:3000])
    with Workspace.open(quick) as workspace:
        reports = index_paths(workspace, [films, films / "nowhere.mp4"])
        states = _states(reports)
        assert {name for name, state in states.items() if state == "indexed"} == {"one.mp4", "two.mkv"}
        failed = {report.path.name: report for report in reports if report.state == "failed"}
        assert set(failed) == {"empty.mp4", "letter.mp4", "half.mp4", "nowhere.mp4"}
        assert all(report.reason and "Traceback" not in report.reason for report in failed.values())
        known = {entry.title: entry for entry in workspace.catalogue.videos(state=VideoState.FAILED)}
        assert {Path(entry.path).name for entry in known.values()} == {"empty.mp4", "letter.mp4", "half.mp4"}
        assert all(entry.error for entry in known.values())
        shutil.copy(films / "one.mp4", films / "half.mp4")
        assert index_file(workspace, films / "half.mp4").state == "unchanged"
        assert len(workspace.catalogue.videos(state=VideoState.FAILED)) == 2, "what was mended is no failure any more"


def test_progress_names_every_file_and_stage(quick: Settings, films: Path) -> None:
    events: list[IndexEvent] = []
    with Workspace.open(quick) as workspace:
        index_paths(workspace, [films / "one.mp4"], events.append)
    assert [event.kind for event in events if event.kind != "progress"] == ["found", "started", "finished"]
    stages = [event.stage for event in events if event.kind == "progress"]
    assert {"identity", "frames", "index"} <= set(stages)
    assert all(0.0 <= event.fraction <= 1.0 for event in events)
    assert events[-1].report is not None
    assert events[-1].report.state == "indexed"


def test_stopping_in_the_middle_keeps_what_is_finished_and_leaves_nothing_half_done(
    quick: Settings, films: Path
) -> None:
    def stop(event: IndexEvent) -> None:
        if event.number == 2 and event.stage == "frames":
            raise KeyboardInterrupt

    with Workspace.open(quick) as workspace:
        with pytest.raises(KeyboardInterrupt):
            index_paths(workspace, [films], stop)
        assert len({row["video_id"] for row in _rows(workspace)}) == 1
        assert {entry.state for entry in workspace.catalogue.videos()} == {VideoState.INDEXED, VideoState.NEW}
        assert _states(index_paths(workspace, [films])) == {"one.mp4": "unchanged", "two.mkv": "indexed"}


def test_an_engine_that_is_named_and_missing_stops_everything(quick: Settings, films: Path) -> None:
    engines = quick.engines.model_copy(update={"visual": "openclip:no-such-model"})
    with Workspace.open(quick.model_copy(update={"engines": engines})) as workspace, pytest.raises(EngineUnavailable):
        index_paths(workspace, [films])


def test_the_index_is_made_again_from_artefacts_when_it_is_lost(quick: Settings, films: Path) -> None:
    with Workspace.open(quick) as workspace:
        index_paths(workspace, [films])
        rows = _rows(workspace, "lines")
        shutil.rmtree(quick.index_path)
        assert _rows(workspace) == []
        assert maintain(workspace)["rebuilt"] == "2 videos"
        assert _rows(workspace, "lines") == rows
        assert "rebuilt" not in maintain(workspace)
        seen: list[bool] = []
        workspace.store.delete_video(workspace.catalogue.videos(query="one")[0].video_id)
        assert rebuild_index(workspace, lambda _, found: seen.append(found)) == 1
        assert sorted(seen) == [False, True]


def test_rows_that_the_catalogue_does_not_know_are_purged(quick: Settings, films: Path) -> None:
    with Workspace.open(quick) as workspace:
        index_paths(workspace, [films])
    for name in ("", "-wal", "-shm"):
        (quick.data / f"catalogue.sqlite3{name}").unlink(missing_ok=True)
    with Workspace.open(quick) as workspace:
        assert maintain(workspace)["purged"] == "2 sets of rows"
        assert IndexReader(quick).count("lines") == 0
        assert set(_states(index_paths(workspace, [films])).values()) == {"indexed"}


def test_folders_are_searched_for_videos_only(tmp_path: Path) -> None:
    for name in ("b.MP4", "a.mkv", "sub/c.webm", ".hidden.mp4", ".cache/d.mp4", "notes.txt", "film.mp4.part"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "code.ts").write_text("export const x = 1")
    (tmp_path / "stream.ts").write_bytes(b"\x47\x40\x00")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "link.mp4").symlink_to(tmp_path / "b.MP4")
    (tmp_path / "dangling.mp4").symlink_to(tmp_path / "nowhere")
    hostile = tmp_path / os.fsdecode(b"-rf \n\xff.mp4")
    hostile.write_bytes(b"x")
    found = [os.fsencode(path.relative_to(tmp_path)) for path in find_videos([tmp_path, tmp_path / "a.mkv"])]
    assert found == [b"-rf \n\xff.mp4", b"a.mkv", b"b.MP4", b"link.mp4", b"stream.ts", b"sub/c.webm"]
    assert [path.name for path in find_videos([tmp_path / "notes.txt"])] == ["notes.txt"], "what is named is tried"


def test_recordings_without_pictures_are_found_but_not_the_sound_of_a_video(tmp_path: Path) -> None:
    for name in ("meeting.M4A", "talk.mp4", "talk.wav", "song.ogg.part", ".hidden.mp3"):
        (tmp_path / name).write_bytes(b"x")
    assert [path.name for path in find_videos([tmp_path])] == ["meeting.M4A", "talk.mp4"]
