"""Which engine a setting means, decided without importing a model library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from engines import content
from engines.base import BaseEngine
from engines.families import FAMILIES, KINDS
from engines.registry import Engines, resolve
from reelseek.errors import EngineUnavailable, SettingsError
from reelseek.settings import Settings, load_settings

HEAVY = ("torch", "paddle", "ultralytics", "whisper", "transformers", "lancedb", "faster_whisper", "open_clip", "cv2")


def settings_with(data: Path, **engines: Any) -> Settings:
    return load_settings({"data": data, "engines": engines})


def put_openclip(models: Path, name: str, content: bytes = b"weights") -> Path:
    folder = models / "visual" / "openclip" / name
    folder.mkdir(parents=True)
    (folder / "open_clip_config.json").write_text("{}")
    (folder / "open_clip_model.safetensors").write_bytes(content)
    return folder


def test_an_empty_machine_has_the_carried_engines_and_says_what_is_missing(settings: Settings) -> None:
    found = Engines(settings).resolutions()
    assert {kind: value.ref.id if value.ref else None for kind, value in found.items()} == {
        "visual": None,
        "sentence": "minilm:all-MiniLM-L6-v2",
        "speech": "pocketsphinx:en-us",
        "speakers": "resemblyzer:GE2E",
        "sounds": None,
        "screen_text": "paddleocr:PP-OCRv6",
        "objects": None,
        "rerank": None,
        "vlm": None,
    }
    assert found["visual"].state == "off"
    assert found["visual"].fix == "reelseek models pull openclip:MobileCLIP2-S0"
    assert "seen" in found["visual"].loses
    assert found["sentence"].size_bytes > 80_000_000
    assert "not good enough to read" in found["speech"].ref.note  # type: ignore[union-attr]


def test_off_means_off_and_extractive_too(tmp_path: Path) -> None:
    engines = Engines(settings_with(tmp_path, sentence="off", vlm="extractive"))
    assert engines.ref("sentence") is None
    assert engines.sentence() is None
    assert engines.vlm() is None
    assert engines.resolution("sentence").reason == "switched off in the settings"


def test_auto_takes_the_best_weights_that_are_here(settings: Settings) -> None:
    put_openclip(settings.models_path, "mine")
    assert resolve("visual", settings).ref.id == "openclip:mine"  # type: ignore[union-attr]
    put_openclip(settings.models_path, "ViT-B-32")
    put_openclip(settings.models_path, "MobileCLIP2-S0")
    found = resolve("visual", settings)
    assert found.ref is not None
    assert found.ref.id == "openclip:MobileCLIP2-S0"
    assert found.weights == settings.models_path / "visual" / "openclip" / "MobileCLIP2-S0"
    assert "research only" in found.licence


def test_a_named_engine_that_cannot_run_is_an_error_with_the_command_that_helps(tmp_path: Path) -> None:
    engines = Engines(settings_with(tmp_path, visual="openclip:ViT-B-32"))
    assert engines.resolutions()["visual"].state == "missing-weights"
    for ask in (lambda: engines.ref("visual"), engines.visual):
        with pytest.raises(EngineUnavailable, match="reelseek models pull openclip:ViT-B-32"):
            ask()


def test_a_family_of_another_channel_and_a_misspelt_one_are_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Did you mean faster-whisper"):
        resolve("speech", settings_with(tmp_path, speech="fasterwhisper:small"))
    with pytest.raises(SettingsError, match="unknown engine, 'openclip'"):
        resolve("speech", settings_with(tmp_path, speech="openclip:ViT-B-32"))
    with pytest.raises(SettingsError, match="needs a model"):
        resolve("vlm", settings_with(tmp_path, vlm="openai"))


@pytest.mark.parametrize("spelling", ["absolute", "home"])
def test_weights_are_named_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spelling: str) -> None:
    file = tmp_path / "home" / "detectors" / "mine.onnx"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"onnx")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    named = str(file) if spelling == "absolute" else "~/detectors/mine.onnx"
    found = resolve("objects", settings_with(tmp_path / "data", objects=f"yolox:{named}"))
    assert found.weights == file
    assert found.ref is not None
    assert found.ref.id == "onnx:mine"


def test_a_path_of_the_wrong_kind_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    found = resolve("objects", settings_with(tmp_path, objects=f"onnx:{tmp_path / 'notes.txt'}"))
    assert (found.state, "no .onnx file" in found.reason) == ("missing-weights", True)
    found = resolve("visual", settings_with(tmp_path, visual=f"openclip:{tmp_path / 'gone'}"))
    assert "does not exist" in found.reason


def test_a_single_file_is_found_by_name_with_and_without_its_suffix(tmp_path: Path) -> None:
    file = tmp_path / "models" / "objects" / "ultralytics" / "yolo11n" / "yolo11n.pt"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x")
    loose = tmp_path / "models" / "speech" / "whisper" / "tiny.pt"
    loose.parent.mkdir(parents=True)
    loose.write_bytes(b"y")
    for spelling in ("ultralytics:yolo11n", "ultralytics:yolo11n.pt", "ultralytics"):
        assert resolve("objects", settings_with(tmp_path, objects=spelling)).weights == file
    assert resolve("speech", settings_with(tmp_path, speech="whisper:tiny")).weights == loose
    assert resolve("speech", settings_with(tmp_path)).ref.id == "whisper:tiny"  # type: ignore[union-attr]


def test_the_fingerprint_follows_the_bytes_and_not_the_place(settings: Settings, tmp_path: Path) -> None:
    first = put_openclip(settings.models_path, "a", b"weights")
    copy = put_openclip(tmp_path / "elsewhere", "a", b"weights")
    changed = put_openclip(tmp_path / "changed", "a", b"weightz")

    def fingerprint(folder: Path) -> str:
        ref = resolve("visual", settings_with(settings.data, visual=f"openclip:{folder}")).ref
        assert ref is not None
        return ref.fingerprint

    assert fingerprint(first) == fingerprint(copy)
    assert fingerprint(first) != fingerprint(changed)
    before = fingerprint(first)
    for card in ("MODEL.md", "README.md", ".gitattributes", "LICENSE", "NOTICE.txt"):
        (first / card).write_text("For people; no loader reads it.")
    assert fingerprint(first) == before
    (first / "vocab.txt").write_text("a word")
    assert fingerprint(first) != before
    before = fingerprint(first)
    file = first / "open_clip_model.safetensors"
    file.write_bytes(b"WEIGHTS")
    os.utime(file, ns=(1, 1))
    assert fingerprint(first) != before


def test_device_and_threads_leave_the_fingerprint_as_it_is(tmp_path: Path) -> None:
    one, other = (
        resolve("sentence", settings_with(tmp_path, **options)).ref for options in ({}, {"device": "cpu", "threads": 1})
    )
    assert one == other


def test_hashes_are_remembered_and_a_data_folder_that_cannot_be_written_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "weights.bin"
    file.write_bytes(b"x" * 1000)
    data = tmp_path / "data"
    first = content.file_hash(file, data)
    monkeypatch.setattr(content, "_memory", {})
    remembered = json.loads((data / "weights-hashes.json").read_text())
    assert list(remembered.values()) == [first]
    (data / "weights-hashes.json").write_text(json.dumps(dict.fromkeys(remembered, "from memory")))
    assert content.file_hash(file, data) == "from memory"
    monkeypatch.setattr(content, "_memory", {})
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the data folder should be")
    assert content.file_hash(file, blocked / "data") == first


def test_deciding_imports_no_model_library(tmp_path: Path) -> None:
    """In a process of its own: every channel is decided, with weights in place, and nothing heavy is there."""
    put_openclip(tmp_path / "models", "MobileCLIP2-S0")
    code = (
        "import sys; from engines.registry import Engines; from reelseek.settings import load_settings;"
        "found = Engines(load_settings()).resolutions();"
        f"print(found['visual'].state, [name for name in {HEAVY!r} if name in sys.modules])"
    )
    environment = os.environ | {"REELSEEK_DATA": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "ready []"


def test_libraries_are_offline_from_the_first_handle_on(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "YOLO_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import OfflineModeIsEnabled

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    Engines(settings)
    assert os.environ["HF_HUB_OFFLINE"] == os.environ["TRANSFORMERS_OFFLINE"] == "1"
    with pytest.raises(OfflineModeIsEnabled):
        HfApi().model_info("a/b")


def test_a_missing_extra_is_named_with_its_command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    real = importlib.util.find_spec
    absent = ("open_clip", "torch", "paddleocr", "transformers")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in absent else real(name))
    found = Engines(settings).resolutions()
    assert found["visual"].fix == "pip install 'reelseek[clip]'"
    assert "open_clip" in found["visual"].reason
    assert found["screen_text"].ref.id == "rapidocr:PP-OCRv6"  # type: ignore[union-attr]
    with pytest.raises(EngineUnavailable, match=r"reelseek\[vlm\]"):
        Engines(settings_with(settings.data, vlm="transformers:SmolVLM2-500M")).ref("vlm")


def test_weights_that_need_a_further_package_say_so(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "num2words" else real(name))
    (settings.models_path / "vlm" / "transformers" / "SmolVLM2-500M").mkdir(parents=True)
    found = resolve("vlm", settings)
    assert (found.state, found.fix) == ("off", "pip install 'reelseek[vlm]'")
    assert "num2words" in found.reason
    (settings.models_path / "vlm" / "transformers" / "Qwen3-VL-2B").mkdir()
    assert resolve("vlm", settings).ref.id == "transformers:Qwen3-VL-2B"  # type: ignore[union-attr]


def test_every_adapter_in_the_table_exists_and_is_an_engine() -> None:
    import importlib

    for family in FAMILIES:
        module, _, name = family.target.partition(":")
        assert issubclass(getattr(importlib.import_module(module), name), BaseEngine), family.target
        assert family.kind in KINDS


class _Recorder(BaseEngine):
    """Counts how often it is loaded and unloaded."""

    loaded = 0
    closed = 0

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        type(self).loaded += 1

    def close(self) -> None:
        type(self).closed += 1


def test_an_engine_is_loaded_once_per_process_and_unloaded_by_its_last_user(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    import engines.minilm
    import engines.registry

    # other tests of this process may hold engines in the shared pool
    monkeypatch.setattr(engines.registry, "_pool", engines.registry._Pool())
    monkeypatch.setattr(engines.minilm, "MiniLmEngine", _Recorder)
    monkeypatch.setattr(_Recorder, "loaded", 0)
    monkeypatch.setattr(_Recorder, "closed", 0)
    one, two = Engines(settings), Engines(settings)
    got: list[object] = []
    threads = [
        threading.Thread(target=lambda handle=handle: got.append(handle.sentence())) for handle in (one, two) * 8
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(engine) for engine in got}) == 1
    assert _Recorder.loaded == 1
    one.close()
    assert _Recorder.closed == 0
    two.close()
    assert _Recorder.closed == 1
    assert one.sentence() is not None
    assert _Recorder.loaded == 2
    one.close()


def test_the_demo_models_serve_only_where_they_are_asked_for_and_nothing_real_is_here(tmp_path: Path) -> None:
    pytest.importorskip("demo")
    plain = resolve("objects", settings_with(tmp_path))
    assert plain.ref is None
    found = resolve("objects", settings_with(tmp_path, demo_models=True))
    if not (Path(__file__).parents[2] / "demo" / "models" / "yolo" / "demo.onnx").is_file():
        pytest.skip("the demo's models are not made yet")
    assert found.ref is not None
    assert found.ref.id == "onnx:demo"
    assert found.ref.note == "knows only the demo's drawn scenes"
    put_openclip(tmp_path / "models", "mine")
    assert resolve("visual", settings_with(tmp_path, demo_models=True)).ref.id == "openclip:mine"  # type: ignore[union-attr]
