"""`reelseek show` and the API's detail: which sound tracks a real file has, and which one is listened to and why."""

from __future__ import annotations

import json
import subprocess

import pytest
from typer.testing import CliRunner

from cli.main import app
from reelseek.settings import Settings, load_settings
from web.app import create_app
from workers.indexing import Workspace, index_file

OFF = dict.fromkeys(("visual", "sentence", "speech", "screen_text", "objects", "speakers", "sounds"), "off")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A data folder with a film: commentary (en, default), German, English in 5.1."""
    folder = tmp_path_factory.mktemp("showing")
    film = folder / "Harbour.mkv"
    tones = [part for hertz in (300, 600, 900) for part in ("-f", "lavfi", "-i", f"sine={hertz}:r=48000:d=2")]
    names = [
        part for n, code in enumerate(("eng", "ger", "eng")) for part in (f"-metadata:s:a:{n}", f"language={code}")
    ]
    command = [
        "ffmpeg", "-v", "error", *tones, "-map", "0", "-map", "1", "-map", "2", *names,
        "-metadata:s:a:0", "title=Commentary", "-disposition:a:0", "default+comment", "-ac:a:2", "6",
        "-c:a", "flac", str(film),
    ]  # fmt: skip
    subprocess.run(command, check=True)
    settings = load_settings({"data": folder / "data", "engines": OFF})
    with Workspace.open(settings) as workspace:
        assert index_file(workspace, film).state == "indexed"
    return settings


def shown(settings: Settings, *arguments: str) -> str:
    found = CliRunner().invoke(app, ["--data", str(settings.data), "show", "harbour", *arguments])
    assert found.exit_code == 0, found.output
    return found.stdout


def test_sound_tracks_are_shown_with_the_one_that_is_listened_to_and_why(settings: Settings) -> None:
    lines = [line.strip() for line in shown(settings).splitlines()]
    tracks = [line.removeprefix("sound").strip() for line in lines if "channel" in line and ": " in line]
    assert tracks[:3] == [
        "0: en, Commentary, flac, 1 channel, default, beside the film's own sound",
        "1: de, flac, 1 channel",
        "2: en, flac, 6 channels – listened to: no commentary or description, the most channels",
    ]


def test_the_api_tells_the_same_as_the_command(settings: Settings) -> None:
    told = json.loads(shown(settings, "--json"))
    served = create_app(settings)
    detail = served.test_client().get(f"/api/v1/videos/{told['video_id']}").json
    served.extensions["reelseek"].close()
    assert detail["audio_tracks"] == told["audio_tracks"]
    assert [track["chosen"] for track in detail["audio_tracks"]] == [False, False, True]
    assert {key: told["audio_tracks"][0][key] for key in ("language", "title", "kind", "default", "rule")} == {
        "language": "en", "title": "Commentary", "kind": "beside", "default": True, "rule": "",
    }  # fmt: skip


def test_a_setting_names_another_track(settings: Settings) -> None:
    asked = ["--data", str(settings.data), "--set", "ingest.audio_track=de", "show", "Harbour.mkv", "--json"]
    tracks = json.loads(CliRunner().invoke(app, asked).stdout)["audio_tracks"]
    assert [track["rule"] for track in tracks] == ["", "nearest to the wanted language (de)", ""]
