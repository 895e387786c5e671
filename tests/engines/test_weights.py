"""Weights are listed, fetched from a hub on this machine that speaks the real protocol, and checked."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engines.content import folder_files
from engines.lock import read_lock
from engines.pull import pull
from engines.registry import Engines, resolve
from engines.weights import verify, weights_table
from reelseek.errors import SettingsError, WeightsError
from reelseek.settings import Settings, load_settings
from tests.support.hub_server import HubServer

REPO = "someone/tiny-clip"
WEIGHTS = "open_clip_model.safetensors"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    server = HubServer()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
    yield server
    server.close()


def files(weights: bytes = os.urandom(3_500_000)) -> dict[str, bytes]:
    return {
        "open_clip_config.json": b'{"model_cfg": {}}',
        WEIGHTS: weights,
        "tokenizer.json": b"{}",
        "README.md": b"not wanted",
        "../outside.json": b"never written",
    }


def here(settings: Settings) -> list[str]:
    return [file.relative_to(settings.models_path).as_posix() for file in folder_files(settings.models_path)]


def test_pulled_weights_are_found_loaded_and_used(hub: HubServer, settings: Settings, tmp_path: Path) -> None:
    """From an empty machine to vectors: pull from the hub, `auto` picks it, OpenCLIP loads it."""
    pytest.importorskip("open_clip")
    from tests.support.checkpoints import plain_picture, write_openclip

    source = write_openclip(tmp_path / "source", fitted=False)
    commit = hub.add(REPO, {file.name: file.read_bytes() for file in folder_files(source)})
    engines = Engines(settings)  # from now on this process is offline, and the pull must work all the same
    assert engines.ref("visual") is None
    seen: list[tuple[str, int, int]] = []
    done = pull([f"openclip:{REPO}"], settings, lambda _, file, now, size: seen.append((file, now, size)))
    assert [(item.state, item.commit) for item in done] == [("pulled", commit)]
    assert seen[-1][1] == seen[-1][2] > 0
    engines = Engines(settings)
    assert engines.resolution("visual").ref.id == f"openclip:{REPO}"  # type: ignore[union-attr]
    encoder = engines.visual()
    assert encoder is not None
    assert encoder.encode_images([plain_picture("red")]).shape == (1, encoder.dimension)
    engines.close()
    row = next(row for row in weights_table(settings) if row.in_use and row.channel == "visual")
    assert (row.present, row.usable, row.pinned, row.source) == (True, True, True, f"{REPO}@{commit[:12]}")


def test_a_cut_connection_is_continued(hub: HubServer, settings: Settings) -> None:
    hub.add(REPO, files())
    hub.cuts[WEIGHTS] = [2_500_000]
    pull([f"openclip:{REPO}"], settings)
    assert hub.ranges("/store/") == ["", "bytes=2097152-"]
    assert [item.state for item in verify(settings) if item.engine == "openclip"] == ["ok"]


def test_a_pull_that_was_killed_leaves_nothing_half_present_and_the_next_goes_on(
    hub: HubServer, settings: Settings, tmp_path: Path
) -> None:
    hub.add(REPO, files())
    hub.hold.add(WEIGHTS)
    code = (
        "from engines.pull import pull; from reelseek.settings import load_settings;"
        f"pull(['openclip:{REPO}'], load_settings())"
    )
    environment = os.environ | {"REELSEEK_DATA": str(settings.data)}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, start_new_session=True)
    assert hub.blocked.wait(60)
    part = settings.models_path / ".partial" / f"visual--openclip--{REPO.replace('/', '--')}" / ".parts"
    while not any(file.stat().st_size for file in part.glob("*")):
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert resolve("visual", settings).state == "off"
    assert not (settings.models_path / "visual").exists()
    hub.hold.clear()
    hub.log.clear()
    pull([f"openclip:{REPO}"], settings)
    assert hub.ranges("/store/")[0].startswith("bytes=")
    assert resolve("visual", settings).state == "ready"
    assert not any(settings.models_path.glob(".partial/*"))


def test_a_wrong_checksum_is_refused(hub: HubServer, settings: Settings) -> None:
    hub.add(REPO, files())
    hub.corrupt.add(WEIGHTS)
    with pytest.raises(WeightsError, match="wrong checksum"):
        pull([f"openclip:{REPO}"], settings)
    assert resolve("visual", settings).state == "off"
    assert not (settings.models_path / "visual").exists()
    hub.corrupt.clear()
    hub.corrupt.add("tokenizer.json")  # small files carry git's hash instead
    with pytest.raises(WeightsError, match=r"tokenizer\.json arrived with a wrong checksum"):
        pull([f"openclip:{REPO}"], settings)
    hub.corrupt.clear()
    assert pull([f"openclip:{REPO}"], settings)[0].state == "pulled"


def test_a_hub_whose_weights_are_not_the_known_ones_is_refused(hub: HubServer, settings: Settings) -> None:
    """The commit is right and so is the hub's own checksum, but the table knows another one."""
    from engines.families import find_family

    family = find_family("ultralytics")
    assert family is not None
    known = family.known("yolo11n")
    assert known is not None
    hub.add("Ultralytics/YOLO11", {"yolo11n.pt": b"evil"})
    repository = hub.repositories["Ultralytics/YOLO11"]
    repository.commits[known.parts[0].revision] = repository.commits[repository.main]
    with pytest.raises(WeightsError, match=r"offers another Ultralytics/YOLO11/yolo11n\.pt"):
        pull(["objects"], settings)
    assert here(settings) == []


