"""From a machine without weights to moments found by pulled ones: the whole way through the command line."""

from __future__ import annotations

import json
from pathlib import Path

from bench.truth import demo_folder
from tests.support.command import ROOT, run_reelseek
from tests.support.hub_server import HubServer

REPO = "someone/drawn-scenes-clip"
LIGHT = ("--set", "engines.screen_text=off", "--set", "engines.speech=off", "--set", "engines.objects=off")


def test_weights_pulled_from_a_hub_index_and_find_what_was_off_before(tmp_path: Path) -> None:
    data, film = tmp_path / "data", str(demo_folder() / "shapes-silent.mp4")
    before = run_reelseek(*LIGHT, "index", film, "--json", data=data)
    stages = {stage["name"]: stage["state"] for stage in json.loads(before.stdout)["files"][0]["stages"]}
    assert stages["visual"] == "off"

    hub = HubServer()
    try:
        weights = ROOT / "demo" / "models" / "openclip"
        hub.add(REPO, {file.name: file.read_bytes() for file in weights.iterdir()})
        environment = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf-home")}
        pulled = run_reelseek("models", "pull", f"openclip:{REPO}", data=data, environment=environment)
        assert pulled.returncode == 0, pulled.stderr
    finally:
        hub.close()

    after = run_reelseek(*LIGHT, "index", film, "--json", data=data)
    file = json.loads(after.stdout)["files"][0]
    stages = {stage["name"]: stage["state"] for stage in file["stages"]}
    assert (file["state"], stages["visual"], stages["frames"]) == ("indexed", "done", "reused")
    found = json.loads(run_reelseek(*LIGHT, "search", "two red circles", "--json", data=data).stdout)
    assert found["channels"]["visual"] == f"openclip:{REPO}"
    assert (found["moments"][0]["start"], found["moments"][0]["end"]) == (0.0, 7.0)
