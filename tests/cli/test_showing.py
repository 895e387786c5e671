"""`reelseek show`, and the API's detail: the sound tracks and subtitles of a real file, and which of them are used."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.commands import app
from reelseek.settings import Settings, load_settings
from tests.support.odd_media import film
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
    for language, words in (("en", "the copper lantern is lit"), ("de", "die Laterne brennt"), ("de.forced", "Hafen")):
        (folder / f"Harbour.{language}.srt").write_text(
            f"1\n00:00:00,200 --> 00:00:01,800\n{words}\n", encoding="utf-8"
        )
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
    assert detail["subtitle_tracks"] == told["subtitle_tracks"]
    assert [track["file"] for track in detail["subtitle_tracks"] if track["chosen"]] == ["Harbour.en.srt"]
    assert [track["chosen"] for track in detail["audio_tracks"]] == [False, False, True]
    assert {key: told["audio_tracks"][0][key] for key in ("language", "title", "kind", "default", "rule")} == {
        "language": "en", "title": "Commentary", "kind": "beside", "default": True, "rule": "",
    }  # fmt: skip


def test_a_setting_names_another_track(settings: Settings) -> None:
    asked = ["--data", str(settings.data), "--set", "ingest.audio_track=de", "show", "Harbour.mkv", "--json"]
    tracks = json.loads(CliRunner().invoke(app, asked).stdout)["audio_tracks"]
    assert [track["rule"] for track in tracks] == ["", "nearest to the wanted language (de)", ""]


def test_subtitles_are_shown_with_those_that_the_words_come_from(settings: Settings) -> None:
    text = shown(settings)
    lines = [line.removeprefix("subtitles").strip() for line in text.splitlines()]
    assert [line for line in lines if ".srt" in line] == [
        "Harbour.de.forced.srt: de, forced",
        "Harbour.de.srt: de",
        "Harbour.en.srt: en – the words come from it",
    ]


def test_a_text_track_inside_the_file_is_shown_as_the_source(tmp_path: Path) -> None:
    words = tmp_path / "words.srt"
    words.write_text("1\n00:00:00,200 --> 00:00:01,800\nthe tide comes in\n", encoding="utf-8")
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=300:d=2", "-i", str(words), "-i", str(words)]
    command += ["-map", "0", "-map", "1", "-map", "2", "-metadata:s:s:0", "language=ger", "-c:a", "flac"]
    command += ["-metadata:s:s:1", "language=eng", "-disposition:s:1", "default", str(tmp_path / "harbour.mkv")]
    subprocess.run(command, check=True)
    settings = load_settings({"data": tmp_path / "data", "engines": OFF})
    with Workspace.open(settings) as workspace:
        assert index_file(workspace, tmp_path / "harbour.mkv").state == "indexed"
    tracks = json.loads(shown(settings, "--json"))["subtitle_tracks"]
    assert [(track["index"], track["language"], track["chosen"]) for track in tracks] == [
        (1, "de", False), (2, "en", True),
    ]  # fmt: skip


def test_a_clock_that_jumps_back_is_told(tmp_path: Path) -> None:
    one = film(tmp_path / "one.ts").read_bytes()
    path = tmp_path / "Harbour.ts"
    path.write_bytes(one + one)
    settings = load_settings({"data": tmp_path / "data", "engines": OFF})
    off = [part for name in OFF for part in ("--set", f"engines.{name}=off")]
    told = CliRunner().invoke(app, ["--data", str(settings.data), *off, "index", str(path)])
    assert told.exit_code == 0
    served = create_app(settings)
    client = served.test_client()
    address = f"videos/{json.loads(shown(settings, '--json'))['video_id']}"
    damage = client.get(f"/api/v1/{address}").json["damage"]
    page = client.get(f"/{address}").text
    served.extensions["reelseek"].close()
    for said in (told.output, shown(settings), damage, page):
        assert "its clock jumps back" in said
