"""Train the demo's object detector on drawn scenes: `python -m demo.train_yolo`.

A YOLO11 narrower than Ultralytics' smallest, trained by Ultralytics from nothing and exported to ONNX by it. What its
trainer makes is under its licence, the AGPL-3.0; nothing else of the project depends on the file.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import tempfile
from pathlib import Path
from typing import Any

from demo.drawing import KINDS
from demo.scenes import Picture, draw_scene, random_scene

OUTPUT = Path(__file__).parent / "models" / "yolo" / "demo.onnx"
SIDE = 192
_FRAMES = ((320, 180), (320, 180), (320, 180), (240, 180), (180, 320))
_ARCHITECTURE = "yolo11.yaml"
_SCALE = [0.34, 0.2, 320]
"""Depth, width and most channels; Ultralytics' own smallest is 0.5, 0.25, 1024."""


def detector_picture(rng: random.Random) -> Picture:
    """A freshly drawn scene as the detector is trained and measured on."""
    return draw_scene(random_scene(rng), rng.choice(_FRAMES), rng.getrandbits(48), scale=rng.uniform(0.8, 1.35))


def write_dataset(folder: Path, split: str, count: int, seed: int) -> None:
    """Write `count` pictures with their label files in Ultralytics' layout."""
    rng = random.Random(seed)
    (folder / "images" / split).mkdir(parents=True, exist_ok=True)
    (folder / "labels" / split).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        picture = detector_picture(rng)
        picture.image.save(folder / "images" / split / f"{number:05d}.jpg", quality=rng.randint(40, 92))
        lines = []
        for item in picture.items:
            left, top, right, bottom = (min(1.0, max(0.0, edge)) for edge in item.box)
            values = ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
            lines.append(" ".join([str(KINDS.index(item.kind)), *(f"{value:.5f}" for value in values)]))
        (folder / "labels" / split / f"{number:05d}.txt").write_text("\n".join(lines), encoding="utf-8")


def write_dataset_file(folder: Path) -> Path:
    """Write the file that tells Ultralytics where the pictures are and what the classes are called."""
    names = "\n".join(f"  {index}: {kind}" for index, kind in enumerate(KINDS))
    path = folder / "scenes.yaml"
    path.write_text(f"path: {folder}\ntrain: images/train\nval: images/val\nnames:\n{names}\n", encoding="utf-8")
    return path


def keep_offline(folder: Path) -> None:
    """Let Ultralytics keep its settings in `folder` and look for nothing on the network; call before it is imported."""
    os.environ.update(YOLO_CONFIG_DIR=str(folder), YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false")
    from matplotlib import get_data_path

    # It fetches this font, for plots that are not made here, unless a file of that name is there.
    font = Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    for place in (folder, folder / "Ultralytics"):
        place.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(font, place / "Arial.ttf")


def _narrow_model(folder: Path) -> Path:
    """The package's own architecture at our scale, as a file that it reads."""
    from ultralytics.nn.tasks import yaml_model_load
    from ultralytics.utils import YAML

    architecture: dict[str, Any] = yaml_model_load(_ARCHITECTURE)
    architecture |= {"nc": len(KINDS), "scales": {"demo": _SCALE}, "scale": "demo"}
    path = folder / "yolo11demo.yaml"
    YAML.save(path, architecture)
    return path


def train(args: argparse.Namespace) -> None:
    """Draw, train, export; `args` as `parser` makes them."""
    work = Path(args.work) if args.work else Path(tempfile.mkdtemp(prefix="demo-yolo-"))
    work.mkdir(parents=True, exist_ok=True)
    keep_offline(work / "settings")
    import torch
    from ultralytics import YOLO

    torch.set_num_threads(args.threads)
    for split, count, seed in (("train", args.pictures, args.seed), ("val", args.held_out, args.seed + 1_000_003)):
        write_dataset(work, split, count, seed)
    model = YOLO(str(_narrow_model(work)), task="detect")
    model.train(
        data=str(write_dataset_file(work)),
        imgsz=SIDE,
        epochs=args.epochs,
        batch=args.batch,
        device="cpu",
        workers=0,
        seed=args.seed,
        project=str(work),
        name="run",
        exist_ok=True,
        # No downloads: no pretrained weights, no weights for the mixed-precision check, no plots with fetched fonts.
        pretrained=False,
        amp=False,
        plots=False,
        cache="ram",
        val=False,
        optimizer="AdamW",
        lr0=0.002,
        lrf=0.02,
        warmup_epochs=1,
        close_mosaic=max(2, args.epochs // 4),
        hsv_h=0.0,
        hsv_s=0.2,
        hsv_v=0.2,
        mosaic=0.5,
        erasing=0.0,
    )
    best = YOLO(str(work / "run" / "weights" / "last.pt"))
    results = best.val(data=str(work / "scenes.yaml"), imgsz=SIDE, device="cpu", workers=0, plots=False)
    print(f"held-out mAP50 {results.box.map50:.3f} mAP50-95 {results.box.map:.3f}")
    exported = best.export(format="onnx", imgsz=SIDE, opset=17, simplify=False, device="cpu")
    args.output.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(exported, args.output)
    print(f"wrote {args.output}")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m demo.train_yolo", description="Train the demo's object detector.")
    made.add_argument("--output", type=Path, default=OUTPUT, help="ONNX file to write (default: %(default)s)")
    made.add_argument("--work", default="", help="folder for pictures and runs (default: a temporary one)")
    made.add_argument("--pictures", type=int, default=2600, help="pictures to train on")
    made.add_argument("--held-out", type=int, default=250, help="pictures to measure on")
    made.add_argument("--epochs", type=int, default=8)
    made.add_argument("--batch", type=int, default=32)
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--threads", type=int, default=2)
    return made


if __name__ == "__main__":
    train(parser().parse_args())
