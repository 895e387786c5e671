"""Captions as the last thing that is made of a video: searchable when done, never in the way."""

from __future__ import annotations

import json
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from library.ledger import Ledger
from library.records import JobState
from query.service import SearchRequest, open_service
from reelseek.records import Channel
from reelseek.setting_groups import WorkerSettings
from reelseek.settings import Settings, load_settings
from tests.support.media import busy, steady, write_video
from tests.support.scripted_chat import ScriptedChat
from tests.workers.test_sharing import Other, work_off
from workers.captioning import caption_videos, wanted_captions
from workers.enqueue import CAPTION, CAPTION_PART, queue_index
from workers.indexing import index_paths
from workers.runner import run_next
from workers.workspace import Workspace

WORDS = "A heron stands in shallow water."


@pytest.fixture
def chat() -> Iterator[ScriptedChat]:
    server = ScriptedChat()
    server.decoupled = json.dumps({"caption": WORDS, "title": "A heron"})
    yield server
    server.close()


def settings_for(folder: Path, url: str, vlm: str = "openai:scripted", captions: str = "auto") -> Settings:
    engines = dict.fromkeys(("visual", "speech", "screen_text", "objects"), "off")
    engines |= {"sentence": "minilm", "vlm": vlm, "vlm_url": url}
    return load_settings({"data": folder / "data", "engines": engines, "ingest": {"captions": captions}})


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_video(tmp_path / "quiet.mp4", steady([(8.0, busy(1)), (8.0, busy(2))]))


def found_by(settings: Settings, query: str) -> list[tuple[Channel, str]]:
    with open_service(settings) as service:
        moments = service.search(SearchRequest(query=query)).moments
    return [(item.channel, item.text) for moment in moments for item in moment.evidence]


def test_a_video_is_found_by_what_a_model_saw_in_it(clip: Path, tmp_path: Path, chat: ScriptedChat) -> None:
    settings, told = settings_for(tmp_path, chat.url), list[float]()
    with Workspace.open(settings) as workspace:
        (report,) = index_paths(workspace, [clip])
        assert not chat.requests  # it was published without
        assert caption_videos(workspace, [report.video_id], lambda stage, fraction: told.append(fraction)) == (1, "")
        assert told[-1] == 1.0
        asked = len(chat.requests)
        assert asked >= 2
        assert (Channel.CAPTION, WORDS) in found_by(settings, "heron in the water")
        assert (Channel.CAPTION, WORDS) in found_by(settings, "a bird beside a lake")
        # All of it is done, so neither captions nor the video are made again.
        assert wanted_captions(workspace, report.video_id) is None
        assert index_paths(workspace, [clip])[0].state == "unchanged"
        assert caption_videos(workspace, [report.video_id], lambda stage, fraction: None) == (0, "")
        assert len(chat.requests) == asked
        assert (Channel.CAPTION, WORDS) in found_by(settings, "heron")
        # A new name publishes the video anew, with its captions.
        moved = clip.rename(clip.with_name("heron pond.mp4"))
        assert index_paths(workspace, [moved])[0].state == "renamed"
        assert (Channel.CAPTION, WORDS) in found_by(settings, "shallow water")
        assert wanted_captions(workspace, report.video_id) is None
        assert len(chat.requests) == asked


def test_a_model_that_fails_leaves_the_video_as_it_is_and_is_gone_on_with(
    clip: Path, tmp_path: Path, chat: ScriptedChat
) -> None:
    broken = settings_for(tmp_path, "http://127.0.0.1:9/v1")
    with Workspace.open(broken) as workspace:
        (report,) = index_paths(workspace, [clip])
        assert report.state == "indexed"
        count, reason = caption_videos(workspace, [report.video_id], lambda stage, fraction: None)
        assert count == 0
        assert "No server answers" in reason
        assert workspace.store.current(report.video_id)["segments"]
    with Workspace.open(settings_for(tmp_path, chat.url)) as workspace:
        assert caption_videos(workspace, [report.video_id], lambda stage, fraction: None) == (1, "")


def test_captions_are_off_when_nobody_can_write_them_or_they_are_turned_off(
    clip: Path, tmp_path: Path, chat: ScriptedChat
) -> None:
    for settings in (
        settings_for(tmp_path, chat.url, vlm="extractive"),
        settings_for(tmp_path, chat.url, captions="off"),
    ):
        with Workspace.open(settings) as workspace:
            (report,) = index_paths(workspace, [clip])
            assert wanted_captions(workspace, report.video_id) is None
    assert not chat.requests