def test_no_hub(hub: HubServer, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    url = hub.url
    hub.down = True
    with pytest.raises(WeightsError, match="answered 503"):
        pull(["visual"], settings)
    hub.down = False
    with pytest.raises(WeightsError, match="has no timm/MobileCLIP2-S0-OpenCLIP@095906d"):
        pull(["visual"], settings)
    hub.close()
    with pytest.raises(WeightsError) as caught:
        pull(["visual"], settings)
    assert url in caught.value.message
    assert "MobileCLIP2-S0-OpenCLIP" in caught.value.message
    assert str(settings.models_path / "visual" / "openclip" / "MobileCLIP2-S0") in caught.value.hint
    assert caught.value.exit_code == 7


def test_a_repository_without_the_wanted_files_is_refused_before_anything_is_fetched(
    hub: HubServer, settings: Settings
) -> None:
    hub.add(REPO, {"README.md": b"hello"})
    with pytest.raises(WeightsError, match=r"no file open_clip_config\.json"):
        pull([f"openclip:{REPO}"], settings)
    assert not [path for _, path, _ in hub.log if "resolve" in path]


def test_later_pulls_hold_to_the_recorded_commit(hub: HubServer, settings: Settings) -> None:
    first = hub.add(REPO, files(b"first" * 100))
    pull([f"openclip:{REPO}"], settings)
    second = hub.add(REPO, files(b"second" * 100))
    assert pull([f"openclip:{REPO}"], settings)[0].state == "present"
    place = settings.models_path / "visual" / "openclip" / REPO.replace("/", "--")
    (place / WEIGHTS).write_bytes(b"damaged")
    again = pull([f"openclip:{REPO}"], settings)[0]
    assert (again.state, again.commit) == ("pulled", first)
    assert (place / WEIGHTS).read_bytes() == b"first" * 100
    assert pull([f"openclip:{REPO}"], settings, update=True)[0].commit == second
    assert (place / WEIGHTS).read_bytes() == b"second" * 100
    named = pull([f"openclip:{REPO}@{first}"], settings)[0]
    assert (named.state, named.commit) == ("pulled", first)


def test_the_hub_changing_a_commit_under_our_feet_is_refused(hub: HubServer, settings: Settings) -> None:
    commit = hub.add(REPO, files(b"first" * 100))
    pull([f"openclip:{REPO}"], settings)
    hub.repositories[REPO].commits[commit] = files(b"other" * 100)
    place = settings.models_path / "visual" / "openclip" / REPO.replace("/", "--")
    (place / WEIGHTS).unlink()
    with pytest.raises(WeightsError, match="offers another"):
        pull([f"openclip:{REPO}"], settings)


def test_only_wanted_files_arrive_and_the_record_says_what_they_are(hub: HubServer, settings: Settings) -> None:
    commit = hub.add(REPO, files(b"w" * 50))
    pull([f"openclip:{REPO}"], settings)
    folder = f"visual/openclip/{REPO.replace('/', '--')}"
    assert here(settings) == [
        *(f"{folder}/{name}" for name in ("open_clip_config.json", WEIGHTS, "tokenizer.json")),
        "weights.lock.json",
    ]
    record = read_lock(settings.models_path)[folder]
    assert dict(record.requested) == {REPO: "main"}
    assert dict(record.commits) == {REPO: commit}
    assert record.files[WEIGHTS].sha256 == hashlib.sha256(b"w" * 50).hexdigest()
    assert not list(settings.data.parent.glob("**/outside.json"))


def test_two_repositories_make_one_set(hub: HubServer, settings: Settings) -> None:
    for part in ("det", "rec"):
        contents = {
            name: f"{part} {name}".encode() for name in ("inference.json", "inference.pdiparams", "inference.yml")
        }
        hub.add(f"PaddlePaddle/PP-OCRv5_mobile_{part}", contents)
    pull(["paddleocr-native:PP-OCRv5_mobile"], settings)
    found = resolve(
        "screen_text", load_settings({"data": settings.data, "engines": {"screen_text": "paddleocr-native"}})
    )
    assert found.weights is not None
    assert (found.weights / "rec" / "inference.yml").read_bytes() == b"rec inference.yml"
    assert (found.weights / "det" / "inference.yml").read_bytes() == b"det inference.yml"


def test_verify_finds_damage_that_left_size_and_time_alone(hub: HubServer, settings: Settings) -> None:
    hub.add(REPO, files(b"w" * 50))
    pull([f"openclip:{REPO}"], settings)
    file = settings.models_path / "visual" / "openclip" / REPO.replace("/", "--") / WEIGHTS
    stat = file.stat()
    file.write_bytes(b"w" * 49 + b"x")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    found = [item for item in verify(settings) if item.engine == "openclip"]
    assert [(item.state, item.detail) for item in found] == [("damaged", f"{WEIGHTS} has a wrong checksum")]
    assert pull([f"openclip:{REPO}"], settings)[0].state == "pulled"
    assert [item.state for item in verify(settings) if item.engine == "openclip"] == ["ok"]


def test_verify_holds_packages_to_their_record_and_files_put_by_hand_to_the_table(settings: Settings) -> None:
    whisper = settings.models_path / "speech" / "whisper" / "tiny.pt"
    whisper.parent.mkdir(parents=True)
    whisper.write_bytes(b"not what OpenAI published")
    mine = settings.models_path / "visual" / "openclip" / "mine"
    mine.mkdir(parents=True)
    (mine / WEIGHTS).write_bytes(b"x")
    found = {f"{item.engine}:{item.name}": item for item in verify(settings)}
    assert found["minilm:all-MiniLM-L6-v2"].state == "ok"
    assert found["minilm:all-MiniLM-L6-v2"].files >= 5
    assert found["rapidocr:PP-OCRv6"].state == "ok"
    assert found["whisper:tiny"].state == "damaged"
    assert found["openclip:mine"].state == "unrecorded"


def test_what_cannot_be_fetched_says_where_to_put_it(settings: Settings) -> None:
    with pytest.raises(WeightsError, match=r"whisper.*tiny.*by hand"):
        pull(["whisper:tiny"], settings)
    with pytest.raises(WeightsError, match="nothing to fetch"):
        pull(["rapidocr"], settings)
    with pytest.raises(SettingsError, match="neither a channel nor an engine"):
        pull(["pictures"], settings)
