"""The demo's models, loaded by the libraries in whose formats they are, know the demo's scenes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from demo.drawing import KINDS
from demo.scenes import as_array, draw_scene
from demo.train_yolo import detector_picture
from engines.ultralytics_engine import import_ultralytics
from tests.support.checkpoints import needs_ultralytics
from tests.support.demo_frames import DEMO, VIDEOS, frames, load_truth

CLIP_FOLDER = DEMO / "models" / "openclip"
YOLO_FILE = DEMO / "models" / "yolo" / "demo.onnx"


class Clip:
    """The demo's OpenCLIP model, loaded by open_clip from its folder."""

    def __init__(self) -> None:
        import open_clip
        import torch

        self.torch = torch
        name = f"local-dir:{CLIP_FOLDER}"
        self.model, _, self.preprocess = open_clip.create_model_and_transforms(name)
        self.tokenizer = open_clip.get_tokenizer(name)
        self.model.eval()

    def images(self, pictures: list[Image.Image]) -> Any:
        with self.torch.no_grad():
            return self.model.encode_image(
                self.torch.stack([self.preprocess(p) for p in pictures]), normalize=True
            ).numpy()

    def texts(self, texts: list[str]) -> Any:
        with self.torch.no_grad():
            return self.model.encode_text(self.tokenizer(texts), normalize=True).numpy()


@pytest.fixture(scope="module")
def clip() -> Clip:
    pytest.importorskip("open_clip")
    return Clip()


@pytest.fixture(scope="module")
def video_frames() -> list[tuple[str, float, Image.Image]]:
    """A picture of every video every two seconds, as it comes out of the decoder."""
    return [
        (path.name, time, Image.fromarray(picture))
        for path in sorted(VIDEOS.iterdir())
        if path.suffix in (".mp4", ".mkv")
        for time, picture in frames(path, 2.0)
    ]


def test_every_seen_query_finds_its_moment_among_all_frames_of_all_videos(
    clip: Clip, video_frames: list[tuple[str, float, Image.Image]]
) -> None:
    truths = [truth for truth in load_truth() if truth.kind == "seen"]
    scores = clip.texts([truth.query for truth in truths]) @ clip.images([p for _, _, p in video_frames]).T
    missed = {}
    for truth, row in zip(truths, scores, strict=True):
        video, time, _ = video_frames[int(row.argmax())]
        if not truth.accepts(video, time):
            missed[truth.query] = (video, time)
    assert missed == {}


def test_freshly_drawn_counts_colours_and_kinds_are_told_apart(clip: Clip) -> None:
    from demo.captions import class_captions

    rng = random.Random(77)
    classes = class_captions()
    pictures = [draw_scene(scene, (640, 360), rng.getrandbits(48)).image for _, scene in classes]
    scores = clip.texts([text for text, _ in classes]) @ clip.images(pictures).T
    assert len(classes) > 250
    assert (scores.argmax(1) == np.arange(len(classes))).mean() >= 0.8


def test_words_that_no_caption_has_change_little(clip: Clip) -> None:
    plain, wordy, other = clip.texts(["two red circles", "please, two red circles", "three green stars"])
    assert plain @ wordy > 0.8
    assert plain @ wordy > plain @ other + 0.3


def test_words_about_other_things_score_below_every_true_query(
    clip: Clip, video_frames: list[tuple[str, float, Image.Image]]
) -> None:
    pictures = clip.images([picture for _, _, picture in video_frames])
    truths = [truth.query for truth in load_truth() if truth.kind == "seen"]
    foreign = ["a giraffe", "three brown dogs", "the budget for next year", "export the file", "who wrote the letter"]
    true_scores = (clip.texts(truths) @ pictures.T).max(axis=1)
    assert (clip.texts(foreign) @ pictures.T).max() < true_scores.min()


def test_the_folder_is_small_and_half_precision() -> None:
    from safetensors import safe_open

    with safe_open(str(CLIP_FOLDER / "open_clip_model.safetensors"), "np") as file:
        kinds = {str(file.get_slice(name).get_dtype()) for name in file.keys()}  # noqa: SIM118 (no mapping)
    assert kinds <= {"F16", "I64"}
    assert (CLIP_FOLDER / "MODEL.md").is_file()


@pytest.fixture(scope="module")
def yolo() -> Any:
    needs_ultralytics()
    return import_ultralytics().YOLO(str(YOLO_FILE), task="detect")


def counts(model: Any, picture: np.ndarray) -> dict[str, int]:
    """Objects of each kind that the detector finds in an RGB picture."""
    result = model.predict(Image.fromarray(picture), imgsz=192, conf=0.4, verbose=False, device="cpu")[0]
    found = [result.names[int(index)] for index in result.boxes.cls]
    return {kind: found.count(kind) for kind in set(found)}


def test_the_detector_names_its_classes_in_its_file() -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(YOLO_FILE), providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert metadata["names"] == str(dict(enumerate(KINDS)))
    assert session.get_outputs()[0].shape[1] == 4 + len(KINDS)
    assert "AGPL-3.0" in (YOLO_FILE.parent / "MODEL.md").read_text(encoding="utf-8")


def test_the_detector_counts_what_is_drawn(yolo: Any) -> None:
    rng = random.Random(55)
    right = 0
    for _ in range(60):
        picture = detector_picture(rng)
        drawn = [item.kind for item in picture.items]
        right += counts(yolo, as_array(picture.image)) == {kind: drawn.count(kind) for kind in set(drawn)}
    assert right >= 48


def test_present_queries_are_answered_by_the_detector_in_the_videos(yolo: Any) -> None:
    for truth in (truth for truth in load_truth() if truth.kind == "present"):
        label, least = truth.query.removeprefix("object:").split(">=")
        span = truth.moment
        shown = [
            counts(yolo, picture).get(label, 0)
            for time, picture in frames(Path(VIDEOS / span.video), 1.5)
            if span.start <= time < span.end
        ]
        assert np.mean(np.array(shown) >= int(least)) > 0.7, truth
