"""Notes of long videos as jobs: shared by workers, gone on with after one is killed, dropped with their video."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.commands import app as reelseek
from library.ledger import Ledger
from library.records import Job, JobState
from query.digest.digests import DigestRequest, digest
from query.digest.notes import VideoNotes
from query.service import QueryService, open_service
from reelseek.settings import Settings, as_environment, load_settings
from tests.support.long_talk import LONG_TALK, NOTES, note_taker
from tests.support.query_world import World
from tests.support.scripted_chat import ScriptedChat
from tests.workers.test_sharing import ROOT, Other, work_off
from web.app import create_app
from workers.collecting import collect_garbage
from workers.enqueue import NOTES as KIND
from workers.enqueue import NOTES_PRIORITY
from workers.note_sharing import share_notes
from workers.noting import notes_in, queue_missing, queue_wanted_notes
from workers.runner import run_next
from workers.workspace import Workspace

ENGINES = dict.fromkeys(("visual", "speech", "screen_text", "objects"), "off")
WHOLE = DigestRequest(LONG_TALK.video_id, length="long")


@pytest.fixture
def chat() -> Iterator[ScriptedChat]:
    server = ScriptedChat()
    server.reply = note_taker
    yield server
    server.close()


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("indexed")
    settings = load_settings({"data": folder / "data", "engines": ENGINES | {"vlm": "extractive"}})
    World(settings, folder / "films", [LONG_TALK]).close()
    return folder / "data"


@pytest.fixture
def settings(indexed: Path, tmp_path: Path, chat: ScriptedChat) -> Settings:
    """A data folder of its own with the talk in it, and a model behind a server."""
    shutil.copytree(indexed, tmp_path / "data")
    engines = ENGINES | {"vlm": "openai:scripted", "vlm_url": chat.url}
    return load_settings({"data": tmp_path / "data", "engines": engines, "workers": {"lease_seconds": 2.0}})


@pytest.fixture
def workspace(settings: Settings) -> Iterator[Workspace]:
    with Workspace.open(settings) as opened:
        yield opened


def jobs_in(workspace: Workspace) -> list[Job]:
    return Ledger(workspace.catalogue, workspace.settings.workers).jobs(None, None, kind=KIND)


def queue(workspace: Workspace) -> VideoNotes:
    with notes_in(workspace, LONG_TALK.video_id) as notes:
        assert notes is not None
        queue_missing(Ledger(workspace.catalogue, workspace.settings.workers), notes, NOTES_PRIORITY)
        return notes


def asking(settings: Settings) -> QueryService:
    return share_notes(open_service(settings))


def test_two_workers_share_the_notes_of_one_video(
    workspace: Workspace, tmp_path: Path, chat: ScriptedChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.noting.PART", 1)
    chat.slow = 0.1
    with Other(workspace.settings, tmp_path, "import workers.noting\nworkers.noting.PART = 1", KIND):
        notes = queue(workspace)
        work_off(workspace)
    jobs = jobs_in(workspace)
    assert {job.state for job in jobs} == {JobState.DONE}
    assert len({job.worker for job in jobs}) == 2
    assert chat.asked(NOTES) == len(notes.stretches), "no stretch was noted twice"
    assert notes.missing() == []


def test_what_a_killed_worker_had_noted_stays_and_the_rest_is_gone_on_with(
    workspace: Workspace, tmp_path: Path, chat: ScriptedChat
) -> None:
    kill = """
import os
from query.digest.notes import VideoNotes
write = VideoNotes._write
def write_and_die(self, key, text):
    write(self, key, text)
    os.kill(os.getpid(), 9)
