"""Videos by content, their places and names; libraries; what is published."""

from __future__ import annotations

from pathlib import Path

import pytest

from library.catalogue import Catalogue, open_catalogue
from library.records import Counts, VideoState
from reelseek.errors import Conflict, InvalidRequest, JobLost, NotFound
from reelseek.settings import Settings
from tests.support.documents import info_of


@pytest.fixture
def catalogue(settings: Settings) -> Catalogue:
    return open_catalogue(settings)


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(name.encode("utf-8", "surrogateescape"))
    return path


def _published(catalogue: Catalogue, video_id: str, fingerprint: str = "f") -> str:
    ingest = catalogue.begin_ingest(video_id, fingerprint)
    catalogue.publish(ingest, Counts(1, 2, 3), {"speech": "whisper:x", "visual": None})
    return ingest


def test_a_copy_is_a_second_place_of_the_same_video_and_keeps_its_title(catalogue: Catalogue, tmp_path: Path) -> None:
    one, two = _file(tmp_path, "one.mp4"), _file(tmp_path, "two.mp4")
    catalogue.record_video(info_of("a", "one"), one)
    entry = catalogue.record_video(info_of("a", "two"), two)
    assert [place.path for place in entry.locations] == [str(one), str(two)]
    assert (entry.title, entry.path) == ("one", str(one))
    assert catalogue.record_video(info_of("a", "one"), one).title == "one"
    one.unlink()
    assert catalogue.video("a").path == str(two)
    assert catalogue.record_video(info_of("a", "two"), two).title == "two"


def test_a_video_whose_last_place_is_gone_is_missing_but_stays_published(catalogue: Catalogue, tmp_path: Path) -> None:
    one, two = _file(tmp_path, "one.mp4"), _file(tmp_path, "two.mp4")
    for path in (one, two):
        catalogue.record_video(info_of("a"), path)
    live = _published(catalogue, "a")
    entry = catalogue.remove_location(one)
    assert entry is not None
    assert entry.state is VideoState.INDEXED
    entry = catalogue.remove_location(two)
    assert entry is not None
    assert (entry.state, entry.live_ingest, entry.path) == (VideoState.MISSING, live, "")
    assert live not in catalogue.hidden_ingests()
    assert catalogue.record_video(info_of("a"), one).state is VideoState.INDEXED
    assert catalogue.remove_location(tmp_path / "never seen") is None


