"""Objects by any words, asked for at query time: YOLO-World with the text encoder that it was trained with.

The library is AGPL-3.0 and comes with the extra `yolo`; the text encoder runs in OpenCLIP, extra `clip`. Ultralytics'
own way to encode words needs a package that no registry has and downloads weights; here both are files.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from reelseek.errors import EngineUnavailable
from reelseek.records import Detection, EngineRef, Image
from reelseek.setting_groups import EngineSettings

from .base import require
from .detections import CONFIDENCE
from .loading import loading, present
from .openclip import OpenClipEngine
from .ultralytics_engine import UltralyticsEngine

TEXT_ENCODER = "text_encoder"
"""What the text encoder is called beside the weights: a folder as OpenCLIP saves one, or a file with its suffix."""


class OpenVocabularyEngine(UltralyticsEngine):
    """YOLO-World weights (`.pt`) that are told what to look for with each call.

    Args:
        ref: identity.
        weights: the file; beside it lies `text_encoder`, which for the published weights is OpenAI's ViT-B/32.
        settings: device, threads, batch size.

    Raises:
        EngineUnavailable: an extra, the file or its text encoder is missing, the file is no YOLO-World, or the encoder
            is of another width.
    """

    def __init__(self, ref: EngineRef, weights: Path | None, settings: EngineSettings) -> None:
        path = present(weights, "open-vocabulary")
        encoder = _beside(path)
        super().__init__(ref, path, settings)
        network = self._model.model
        if type(network).__name__ != "WorldModel":
            raise EngineUnavailable(
                f"{path.name} takes no words: it is a {type(network).__name__}, not a YOLO-World.",
                hint="Set engines.open_vocabulary to YOLO-World weights (.pt).",
            )
        self._told = threading.Lock()
        words = EngineRef(f"openclip:ViT-B-32/{encoder.name}", ref.fingerprint)
        self._words = OpenClipEngine(words, encoder, settings)
        width = int(network.txt_feats.shape[-1])
        if self._words.dimension != width:
            raise EngineUnavailable(
                f"The text encoder {encoder} makes {self._words.dimension} numbers, {path.name} takes {width}.",
                hint="Use the text encoder that it was trained with: OpenAI's ViT-B/32 for the published weights.",
            )

    def detect_labels(
        self, images: Sequence[Image], labels: Sequence[str], *, least: float = CONFIDENCE
    ) -> list[tuple[Detection, ...]]:
        """Detect what the labels name; any words will do. Most confident first; thread-safe."""
        if not labels or not images:
            return [()] * len(images)
        with self._told:
            self._tell(list(labels))
            return self.detect(images, least=least)

    def _tell(self, labels: list[str]) -> None:
        """Make these the model's vocabulary, as its `set_classes` does."""
        if tuple(labels) == self._labels:
            return
        torch = require("torch", "yolo")
        network = self._model.model
        with loading(present(self.weights, "open-vocabulary"), "open-vocabulary"):
            network.txt_feats = torch.from_numpy(self._words.encode_texts(labels))[None].to(network.txt_feats.device)
            network.model[-1].nc = len(labels)
            network.names = dict(enumerate(labels))
            self._model.predictor = None  # it keeps a copy of the network that knows the labels before
        self._labels = tuple(labels)


def _beside(weights: Path) -> Path:
    """The text encoder of some weights.

    Raises:
        EngineUnavailable: there is none.
    """
    found = [path for path in sorted(weights.parent.glob(f"{TEXT_ENCODER}*")) if path.stem == TEXT_ENCODER]
    if found:
        return found[0]
    raise EngineUnavailable(
        f"The open-vocabulary detector {weights.name} needs the text encoder that it was trained with.",
        hint=f"Put OpenAI's ViT-B/32, as an OpenCLIP folder or file, at {weights.parent / TEXT_ENCODER}.",
    )