VideoNotes._write = write_and_die
"""
    with Other(workspace.settings, tmp_path, kill, KIND) as other:
        notes = queue(workspace)
        assert other.process.wait(300) == -signal.SIGKILL
        assert len(notes.missing()) == len(notes.stretches) - 1
        work_off(workspace)
    assert {job.state for job in jobs_in(workspace)} == {JobState.DONE}
    assert sum(job.failures for job in jobs_in(workspace)) == 1
    assert notes.missing() == []
    assert chat.asked(NOTES) == len(notes.stretches)


def test_a_question_leaves_to_the_workers_what_it_has_no_time_for(settings: Settings, chat: ScriptedChat) -> None:
    chat.slow = 0.3
    with asking(settings) as service, Workspace.open(settings) as workspace:
        first = digest(service, DigestRequest(LONG_TALK.video_id, length="long", seconds=0.5))
        assert first.partial
        assert any("segments exist. The rest waits for a worker" in note for note in first.notes)
        assert any(job.state is JobState.QUEUED for job in jobs_in(workspace))
        chat.slow = 0.0
        work_off(workspace)
        with notes_in(workspace, LONG_TALK.video_id) as notes:
            assert notes is not None
            assert notes.missing() == []
        taken = chat.asked(NOTES)
        again = digest(service, WHOLE)
        assert (again.partial, again.notes) == (False, ())
        assert chat.asked(NOTES) == taken == len(notes.stretches)


def test_a_real_worker_makes_the_rest_while_the_question_is_answered(
    settings: Settings, tmp_path: Path, chat: ScriptedChat
) -> None:
    command = [sys.executable, "-m", "celery", "-A", "workers.app", "--quiet", "worker", "--without-gossip"]
    environment = os.environ | as_environment(settings)
    chat.slow = 0.2
    with asking(settings) as service:
        assert digest(service, DigestRequest(LONG_TALK.video_id, seconds=0.0)).partial
        ledger = Ledger(service.catalogue, settings.workers)
        with (tmp_path / "log").open("wb") as log:
            worker = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
        try:
            until = time.monotonic() + 300
            while not ledger.jobs(JobState.RUNNING, kind=KIND):
                assert time.monotonic() < until, (tmp_path / "log").read_text()
                time.sleep(0.02)
            during = digest(service, DigestRequest(LONG_TALK.video_id, seconds=0.0))
            assert any("The rest is being made." in note for note in during.notes)
            assert digest(service, DigestRequest(LONG_TALK.video_id, seconds=300.0)).notes == ()
            assert {job.state for job in ledger.jobs(kind=KIND)} == {JobState.DONE}
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.wait(60)


def test_notes_of_a_video_that_is_removed_or_indexed_anew_are_dropped(
    workspace: Workspace, settings: Settings, chat: ScriptedChat
) -> None:
    queue(workspace)
    entry = workspace.catalogue.video(LONG_TALK.video_id)
    anew = workspace.catalogue.begin_ingest(LONG_TALK.video_id, "again")
    workspace.catalogue.publish(anew, entry.counts, {})
    work_off(workspace)
    assert {job.result["state"] for job in jobs_in(workspace)} == {"gone"}
    workspace.catalogue.delete_video(LONG_TALK.video_id)
    queue_wanted_notes(workspace, LONG_TALK.video_id)
    assert run_next(workspace, threading.Event()) is None
    assert chat.requests == []


def test_a_model_that_fails_ends_in_sentences_of_the_video_and_jobs_that_say_why(indexed: Path, tmp_path: Path) -> None:
    shutil.copytree(indexed, tmp_path / "data")
    engines = ENGINES | {"vlm": "openai:gone", "vlm_url": "http://127.0.0.1:9/v1"}
    with asking(load_settings({"data": tmp_path / "data", "engines": engines})) as service:
        found = digest(service, WHOLE)
        assert found.engine == "extractive"
        assert any("no summary" in note for note in found.notes)


def test_notes_are_taken_after_indexing_unless_that_is_turned_off(workspace: Workspace, chat: ScriptedChat) -> None:
    off = workspace.settings.model_copy(
        update={"ingest": workspace.settings.ingest.model_copy(update={"notes": "off"})}
    )
    with Workspace.open(off) as other:
        queue_wanted_notes(other, LONG_TALK.video_id)
    assert jobs_in(workspace) == []
    queue_wanted_notes(workspace, LONG_TALK.video_id)
    assert {job.priority for job in jobs_in(workspace)} == {NOTES_PRIORITY}
    work_off(workspace)
    queue_wanted_notes(workspace, LONG_TALK.video_id)
    assert {job.state for job in jobs_in(workspace)} == {JobState.DONE}, "nothing is queued twice"


def test_gc_keeps_the_notes_of_what_is_indexed_and_takes_those_of_what_was(workspace: Workspace) -> None:
    notes = queue(workspace)
    work_off(workspace)
    store = workspace.store
    store.set_current(LONG_TALK.video_id, {"segments": "a"})
    kept = Path(store.path(LONG_TALK.video_id, "notes", store.keys(LONG_TALK.video_id, "notes")[0], "note.json"))
    for path in (kept, kept.with_name("done.json")):
        os.utime(path, (time.time() + 60, time.time() + 60))
    rule = workspace.settings.storage.model_copy(update={"keep_replaced_days": 0.0})
    at_once = Workspace(
        workspace.settings.model_copy(update={"storage": rule}),
        workspace.catalogue,
        store,
        workspace.engines,
        workspace.writer,
    )
    collect_garbage(at_once)
    assert [str(kept.parent.name)] == store.keys(LONG_TALK.video_id, "notes")
    assert len(notes.missing()) == len(notes.stretches) - 1


def test_the_commands_take_notes_and_show_their_jobs(
    settings: Settings, chat: ScriptedChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in as_environment(settings).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(reelseek, arguments)
        assert done.exit_code == 0, done.output
        return done.stdout

    assert "Notes of 0 of 48 segments exist. The rest waits for a worker" in run("summarize", "--prepare", "--queue")
    shown = json.loads(run("jobs", "--json"))["jobs"]
    assert {(job["kind"], job["state"], job["what"]) for job in shown} == {
        (KIND, "queued", "Notes of The long talk on the bridge")
    }
    assert not chat.requests
    (video,) = json.loads(run("summarize", "long talk", "--prepare", "--json"))["videos"]
    assert (video["noted"], video["segments"], video["rest"]) == (48, 48, "")
    assert chat.asked(NOTES) == 6
    assert run("jobs") == "Nothing runs, waits or has failed.\n"


def test_the_api_tells_how_far_notes_are_and_has_the_rest_taken(settings: Settings, workspace: Workspace) -> None:
    at_once = settings.query.model_copy(update={"notes_seconds": 0.0})
    app = create_app(settings.model_copy(update={"query": at_once}))
    client, notes = app.test_client(), f"/api/v1/videos/{LONG_TALK.video_id}/notes"
    assert client.get(notes).get_json()["noted"] == 0
    assert client.get("/api/v1/jobs").get_json()["jobs"] == []
    posted = client.post(notes)
    assert posted.status_code == 202
    assert "waits for a worker" in posted.get_json()["rest"]
    waiting = client.get("/api/v1/jobs?state=active").get_json()["jobs"]
    assert {(job["kind"], job["what"]) for job in waiting} == {
        ("notes", f"Notes of {LONG_TALK.name.removesuffix('.mp4')}")
    }
    summary = client.get(f"/api/v1/videos/{LONG_TALK.video_id}/summary").get_json()
    assert summary["partial"]
    assert any("Notes of 0 of 48 segments exist." in note for note in summary["notes"])
    work_off(workspace)
    whole = client.get(notes).get_json()
    assert (whole["noted"], whole["segments"], whole["rest"]) == (48, 48, "")
    assert not client.get(f"/api/v1/videos/{LONG_TALK.video_id}/summary").get_json()["partial"]
    assert client.get(f"/api/v1/videos/{'c' * 32}/notes").status_code == 404
    app.extensions["reelseek"].close()