def test_a_changed_file_stays_found_as_it_was_until_the_new_content_is_published(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    path = _file(tmp_path, "film.mp4")
    catalogue.record_video(info_of("old"), path)
    old = _published(catalogue, "old")
    catalogue.mark_failed(path, "half copied", video_id="broken")
    catalogue.record_video(info_of("new"), path)
    assert catalogue.video("old").state is VideoState.MISSING
    assert old not in catalogue.hidden_ingests()
    _published(catalogue, "new")
    assert [entry.video_id for entry in catalogue.videos()] == ["new"]
    assert old in catalogue.hidden_ingests()


def test_a_file_state_is_what_was_last_seen(catalogue: Catalogue, tmp_path: Path) -> None:
    path = _file(tmp_path, "film.mp4")
    assert catalogue.file_state(path) is None
    catalogue.record_video(info_of("a"), path)
    state = catalogue.file_state(path)
    assert state is not None
    assert (state.size, state.mtime_ns, state.video_id) == (path.stat().st_size, path.stat().st_mtime_ns, "a")
    catalogue.mark_failed(path, "broken", video_id="a")
    state = catalogue.file_state(path)
    assert state is not None
    assert state.failed


def test_a_failure_has_its_reason_and_success_clears_it(catalogue: Catalogue, tmp_path: Path) -> None:
    path = _file(tmp_path, "film.mp4")
    entry = catalogue.mark_failed(path, "It is an empty file.")
    assert (entry.state, entry.error, entry.title) == (VideoState.FAILED, "It is an empty file.", "film")
    assert catalogue.mark_failed(path, "Still.").video_id == entry.video_id
    catalogue.record_video(info_of("a"), path)
    _published(catalogue, "a")
    assert [(item.video_id, item.error) for item in catalogue.videos()] == [("a", "")]
    entry = catalogue.mark_failed(path, "The renewal failed.", video_id="a")
    assert (entry.state, entry.error) == (VideoState.INDEXED, "The renewal failed.")


@pytest.mark.parametrize(
    "name", ["'; DROP TABLE video; --.mp4", "a\nb.mp4", "%_.mp4", "\udcff\udc80.mp4", "東京 🎬.mp4"]
)
def test_hostile_names_come_back_as_they_are(catalogue: Catalogue, tmp_path: Path, name: str) -> None:
    try:
        path = _file(tmp_path, name)
    except (OSError, UnicodeError):
        pytest.skip("this file system does not take the name")
    entry = catalogue.record_video(info_of("a", Path(name).stem), path)
    assert entry.path == str(path)
    assert catalogue.file_state(path) is not None
    assert catalogue.remove_location(path) is None, "never indexed: dropped"
    assert catalogue.videos() == []


def test_videos_are_found_by_words_of_title_or_name_whatever_their_case(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.record_video(info_of("a", "Über den Wolken"), _file(tmp_path, "clip_01.mp4"))
    catalogue.record_video(info_of("b", "100% cotton"), _file(tmp_path, "other.mp4"))
    found = lambda query: [entry.video_id for entry in catalogue.videos(query=query)]  # noqa: E731
    assert found("ÜBER wolken") == ["a"]
    assert found("CLIP_01") == ["a"]
    assert found("0%") == ["b"]
    assert found("_") == ["a"], "a wildcard of SQL is a character here"
    assert sorted(found("")) == ["a", "b"]
    assert catalogue.count_videos(query="über") == 1
    assert [entry.video_id for entry in catalogue.videos(ids=["b", "nobody"])] == ["b"]
    assert len(catalogue.videos(limit=1)) == 1


def test_tags_are_a_persons_own(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.record_video(info_of("a"), _file(tmp_path, "a.mp4"))
    assert catalogue.set_tags("a", ["Lecture", " lecture ", "2026", ""]).tags == ("2026", "lecture")
    assert catalogue.set_tags("a", ["lecture", "new"]).tags == ("lecture", "new")
    assert [entry.video_id for entry in catalogue.videos(tag="LECTURE")] == ["a"]
    assert catalogue.videos(tag="2026") == []
    with pytest.raises(InvalidRequest):
        catalogue.set_tags("a", ["x" * 101])
    with pytest.raises(NotFound):
        catalogue.set_tags("nobody", [])


def test_libraries_do_not_overlap_and_count_their_videos(catalogue: Catalogue, tmp_path: Path) -> None:
    films = tmp_path / "films"
    (films / "inner").mkdir(parents=True)
    added = catalogue.add_library(films)
    assert (added.name, added.path, added.video_count) == ("films", str(films), 0)
    for path, error in ((films, Conflict), (films / "inner", Conflict), (tmp_path, Conflict)):
        with pytest.raises(error):
            catalogue.add_library(path)
    with pytest.raises(NotFound):
        catalogue.add_library(tmp_path / "nowhere")
    catalogue.record_video(info_of("a"), _file(films, "a.mp4"), added.library_id)
    for key in (added.library_id, str(added.library_id), "films", str(films)):
        assert catalogue.library(key).video_count == 1
    assert [entry.video_id for entry in catalogue.videos(library=added.library_id)] == ["a"]
    catalogue.remove_library("films")
    assert catalogue.libraries() == []
    assert catalogue.video("a").locations[0].library_id is None
    with pytest.raises(NotFound):
        catalogue.library("films")


def test_publishing_flips_and_hides_and_only_the_newest_attempt_may_do_it(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.record_video(info_of("a"), _file(tmp_path, "a.mp4"))
    first, second = catalogue.begin_ingest("a", "f"), catalogue.begin_ingest("a", "f")
    assert catalogue.hidden_ingests() == {first, second}
    with pytest.raises(JobLost):
        catalogue.publish(first, Counts(), {})
    before = catalogue.visibility().revision
    entry = catalogue.publish(second, Counts(1, 2, 3), {"speech": "whisper:x"})
    assert (entry.state, entry.live_ingest, entry.counts) == (VideoState.INDEXED, second, Counts(1, 2, 3))
    assert catalogue.visibility().revision > before
    assert catalogue.hidden_ingests() == {first}
    with pytest.raises(JobLost):
        catalogue.publish(second, Counts(), {})
    assert catalogue.stale_ingests() == [], "a search that began before may still read them"
    assert catalogue.stale_ingests(grace=0) == [first]
    catalogue.forget_ingests([first, second])
    assert catalogue.hidden_ingests() == frozenset()
    assert [item.ingest_id for item in catalogue.ingests("a")] == [second], "what is seen cannot be forgotten"


def test_a_deleted_video_is_hidden_at_once(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.record_video(info_of("a"), _file(tmp_path, "a.mp4"))
    catalogue.set_tags("a", ["x"])
    live = _published(catalogue, "a")
    catalogue.delete_video("a")
    assert live in catalogue.hidden_ingests()
    assert catalogue.find_video("a") is None
    for call in (catalogue.video, catalogue.delete_video):
        with pytest.raises(NotFound):
            call("a")
    with pytest.raises(NotFound):
        catalogue.begin_ingest("a", "f")