def test_a_worker_captions_after_all_else(clip: Path, tmp_path: Path, chat: ScriptedChat) -> None:
    settings, second = settings_for(tmp_path, chat.url), write_video(tmp_path / "b.mp4", steady([(6.0, busy(3))]))
    with Workspace.open(settings) as workspace:
        ledger = Ledger(workspace.catalogue, settings.workers)
        for path in (clip, second):
            queue_index(ledger, path)
        kinds = []
        while (job := run_next(workspace, threading.Event())) is not None:
            kinds.append(job.kind)
        assert kinds == ["index", "index", CAPTION, CAPTION]
        assert all(job.state is JobState.DONE for job in ledger.jobs(None, None, kind=CAPTION))
    assert (Channel.CAPTION, WORDS) in found_by(settings, "heron")


SMALL_PARTS = "import ingest.captioned\ningest.captioned._AT_A_TIME = 2"


@pytest.fixture
def film(tmp_path: Path, chat: ScriptedChat) -> Path:
    """Eight scenes; the model describes each by what is said in it, and fails to be quick."""

    def seen(prompt: str) -> str:
        scenes = " and ".join(dict.fromkeys(re.findall(r"scene number (\d)", prompt)))
        return json.dumps({"caption": f"A heron in scene {scenes}.", "title": "Herons"})

    chat.fields, chat.slow = seen, 0.1
    cues = [(10.0 * at + 1, 10.0 * at + 9, f"Now we come to scene number {at}.") for at in range(8)]
    return write_video(tmp_path / "film.mkv", steady([(10.0, busy(at)) for at in range(8)], fps=5), cues=cues)


def shared_settings(folder: Path, chat: ScriptedChat) -> Settings:
    return settings_for(folder, chat.url).model_copy(update={"workers": WorkerSettings(lease_seconds=2.0)})


def captions_of(workspace: Workspace) -> list[str]:
    (video,) = workspace.catalogue.videos()
    key = workspace.store.current(video.video_id)["captions"]
    return list(workspace.store.read_json(video.video_id, "captions", key, "captions.json")["captions"])


def test_two_workers_share_the_captions_of_one_video(
    film: Path, tmp_path: Path, chat: ScriptedChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.captioned._AT_A_TIME", 2)
    settings = shared_settings(tmp_path, chat)
    with Workspace.open(settings) as workspace, Other(settings, tmp_path, SMALL_PARTS, CAPTION_PART):
        queue_index(Ledger(workspace.catalogue, settings.workers), film)
        work_off(workspace)
        jobs = Ledger(workspace.catalogue).jobs(limit=None)
        assert {job.state for job in jobs} == {JobState.DONE}
        assert len({job.worker for job in jobs if job.kind == CAPTION_PART}) == 2
        found = captions_of(workspace)
    assert len(found) >= 6
    assert len(set(found)) == len(found)
    assert chat.asked("You describe") == len(found), "no segment was described twice"
    assert any("scene 7" in text for _, text in found_by(settings, "heron"))
    alone = settings.model_copy(update={"data": tmp_path / "alone"})
    with Workspace.open(alone) as workspace:
        (report,) = index_paths(workspace, [film])
        assert caption_videos(workspace, [report.video_id], lambda stage, fraction: None) == (1, "")
        assert captions_of(workspace) == found


def test_a_worker_that_is_killed_costs_the_caption_at_hand_alone(
    film: Path, tmp_path: Path, chat: ScriptedChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.captioned._AT_A_TIME", 4)
    kill = """
import os
import ingest.captioned
from ingest.captioned import Captioning
ingest.captioned._AT_A_TIME = 4
keep = Captioning._keep
def keep_and_die(self, number, caption):
    keep(self, number, caption)
    os.kill(os.getpid(), 9)
Captioning._keep = keep_and_die
"""
    settings = shared_settings(tmp_path, chat)
    with Workspace.open(settings) as workspace, Other(settings, tmp_path, kill, CAPTION_PART) as other:
        queue_index(Ledger(workspace.catalogue, settings.workers), film)
        work_off(workspace)
        assert other.process.wait(10) == -signal.SIGKILL
        jobs = Ledger(workspace.catalogue).jobs(limit=None)
        assert {job.state for job in jobs} == {JobState.DONE}
        assert sum(job.failures for job in jobs) == 1
        found = captions_of(workspace)
        (video,) = workspace.catalogue.videos()
        left = [item.stage for item in workspace.store.stored(video.video_id) if item.stage.endswith("-part")]
    assert chat.asked("You describe") == len(found), "what the killed worker had written was kept"
    assert left == []
